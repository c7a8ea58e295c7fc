/* Cancelling from a second thread, sixteen threads on one client, small stacks, a thousand waits on one thread, and a fork. */
#include "support.h"

#include <pthread.h>
#include <sys/wait.h>

enum { THREADS = 16, CALLS = 5, WAITS = 1000 };

struct stopper {
  xiezhen_cancel *cancel;
  double cancelled_at;
};

static void *cancel_soon(void *data) {
  struct stopper *stopper = data;
  sleep_ms(150);
  stopper->cancelled_at = now_ms();
  xiezhen_cancel_cancel(stopper->cancel);
  return NULL;
}

/* Runs `call`, which uses `error`, until another thread stops it. */
#define STOPPED(stopper, call)                                                                                         \
  do {                                                                                                                 \
    pthread_t thread;                                                                                                  \
    xiezhen_error *stop_error = NULL;                                                                                  \
    xiezhen_error **error = &stop_error;                                                                               \
    CHECK(pthread_create(&thread, NULL, cancel_soon, &(stopper)) == 0);                                                \
    const xiezhen_status status = (call);                                                                              \
    const double returned_at = now_ms();                                                                               \
    CHECK(pthread_join(thread, NULL) == 0);                                                                            \
    if (status != XIEZHEN_CANCELLED) fprintf(stderr, "%s: %s\n", #call, xiezhen_error_message(stop_error));            \
    CHECK(status == XIEZHEN_CANCELLED && xiezhen_error_status(stop_error) == XIEZHEN_CANCELLED);                       \
    if (returned_at - (stopper).cancelled_at > slack)                                                                  \
      fprintf(stderr, "%s returned %.0f ms after the cancel\n", #call, returned_at - (stopper).cancelled_at);          \
    CHECK(returned_at - (stopper).cancelled_at <= slack);                                                              \
    seen_task_id = xiezhen_error_task_id(stop_error) != NULL;                                                          \
    xiezhen_error_free(stop_error);                                                                                    \
  } while (0)

static bool seen_task_id;

static int32_t keep_nothing(const xiezhen_job *job, void *user_data) {
  (void)job, (void)user_data;
  return 0;
}

enum { CREATE_TIMEOUT = 5000 };

static void cancel_any_call(void) {
  /* 100 ms is the promise; machines that test are slower than that, valgrind most of all. Uncancelled, each takes an hour. */
  const double slack = 20000;
  xiezhen_client *client = quick_client("cancel");
  struct stopper stopper;
  xiezhen_call_options *options = NULL;
  xiezhen_run_options *run = NULL;
#define FRESH()                                                                                                        \
  do {                                                                                                                 \
    stopper.cancel = xiezhen_cancel_new();                                                                             \
    options = xiezhen_call_options_new();                                                                              \
    run = xiezhen_run_options_new();                                                                                   \
    OK(xiezhen_call_options_set_cancel(options, stopper.cancel, error));                                               \
    OK(xiezhen_run_options_set_cancel(run, stopper.cancel, error));                                                    \
  } while (0)
#define DONE()                                                                                                         \
  do {                                                                                                                 \
    CHECK(xiezhen_cancel_is_cancelled(stopper.cancel));                                                                \
    xiezhen_cancel_free(stopper.cancel);                                                                               \
    xiezhen_call_options_free(options);                                                                                \
    xiezhen_run_options_free(run);                                                                                     \
  } while (0)

  xiezhen_task *generation = ended_generation(client);
  settings("cancel", "{\"training_seconds\":3600}");
  xiezhen_created *training = start_training(client), *created = NULL;
  const char *task_id = xiezhen_created_task_id(training);
  xiezhen_task *task = NULL;
  xiezhen_outcomes *outcomes = NULL;
  xiezhen_styles *styles = NULL;
  xiezhen_string *path = NULL;
  xiezhen_strings *files = NULL;
  const char *img_set[] = {"p/1", "p/2", "p/3", "p/4", "p/5", "p/6", "p/7", "p/8"};
  uint64_t next_ms = 0;

  FRESH();
  STOPPED(stopper, xiezhen_wait_task(client, task_id, options, &task, error));
  CHECK(seen_task_id);
  /* For ever: a later call is stopped before it sends anything. */
  const int queries = count_calls("cancel", "query_task");
  CHECK(xiezhen_query_task(client, task_id, options, &task, NULL) == XIEZHEN_CANCELLED);
  CHECK(count_calls("cancel", "query_task") == queries);
  DONE();

  FRESH();
  STOPPED(stopper, xiezhen_wait_many(client, &task_id, 1, NULL, NULL, options, &outcomes, error));
  DONE();

  xiezhen_job *job = new_job();
  FRESH();
  STOPPED(stopper, xiezhen_run(client, job, run, error));
  DONE();
  xiezhen_job_free(job);

  fault("cancel", "{\"call\":\"any\",\"stall\":\"before\"}");
  FRESH();
  STOPPED(stopper, xiezhen_query_task(client, task_id, options, &task, error));
  CHECK(seen_task_id);
  DONE();
  FRESH();
  STOPPED(stopper, xiezhen_list_styles(client, options, &styles, error));
  DONE();
  /* The end of the client waits for these. */
  FRESH();
  OK(xiezhen_call_options_set_timeout_ms(options, CREATE_TIMEOUT, error));
  STOPPED(stopper, xiezhen_create_user_model(client, img_set, 8, options, &created, error));
  DONE();
  FRESH();
  STOPPED(stopper, xiezhen_save_results(client, generation, scratch("cancelled"), options, &files, error));
  CHECK(seen_task_id);
  DONE();
  FRESH();
  OK(xiezhen_call_options_set_timeout_ms(options, CREATE_TIMEOUT, error));
  STOPPED(stopper, xiezhen_create_task(client, "U1", "S1", options, &created, error));
  DONE();
  FRESH();
  xiezhen_photo *photo = NULL;
  OK(xiezhen_photo_from_path(photo_path(1), &photo, error));
  STOPPED(stopper, xiezhen_upload_file(client, photo, options, &path, error));
  xiezhen_photo_free(photo);
  DONE();
  FRESH();
  job = new_job();
  STOPPED(stopper, xiezhen_advance(client, job, keep_nothing, NULL, run, &next_ms, error));
  xiezhen_job_free(job);
  DONE();

  CHECK(!task && !outcomes && !styles && !path && !files && !created);
  xiezhen_task_free(generation);
  xiezhen_created_free(training);
  xiezhen_client_free(client);
}

struct worker {
  const xiezhen_client *client;
  const char *task_id;
};

static void *query_often(void *data) {
  const struct worker *worker = data;
  for (int n = 0; n < CALLS; n++) {
    xiezhen_task *task = NULL;
    OK(xiezhen_query_task(worker->client, worker->task_id, NULL, &task, error));
    CHECK(strcmp(xiezhen_task_id(task), worker->task_id) == 0);
    xiezhen_task_free(task);
    xiezhen_error *mine = NULL;
    CHECK(xiezhen_query_task(worker->client, "", NULL, &task, &mine) == XIEZHEN_INVALID_ARGUMENT);
    CHECK(strstr(xiezhen_error_message(mine), "task_id"));
    xiezhen_error_free(mine);
  }
  return NULL;
}

static void sixteen_threads(void) {
  xiezhen_client *client = quick_client("threads");
  xiezhen_created *training = start_training(client);
  struct worker worker = {client, xiezhen_created_task_id(training)};
  pthread_t threads[THREADS];
  for (int n = 0; n < THREADS; n++) CHECK(pthread_create(&threads[n], NULL, query_often, &worker) == 0);
  for (int n = 0; n < THREADS; n++) CHECK(pthread_join(threads[n], NULL) == 0);
  CHECK(count_calls("threads", "query_task") == THREADS * CALLS);
  xiezhen_created_free(training);
  xiezhen_client_free(client);
}

struct patient {
  const xiezhen_client *client;
  const char *task_id;
  xiezhen_call_options *options;
  xiezhen_status returned;
};

static void *wait_whatever_comes(void *data) {
  struct patient *patient = data;
  xiezhen_task *task = NULL;
  patient->returned = xiezhen_wait_task(patient->client, patient->task_id, patient->options, &task, NULL);
  pthread_testcancel();
  return NULL;
}

/* A thread that is cancelled inside a call ends when the call has returned. */
static void a_cancelled_thread(void) {
  xiezhen_client *client = quick_client("pthread");
  settings("pthread", "{\"training_seconds\":3600}");
  xiezhen_created *training = start_training(client);
  xiezhen_cancel *cancel = xiezhen_cancel_new();
  struct patient patient = {client, xiezhen_created_task_id(training), xiezhen_call_options_new(), XIEZHEN_OK};
  OK(xiezhen_call_options_set_cancel(patient.options, cancel, error));
  pthread_t thread;
  void *ended = NULL;
  CHECK(pthread_create(&thread, NULL, wait_whatever_comes, &patient) == 0);
  sleep_ms(150);
  CHECK(pthread_cancel(thread) == 0);
  sleep_ms(150);
  xiezhen_cancel_cancel(cancel);
  CHECK(pthread_join(thread, &ended) == 0 && ended == PTHREAD_CANCELED);
  CHECK(patient.returned == XIEZHEN_CANCELLED);
  xiezhen_call_options_free(patient.options);
  xiezhen_cancel_free(cancel);
  xiezhen_created_free(training);
  xiezhen_client_free(client);
}

static void *a_whole_job(void *client) {
  xiezhen_job *job = new_job();
  xiezhen_run_options *options = xiezhen_run_options_new();
  OK(xiezhen_run_options_set_save_to(options, scratch("stack"), error));
  OK(xiezhen_run_options_set_checkpoint(options, scratch("stack.json"), error));
  OK(xiezhen_run(client, job, options, error));
  xiezhen_run_options_free(options);
  xiezhen_job_free(job);
  return NULL;
}

/* As much as the README asks for with a debug build is enough. */
static void a_small_stack(void) {
  xiezhen_client *client = quick_client("stack");
  pthread_attr_t small;
  pthread_t thread;
  CHECK(pthread_attr_init(&small) == 0 && pthread_attr_setstacksize(&small, 512 * 1024) == 0);
  CHECK(pthread_create(&thread, &small, a_whole_job, client) == 0 && pthread_join(thread, NULL) == 0);
  pthread_attr_destroy(&small);
  xiezhen_client_free(client);
}

struct ends {
  int ended, failed, stop_after;
  pthread_t thread;
};

static int32_t on_end(size_t index, const xiezhen_task *task, const xiezhen_error *error, void *user_data) {
  struct ends *ends = user_data;
  CHECK(pthread_equal(pthread_self(), ends->thread));
  CHECK(index < WAITS && (task == NULL) == (error != NULL));
  if (error) ends->failed++;
  return ++ends->ended == ends->stop_after;
}

/* A create whose call was stopped runs on, and can be waited for. */
static void wait_for_a_create(void) {
  enum { ANSWERS_AFTER = 700 };
  xiezhen_client *client = quick_client("creates");
  char delay[96];
  snprintf(delay, sizeof delay, "{\"call\":\"create_task\",\"answer_delay_ms\":%d}", ANSWERS_AFTER);
  fault("creates", delay);
  OK(xiezhen_wait_for_creates(client, NULL, error)); /* there is none */
  struct stopper stopper = {xiezhen_cancel_new(), 0};
  xiezhen_call_options *options = xiezhen_call_options_new();
  OK(xiezhen_call_options_set_cancel(options, stopper.cancel, error));
  xiezhen_created *created = NULL;
  const double slack = 20000, began = now_ms();
  STOPPED(stopper, xiezhen_create_task(client, "U1", "S1", options, &created, error));
  OK(xiezhen_wait_for_creates(client, NULL, error));
  CHECK(now_ms() - began >= ANSWERS_AFTER && count_calls("creates", "create_task") == 1);
  xiezhen_cancel_free(stopper.cancel);
  xiezhen_call_options_free(options);
  xiezhen_client_free(client);
}

static void a_thousand_waits(void) {
  xiezhen_client *client = quick_client("many");
  xiezhen_created *training = start_training(client);
  xiezhen_task *task = NULL;
  OK(xiezhen_wait_task(client, xiezhen_created_task_id(training), NULL, &task, error));
  xiezhen_task_free(task);
  xiezhen_styles *styles = NULL;
  OK(xiezhen_list_styles(client, NULL, &styles, error));
  const char *style = xiezhen_style_style(xiezhen_styles_at(styles, 0));

  /* Fifty tasks, each waited for twenty times; one that does not exist. */
  enum { TASKS = 50 };
  xiezhen_created *created[TASKS];
  static const char *ids[WAITS];
  for (int n = 0; n < TASKS; n++)
    OK(xiezhen_create_task(client, xiezhen_created_user_id(training), style, NULL, &created[n], error));
  for (int n = 0; n < WAITS; n++) ids[n] = xiezhen_created_task_id(created[n % TASKS]);
  ids[7] = "no-such-task";

  struct ends ends = {0, 0, 0, pthread_self()};
  xiezhen_outcomes *outcomes = NULL;
  OK(xiezhen_wait_many(client, ids, WAITS, on_end, &ends, NULL, &outcomes, error));
  CHECK(ends.ended == WAITS && ends.failed == 1);
  CHECK(xiezhen_outcomes_count(outcomes) == WAITS);
  for (size_t n = 0; n < WAITS; n++) {
    const xiezhen_task *ended = xiezhen_outcomes_task(outcomes, n);
    if (n == 7) {
      CHECK(!ended && xiezhen_error_status(xiezhen_outcomes_error(outcomes, n)) == XIEZHEN_API);
    } else {
      CHECK(strcmp(xiezhen_task_id(ended), ids[n]) == 0 && xiezhen_task_is_terminal(ended));
      CHECK(!xiezhen_outcomes_error(outcomes, n));
    }
  }
  CHECK(!xiezhen_outcomes_task(outcomes, WAITS) && !xiezhen_outcomes_error(outcomes, WAITS));
  xiezhen_outcomes_free(outcomes);

  /* A callback that has seen enough. */
  ends.ended = 0;
  ends.stop_after = 3;
  outcomes = NULL;
  xiezhen_error *error = NULL;
  CHECK(xiezhen_wait_many(client, ids, WAITS, on_end, &ends, NULL, &outcomes, &error) == XIEZHEN_CANCELLED);
  CHECK(ends.ended == 3 && outcomes == NULL && strstr(xiezhen_error_message(error), "on_end returned 1"));
  xiezhen_error_free(error);

  for (int n = 0; n < TASKS; n++) xiezhen_created_free(created[n]);
  xiezhen_styles_free(styles);
  xiezhen_created_free(training);
  xiezhen_client_free(client);
}

/* A forked child goes on with the client that its parent has used. */
static void a_fork(void) {
  xiezhen_client *client = quick_client("fork");
  xiezhen_styles *styles = NULL;
  OK(xiezhen_list_styles(client, NULL, &styles, error));
  xiezhen_styles_free(styles);
  const pid_t child = fork();
  if (child == 0) {
    alarm(20);
    xiezhen_styles *mine = NULL;
    _exit(xiezhen_list_styles(client, NULL, &mine, NULL));
  }
  int status = -1;
  CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
  OK(xiezhen_list_styles(client, NULL, &styles, error));
  xiezhen_styles_free(styles);
  xiezhen_client_free(client);
}

static int32_t fork_once(size_t index, const xiezhen_task *task, const xiezhen_error *error, void *user_data) {
  pid_t *child = user_data;
  (void)index, (void)task, (void)error;
  if (*child < 0) {
    *child = fork();
    if (*child == 0) alarm(20);
  }
  return 0;
}

/* The child of a callback's fork comes back into a call that is the parent's, and leaves it alone. */
static void a_fork_in_a_callback(void) {
  xiezhen_client *client = quick_client("fork-inside");
  xiezhen_created *training = start_training(client);
  const char *ids[] = {"no-such-task", xiezhen_created_task_id(training)};
  xiezhen_outcomes *outcomes = NULL;
  pid_t child = -1;
  const xiezhen_status ended = xiezhen_wait_many(client, ids, 2, fork_once, &child, NULL, &outcomes, NULL);
  if (child == 0) _exit(ended == XIEZHEN_INVALID_ARGUMENT ? 0 : 1);
  int status = -1;
  CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
  CHECK(ended == XIEZHEN_OK && xiezhen_outcomes_task(outcomes, 1));
  xiezhen_outcomes_free(outcomes);
  xiezhen_created_free(training);
  xiezhen_client_free(client);
}

static void *close_soon(void *client) {
  sleep_ms(100);
  xiezhen_client_close(client);
  return NULL;
}

static void close_stops_calls(void) {
  xiezhen_client *client = quick_client("close");
  settings("close", "{\"training_seconds\":3600}");
  xiezhen_created *training = start_training(client);
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, close_soon, client) == 0);
  xiezhen_task *task = NULL;
  CHECK(xiezhen_wait_task(client, xiezhen_created_task_id(training), NULL, &task, NULL) == XIEZHEN_CANCELLED);
  CHECK(pthread_join(thread, NULL) == 0);
  xiezhen_created_free(training);
  xiezhen_client_free(client);
}

int main(void) {
  if (!getenv("SLOW")) { /* what a child leaves behind is no leak, but valgrind would report it */
    a_fork();
    a_fork_in_a_callback();
  }
  cancel_any_call();
  a_cancelled_thread();
  sixteen_threads();
  a_small_stack();
  wait_for_a_create();
  a_thousand_waits();
  close_stops_calls();
  puts("threads: ok");
  return 0;
}
