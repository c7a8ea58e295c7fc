/* No argument can crash the library: what options, photos, jobs and callbacks refuse, which is NULL, invalid UTF-8, unknown values and
 * zero lengths. */
#include "refused.h"

#define REFUSES_TEXT(function, options)                                                                                \
  do {                                                                                                                 \
    REFUSED(function(NULL, "x", error));                                                                               \
    REFUSED(function(options, NULL, error));                                                                           \
    REFUSED(function(options, BAD, error));                                                                            \
  } while (0)

static void options(void) {
  xiezhen_client_options *client = xiezhen_client_options_new();
  REFUSES_TEXT(xiezhen_client_options_set_base_url, client);
  REFUSES_TEXT(xiezhen_client_options_set_app_code, client);
  REFUSES_TEXT(xiezhen_client_options_set_app_key, client);
  REFUSES_TEXT(xiezhen_client_options_set_app_secret, client);
  REFUSES_TEXT(xiezhen_client_options_set_ca_file, client);
  REFUSES_TEXT(xiezhen_client_options_set_proxy, client);
  REFUSES_TEXT(xiezhen_client_options_set_stage, client);
  REFUSED(xiezhen_client_options_add_header(NULL, "X-Own", "x", error));
  REFUSED(xiezhen_client_options_add_header(client, NULL, "x", error));
  REFUSED(xiezhen_client_options_add_header(client, "X-Own", BAD, error));
  REFUSED(xiezhen_client_options_set_timeout_ms(NULL, 1, error));
  REFUSED(xiezhen_client_options_set_connect_timeout_ms(NULL, 1, error));
  REFUSED(xiezhen_client_options_set_max_retries(NULL, 1, error));
  REFUSED(xiezhen_client_options_set_requests_per_second(NULL, 1, error));
  REFUSED(xiezhen_client_options_set_upload_concurrency(NULL, 1, error));
  REFUSED(xiezhen_client_options_set_max_photo_bytes(NULL, 1, error));
  REFUSED(xiezhen_client_options_set_training_schedule(NULL, 1, 1, 1, error));
  REFUSED(xiezhen_client_options_set_generation_schedule(NULL, 1, 1, 1, error));
  REFUSED(xiezhen_client_options_set_allow_http(NULL, true, error));
  REFUSED(xiezhen_client_options_set_prepare_photos(NULL, true, error));
  REFUSED(xiezhen_client_options_set_max_pictures(NULL, 1, error));
  REFUSED(xiezhen_client_options_set_allow_private_results(NULL, true, error));
  REFUSED(xiezhen_client_options_set_require_https_results(NULL, true, error));
  REFUSED(xiezhen_client_options_set_on_log(NULL, XIEZHEN_LOG_LEVEL_INFO, NULL, NULL, error));
  REFUSED(xiezhen_client_options_set_on_log(client, 0, NULL, NULL, error));
  REFUSED(xiezhen_client_options_set_on_log(client, 77, NULL, NULL, error));
  xiezhen_client_options_free(client);

  /* What is out of range is said when the client is made, all of it at once. */
  client = quick_options("arguments");
  OK(xiezhen_client_options_set_requests_per_second(client, NAN, error));
  OK(xiezhen_client_options_set_timeout_ms(client, 0, error));
  OK(xiezhen_client_options_set_connect_timeout_ms(client, XIEZHEN_NONE, error));
  OK(xiezhen_client_options_set_training_schedule(client, 0, -1.0, UINT64_MAX, error));
  xiezhen_client *made = NULL;
  xiezhen_error *error = NULL;
  CHECK(xiezhen_client_new(client, &made, &error) == XIEZHEN_INVALID_ARGUMENT && !made);
  CHECK(xiezhen_error_problem_count(error) == 4);
  xiezhen_error_free(error);
  REFUSED(xiezhen_client_new(client, NULL, error));
  xiezhen_client_options_free(client);

  client = xiezhen_client_options_new();
  OK(xiezhen_client_options_set_base_url(client, "", error));
  REFUSED(xiezhen_client_new(client, &made, error));
  xiezhen_client_options_free(client);

  /* A client that is there changes in some of its options only. */
  xiezhen_client *here = quick_client("arguments"), *other = NULL;
  client = xiezhen_client_options_new();
  REFUSED(xiezhen_client_with_options(NULL, client, &other, error));
  REFUSED(xiezhen_client_with_options(here, NULL, &other, error));
  REFUSED(xiezhen_client_with_options(here, client, NULL, error));
  OK(xiezhen_client_options_set_stage(client, "NOWHERE", error));
  REFUSED(xiezhen_client_with_options(here, client, &other, error));
  xiezhen_client_options_free(client);
  client = quick_options("arguments");
  error = NULL;
  CHECK(xiezhen_client_with_options(here, client, &other, &error) == XIEZHEN_INVALID_ARGUMENT && !other);
  CHECK(xiezhen_error_problem_count(error) == 3 && strstr(xiezhen_error_problem(error, 0), "base_url can't change"));
  xiezhen_error_free(error);
  xiezhen_client_options_free(client);
  xiezhen_client_free(here);

  xiezhen_cancel *cancel = xiezhen_cancel_new();
  xiezhen_call_options *call = xiezhen_call_options_new();
  REFUSES_TEXT(xiezhen_call_options_set_callback_url, call);
  REFUSES_TEXT(xiezhen_call_options_set_name, call);
  REFUSED(xiezhen_call_options_set_timeout_ms(NULL, 1, error));
  REFUSED(xiezhen_call_options_set_max_retries(NULL, 1, error));
  REFUSED(xiezhen_call_options_set_cancel(NULL, cancel, error));
  REFUSED(xiezhen_call_options_set_cancel(call, NULL, error));
  xiezhen_call_options_free(call);

  xiezhen_run_options *run = xiezhen_run_options_new();
  REFUSES_TEXT(xiezhen_run_options_set_save_to, run);
  REFUSES_TEXT(xiezhen_run_options_set_checkpoint, run);
  REFUSED(xiezhen_run_options_set_timeout_ms(NULL, 1, error));
  REFUSED(xiezhen_run_options_set_recreate(NULL, true, error));
  REFUSED(xiezhen_run_options_set_on_event(NULL, NULL, NULL, error));
  REFUSED(xiezhen_run_options_set_cancel(NULL, cancel, error));
  REFUSED(xiezhen_run_options_set_cancel(run, NULL, error));
  xiezhen_run_options_free(run);
  xiezhen_run_many_options *many = xiezhen_run_many_options_new();
  REFUSES_TEXT(xiezhen_run_many_options_set_save_to, many);
  REFUSES_TEXT(xiezhen_run_many_options_set_checkpoints, many);
  REFUSED(xiezhen_run_many_options_set_concurrency(NULL, 1, error));
  REFUSED(xiezhen_run_many_options_set_timeout_ms(NULL, 1, error));
  REFUSED(xiezhen_run_many_options_set_recreate(NULL, true, error));
  REFUSED(xiezhen_run_many_options_set_on_event(NULL, NULL, NULL, error));
  REFUSED(xiezhen_run_many_options_set_on_end(NULL, NULL, NULL, error));
  REFUSED(xiezhen_run_many_options_set_cancel(NULL, cancel, error));
  REFUSED(xiezhen_run_many_options_set_cancel(many, NULL, error));
  xiezhen_run_many_options_free(many);
  xiezhen_cancel_free(cancel);
}

