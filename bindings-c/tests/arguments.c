/* No argument can crash the library: each function with NULL, invalid UTF-8, unknown values and zero lengths. */
#include "support.h"

static int refusals;

/* Refused with a message, and without one asked for. */
#define REFUSED(call)                                                                                                  \
  do {                                                                                                                 \
    xiezhen_error *refusal = NULL;                                                                                     \
    xiezhen_error **error = &refusal;                                                                                  \
    if ((call) != XIEZHEN_INVALID_ARGUMENT) {                                                                          \
      fprintf(stderr, "%s:%d: not refused: %s\n", __FILE__, __LINE__, #call);                                          \
      exit(1);                                                                                                         \
    }                                                                                                                  \
    CHECK(xiezhen_error_status(refusal) == XIEZHEN_INVALID_ARGUMENT && *xiezhen_error_message(refusal));               \
    xiezhen_error_free(refusal);                                                                                       \
    error = NULL;                                                                                                      \
    CHECK((call) == XIEZHEN_INVALID_ARGUMENT);                                                                         \
    refusals++;                                                                                                        \
  } while (0)

static const char *const BAD = "\xff\xfe";

static int32_t save(const xiezhen_job *job, void *user_data) {
  (void)job, (void)user_data;
  return 0;
}

static int32_t on_event(const xiezhen_event *event, void *user_data) {
  (void)event, (void)user_data;
  return 0;
}

static int32_t on_job_end(size_t index, const xiezhen_error *error, void *user_data) {
  (void)index, (void)error, (void)user_data;
  return 0;
}

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

static void calls(void) {
  xiezhen_client *client = quick_client("arguments");
  xiezhen_job *job = new_job();
  xiezhen_photo *photo = NULL;
  OK(xiezhen_photo_from_path("/nowhere.jpg", &photo, error));
  xiezhen_string *text = NULL;
  xiezhen_strings *files = NULL;
  xiezhen_created *created = NULL;
  xiezhen_styles *styles = NULL;
  xiezhen_task *task = NULL;
  xiezhen_outcomes *outcomes = NULL;
  uint64_t next_ms = 0;
  const char *ids[] = {"a", NULL}, *bad[] = {BAD};

  REFUSED(xiezhen_upload_file(NULL, photo, NULL, &text, error));
  REFUSED(xiezhen_upload_file(client, NULL, NULL, &text, error));
  REFUSED(xiezhen_upload_file(client, photo, NULL, NULL, error));
  REFUSED(xiezhen_upload_file(client, photo, NULL, &text, error));
  REFUSED(xiezhen_create_user_model(NULL, ids, 1, NULL, &created, error));
  REFUSED(xiezhen_create_user_model(client, NULL, 1, NULL, &created, error));
  REFUSED(xiezhen_create_user_model(client, ids, 0, NULL, &created, error));
  REFUSED(xiezhen_create_user_model(client, ids, 1, NULL, &created, error));
  REFUSED(xiezhen_create_user_model(client, ids, 2, NULL, &created, error));
  REFUSED(xiezhen_create_user_model(client, bad, 1, NULL, &created, error));
  REFUSED(xiezhen_create_user_model(client, ids, SIZE_MAX / 2, NULL, &created, error));
  REFUSED(xiezhen_create_user_model(client, ids, 1, NULL, NULL, error));
  REFUSED(xiezhen_list_styles(NULL, NULL, &styles, error));
  REFUSED(xiezhen_list_styles(client, NULL, NULL, error));
  REFUSED(xiezhen_create_task(NULL, "u", "s", NULL, &created, error));
  REFUSED(xiezhen_create_task(client, NULL, "s", NULL, &created, error));
  REFUSED(xiezhen_create_task(client, "u", NULL, NULL, &created, error));
  REFUSED(xiezhen_create_task(client, "", "s", NULL, &created, error));
  REFUSED(xiezhen_create_task(client, "u", BAD, NULL, &created, error));
  REFUSED(xiezhen_create_task(client, "u", "s", NULL, NULL, error));
  REFUSED(xiezhen_query_task(NULL, "t", NULL, &task, error));
  REFUSED(xiezhen_query_task(client, NULL, NULL, &task, error));
  REFUSED(xiezhen_query_task(client, "", NULL, &task, error));
  REFUSED(xiezhen_query_task(client, "t", NULL, NULL, error));
  REFUSED(xiezhen_wait_task(NULL, "t", NULL, &task, error));
  REFUSED(xiezhen_wait_task(client, BAD, NULL, &task, error));
  REFUSED(xiezhen_wait_task(client, "t", NULL, NULL, error));
  REFUSED(xiezhen_wait_many(NULL, ids, 1, NULL, NULL, NULL, &outcomes, error));
  REFUSED(xiezhen_wait_many(client, NULL, 1, NULL, NULL, NULL, &outcomes, error));
  REFUSED(xiezhen_wait_many(client, ids, 0, NULL, NULL, NULL, &outcomes, error));
  REFUSED(xiezhen_wait_many(client, ids, 2, NULL, NULL, NULL, &outcomes, error));
  REFUSED(xiezhen_wait_many(client, ids, 1, NULL, NULL, NULL, NULL, error));
  REFUSED(xiezhen_notify(NULL, "t", error));
  REFUSED(xiezhen_notify(client, NULL, error));
  REFUSED(xiezhen_wait_for_creates(NULL, NULL, error));
  REFUSED(xiezhen_adopt(NULL, job, "T1", NULL, NULL, NULL, error));
  REFUSED(xiezhen_adopt(client, NULL, "T1", NULL, NULL, NULL, error));
  REFUSED(xiezhen_adopt(client, job, NULL, NULL, NULL, NULL, error));
  REFUSED(xiezhen_adopt(client, job, "T1", BAD, NULL, NULL, error));
  REFUSED(xiezhen_adopt(client, job, "T1", NULL, BAD, NULL, error));
  REFUSED(xiezhen_adopt(client, job, "T1", NULL, NULL, NULL, error)); /* nothing is unknown */
  REFUSED(xiezhen_save_results(NULL, task, "x", NULL, &files, error));
  REFUSED(xiezhen_save_results(client, NULL, "x", NULL, &files, error));
  REFUSED(xiezhen_run(NULL, job, NULL, error));
  REFUSED(xiezhen_run(client, NULL, NULL, error));
  REFUSED(xiezhen_advance(NULL, job, save, NULL, NULL, &next_ms, error));
  REFUSED(xiezhen_advance(client, NULL, save, NULL, NULL, &next_ms, error));
  REFUSED(xiezhen_advance(client, job, NULL, NULL, NULL, &next_ms, error));
  REFUSED(xiezhen_advance(client, job, save, NULL, NULL, NULL, error));

  /* All problems of a call at once, each by the name of its argument. */
  xiezhen_call_options *options = xiezhen_call_options_new();
  OK(xiezhen_call_options_set_name(options, "x", error));
  OK(xiezhen_call_options_set_callback_url(options, "https://example.com", error));
  const char *several[] = {"a", NULL, BAD};
  xiezhen_error *error = NULL;
  CHECK(xiezhen_wait_many(NULL, several, 3, NULL, NULL, options, NULL, &error) == XIEZHEN_INVALID_ARGUMENT);
  static const char *const PROBLEMS[] = {"client is NULL", "task_ids[1] is NULL", "task_ids[2] is not UTF-8",
                                         "xiezhen_wait_many has no option callback_url",
                                         "xiezhen_wait_many has no option name", "outcomes is NULL"};
  CHECK(xiezhen_error_problem_count(error) == 6);
  for (size_t n = 0; n < 6; n++) {
    CHECK(strcmp(xiezhen_error_problem(error, n), PROBLEMS[n]) == 0);
    CHECK(strstr(xiezhen_error_message(error), PROBLEMS[n]));
  }
  xiezhen_error_free(error);
  xiezhen_call_options_free(options);

  CHECK(!text && !files && !created && !styles && !task && !outcomes && !next_ms);
  CHECK(count_calls("arguments", "query_task") == 0 && count_calls("arguments", "create_task") == 0);
  xiezhen_photo_free(photo);
  xiezhen_job_free(job);
  xiezhen_client_free(client);
}

/* The same calls, begun: what is wrong is said at once, and nothing comes of it. */
static void begun_calls(void) {
  xiezhen_client *client = quick_client("begun");
  xiezhen_job *job = new_job();
  xiezhen_photo *photo = NULL;
  OK(xiezhen_photo_from_path(photo_path(1), &photo, error));
  xiezhen_queue *queue = NULL;
  REFUSED(xiezhen_queue_new(NULL, error));
  OK(xiezhen_queue_new(&queue, error));
  const char *ids[] = {"a", NULL};

  REFUSED(xiezhen_begin_upload_file(NULL, photo, NULL, queue, NULL, error));
  REFUSED(xiezhen_begin_upload_file(client, NULL, NULL, queue, NULL, error));
  REFUSED(xiezhen_begin_upload_file(client, photo, NULL, NULL, NULL, error));
  REFUSED(xiezhen_begin_create_user_model(client, ids, 2, NULL, queue, NULL, error));
  REFUSED(xiezhen_begin_create_user_model(client, ids, 1, NULL, NULL, NULL, error));
  REFUSED(xiezhen_begin_list_styles(NULL, NULL, queue, NULL, error));
  REFUSED(xiezhen_begin_list_styles(client, NULL, NULL, NULL, error));
  REFUSED(xiezhen_begin_create_task(client, NULL, "s", NULL, queue, NULL, error));
  REFUSED(xiezhen_begin_create_task(client, "u", "s", NULL, NULL, NULL, error));
  REFUSED(xiezhen_begin_query_task(client, BAD, NULL, queue, NULL, error));
  REFUSED(xiezhen_begin_query_task(client, "t", NULL, NULL, NULL, error));
  REFUSED(xiezhen_begin_wait(client, NULL, NULL, queue, NULL, error));
  REFUSED(xiezhen_begin_wait(client, "t", NULL, NULL, NULL, error));
  REFUSED(xiezhen_begin_wait_many(client, ids, 0, NULL, queue, NULL, error));
  REFUSED(xiezhen_begin_wait_many(client, ids, 1, NULL, NULL, NULL, error));
  REFUSED(xiezhen_begin_wait_for_creates(client, NULL, NULL, NULL, error));
  REFUSED(xiezhen_begin_save_results(client, NULL, "x", NULL, queue, NULL, error));
  REFUSED(xiezhen_begin_run(client, NULL, NULL, queue, NULL, error));
  REFUSED(xiezhen_begin_run(client, job, NULL, NULL, NULL, error));
  REFUSED(xiezhen_begin_advance(NULL, job, NULL, queue, NULL, error));
  REFUSED(xiezhen_begin_advance(client, job, NULL, NULL, NULL, error));
  REFUSED(xiezhen_completion_saved(NULL, 0, error));
  REFUSED(xiezhen_begin_adopt(client, job, "T1", NULL, NULL, NULL, NULL, NULL, error));
  const xiezhen_job *jobs[] = {job, NULL};
  const char *keys[] = {"one", NULL};
  xiezhen_errors *errors = NULL;
  REFUSED(xiezhen_run_many(NULL, jobs, keys, 1, NULL, &errors, error));
  REFUSED(xiezhen_run_many(client, NULL, keys, 1, NULL, &errors, error));
  REFUSED(xiezhen_run_many(client, jobs, keys, 0, NULL, &errors, error));
  REFUSED(xiezhen_run_many(client, jobs, NULL, 2, NULL, &errors, error));
  REFUSED(xiezhen_run_many(client, jobs, keys, 2, NULL, &errors, error));
  REFUSED(xiezhen_run_many(client, jobs, keys, 1, NULL, NULL, error));
  REFUSED(xiezhen_begin_run_many(client, jobs, keys, 1, NULL, NULL, NULL, error));
  xiezhen_run_many_options *many = xiezhen_run_many_options_new();
  OK(xiezhen_run_many_options_set_on_end(many, on_job_end, NULL, error));
  REFUSED(xiezhen_begin_run_many(client, jobs, keys, 1, many, queue, NULL, error));
  xiezhen_run_many_options_free(many);
  CHECK(errors == NULL);

  xiezhen_run_options *options = xiezhen_run_options_new();
  OK(xiezhen_run_options_set_on_event(options, on_event, NULL, error));
  REFUSED(xiezhen_begin_run(client, job, options, queue, NULL, error));
  REFUSED(xiezhen_begin_advance(client, job, options, queue, NULL, error));
  xiezhen_run_options_free(options);

  CHECK(xiezhen_queue_pending(queue) == 0 && !xiezhen_queue_next(queue));
  CHECK(count_calls("begun", "upload_file") == 0);
  xiezhen_queue_free(queue);
  xiezhen_photo_free(photo);
  xiezhen_job_free(job);
  xiezhen_client_free(client);
}

/* Each call refuses the options that others know. */
static void options_of_other_calls(void) {
  xiezhen_client *client = quick_client("others");
  xiezhen_photo *photo = NULL;
  OK(xiezhen_photo_from_path(photo_path(1), &photo, error));
  xiezhen_string *path = NULL;
  xiezhen_created *created = NULL;
  xiezhen_styles *styles = NULL;
  xiezhen_task *task = NULL, *ended = ended_generation(client);
  xiezhen_outcomes *outcomes = NULL;
  xiezhen_strings *files = NULL;
  const char *ids[] = {"t"};

  xiezhen_call_options *options = xiezhen_call_options_new();
  OK(xiezhen_call_options_set_callback_url(options, "https://example.com", error));
  REFUSED(xiezhen_upload_file(client, photo, options, &path, error));
  REFUSED(xiezhen_list_styles(client, options, &styles, error));
  REFUSED(xiezhen_query_task(client, "t", options, &task, error));
  REFUSED(xiezhen_wait_task(client, "t", options, &task, error));
  REFUSED(xiezhen_wait_many(client, ids, 1, NULL, NULL, options, &outcomes, error));
  REFUSED(xiezhen_save_results(client, ended, "x", options, &files, error));
  xiezhen_call_options_free(options);

  options = xiezhen_call_options_new();
  OK(xiezhen_call_options_set_name(options, "x", error));
  REFUSED(xiezhen_upload_file(client, photo, options, &path, error));
  REFUSED(xiezhen_create_user_model(client, ids, 1, options, &created, error));
  REFUSED(xiezhen_create_task(client, "u", "s", options, &created, error));
  REFUSED(xiezhen_query_task(client, "t", options, &task, error));
  xiezhen_call_options_free(options);

  options = xiezhen_call_options_new();
  OK(xiezhen_call_options_set_timeout_ms(options, 1000, error));
  REFUSED(xiezhen_wait_for_creates(client, options, error));
  xiezhen_call_options_free(options);

  /* A timeout that was taken back is not there. */
  options = xiezhen_call_options_new();
  OK(xiezhen_call_options_set_timeout_ms(options, 0, error));
  CHECK(xiezhen_list_styles(client, options, &styles, NULL) == XIEZHEN_TIMEOUT);
  OK(xiezhen_call_options_set_timeout_ms(options, XIEZHEN_NONE, error));
  OK(xiezhen_list_styles(client, options, &styles, error));
  xiezhen_call_options_free(options);
  CHECK(!path && !created && !task && !outcomes && !files);
  xiezhen_styles_free(styles);
  xiezhen_task_free(ended);
  xiezhen_photo_free(photo);
  xiezhen_client_free(client);
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

static void accessors_of_null(void) {
  CHECK(xiezhen_error_status(NULL) == XIEZHEN_OK && !xiezhen_error_code(NULL) && !xiezhen_error_message(NULL));
  CHECK(!xiezhen_error_http_status(NULL) && !xiezhen_error_ret(NULL) && !xiezhen_error_request_id(NULL));
  CHECK(!xiezhen_error_gateway_code(NULL) && !xiezhen_error_task_id(NULL) && !xiezhen_error_retryable(NULL));
  CHECK(xiezhen_error_retry_after_ms(NULL) == XIEZHEN_NONE && !xiezhen_error_problem_count(NULL));
  CHECK(!xiezhen_error_problem(NULL, 0) && !xiezhen_error_body_start(NULL) && !xiezhen_error_sent(NULL));
  CHECK(!xiezhen_error_path(NULL) && !xiezhen_error_task(NULL) && !xiezhen_error_json(NULL));
  CHECK(strcmp(xiezhen_status_name(99), "unknown") == 0 && strcmp(xiezhen_status_name(0), "ok") == 0);
  CHECK(!xiezhen_string_text(NULL) && !xiezhen_strings_count(NULL) && !xiezhen_strings_at(NULL, 0));
  CHECK(!xiezhen_task_id(NULL) && xiezhen_task_state(NULL) == XIEZHEN_STATE_UNKNOWN && !xiezhen_task_raw_state(NULL));
  CHECK(xiezhen_task_kind(NULL) == XIEZHEN_KIND_UNKNOWN && !xiezhen_task_is_terminal(NULL));
  CHECK(!xiezhen_task_reason(NULL) && !xiezhen_task_result_path_count(NULL) && !xiezhen_task_result_path(NULL, 0));
  CHECK(!xiezhen_created_task_id(NULL) && !xiezhen_created_user_id(NULL));
  CHECK(!xiezhen_styles_count(NULL) && !xiezhen_styles_at(NULL, 0) && !xiezhen_style_name(NULL));
  CHECK(!xiezhen_style_style(NULL) && !xiezhen_style_template(NULL) && !xiezhen_style_sex(NULL));
  CHECK(!xiezhen_outcomes_count(NULL) && !xiezhen_outcomes_task(NULL, 0) && !xiezhen_outcomes_error(NULL, 0));
  CHECK(xiezhen_job_stage(NULL) == XIEZHEN_STAGE_UNKNOWN);
  CHECK(!xiezhen_portraits_count(NULL) && !xiezhen_portraits_at(NULL, 0) && !xiezhen_portrait_style(NULL));
  CHECK(!xiezhen_portrait_style_id(NULL) && !xiezhen_portrait_task_id(NULL) && !xiezhen_portrait_error(NULL));
  CHECK(xiezhen_portrait_state(NULL) == XIEZHEN_STATE_UNKNOWN && !xiezhen_portrait_url_count(NULL));
  CHECK(!xiezhen_portrait_url(NULL, 0) && !xiezhen_portrait_file_count(NULL) && !xiezhen_portrait_file(NULL, 0));
  CHECK(!xiezhen_job_photo_list_count(NULL) && !xiezhen_job_photo_list_at(NULL, 0) && !xiezhen_job_photo_path(NULL));
  CHECK(!xiezhen_job_photo_sha256(NULL) && !xiezhen_job_photo_bytes(NULL) && !xiezhen_job_photo_uploaded(NULL));
  CHECK(xiezhen_event_type(NULL) == XIEZHEN_EVENT_UNKNOWN && !xiezhen_event_json(NULL) && !xiezhen_event_index(NULL));
  CHECK(!xiezhen_event_bytes_sent(NULL) && !xiezhen_event_bytes(NULL) && !xiezhen_event_count(NULL));
  CHECK(!xiezhen_event_path(NULL) && !xiezhen_event_task_id(NULL) && !xiezhen_event_raw_state(NULL));
  CHECK(xiezhen_event_state(NULL) == XIEZHEN_STATE_UNKNOWN && !xiezhen_event_user_id(NULL));
  CHECK(!xiezhen_event_style(NULL) && !xiezhen_event_call(NULL) && !xiezhen_event_error(NULL));
  CHECK(xiezhen_event_delay_ms(NULL) == XIEZHEN_NONE && !xiezhen_event_message(NULL) && !xiezhen_cancel_is_cancelled(NULL));
  CHECK(xiezhen_queue_fd(NULL) == -1 && !xiezhen_queue_next(NULL) && !xiezhen_queue_wait(NULL, XIEZHEN_NONE));
  CHECK(!xiezhen_queue_pending(NULL) && !xiezhen_completion_tag(NULL) && !xiezhen_completion_is_last(NULL));
  CHECK(xiezhen_completion_status(NULL) == XIEZHEN_OK && !xiezhen_completion_error(NULL));
  CHECK(!xiezhen_completion_event(NULL) && !xiezhen_completion_job(NULL) && !xiezhen_completion_index(NULL));
  CHECK(!xiezhen_completion_path(NULL) && !xiezhen_completion_created(NULL) && !xiezhen_completion_styles(NULL));
  CHECK(!xiezhen_completion_task(NULL) && !xiezhen_completion_outcomes(NULL) && !xiezhen_completion_files(NULL));
  CHECK(xiezhen_completion_next_ms(NULL) == XIEZHEN_NONE && !xiezhen_completion_errors(NULL));
  CHECK(!xiezhen_completion_is_job_end(NULL) && !xiezhen_errors_count(NULL) && !xiezhen_errors_at(NULL, 0));
  CHECK(!xiezhen_job_revision(NULL) && !xiezhen_error_user_id(NULL));

  CHECK(!xiezhen_photo_reports_count(NULL) && !xiezhen_photo_reports_at(NULL, 0) && !xiezhen_photo_report_path(NULL));
  CHECK(!xiezhen_photo_report_format(NULL) && !xiezhen_photo_report_plan(NULL) && !xiezhen_photo_report_bytes(NULL));
  CHECK(!xiezhen_photo_report_width(NULL) && !xiezhen_photo_report_height(NULL));
  CHECK(!xiezhen_photo_report_problem_count(NULL) && !xiezhen_photo_report_problem(NULL, 0));
  CHECK(!xiezhen_photo_report_remark_count(NULL) && !xiezhen_photo_report_remark(NULL, 0));

  CHECK(!xiezhen_callbacks_public_url(NULL) && !xiezhen_received_status(NULL) && !xiezhen_received_hint(NULL));
  CHECK(!xiezhen_hint_key(NULL) && !xiezhen_hint_slot(NULL) && !xiezhen_hint_attempt(NULL) && !xiezhen_hint_verified(NULL));
  CHECK(!xiezhen_hint_task_id_count(NULL) && !xiezhen_hint_task_id(NULL, 0) && !xiezhen_hint_user_id(NULL));
  CHECK(!xiezhen_receiver_address(NULL));

  xiezhen_callbacks_free(NULL);
  xiezhen_received_free(NULL);
  xiezhen_hint_free(NULL);
  xiezhen_receiver_free(NULL);
  xiezhen_photo_reports_free(NULL);
  xiezhen_errors_free(NULL);
  xiezhen_run_many_options_free(NULL);

  xiezhen_queue_free(NULL);
  xiezhen_completion_free(NULL);
  xiezhen_cancel_cancel(NULL);
  xiezhen_client_close(NULL);
  xiezhen_error_free(NULL);
  xiezhen_string_free(NULL);
  xiezhen_strings_free(NULL);
  xiezhen_task_free(NULL);
  xiezhen_created_free(NULL);
  xiezhen_styles_free(NULL);
  xiezhen_outcomes_free(NULL);
  xiezhen_job_free(NULL);
  xiezhen_job_options_free(NULL);
  xiezhen_portraits_free(NULL);
  xiezhen_job_photo_list_free(NULL);
  xiezhen_photo_free(NULL);
  xiezhen_cancel_free(NULL);
  xiezhen_client_free(NULL);
  xiezhen_client_options_free(NULL);
  xiezhen_call_options_free(NULL);
  xiezhen_run_options_free(NULL);
}

int main(void) {
  options();
  photos_and_jobs();
  calls();
  begun_calls();
  options_of_other_calls();
  callbacks();
  accessors_of_null();
  printf("arguments: ok, %d refusals\n", refusals);
  return 0;
}
