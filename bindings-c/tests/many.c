/* Many jobs at once, jobs that stores fight for, and photos that are given again or were uploaded before. */
#include "support.h"

#include <poll.h>

enum { JOBS = 3 };

struct log {
  int events[JOBS], ends, failed;
};

static int32_t on_event(size_t index, const xiezhen_event *event, void *user_data) {
  CHECK(index < JOBS && xiezhen_event_type(event) != XIEZHEN_EVENT_UNKNOWN);
  ((struct log *)user_data)->events[index]++;
  return 0;
}

static int32_t on_end(size_t index, const xiezhen_error *error, void *user_data) {
  struct log *log = user_data;
  CHECK(index < JOBS && !error == (index != 1));
  log->ends++;
  log->failed += error != NULL;
  return 0;
}

/* Two jobs that can be done, and between them one whose photos are missing. */
static void three_jobs(xiezhen_job *jobs[JOBS]) {
  for (int n = 0; n < JOBS; n++) {
    xiezhen_job_options *order = xiezhen_job_options_new();
    for (int photo = 1; photo <= 8; photo++)
      OK(xiezhen_job_options_add_photo_path(order, n == 1 ? "/nowhere.jpg" : photo_path(photo), error));
    OK(xiezhen_job_options_add_style(order, n ? "仙气十足" : "花好月圆", error));
    OK(xiezhen_job_new(order, &jobs[n], error));
    xiezhen_job_options_free(order);
  }
}

static void free_jobs(xiezhen_job *jobs[JOBS]) {
  for (int n = 0; n < JOBS; n++) xiezhen_job_free(jobs[n]);
}

static void check_jobs(xiezhen_job *const *jobs, const xiezhen_errors *errors) {
  CHECK(xiezhen_errors_count(errors) == JOBS && !xiezhen_errors_at(errors, JOBS));
  for (size_t n = 0; n < JOBS; n++) {
    const xiezhen_error *error = xiezhen_errors_at(errors, n);
    CHECK(!error == (n != 1));
    CHECK(error || xiezhen_job_stage(jobs[n]) == XIEZHEN_STAGE_DONE);
  }
  CHECK(xiezhen_error_status(xiezhen_errors_at(errors, 1)) == XIEZHEN_INVALID_ARGUMENT);
}

