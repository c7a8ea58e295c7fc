/* Jobs: run with events and a checkpoint, advance with a store, JSON, adoption, and what stops them. */
#include "support.h"

#include <sys/stat.h>

struct event_log {
  int kinds[16];
  int events;
  int stop_at;                  /* the kind of event at which to stop; 0 for none */
  const xiezhen_client *client; /* with which the callback makes calls of its own */
  bool returned;
};

static int32_t note(const xiezhen_event *event, void *user_data) {
  struct event_log *event_log = user_data;
  const xiezhen_eventtype kind = xiezhen_event_type(event);
  CHECK(!event_log->returned);
  CHECK(kind > XIEZHEN_EVENT_UNKNOWN && kind <= XIEZHEN_EVENT_FINISHED);
  CHECK(strncmp(xiezhen_event_json(event), "{\"type\":\"", 9) == 0);
  switch (kind) {
  case XIEZHEN_EVENT_PHOTO_UPLOADING:
    CHECK(xiezhen_event_index(event) < 10 && xiezhen_event_bytes_sent(event) <= xiezhen_event_bytes(event));
    break;
  case XIEZHEN_EVENT_PHOTO_UPLOADED:
    CHECK(strncmp(xiezhen_event_path(event), "user_upload/", 12) == 0);
    break;
  case XIEZHEN_EVENT_TRAINING:
    CHECK(xiezhen_event_task_id(event) && xiezhen_event_state(event) != XIEZHEN_STATE_UNKNOWN);
    break;
  case XIEZHEN_EVENT_TRAINED:
    CHECK(xiezhen_event_user_id(event));
    if (event_log->client) {
      xiezhen_styles *styles = NULL;
      OK(xiezhen_list_styles(event_log->client, NULL, &styles, error));
      xiezhen_styles_free(styles);
    }
    break;
  case XIEZHEN_EVENT_GENERATING:
    CHECK(xiezhen_event_style(event) && xiezhen_event_task_id(event));
    break;
  case XIEZHEN_EVENT_GENERATED:
    CHECK(xiezhen_event_count(event) == 2);
    break;
  case XIEZHEN_EVENT_SAVED:
    CHECK(access(xiezhen_event_path(event), R_OK) == 0);
    break;
  case XIEZHEN_EVENT_RETRYING:
    CHECK(strcmp(xiezhen_event_call(event), "query_task") == 0 || strcmp(xiezhen_event_call(event), "upload_file") == 0);
    CHECK(xiezhen_error_status(xiezhen_event_error(event)) == XIEZHEN_TRANSPORT);
    CHECK(xiezhen_event_delay_ms(event) < 60000);
    break;
  case XIEZHEN_EVENT_UNKNOWN_STATE:
    CHECK(xiezhen_event_raw_state(event) == 9);
    break;
  case XIEZHEN_EVENT_NOTICE:
    CHECK(xiezhen_event_message(event));
    break;
  default:
    break;
  }
  event_log->kinds[kind]++;
  event_log->events++;
  return kind == event_log->stop_at ? 7 : 0;
}

static xiezhen_run_options *options_with(struct event_log *event_log, const char *save_to, const char *checkpoint) {
  xiezhen_run_options *options = xiezhen_run_options_new();
  if (event_log) OK(xiezhen_run_options_set_on_event(options, note, event_log, error));
  if (save_to) OK(xiezhen_run_options_set_save_to(options, save_to, error));
  if (checkpoint) OK(xiezhen_run_options_set_checkpoint(options, checkpoint, error));
  return options;
}

