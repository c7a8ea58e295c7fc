/* The completion queue: its descriptor, every call begun on it, and what stops one. */
#include "queue.h"

#include <pthread.h>

static void a_descriptor_that_says_whether_there_is_something(void) {
  xiezhen_client *client = quick_client("descriptor");
  xiezhen_queue *queue = new_queue();
  CHECK(xiezhen_queue_fd(queue) >= 0 && !readable(queue, 0) && xiezhen_queue_next(queue) == NULL);
  CHECK(!xiezhen_queue_wait(queue, XIEZHEN_NONE)); /* nothing is pending: for ever would be long */

  OK(xiezhen_begin_list_styles(client, NULL, queue, &client, error));
  OK(xiezhen_begin_list_styles(client, NULL, queue, NULL, error));
  CHECK(xiezhen_queue_pending(queue) == 2);
  CHECK(xiezhen_queue_wait(queue, 30000) && readable(queue, 0) && readable(queue, 0));
  xiezhen_completion *first = next(queue), *second = next(queue);
  CHECK(!xiezhen_completion_tag(first) != !xiezhen_completion_tag(second));
  CHECK(xiezhen_styles_count(xiezhen_completion_styles(first)) > 0);
  CHECK(!xiezhen_completion_task(first) && !xiezhen_completion_path(first) && !xiezhen_completion_event(first));
  CHECK(!readable(queue, 0) && xiezhen_queue_next(queue) == NULL && xiezhen_queue_pending(queue) == 0);
  xiezhen_completion_free(second);
  xiezhen_queue_free(queue);
  /* A completion is its own. */
  CHECK(xiezhen_style_name(xiezhen_styles_at(xiezhen_completion_styles(first), 0)));
  xiezhen_completion_free(first);

  queue = new_queue();
  fault("descriptor", "{\"call\":\"list_styles\",\"stall\":\"before\"}");
  OK(xiezhen_begin_list_styles(client, NULL, queue, NULL, error));
  CHECK(!xiezhen_queue_wait(queue, 20));
  xiezhen_queue_free(queue);
  xiezhen_client_free(client);
}