static void many_jobs(void) {
  xiezhen_client *client = quick_client("jobs");
  xiezhen_job *jobs[JOBS];
  three_jobs(jobs);
  const char *const keys[] = {"ann", "bob", "eve"};
  struct log log = {{0}, 0, 0};
  xiezhen_run_many_options *options = xiezhen_run_many_options_new();
  OK(xiezhen_run_many_options_set_save_to(options, scratch("out"), error));
  OK(xiezhen_run_many_options_set_checkpoints(options, scratch("jobs"), error));
  OK(xiezhen_run_many_options_set_concurrency(options, 2, error));
  OK(xiezhen_run_many_options_set_timeout_ms(options, 120000, error));
  OK(xiezhen_run_many_options_set_recreate(options, false, error));
  OK(xiezhen_run_many_options_set_on_event(options, on_event, &log, error));
  OK(xiezhen_run_many_options_set_on_end(options, on_end, &log, error));
  xiezhen_errors *errors = NULL;
  OK(xiezhen_run_many(client, (const xiezhen_job *const *)jobs, keys, JOBS, options, &errors, error));
  check_jobs(jobs, errors);
  CHECK(log.ends == JOBS && log.failed == 1 && log.events[0] > 8 && log.events[2] > 8);
  xiezhen_errors_free(errors);
  free_jobs(jobs);

  /* Run again, the same keys find their own, and nothing is billed twice. */
  three_jobs(jobs);
  xiezhen_run_many_options_free(options);
  options = xiezhen_run_many_options_new();
  xiezhen_cancel *cancel = xiezhen_cancel_new();
  OK(xiezhen_run_many_options_set_save_to(options, scratch("out"), error));
  OK(xiezhen_run_many_options_set_checkpoints(options, scratch("jobs"), error));
  OK(xiezhen_run_many_options_set_cancel(options, cancel, error));
  xiezhen_queue *queue = NULL;
  OK(xiezhen_queue_new(&queue, error));
  OK(xiezhen_begin_run_many(client, (const xiezhen_job *const *)jobs, keys, JOBS, options, queue, NULL, error));
  int ends = 0;
  for (bool last = false; !last;) {
    CHECK(xiezhen_queue_wait(queue, 30000));
    xiezhen_completion *completion = xiezhen_queue_next(queue);
    if (!completion) continue;
    last = xiezhen_completion_is_last(completion);
    if (last) check_jobs(jobs, xiezhen_completion_errors(completion));
    else CHECK(xiezhen_completion_is_job_end(completion) == !xiezhen_completion_event(completion));
    ends += xiezhen_completion_is_job_end(completion);
    xiezhen_completion_free(completion);
  }
  CHECK(ends == JOBS && count_calls("jobs", "create_user_model") == 2 && count_calls("jobs", "create_task") == 2);
  xiezhen_queue_free(queue);

  /* The same job twice. */
  xiezhen_job *twice[] = {jobs[0], jobs[0]};
  errors = NULL;
  CHECK(xiezhen_run_many(client, (const xiezhen_job *const *)twice, NULL, 2, NULL, &errors, NULL) ==
        XIEZHEN_INVALID_ARGUMENT);
  CHECK(errors == NULL);

  xiezhen_cancel_cancel(cancel);
  CHECK(xiezhen_run_many(client, (const xiezhen_job *const *)jobs, keys, JOBS, options, &errors, NULL) ==
        XIEZHEN_CANCELLED);
  xiezhen_cancel_free(cancel);
  xiezhen_run_many_options_free(options);
  free_jobs(jobs);
  xiezhen_client_free(client);
}

/* A store in which somebody else is faster, once, after a create. */
struct store {
  char *newest;
  int saves;
  bool is_refused;
  bool is_full;
};

static bool has_training(const char *json) { return strstr(json, "\"task_id\": \"") != NULL; }

static int32_t save(const xiezhen_job *job, void *user_data) {
  struct store *store = user_data;
  xiezhen_string *json = NULL;
  OK(xiezhen_job_to_json(job, &json, error));
  const char *text = xiezhen_string_text(json);
  const bool answered = has_training(text);
  int32_t returned = 0;
  if (answered && store->is_full) returned = 5;
  else if (answered && !store->is_refused && store->newest) {
    store->is_refused = true;
    OK(xiezhen_job_conflict(job, store->newest, error));
    returned = 1;
  } else {
    free(store->newest);
    store->newest = strdup(text);
    store->saves++;
  }
  xiezhen_string_free(json);
  return returned;
}

static void stores_that_conflict(void) {
  xiezhen_client *client = quick_client("conflict");
  xiezhen_job *job = new_job();
  struct store store = {NULL, 0, false, false};
  uint64_t next_ms = 0;
  xiezhen_string *id = NULL;
  xiezhen_error *error = NULL;
  OK(xiezhen_job_id(job, &id, error));
  const uint64_t fresh = xiezhen_job_revision(job);
  CHECK(strlen(xiezhen_string_text(id)) == 36);
  CHECK(xiezhen_advance(client, job, save, &store, NULL, &next_ms, &error) == XIEZHEN_IO);
  CHECK(xiezhen_error_retryable(error) && xiezhen_error_task_id(error) && xiezhen_error_user_id(error));
  xiezhen_error_free(error);
  /* The answer was put into the newest state, and that was stored. */
  CHECK(store.is_refused && has_training(store.newest) && strstr(store.newest, xiezhen_string_text(id)));
  CHECK(count_calls("conflict", "create_user_model") == 1 && xiezhen_job_revision(job) > fresh);
  do OK(xiezhen_advance(client, job, save, &store, NULL, &next_ms, error));
  while (next_ms != XIEZHEN_NONE && (sleep_ms((int)next_ms), true));
  CHECK(xiezhen_job_stage(job) == XIEZHEN_STAGE_DONE && count_calls("conflict", "create_user_model") == 1);
  xiezhen_job_free(job);

  /* A store that is full when the answer comes: the error names what was billed. */
  job = new_job();
  struct store full = {NULL, 0, false, true};
  error = NULL;
  CHECK(xiezhen_advance(client, job, save, &full, NULL, &next_ms, &error) == XIEZHEN_IO);
  CHECK(xiezhen_error_task_id(error) && xiezhen_error_user_id(error));
  CHECK(strstr(xiezhen_error_json(error), xiezhen_error_user_id(error)));
  xiezhen_error_free(error);
  free(full.newest);
  free(store.newest);
  xiezhen_string_free(id);
  xiezhen_job_free(job);
  xiezhen_client_free(client);
}