static void photos_and_jobs(void) {
  xiezhen_photo *photo = NULL;
  REFUSED(xiezhen_photo_from_path(NULL, &photo, error));
  REFUSED(xiezhen_photo_from_path(BAD, &photo, error));
  REFUSED(xiezhen_photo_from_path("x", NULL, error));
  REFUSED(xiezhen_photo_from_bytes(NULL, 3, &photo, error));
  REFUSED(xiezhen_photo_from_bytes((const uint8_t *)"x", 0, &photo, error));
  REFUSED(xiezhen_photo_from_bytes((const uint8_t *)"x", SIZE_MAX, &photo, error));
  REFUSED(xiezhen_photo_from_bytes((const uint8_t *)"x", 1, NULL, error));
  CHECK(photo == NULL);

  xiezhen_job_options *order = xiezhen_job_options_new();
  OK(xiezhen_photo_from_path("x", &photo, error));
  xiezhen_photo_reports *reports = NULL;
  const xiezhen_photo *some[] = {photo, NULL, NULL};
  REFUSED(xiezhen_check_photos(NULL, 1, &reports, error));
  REFUSED(xiezhen_check_photos(some, 0, &reports, error));
  REFUSED(xiezhen_check_photos(some, 1, NULL, error));
  xiezhen_error *missing_ones = NULL;
  CHECK(xiezhen_check_photos(some, 3, &reports, &missing_ones) == XIEZHEN_INVALID_ARGUMENT && !reports);
  CHECK(xiezhen_error_problem_count(missing_ones) == 2);
  CHECK(strcmp(xiezhen_error_problem(missing_ones, 1), "photos[2] is NULL") == 0);
  xiezhen_error_free(missing_ones);
  REFUSED(xiezhen_job_options_add_photo(NULL, photo, error));
  REFUSED(xiezhen_job_options_add_photo(order, NULL, error));
  REFUSES_TEXT(xiezhen_job_options_add_photo_path, order);
  REFUSES_TEXT(xiezhen_job_options_add_style, order);
  REFUSES_TEXT(xiezhen_job_options_add_uploaded, order);
  REFUSES_TEXT(xiezhen_job_options_set_user_id, order);

  xiezhen_job *job = NULL;
  REFUSED(xiezhen_job_new(NULL, &job, error));
  REFUSED(xiezhen_job_new(order, NULL, error));
  REFUSED(xiezhen_job_from_json(NULL, &job, error));
  REFUSED(xiezhen_job_from_json("{}", &job, error));
  REFUSED(xiezhen_job_from_json("{\"version\":999}", &job, error));
  REFUSED(xiezhen_job_from_json(BAD, &job, error));
  REFUSED(xiezhen_job_from_json("{}", NULL, error));
  REFUSED(xiezhen_job_read_checkpoint(NULL, &job, error));
  REFUSED(xiezhen_job_read_checkpoint("x", NULL, error));
  CHECK(xiezhen_job_read_checkpoint("/nowhere/x", &job, NULL) == XIEZHEN_IO && job == NULL);

  OK(xiezhen_job_new(order, &job, error));
  xiezhen_string *text = NULL;
  xiezhen_portraits *portraits = NULL;
  xiezhen_job_photo_list *photos = NULL;
  REFUSED(xiezhen_job_to_json(NULL, &text, error));
  REFUSED(xiezhen_job_to_json(job, NULL, error));
  REFUSED(xiezhen_job_user_id(NULL, &text, error));
  REFUSED(xiezhen_job_user_id(job, NULL, error));
  REFUSED(xiezhen_job_id(NULL, &text, error));
  REFUSED(xiezhen_job_conflict(NULL, "{}", error));
  REFUSED(xiezhen_job_conflict(job, NULL, error));
  size_t missing[20], count = 0;
  REFUSED(xiezhen_job_missing_photos(NULL, missing, 20, &count, error));
  REFUSED(xiezhen_job_missing_photos(job, NULL, 20, &count, error));
  REFUSED(xiezhen_job_missing_photos(job, missing, 20, NULL, error));
  REFUSED(xiezhen_job_give_photo(NULL, 0, photo, error));
  REFUSED(xiezhen_job_give_photo(job, 0, NULL, error));
  REFUSED(xiezhen_job_give_photo(job, 99, photo, error));
  REFUSED(xiezhen_job_training_task_id(NULL, &text, error));
  REFUSED(xiezhen_job_save_to(NULL, &text, error));
  xiezhen_error *failure = NULL;
  xiezhen_strings *adoptable = NULL;
  REFUSED(xiezhen_job_error(NULL, &failure, error));
  REFUSED(xiezhen_job_error(job, NULL, error));
  REFUSED(xiezhen_job_adoptable(NULL, &adoptable, error));
  REFUSED(xiezhen_job_adoptable(job, NULL, error));
  REFUSED(xiezhen_job_portraits(NULL, &portraits, error));
  REFUSED(xiezhen_job_portraits(job, NULL, error));
  REFUSED(xiezhen_job_photos(NULL, &photos, error));
  REFUSED(xiezhen_job_photos(job, NULL, error));
  REFUSED(xiezhen_job_adopt(NULL, "T1", NULL, error));
  REFUSED(xiezhen_job_adopt(job, NULL, NULL, error));
  REFUSED(xiezhen_job_adopt(job, "T1", BAD, error));
  REFUSED(xiezhen_job_adopt(job, "", NULL, error));
  REFUSED(xiezhen_job_adopt_portrait(NULL, "T1", "ink", error));
  REFUSED(xiezhen_job_adopt_portrait(job, NULL, "ink", error));
  REFUSED(xiezhen_job_adopt_portrait(job, "T1", NULL, error));
  REFUSED(xiezhen_job_adopt_portrait(job, "T1", BAD, error));
  REFUSED(xiezhen_job_adopt_portrait(job, "T1", "no such style", error));
  OK(xiezhen_job_user_id(job, &text, error));
  CHECK(text == NULL); /* not yet known */
  CHECK(xiezhen_job_stage(job) != XIEZHEN_STAGE_UNKNOWN);
  xiezhen_job_free(job);
  xiezhen_job_options_free(order);
  xiezhen_photo_free(photo);
}

