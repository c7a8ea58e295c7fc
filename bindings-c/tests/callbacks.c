/* Callbacks are called on the thread that made the call, whoever does the work: events, saves, ends and the log. */
#include "support.h"

#include <pthread.h>

struct listener {
  pthread_t thread;
  int events, saves, ends, lines;
};

static struct listener listening(void) {
  const struct listener listener = {pthread_self(), 0, 0, 0, 0};
  return listener;
}

/* Fails on any other thread than the listener's own. */
static struct listener *here(void *user_data) {
  struct listener *listener = user_data;
  CHECK(pthread_equal(pthread_self(), listener->thread));
  return listener;
}

static int32_t on_event(const xiezhen_event *event, void *user_data) {
  CHECK(xiezhen_event_type(event) != XIEZHEN_EVENT_UNKNOWN);
  here(user_data)->events++;
  return 0;
}

static int32_t save(const xiezhen_job *job, void *user_data) {
  CHECK(xiezhen_job_stage(job) != XIEZHEN_STAGE_UNKNOWN);
  here(user_data)->saves++;
  return 0;
}

static int32_t on_end(size_t index, const xiezhen_task *task, const xiezhen_error *error, void *user_data) {
  CHECK(index == 0 && !task == !!error);
  here(user_data)->ends++;
  return 0;
}

static void on_log(xiezhen_log_level level, const char *target, const char *message, void *user_data) {
  CHECK(level != XIEZHEN_LOG_LEVEL_UNKNOWN && *target && *message);
  here(user_data)->lines++;
}

static xiezhen_client *logging_client(const char *space, xiezhen_on_log tell, void *user_data) {
  xiezhen_client *client = NULL;
  xiezhen_client_options *options = quick_options(space);
  OK(xiezhen_client_options_set_on_log(options, XIEZHEN_LOG_LEVEL_DEBUG, tell, user_data, error));
  OK(xiezhen_client_new(options, &client, error));
  xiezhen_client_options_free(options);
  return client;
}

/* Makes every kind of call that has a callback. */
static void *call_with_callbacks(void *space) {
  struct listener listener = listening();
  xiezhen_client *client = logging_client(space, on_log, &listener);
  xiezhen_run_options *options = xiezhen_run_options_new();
  OK(xiezhen_run_options_set_on_event(options, on_event, &listener, error));
  xiezhen_job *job = new_job();
  uint64_t next_ms = 0;
  OK(xiezhen_advance(client, job, save, &listener, options, &next_ms, error));
  CHECK(listener.events > 10 && listener.saves > 2 && listener.lines > 10);

  const int before = listener.events;
  OK(xiezhen_run_options_set_save_to(options, scratch(space), error));
  OK(xiezhen_run(client, job, options, error));
  CHECK(xiezhen_job_stage(job) == XIEZHEN_STAGE_DONE && listener.events > before + 4);

  const char *none[] = {"no-such-task"};
  xiezhen_outcomes *outcomes = NULL;
  OK(xiezhen_wait_many(client, none, 1, on_end, &listener, NULL, &outcomes, error));
  CHECK(listener.ends == 1);
  xiezhen_outcomes_free(outcomes);
  xiezhen_job_free(job);
  xiezhen_run_options_free(options);
  xiezhen_client_free(client);
  return NULL;
}

static void on_the_calling_thread(void) {
  call_with_callbacks("main");
  /* And on two other threads at once, each with a client and a log of its own. */
  char spaces[2][8] = {"first", "second"};
  pthread_t threads[2];
  for (int n = 0; n < 2; n++) CHECK(pthread_create(&threads[n], NULL, call_with_callbacks, spaces[n]) == 0);
  for (int n = 0; n < 2; n++) CHECK(pthread_join(threads[n], NULL) == 0);
}

enum { CALLS = 20 };

/* What a thread that shares a client hears of its own calls. */
struct sharer {
  const xiezhen_client *client;
  const char *call, *not_call;
  int lines;
};

static pthread_key_t sharer_here;

static void on_shared_log(xiezhen_log_level level, const char *target, const char *message, void *user_data) {
  struct sharer *sharer = pthread_getspecific(sharer_here);
  CHECK(level != XIEZHEN_LOG_LEVEL_UNKNOWN && *target && user_data == &sharer_here);
  CHECK(sharer && !strstr(message, sharer->not_call));
  if (strstr(message, sharer->call)) sharer->lines++;
}

static void *call_and_listen(void *data) {
  struct sharer *sharer = data;
  CHECK(pthread_setspecific(sharer_here, sharer) == 0);
  for (int n = 0; n < CALLS; n++) {
    xiezhen_styles *styles = NULL;
    xiezhen_task *task = NULL;
    if (strcmp(sharer->call, "list_styles") == 0) OK(xiezhen_list_styles(sharer->client, NULL, &styles, error));
    else CHECK(xiezhen_query_task(sharer->client, "no-such-task", NULL, &task, NULL) == XIEZHEN_API);
    xiezhen_styles_free(styles);
  }
  return NULL;
}

/* Two threads share a client and its log: each hears of its own calls, on itself. */
static void two_threads_and_one_log(void) {
  CHECK(pthread_key_create(&sharer_here, NULL) == 0);
  xiezhen_client *client = logging_client("shared", on_shared_log, &sharer_here);
  struct sharer sharers[2] = {{client, "list_styles", "query_task", 0}, {client, "query_task", "list_styles", 0}};
  pthread_t threads[2];
  for (int n = 0; n < 2; n++) CHECK(pthread_create(&threads[n], NULL, call_and_listen, &sharers[n]) == 0);
  for (int n = 0; n < 2; n++) CHECK(pthread_join(threads[n], NULL) == 0);
  for (int n = 0; n < 2; n++) CHECK(sharers[n].lines >= CALLS);
  xiezhen_client_free(client);
  CHECK(pthread_key_delete(sharer_here) == 0);
}

int main(void) {
  on_the_calling_thread();
  two_threads_and_one_log();
  puts("callbacks: ok");
  return 0;
}
