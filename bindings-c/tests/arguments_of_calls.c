/* No argument can crash the library: what each call refuses, blocking and begun. */
#include "refused.h"

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

int main(void) {
  calls();
  begun_calls();
  options_of_other_calls();
  printf("arguments_of_calls: ok, %d refusals\n", refusals);
  return 0;
}