static void each_of_the_calls(void) {
  xiezhen_client *client = quick_client("calls");
  xiezhen_queue *queue = new_queue();
  xiezhen_completion *paths[8];
  const char *texts[8];
  for (int n = 0; n < 8; n++) {
    xiezhen_photo *photo = NULL;
    OK(xiezhen_photo_from_path(photo_path(n + 1), &photo, error));
    OK(xiezhen_begin_upload_file(client, photo, NULL, queue, queue, error));
    xiezhen_photo_free(photo);
    paths[n] = last(queue, queue);
    texts[n] = xiezhen_completion_path(paths[n]);
    CHECK(strncmp(texts[n], "user_upload/", 12) == 0);
  }
  int tag = 0;
  OK(xiezhen_begin_create_user_model(client, texts, 8, NULL, queue, &tag, error));
  for (int n = 0; n < 8; n++) xiezhen_completion_free(paths[n]);
  xiezhen_completion *training = last(queue, &tag);
  const xiezhen_created *created = xiezhen_completion_created(training);
  const char *user_id = xiezhen_created_user_id(created), *training_id = xiezhen_created_task_id(created);
  OK(xiezhen_begin_wait(client, training_id, NULL, queue, &tag, error));
  xiezhen_completion *waited = last(queue, &tag);
  CHECK(xiezhen_task_state(xiezhen_completion_task(waited)) == XIEZHEN_STATE_SUCCEEDED);
  xiezhen_completion_free(waited);

  OK(xiezhen_begin_list_styles(client, NULL, queue, &tag, error));
  xiezhen_completion *styles = last(queue, &tag);
  const char *style = xiezhen_style_style(xiezhen_styles_at(xiezhen_completion_styles(styles), 0));
  OK(xiezhen_begin_create_task(client, user_id, style, NULL, queue, &tag, error));
  xiezhen_completion *generation = last(queue, &tag);
  const char *ids[] = {xiezhen_created_task_id(xiezhen_completion_created(generation)), "no-such-task"};

  /* Each as it ends, then all. */
  OK(xiezhen_begin_wait_many(client, ids, 2, NULL, queue, &tag, error));
  for (int n = 0; n < 2; n++) {
    xiezhen_completion *ended = next(queue);
    CHECK(!xiezhen_completion_is_last(ended) && xiezhen_completion_tag(ended) == &tag);
    const bool unknown = xiezhen_completion_index(ended) == 1;
    CHECK(unknown == !xiezhen_completion_task(ended) && unknown == !!xiezhen_completion_error(ended));
    xiezhen_completion_free(ended);
  }
  xiezhen_completion *all = last(queue, &tag);
  CHECK(xiezhen_outcomes_count(xiezhen_completion_outcomes(all)) == 2);
  CHECK(xiezhen_outcomes_task(xiezhen_completion_outcomes(all), 0));
  xiezhen_completion_free(all);

  OK(xiezhen_begin_query_task(client, ids[0], NULL, queue, &tag, error));
  xiezhen_completion *queried = last(queue, &tag);
  OK(xiezhen_begin_save_results(client, xiezhen_completion_task(queried), scratch("queue"), NULL, queue, &tag, error));
  xiezhen_completion_free(queried);
  xiezhen_completion *saved = last(queue, &tag);
  CHECK(xiezhen_strings_count(xiezhen_completion_files(saved)) == 2);
  CHECK(access(xiezhen_strings_at(xiezhen_completion_files(saved), 0), R_OK) == 0);
  xiezhen_completion_free(saved);
  xiezhen_completion_free(generation);
  xiezhen_completion_free(styles);
  xiezhen_completion_free(training);

  OK(xiezhen_begin_wait_for_creates(client, NULL, queue, &tag, error));
  xiezhen_completion_free(last(queue, &tag));

  /* An error is a completion's too. */
  OK(xiezhen_begin_wait(client, "no-such-task", NULL, queue, &tag, error));
  xiezhen_completion *failed = next(queue);
  CHECK(xiezhen_completion_is_last(failed) && xiezhen_completion_status(failed) == XIEZHEN_API);
  CHECK(strcmp(xiezhen_error_task_id(xiezhen_completion_error(failed)), "no-such-task") == 0);
  xiezhen_completion_free(failed);
  xiezhen_queue_free(queue);
  xiezhen_client_free(client);
}

static void a_run_with_its_events(void) {
  xiezhen_client *client = quick_client("run");
  xiezhen_queue *queue = new_queue();
  xiezhen_run_options *options = xiezhen_run_options_new();
  OK(xiezhen_run_options_set_save_to(options, scratch("run"), error));
  xiezhen_job *job = new_job();
  OK(xiezhen_begin_run(client, job, options, queue, job, error));
  xiezhen_run_options_free(options);
  int kinds[16] = {0};
  xiezhen_completion *completion = next(queue);
  while (!xiezhen_completion_is_last(completion)) {
    const xiezhen_event *event = xiezhen_completion_event(completion);
    CHECK(event && xiezhen_completion_tag(completion) == job);
    kinds[xiezhen_event_type(event)]++;
    xiezhen_completion_free(completion);
    completion = next(queue);
  }
  CHECK(xiezhen_completion_status(completion) == XIEZHEN_OK);
  xiezhen_completion_free(completion);
  CHECK(kinds[XIEZHEN_EVENT_PHOTO_UPLOADED] == 10 && kinds[XIEZHEN_EVENT_TRAINED] == 1);
  CHECK(kinds[XIEZHEN_EVENT_SAVED] == 4 && kinds[XIEZHEN_EVENT_FINISHED] == 1);
  CHECK(xiezhen_job_stage(job) == XIEZHEN_STAGE_DONE);
  xiezhen_job_free(job);
  xiezhen_queue_free(queue);
  xiezhen_client_free(client);
}