static xiezhen_photo *photo_bytes(int number) {
  FILE *file = fopen(photo_path(number), "rb");
  CHECK(file && fseek(file, 0, SEEK_END) == 0);
  const size_t size = (size_t)ftell(file);
  uint8_t *bytes = malloc(size);
  rewind(file);
  CHECK(fread(bytes, 1, size, file) == size);
  fclose(file);
  xiezhen_photo *photo = NULL;
  OK(xiezhen_photo_from_bytes(bytes, size, &photo, error));
  free(bytes);
  return photo;
}

/* A job of bytes goes on in another process once it is given them again. */
static void photos_given_again(void) {
  xiezhen_client *client = NULL;
  xiezhen_client_options *one_by_one = quick_options("bytes");
  OK(xiezhen_client_options_set_upload_concurrency(one_by_one, 1, error));
  OK(xiezhen_client_new(one_by_one, &client, error));
  xiezhen_client_options_free(one_by_one);
  xiezhen_job_options *order = xiezhen_job_options_new();
  xiezhen_photo *photos[9];
  for (int n = 0; n < 9; n++) photos[n] = photo_bytes(n + 1);
  for (int n = 0; n < 8; n++) OK(xiezhen_job_options_add_photo(order, photos[n], error));
  OK(xiezhen_job_options_add_style(order, "仙气十足", error));
  xiezhen_job *job = NULL;
  OK(xiezhen_job_new(order, &job, error));
  size_t missing[20], count = 99;
  OK(xiezhen_job_missing_photos(job, missing, 20, &count, error));
  CHECK(count == 0);

  /* Cut off after three uploads. */
  fault("bytes", "{\"call\":\"upload_file\",\"skip\":3,\"reply\":{\"status\":403}}");
  struct store store = {NULL, 0, true, false};
  uint64_t next_ms = 0;
  CHECK(xiezhen_advance(client, job, save, &store, NULL, &next_ms, NULL) != XIEZHEN_OK);
  free(control("bytes", "DELETE", "faults", ""));
  xiezhen_string *json = NULL;
  OK(xiezhen_job_to_json(job, &json, error));
  xiezhen_job_free(job);
  OK(xiezhen_job_from_json(xiezhen_string_text(json), &job, error));
  xiezhen_string_free(json);

  OK(xiezhen_job_missing_photos(job, missing, 20, &count, error));
  CHECK(count == 5 && missing[0] == 3); /* those whose uploads were confirmed are not asked for */
  CHECK(xiezhen_job_missing_photos(job, missing, 1, &count, NULL) == XIEZHEN_INVALID_ARGUMENT);
  CHECK(xiezhen_job_give_photo(job, missing[0], photos[8], NULL) == XIEZHEN_INVALID_ARGUMENT); /* another photo */
  for (size_t n = 0; n < count; n++) OK(xiezhen_job_give_photo(job, missing[n], photos[missing[n]], error));
  OK(xiezhen_job_missing_photos(job, missing, 20, &count, error));
  CHECK(count == 0);
  OK(xiezhen_run(client, job, NULL, error));
  CHECK(count_calls("bytes", "create_user_model") == 1);
  for (int n = 0; n < 9; n++) xiezhen_photo_free(photos[n]);
  free(store.newest);
  xiezhen_job_options_free(order);
  xiezhen_job_free(job);
  xiezhen_client_free(client);
}

