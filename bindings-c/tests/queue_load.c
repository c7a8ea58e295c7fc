/* The completion queue under threads, a fork, and ten thousand waits. */
#include "queue.h"

#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

enum { WAITS = 10000, TAKERS = 4 };

static void *take(void *queue) {
  size_t taken = 0;
  while (xiezhen_queue_pending(queue) > 0) {
    if (!xiezhen_queue_wait(queue, 100)) continue;
    xiezhen_completion *completion = xiezhen_queue_next(queue);
    taken += completion != NULL;
    xiezhen_completion_free(completion);
  }
  return (void *)(uintptr_t)taken;
}

static void any_thread_takes(void) {
  xiezhen_client *client = quick_client("takers");
  xiezhen_queue *queue = new_queue();
  for (int n = 0; n < 100; n++) OK(xiezhen_begin_list_styles(client, NULL, queue, NULL, error));
  pthread_t threads[TAKERS];
  uintptr_t taken = 0;
  for (int n = 0; n < TAKERS; n++) CHECK(pthread_create(&threads[n], NULL, take, queue) == 0);
  for (int n = 0; n < TAKERS; n++) {
    void *its = NULL;
    CHECK(pthread_join(threads[n], &its) == 0);
    taken += (uintptr_t)its;
  }
  CHECK(taken == 100 && !readable(queue, 0));
  xiezhen_queue_free(queue);
  xiezhen_client_free(client);
}