/* Advances a job to its next pause, and stores it; `answer` says how that went. -1 frees the completion unanswered. */
static xiezhen_completion *advance(const xiezhen_client *client, const xiezhen_job *job, const xiezhen_queue *queue,
                                   int answer, int *saves) {
  OK(xiezhen_begin_advance(client, job, NULL, queue, NULL, error));
  for (;;) {
    xiezhen_completion *completion = next(queue);
    if (xiezhen_completion_is_last(completion)) return completion;
    const xiezhen_job *now = xiezhen_completion_job(completion);
    CHECK(!now == !!xiezhen_completion_event(completion));
    if (now) {
      xiezhen_string *json = NULL;
      OK(xiezhen_job_to_json(now, &json, error));
      CHECK(strstr(xiezhen_string_text(json), "\"version\""));
      xiezhen_string_free(json);
      ++*saves;
      if (answer >= 0) {
        OK(xiezhen_completion_saved(completion, answer, error));
        CHECK(xiezhen_completion_saved(completion, answer, NULL) == XIEZHEN_INVALID_ARGUMENT);
      }
    } else CHECK(xiezhen_completion_saved(completion, 0, NULL) == XIEZHEN_INVALID_ARGUMENT);
    xiezhen_completion_free(completion);
  }
}

static void a_job_in_a_store(void) {
  xiezhen_client *client = quick_client("store");
  xiezhen_queue *queue = new_queue();
  xiezhen_job *job = new_job();
  int saves = 0;
  for (int answer = -1; answer <= 1; answer += 2) {
    xiezhen_completion *refused = advance(client, job, queue, answer, &saves);
    CHECK(xiezhen_completion_status(refused) == XIEZHEN_IO && saves >= 1);
    CHECK(count_calls("store", "create_user_model") == 0);
    xiezhen_completion_free(refused);
  }
  for (;;) {
    xiezhen_completion *turn = advance(client, job, queue, 0, &saves);
    CHECK(xiezhen_completion_status(turn) == XIEZHEN_OK);
    const uint64_t next_ms = xiezhen_completion_next_ms(turn);
    xiezhen_completion_free(turn);
    if (next_ms == XIEZHEN_NONE) break;
    sleep_ms((int)next_ms);
  }
  CHECK(xiezhen_job_stage(job) == XIEZHEN_STAGE_DONE && count_calls("store", "create_task") == 2);
  xiezhen_job_free(job);
  xiezhen_queue_free(queue);
  xiezhen_client_free(client);
}

static void a_cancel_stops_one(void) {
  xiezhen_client *client = quick_client("cancel");
  xiezhen_queue *queue = new_queue();
  xiezhen_cancel *cancel = xiezhen_cancel_new();
  xiezhen_call_options *options = xiezhen_call_options_new();
  OK(xiezhen_call_options_set_cancel(options, cancel, error));
  settings("cancel", "{\"training_seconds\":3600}");
  xiezhen_created *training = start_training(client);
  const char *task_id = xiezhen_created_task_id(training);
  OK(xiezhen_begin_wait(client, task_id, options, queue, NULL, error));
  OK(xiezhen_begin_wait(client, task_id, NULL, queue, &cancel, error));
  xiezhen_cancel_cancel(cancel);
  xiezhen_completion *stopped = next(queue);
  CHECK(xiezhen_completion_status(stopped) == XIEZHEN_CANCELLED && !xiezhen_completion_tag(stopped));
  CHECK(strcmp(xiezhen_error_task_id(xiezhen_completion_error(stopped)), task_id) == 0);
  xiezhen_completion_free(stopped);
  CHECK(xiezhen_queue_pending(queue) == 1);

  /* What is queued when the client goes away is still there. */
  xiezhen_client_close(client);
  stopped = next(queue);
  CHECK(xiezhen_completion_status(stopped) == XIEZHEN_CANCELLED && xiezhen_completion_tag(stopped) == &cancel);
  CHECK(xiezhen_begin_wait(client, task_id, NULL, queue, NULL, NULL) == XIEZHEN_OK);
  xiezhen_completion *closed = next(queue);
  CHECK(xiezhen_completion_status(closed) == XIEZHEN_INVALID_ARGUMENT);
  xiezhen_completion_free(closed);
  xiezhen_completion_free(stopped);
  xiezhen_created_free(training);
  xiezhen_call_options_free(options);
  xiezhen_cancel_free(cancel);
  xiezhen_queue_free(queue);
  xiezhen_client_free(client);
}