static void check_done(const xiezhen_job *job) {
  CHECK(xiezhen_job_stage(job) == XIEZHEN_STAGE_DONE);
  xiezhen_portraits *portraits = NULL;
  OK(xiezhen_job_portraits(job, &portraits, error));
  CHECK(xiezhen_portraits_count(portraits) == 2 && xiezhen_portraits_at(portraits, 2) == NULL);
  const xiezhen_portrait *first = xiezhen_portraits_at(portraits, 0);
  CHECK(strcmp(xiezhen_portrait_style(first), "仙气十足") == 0);
  CHECK(xiezhen_portrait_style_id(first) && xiezhen_portrait_task_id(first) && !xiezhen_portrait_error(first));
  CHECK(xiezhen_portrait_state(first) == XIEZHEN_STATE_SUCCEEDED);
  CHECK(xiezhen_portrait_url_count(first) == 2 && xiezhen_portrait_url(first, 0) && !xiezhen_portrait_url(first, 2));
  CHECK(xiezhen_portrait_file_count(first) == 2 && access(xiezhen_portrait_file(first, 1), R_OK) == 0);
  xiezhen_portraits_free(portraits);

  xiezhen_job_photo_list *photos = NULL;
  OK(xiezhen_job_photos(job, &photos, error));
  CHECK(xiezhen_job_photo_list_count(photos) == 10);
  const xiezhen_job_photo *photo = xiezhen_job_photo_list_at(photos, 0);
  CHECK(xiezhen_job_photo_path(photo) && strlen(xiezhen_job_photo_sha256(photo)) == 64);
  CHECK(xiezhen_job_photo_bytes(photo) > 10000 && xiezhen_job_photo_uploaded(photo));
  xiezhen_job_photo_list_free(photos);

  xiezhen_string *text = NULL;
  OK(xiezhen_job_user_id(job, &text, error));
  CHECK(*xiezhen_string_text(text));
  xiezhen_string_free(text);
  OK(xiezhen_job_training_task_id(job, &text, error));
  CHECK(*xiezhen_string_text(text));
  xiezhen_string_free(text);
  OK(xiezhen_job_save_to(job, &text, error));
  CHECK(*xiezhen_string_text(text) == '/');
  xiezhen_string_free(text);
}

static void run_and_run_again(void) {
  xiezhen_client *client = quick_client("run");
  fault("run", "{\"call\":\"query_task\",\"times\":1,\"state\":9}");
  fault("run", "{\"call\":\"upload_file\",\"times\":1,\"reply\":{\"status\":503}}");
  xiezhen_job *job = new_job();
  struct event_log event_log = {{0}, 0, 0, client, false};
  xiezhen_run_options *options = options_with(&event_log, scratch("run"), scratch("run.json"));
  OK(xiezhen_run(client, job, options, error));
  event_log.returned = true;
  check_done(job);
  CHECK(event_log.kinds[XIEZHEN_EVENT_PHOTO_UPLOADED] == 10 && event_log.kinds[XIEZHEN_EVENT_TRAINED] == 1);
  CHECK(event_log.kinds[XIEZHEN_EVENT_GENERATED] == 2 && event_log.kinds[XIEZHEN_EVENT_SAVED] == 4);
  CHECK(event_log.kinds[XIEZHEN_EVENT_UNKNOWN_STATE] == 1 && event_log.kinds[XIEZHEN_EVENT_RETRYING] == 1);
  CHECK(event_log.kinds[XIEZHEN_EVENT_FINISHED] == 1);
  xiezhen_job_free(job);

  /* The checkpoint knows: another process would make no call. */
  const int queries = count_calls("run", "query_task");
  job = new_job();
  event_log.returned = false;
  OK(xiezhen_run(client, job, options, error));
  check_done(job);
  CHECK(count_calls("run", "create_user_model") == 1 && count_calls("run", "query_task") == queries);

  xiezhen_job *stored = NULL;
  OK(xiezhen_job_read_checkpoint(scratch("run.json"), &stored, error));
  check_done(stored);
  xiezhen_job_free(stored);
  xiezhen_run_options_free(options);
  xiezhen_job_free(job);

  /* A checkpoint that can't be read is left as it is. */
  FILE *file = fopen(scratch("broken.json"), "w");
  fputs("{", file);
  fclose(file);
  job = new_job();
  options = options_with(NULL, NULL, scratch("broken.json"));
  xiezhen_error *error = NULL;
  CHECK(xiezhen_run(client, job, options, &error) == XIEZHEN_IO);
  CHECK(strstr(xiezhen_error_path(error), "broken.json"));
  xiezhen_error_free(error);
  xiezhen_run_options_free(options);
  xiezhen_job_free(job);
  xiezhen_client_free(client);
}