/* A forked child leaves its parent's queue alone, and has one of its own. */
static inline void a_fork(void) {
  xiezhen_client *client = quick_client("fork");
  settings("fork", "{\"training_seconds\":3600}");
  xiezhen_created *training = start_training(client);
  xiezhen_queue *queue = new_queue();
  OK(xiezhen_begin_wait(client, xiezhen_created_task_id(training), NULL, queue, NULL, error));
  const pid_t child = fork();
  if (child == 0) {
    CHECK(xiezhen_queue_next(queue) == NULL && xiezhen_queue_pending(queue) == 0 && !xiezhen_queue_wait(queue, 1000));
    CHECK(xiezhen_begin_list_styles(client, NULL, queue, NULL, NULL) == XIEZHEN_INVALID_ARGUMENT);
    alarm(60);
    xiezhen_queue_free(queue);
    xiezhen_queue *own = new_queue();
    OK(xiezhen_begin_list_styles(client, NULL, own, NULL, error));
    xiezhen_completion_free(last(own, NULL));
    xiezhen_queue_free(own);
    /* An exit would have valgrind call leaks what is left to the parent. */
    kill(getpid(), SIGKILL);
  }
  int status = -1;
  CHECK(waitpid(child, &status, 0) == child && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  char path[128];
  snprintf(path, sizeof path, "tasks/%s", xiezhen_created_task_id(training));
  free(control("fork", "POST", path, "{\"state\":3}"));
  xiezhen_completion_free(last(queue, NULL));
  xiezhen_queue_free(queue);
  xiezhen_created_free(training);
  xiezhen_client_free(client);
}

/* Who waits for ever is let go when another has taken the last. */
static void *wait_for_ever(void *queue) {
  /* Something is there until it was taken. */
  while (xiezhen_queue_wait(queue, XIEZHEN_NONE)) sleep_ms(1);
  return NULL;
}

static void nobody_waits_for_nothing(void) {
  xiezhen_client *client = quick_client("nothing");
  xiezhen_queue *queue = new_queue();
  fault("nothing", "{\"call\":\"list_styles\",\"answer_delay_ms\":200}");
  OK(xiezhen_begin_list_styles(client, NULL, queue, NULL, error));
  pthread_t threads[TAKERS];
  for (int n = 0; n < TAKERS; n++) CHECK(pthread_create(&threads[n], NULL, wait_for_ever, queue) == 0);
  xiezhen_completion_free(last(queue, NULL));
  for (int n = 0; n < TAKERS; n++) CHECK(pthread_join(threads[n], NULL) == 0);
  xiezhen_queue_free(queue);
  xiezhen_client_free(client);
}

/* What turns of a loop take of its thread: by the clock, of the processor, and how often they gave it up by themselves, to wait for
 * another thread. */
struct turns {
  double longest, most_computed;
  int waited;
  double began, cpu_began;
  long waits_began;
};

static double cpu_ms(void) {
  struct timespec now;
  CHECK(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now) == 0);
  return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static long waits_made(void) {
  struct rusage usage;
  CHECK(getrusage(RUSAGE_THREAD, &usage) == 0);
  return usage.ru_nvcsw;
}

static void turn_begins(struct turns *turns) {
  turns->waits_began = waits_made();
  turns->began = now_ms();
  turns->cpu_began = cpu_ms();
}

static void turn_ends(struct turns *turns) {
  const double computed = cpu_ms() - turns->cpu_began, took = now_ms() - turns->began;
  if (took > turns->longest) turns->longest = took;
  if (computed > turns->most_computed) turns->most_computed = computed;
  turns->waited += waits_made() > turns->waits_began;
}

static void print_turns(const char *what, int count, double ms, const struct turns *turns) {
  printf("%d waits %s in %.0f ms: the longest turn took %.3f ms, none computed more than %.3f ms, %d waited for another thread\n", count,
         what, ms, turns->longest, turns->most_computed, turns->waited);
}

/* Another thread is waited for by accident only. What a turn takes says something on a quiet machine alone, which `make turns` asks
 * for: anywhere else others have the processor. */
static void check_turns(int count, const struct turns *turns) {
  CHECK(getenv("SLOW") || turns->waited < count / 5);
  CHECK(!getenv("QUIET") || (turns->most_computed < 5 && turns->longest < 5));
}

/* Ten thousand waits on one queue: what each takes of a turn of the loop is a matter of microseconds. */
static void ten_thousand_waits(void) {
  const int waits = getenv("SLOW") ? WAITS / 20 : WAITS;
  xiezhen_client *client = quick_client("many");
  fault("many", "{\"call\":\"query_task\",\"reply\":{\"status\":503}}");
  xiezhen_cancel *cancel = xiezhen_cancel_new();
  xiezhen_call_options *options = xiezhen_call_options_new();
  OK(xiezhen_call_options_set_cancel(options, cancel, error));
  xiezhen_queue *queue = new_queue();
  char *seen = calloc((size_t)waits, 1);
  struct turns begins = {0}, ends = {0};
  const double began = now_ms();
  for (int n = 0; n < waits; n++) {
    char task_id[32];
    snprintf(task_id, sizeof task_id, "T%d", n);
    turn_begins(&begins);
    /* Every other one can be stopped from outside. */
    OK(xiezhen_begin_wait(client, task_id, n % 2 ? options : NULL, queue, seen + n, error));
    turn_ends(&begins);
  }
  print_turns("begun", waits, now_ms() - began, &begins);
  CHECK(xiezhen_queue_pending(queue) == (size_t)waits);
  xiezhen_cancel_cancel(cancel);
  free(control("many", "DELETE", "faults", ""));
  for (int n = 0; n < waits; n++) {
    CHECK(readable(queue, 30000));
    turn_begins(&ends);
    xiezhen_completion *completion = xiezhen_queue_next(queue);
    CHECK(completion && xiezhen_completion_is_last(completion));
    char *its = xiezhen_completion_tag(completion);
    CHECK(*its == 0);
    *its = 1;
    const bool stopped = (its - seen) % 2;
    CHECK(xiezhen_completion_status(completion) == (stopped ? XIEZHEN_CANCELLED : XIEZHEN_API));
    xiezhen_completion_free(completion);
    turn_ends(&ends);
  }
  print_turns("ended", waits, now_ms() - began, &ends);
  fflush(stdout);
  check_turns(waits, &begins);
  check_turns(waits, &ends);
  CHECK(xiezhen_queue_pending(queue) == 0 && !readable(queue, 0));
  free(seen);
  xiezhen_queue_free(queue);
  xiezhen_call_options_free(options);
  xiezhen_cancel_free(cancel);
  xiezhen_client_free(client);
}

int main(void) {
  if (getenv("QUIET")) {
    ten_thousand_waits();
    return 0;
  }
  any_thread_takes();
  nobody_waits_for_nothing();
#ifndef __SANITIZE_THREAD__ /* which allows no threads after a fork */
  a_fork();
#endif
  ten_thousand_waits();
  printf("queue_load: ok\n");
  return 0;
}