/* A call that was begun is in flight, although the library's thread may not have come to it yet. */
static void a_close_cancels_what_was_begun(void) {
  fault("closed", "{\"call\":\"any\",\"stall\":\"before\"}");
  for (int time = 0; time < 20; time++) {
    xiezhen_client *client = quick_client("closed");
    xiezhen_queue *queue = new_queue();
    for (int n = 0; n < 20; n++) {
      OK(xiezhen_begin_wait(client, "T1", NULL, queue, NULL, error));
      OK(xiezhen_begin_list_styles(client, NULL, queue, NULL, error));
    }
    xiezhen_client_close(client);
    while (xiezhen_queue_pending(queue) > 0) {
      xiezhen_completion *stopped = next(queue);
      CHECK(xiezhen_completion_status(stopped) == XIEZHEN_CANCELLED);
      xiezhen_completion_free(stopped);
    }
    xiezhen_queue_free(queue);
    xiezhen_client_free(client);
  }
}

static void freed_with_calls_in_flight(void) {
  settings("freed", "{\"training_seconds\":3600}");
  xiezhen_client *client = quick_client("freed");
  xiezhen_run_options *options = xiezhen_run_options_new();
  OK(xiezhen_run_options_set_checkpoint(options, scratch("freed.json"), error));
  for (int time = 0; time < 3; time++) {
    xiezhen_queue *queue = new_queue();
    xiezhen_job *job = new_job();
    OK(xiezhen_begin_run(client, job, options, queue, NULL, error));
    OK(xiezhen_begin_wait(client, "no-such-task", NULL, queue, NULL, error));
    /* Until the training is under way, the second and third time that is seen at once: the checkpoint was let go of. */
    for (bool training = false; !training;) {
      xiezhen_completion *completion = next(queue);
      const xiezhen_event *event = xiezhen_completion_event(completion);
      if (xiezhen_completion_is_last(completion)) CHECK(xiezhen_completion_status(completion) == XIEZHEN_API);
      training = xiezhen_event_type(event) == XIEZHEN_EVENT_TRAINING;
      xiezhen_completion_free(completion);
    }
    xiezhen_job_free(job);
    xiezhen_queue_free(queue);
  }
  CHECK(count_calls("freed", "create_user_model") == 1 && count_calls("freed", "upload_file") == 10);
  xiezhen_run_options_free(options);
  xiezhen_client_free(client);
}

struct lines {
  pthread_t thread;
  int count;
};

static void on_log(xiezhen_log_level level, const char *target, const char *message, void *user_data) {
  struct lines *lines = user_data;
  CHECK(level != XIEZHEN_LOG_LEVEL_UNKNOWN && *target && *message);
  CHECK(pthread_equal(pthread_self(), lines->thread));
  lines->count++;
}

static void a_log_is_told_to_whoever_takes(void) {
  struct lines lines = {pthread_self(), 0};
  xiezhen_client_options *options = quick_options("log");
  OK(xiezhen_client_options_set_on_log(options, XIEZHEN_LOG_LEVEL_TRACE, on_log, &lines, error));
  xiezhen_client *client = NULL;
  OK(xiezhen_client_new(options, &client, error));
  xiezhen_queue *queue = new_queue();
  OK(xiezhen_begin_list_styles(client, NULL, queue, NULL, error));
  sleep_ms(200);
  CHECK(lines.count == 0);
  xiezhen_completion_free(last(queue, NULL));
  CHECK(lines.count > 0);
  xiezhen_queue_free(queue);
  xiezhen_client_free(client);
  xiezhen_client_options_free(options);
}

int main(void) {
  a_descriptor_that_says_whether_there_is_something();
  each_of_the_calls();
  a_run_with_its_events();
  a_job_in_a_store();
  a_cancel_stops_one();
  a_close_cancels_what_was_begun();
  freed_with_calls_in_flight();
  a_log_is_told_to_whoever_takes();
  printf("queue: ok\n");
  return 0;
}