static void a_callback_stops_the_run(void) {
  xiezhen_client *client = quick_client("stop");
  xiezhen_job *job = new_job();
  struct event_log event_log = {{0}, 0, XIEZHEN_EVENT_TRAINED, NULL, false};
  xiezhen_run_options *options = options_with(&event_log, scratch("stop"), scratch("stop.json"));
  xiezhen_error *error = NULL;
  CHECK(xiezhen_run(client, job, options, &error) == XIEZHEN_CANCELLED);
  event_log.returned = true;
  CHECK(strstr(xiezhen_error_message(error), "on_event returned 7"));
  CHECK(event_log.kinds[XIEZHEN_EVENT_TRAINED] == 1 && event_log.kinds[XIEZHEN_EVENT_GENERATING] == 0);
  xiezhen_error_free(error);
  sleep_ms(100); /* nothing is told after the call has returned: `note` would fail */

  event_log.returned = false;
  event_log.stop_at = 0;
  OK(xiezhen_run(client, job, options, error));
  check_done(job);
  CHECK(count_calls("stop", "create_user_model") == 1 && count_calls("stop", "upload_file") == 10);
  xiezhen_run_options_free(options);

  settings("stop", "{\"generation_seconds\":3600}");
  xiezhen_job_options *order = xiezhen_job_options_new();
  xiezhen_string *user_id = NULL;
  OK(xiezhen_job_user_id(job, &user_id, error));
  OK(xiezhen_job_options_set_user_id(order, xiezhen_string_text(user_id), error));
  OK(xiezhen_job_options_add_style(order, "仙气十足", error));
  xiezhen_string_free(user_id);
  xiezhen_job_free(job);
  OK(xiezhen_job_new(order, &job, error));
  options = options_with(NULL, NULL, NULL);
  OK(xiezhen_run_options_set_recreate(options, false, error));
  // A busy machine has no task by then.
  for (uint64_t ms = 300;; ms *= 2) {
    OK(xiezhen_run_options_set_timeout_ms(options, ms, error));
    error = NULL;
    CHECK(xiezhen_run(client, job, options, &error) == XIEZHEN_TIMEOUT);
    if (xiezhen_error_task_id(error)) break;
    xiezhen_error_free(error);
  }
  CHECK(xiezhen_job_stage(job) == XIEZHEN_STAGE_GENERATING);
  xiezhen_error_free(error);
  xiezhen_job_options_free(order);
  xiezhen_run_options_free(options);
  xiezhen_job_free(job);
  xiezhen_client_free(client);
}

struct store {
  xiezhen_string *json;
  int saves, fail_at;
};

static int32_t keep(const xiezhen_job *job, void *user_data) {
  struct store *store = user_data;
  if (++store->saves == store->fail_at) return 5;
  xiezhen_string_free(store->json);
  store->json = NULL;
  return xiezhen_job_to_json(job, &store->json, NULL);
}

static void advance_by_hand(void) {
  xiezhen_client *client = quick_client("advance");
  struct store store = {NULL, 0, 0};
  struct event_log event_log = {{0}, 0, 0, client, false};
  xiezhen_run_options *options = options_with(&event_log, scratch("advance"), NULL);
  xiezhen_job *job = new_job();
  uint64_t next_ms = 0;
  int turns = 0;
  while (next_ms != XIEZHEN_NONE) {
    CHECK(++turns < 200);
    OK(xiezhen_advance(client, job, keep, &store, options, &next_ms, error));
    if (next_ms == XIEZHEN_NONE) break;
    sleep_ms((int)next_ms);
    /* Go on from what the store holds, as another process would. */
    xiezhen_job_free(job);
    OK(xiezhen_job_from_json(xiezhen_string_text(store.json), &job, error));
  }
  check_done(job);
  CHECK(store.saves >= 8 && event_log.kinds[XIEZHEN_EVENT_FINISHED] == 1);
  CHECK(count_calls("advance", "create_user_model") == 1 && count_calls("advance", "create_task") == 2);
  xiezhen_job_free(job);
  xiezhen_string_free(store.json);
  store.json = NULL;

  /* A store that fails: nothing is sent. */
  store.saves = 0;
  store.fail_at = 1;
  job = new_job();
  xiezhen_error *error = NULL;
  next_ms = 42;
  CHECK(xiezhen_advance(client, job, keep, &store, options, &next_ms, &error) == XIEZHEN_IO && next_ms == 42);
  CHECK(strstr(xiezhen_error_message(error), "save returned 5"));
  CHECK(count_calls("advance", "create_user_model") == 1);
  xiezhen_error_free(error);
  xiezhen_run_options_free(options);

  options = options_with(NULL, NULL, scratch("not here.json"));
  CHECK(xiezhen_advance(client, job, keep, &store, options, &next_ms, NULL) == XIEZHEN_INVALID_ARGUMENT);
  CHECK(xiezhen_advance(client, job, NULL, NULL, NULL, &next_ms, NULL) == XIEZHEN_INVALID_ARGUMENT);
  xiezhen_run_options_free(options);
  xiezhen_job_free(job);
  xiezhen_client_free(client);
}