static void photos_uploaded_before(void) {
  xiezhen_client *client = quick_client("uploaded");
  xiezhen_job_options *order = xiezhen_job_options_new();
  for (int n = 1; n <= 8; n++) {
    xiezhen_photo *photo = NULL;
    xiezhen_string *path = NULL;
    OK(xiezhen_photo_from_path(photo_path(n), &photo, error));
    OK(xiezhen_upload_file(client, photo, NULL, &path, error));
    OK(xiezhen_job_options_add_uploaded(order, xiezhen_string_text(path), error));
    xiezhen_string_free(path);
    xiezhen_photo_free(photo);
  }
  OK(xiezhen_job_options_add_style(order, "仙气十足", error));
  xiezhen_job *job = NULL;
  OK(xiezhen_job_new(order, &job, error));
  OK(xiezhen_run(client, job, NULL, error));
  CHECK(xiezhen_job_stage(job) == XIEZHEN_STAGE_DONE && count_calls("uploaded", "upload_file") == 8);
  xiezhen_job_free(job);
  xiezhen_job_options_free(order);
  xiezhen_client_free(client);
}

/* A training's task is no generation: the service is asked before a job takes it over. */
static void adoption_asks_the_service(void) {
  xiezhen_client *client = quick_client("adopt");
  xiezhen_created *training = start_training(client), *generation = NULL;
  xiezhen_task *trained = NULL;
  xiezhen_styles *styles = NULL;
  OK(xiezhen_wait_task(client, xiezhen_created_task_id(training), NULL, &trained, error));
  xiezhen_task_free(trained);
  OK(xiezhen_list_styles(client, NULL, &styles, error));
  const char *style = xiezhen_style_style(xiezhen_styles_at(styles, 0));
  OK(xiezhen_create_task(client, xiezhen_created_user_id(training), style, NULL, &generation, error));

  xiezhen_job_options *order = xiezhen_job_options_new();
  OK(xiezhen_job_options_set_user_id(order, xiezhen_created_user_id(training), error));
  OK(xiezhen_job_options_add_style(order, style, error));
  xiezhen_job *job = NULL;
  OK(xiezhen_job_new(order, &job, error));
  fault("adopt", "{\"call\":\"create_task\",\"times\":1,\"close\":\"after\"}");
  CHECK(xiezhen_run(client, job, NULL, NULL) == XIEZHEN_OUTCOME_UNKNOWN);

  CHECK(xiezhen_adopt(client, job, xiezhen_created_task_id(training), NULL, NULL, NULL, NULL) == XIEZHEN_INVALID_ARGUMENT);
  xiezhen_queue *queue = NULL;
  OK(xiezhen_queue_new(&queue, error));
  OK(xiezhen_begin_adopt(client, job, xiezhen_created_task_id(generation), NULL, style, NULL, queue, job, error));
  CHECK(xiezhen_queue_wait(queue, 30000));
  xiezhen_completion *adopted = xiezhen_queue_next(queue);
  CHECK(xiezhen_completion_is_last(adopted) && xiezhen_completion_status(adopted) == XIEZHEN_OK);
  xiezhen_completion_free(adopted);
  xiezhen_queue_free(queue);
  OK(xiezhen_run(client, job, NULL, error));
  CHECK(xiezhen_job_stage(job) == XIEZHEN_STAGE_DONE && count_calls("adopt", "create_task") == 2);
  xiezhen_job_free(job);
  xiezhen_job_options_free(order);
  xiezhen_created_free(generation);
  xiezhen_styles_free(styles);
  xiezhen_created_free(training);
  xiezhen_client_free(client);
}

int main(void) {
  adoption_asks_the_service();
  many_jobs();
  stores_that_conflict();
  photos_given_again();
  photos_uploaded_before();
  printf("many: ok\n");
  return 0;
}