static void callbacks(void) {
  const char *secrets[] = {"a secret of 16 bytes or more"}, *short_one[] = {"short"}, *bad[] = {BAD};
  xiezhen_callbacks *callbacks = NULL;
  REFUSED(xiezhen_callbacks_new("https://shop.example", short_one, 1, &callbacks, error));
  REFUSED(xiezhen_callbacks_new("https://shop.example", bad, 1, &callbacks, error));
  REFUSED(xiezhen_callbacks_new("https://shop.example", secrets, 0, &callbacks, error));
  REFUSED(xiezhen_callbacks_new("http://shop.example", secrets, 1, &callbacks, error));
  REFUSED(xiezhen_callbacks_new(BAD, secrets, 1, &callbacks, error));
  REFUSED(xiezhen_callbacks_new("https://shop.example", secrets, 1, NULL, error));
  CHECK(!callbacks);
  OK(xiezhen_callbacks_new("https://shop.example", secrets, 1, &callbacks, error));
  xiezhen_string *text = NULL;
  xiezhen_received *received = NULL;
  xiezhen_receiver *receiver = NULL;
  xiezhen_hint *hint = NULL;
  REFUSED(xiezhen_callbacks_url(NULL, "x", &text, error));
  REFUSED(xiezhen_callbacks_url(callbacks, "", &text, error));
  REFUSED(xiezhen_callbacks_url(callbacks, BAD, &text, error));
  REFUSED(xiezhen_callbacks_url(callbacks, "x", NULL, error));
  REFUSED(xiezhen_receive(NULL, "POST", "/", NULL, NULL, 0, NULL, 0, &received, error));
  REFUSED(xiezhen_receive(callbacks, NULL, "/", NULL, NULL, 0, NULL, 0, &received, error));
  REFUSED(xiezhen_receive(callbacks, "POST", NULL, NULL, NULL, 0, NULL, 0, &received, error));
  REFUSED(xiezhen_receive(callbacks, "POST", "/", NULL, secrets, 1, NULL, 0, &received, error));
  REFUSED(xiezhen_receive(callbacks, "POST", "/", secrets, NULL, 1, NULL, 0, &received, error));
  REFUSED(xiezhen_receive(callbacks, "POST", "/", NULL, NULL, 0, NULL, 1, &received, error));
  REFUSED(xiezhen_receive(callbacks, "POST", "/", NULL, NULL, 0, NULL, 0, NULL, error));
  REFUSED(xiezhen_callbacks_deliver(callbacks, NULL, error));
  REFUSED(xiezhen_callbacks_listen(NULL, "127.0.0.1:0", &receiver, error));
  REFUSED(xiezhen_callbacks_listen(callbacks, "nonsense", &receiver, error));
  REFUSED(xiezhen_callbacks_listen(callbacks, "127.0.0.1:0", NULL, error));
  REFUSED(xiezhen_receiver_next(NULL, 0, &hint, error));
  REFUSED(xiezhen_receiver_close(NULL, error));
  REFUSED(xiezhen_notify_hint(NULL, NULL, error));
  REFUSED(xiezhen_hint_from_json("{}", &hint, error));
  REFUSED(xiezhen_hint_from_json(BAD, &hint, error));
  REFUSED(xiezhen_hint_to_json(NULL, &text, error));
  CHECK(!text && !received && !receiver && !hint);

  xiezhen_run_options *run = xiezhen_run_options_new();
  const xiezhen_hint *none[] = {NULL};
  REFUSED(xiezhen_run_options_set_callback(NULL, callbacks, error));
  REFUSES_TEXT(xiezhen_run_options_set_callback_key, run);
  REFUSED(xiezhen_run_options_set_woken(run, none, 1, error));
  REFUSED(xiezhen_run_options_set_woken(run, none, 0, error));
  REFUSED(xiezhen_run_many_options_set_callback(NULL, callbacks, error));
  OK(xiezhen_run_options_set_callback(run, NULL, error));
  xiezhen_run_options_free(run);
  xiezhen_callbacks_free(callbacks);
}

int main(void) {
  options();
  photos_and_jobs();
  callbacks();
  printf("arguments: ok, %d refusals\n", refusals);
  return 0;
}