/* An advance that is out of time goes on where it was cut off. */
static void an_advance_out_of_time(void) {
  xiezhen_client *client = quick_client("late");
  settings("late", "{\"training_seconds\":3600}");
  fault("late", "{\"call\":\"upload_file\",\"skip\":9,\"times\":1,\"stall\":\"before\"}");
  struct store store = {NULL, 0, 0};
  xiezhen_run_options *options = xiezhen_run_options_new();
  OK(xiezhen_run_options_set_timeout_ms(options, 3000, error));
  xiezhen_job *job = new_job();
  uint64_t next_ms = 42;
  xiezhen_error *error = NULL;
  const double began = now_ms();
  CHECK(xiezhen_advance(client, job, keep, &store, options, &next_ms, &error) == XIEZHEN_TIMEOUT && next_ms == 42);
  CHECK(now_ms() - began < 50000); /* the client's own timeout is 60 s */
  CHECK(strstr(xiezhen_error_message(error), "not advanced within 3 s") && strstr(xiezhen_error_message(error), "advance it again"));
  xiezhen_error_free(error);
  free(control("late", "DELETE", "faults", ""));
  OK(xiezhen_run_options_set_timeout_ms(options, XIEZHEN_NONE, error));
  OK(xiezhen_advance(client, job, keep, &store, options, &next_ms, error));
  CHECK(xiezhen_job_stage(job) == XIEZHEN_STAGE_TRAINING && count_calls("late", "create_user_model") == 1);

  /* Begun, it ends with the same. */
  fault("late", "{\"call\":\"query_task\",\"stall\":\"before\"}");
  xiezhen_queue *queue = NULL;
  OK(xiezhen_queue_new(&queue, error));
  OK(xiezhen_run_options_set_timeout_ms(options, 200, error));
  sleep_ms(100);
  OK(xiezhen_begin_advance(client, job, options, queue, NULL, error));
  for (bool ended = false; !ended;) {
    CHECK(xiezhen_queue_wait(queue, 30000));
    xiezhen_completion *completion = xiezhen_queue_next(queue);
    if (xiezhen_completion_job(completion)) OK(xiezhen_completion_saved(completion, 0, error));
    ended = xiezhen_completion_is_last(completion);
    CHECK(!ended || xiezhen_completion_status(completion) == XIEZHEN_TIMEOUT);
    xiezhen_completion_free(completion);
  }
  xiezhen_queue_free(queue);
  xiezhen_string_free(store.json);
  xiezhen_run_options_free(options);
  xiezhen_job_free(job);
  xiezhen_client_free(client);
}

/* What a job fails of, and what of it can be adopted: the training, or one of its styles. */
static void fails_of(const xiezhen_job *job, xiezhen_status status, size_t count, const char *style) {
  xiezhen_error *failure = NULL;
  xiezhen_strings *adoptable = NULL;
  OK(xiezhen_job_error(job, &failure, error));
  OK(xiezhen_job_adoptable(job, &adoptable, error));
  CHECK((failure == NULL) == (status == XIEZHEN_OK) && xiezhen_error_status(failure) == status);
  CHECK(xiezhen_strings_count(adoptable) == count);
  const char *first = xiezhen_strings_at(adoptable, 0);
  CHECK(style ? first && strcmp(first, style) == 0 : !first);
  xiezhen_error_free(failure);
  xiezhen_strings_free(adoptable);
}

static void adopt_what_was_lost(void) {
  xiezhen_client *client = quick_client("adopt");
  fault("adopt", "{\"call\":\"create_user_model\",\"times\":1,\"close\":\"after\"}");
  xiezhen_job *job = new_job();
  xiezhen_run_options *options = options_with(NULL, scratch("adopt"), NULL);
  xiezhen_error *error = NULL;
  fails_of(job, XIEZHEN_OK, 0, NULL);
  CHECK(xiezhen_run(client, job, options, &error) == XIEZHEN_OUTCOME_UNKNOWN);
  xiezhen_error_free(error);
  CHECK(xiezhen_run(client, job, options, NULL) == XIEZHEN_OUTCOME_UNKNOWN);
  CHECK(count_calls("adopt", "create_user_model") == 1);

  char *tasks = control("adopt", "GET", "tasks", ""), task_id[64], user_id[64];
  CHECK(sscanf(strstr(tasks, "\"id\":\""), "\"id\":\"%63[^\"]", task_id) == 1);
  CHECK(sscanf(strstr(tasks, "\"user_id\":\""), "\"user_id\":\"%63[^\"]", user_id) == 1);
  free(tasks);
  fails_of(job, XIEZHEN_OUTCOME_UNKNOWN, 1, NULL);
  OK(xiezhen_job_adopt(job, task_id, user_id, error));
  fails_of(job, XIEZHEN_OK, 0, NULL);
  fault("adopt", "{\"call\":\"create_task\",\"skip\":1,\"times\":1,\"close\":\"before\"}");
  CHECK(xiezhen_run(client, job, options, NULL) == XIEZHEN_OUTCOME_UNKNOWN);
  fails_of(job, XIEZHEN_OUTCOME_UNKNOWN, 1, "花好月圆");
  OK(xiezhen_run_options_set_recreate(options, true, error));
  OK(xiezhen_run(client, job, options, error));
  check_done(job);
  CHECK(count_calls("adopt", "create_user_model") == 1);
  CHECK(xiezhen_job_adopt(job, task_id, NULL, NULL) == XIEZHEN_INVALID_ARGUMENT);
  xiezhen_run_options_free(options);
  xiezhen_job_free(job);
  xiezhen_client_free(client);
}

/* Paths are the system's bytes, wherever they come out; JSON has what can be shown of them. */
static void a_folder_that_is_not_utf8(void) {
  char before[4096], here[4096];
  CHECK(getcwd(before, sizeof before));
  CHECK(mkdir(scratch("\xff\xfe"), 0755) == 0 && chdir(scratch("\xff\xfe")) == 0 && getcwd(here, sizeof here));
  xiezhen_client *client = quick_client("bytes");
  xiezhen_job *job = new_job();
  struct event_log event_log = {{0}, 0, 0, NULL, false};
  xiezhen_run_options *options = options_with(&event_log, "pictures", NULL);
  OK(xiezhen_run(client, job, options, error));
  check_done(job);
  CHECK(event_log.kinds[XIEZHEN_EVENT_SAVED] == 4);
  xiezhen_string *save_to = NULL;
  OK(xiezhen_job_save_to(job, &save_to, error));
  CHECK(strncmp(xiezhen_string_text(save_to), here, strlen(here)) == 0);
  xiezhen_string_free(save_to);

  /* A photo's path is as it was given. */
  xiezhen_job_photo_list *photos = NULL;
  OK(xiezhen_job_photos(job, &photos, error));
  CHECK(strcmp(xiezhen_job_photo_path(xiezhen_job_photo_list_at(photos, 0)), photo_path(1)) == 0);
  xiezhen_job_photo_list_free(photos);
  xiezhen_job_free(job);

  /* A folder that can't be made, because a file is there. */
  FILE *file = fopen("file", "w");
  fclose(file);
  job = new_job();
  OK(xiezhen_run_options_set_save_to(options, "file", error));
  xiezhen_error *error = NULL;
  CHECK(xiezhen_run(client, job, options, &error) == XIEZHEN_IO);
  CHECK(strncmp(xiezhen_error_path(error), here, strlen(here)) == 0);
  CHECK(strncmp(xiezhen_error_json(error), "{\"code\":\"io\"", 12) == 0);
  xiezhen_error_free(error);
  xiezhen_run_options_free(options);
  xiezhen_job_free(job);
  xiezhen_client_free(client);
  CHECK(chdir(before) == 0);
}

int main(void) {
  run_and_run_again();
  a_callback_stops_the_run();
  advance_by_hand();
  an_advance_out_of_time();
  adopt_what_was_lost();
  a_folder_that_is_not_utf8();
  puts("jobs: ok");
  return 0;
}
