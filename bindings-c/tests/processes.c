/* The ends of a process, a client and a queue, which wait for creates in flight, and what a fork leaves to its child. */
#include "support.h"

#include <pthread.h>
#include <sys/wait.h>

#ifdef __SANITIZE_ADDRESS__ /* it can't stop the threads that run at an exit; valgrind looks for leaks */
const char *__asan_default_options(void);
const char *__asan_default_options(void) { return "detect_leaks=0"; }
#endif

/* Reachable at every exit: none of these is a leak. */
static xiezhen_client *client;
static xiezhen_queue *queue;
static xiezhen_job *job;
static xiezhen_cancel *cancel;
static xiezhen_run_options *options;
static const char *space, *checkpoint;

static int lines;

static void on_log(xiezhen_log_level level, const char *target, const char *message, void *user_data) {
  (void)target, (void)user_data;
  if (level == XIEZHEN_LOG_LEVEL_WARN && strstr(message, "waiting for the answer of a billed call")) lines++;
}

static void prepare(int answers_after_ms) {
  char delay[96];
  snprintf(delay, sizeof delay, "{\"call\":\"create_user_model\",\"answer_delay_ms\":%d}", answers_after_ms);
  fault(space, delay);
  xiezhen_client_options *own = quick_options(space);
  if (answers_after_ms > 2000) OK(xiezhen_client_options_set_on_log(own, XIEZHEN_LOG_LEVEL_WARN, on_log, NULL, error));
  OK(xiezhen_client_new(own, &client, error));
  xiezhen_client_options_free(own);
  job = new_job();
  cancel = xiezhen_cancel_new();
  options = xiezhen_run_options_new();
  OK(xiezhen_run_options_set_checkpoint(options, checkpoint, error));
  OK(xiezhen_run_options_set_cancel(options, cancel, error));
  OK(xiezhen_queue_new(&queue, error));
}

static void await_create(void) {
  while (count_calls(space, "create_user_model") == 0) sleep_ms(5);
}

static void begin_run(int answers_after_ms) {
  prepare(answers_after_ms);
  OK(xiezhen_begin_run(client, job, options, queue, NULL, error));
  await_create();
}

static void *run(void *unused) {
  CHECK(xiezhen_run(client, job, options, NULL) == XIEZHEN_CANCELLED);
  return unused;
}

/* A run whose call was stopped while its create is in flight. */
static void stop_run(int answers_after_ms) {
  prepare(answers_after_ms);
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, run, NULL) == 0);
  await_create();
  xiezhen_cancel_cancel(cancel);
  CHECK(pthread_join(thread, NULL) == 0);
}

static void the_queue_is_freed(void) {
  begin_run(300);
  xiezhen_queue_free(queue);
  _exit(0);
}

static void the_client_is_freed(void) {
  stop_run(300);
  xiezhen_client_free(client);
  _exit(0);
}

/* A begun call has an owner: its client is freed at once. */
static void the_client_is_freed_early(void) {
  begin_run(300);
  xiezhen_client_free(client);
  xiezhen_job *early = NULL;
  xiezhen_string *task_id = NULL;
  OK(xiezhen_job_read_checkpoint(checkpoint, &early, error));
  OK(xiezhen_job_training_task_id(early, &task_id, error));
  CHECK(!task_id);
  xiezhen_job_free(early);
  exit(0);
}

static void the_process_exits(void) {
  begin_run(300);
  exit(0);
}

static void the_process_exits_after_a_stop(void) {
  stop_run(300);
  exit(0);
}

static void *run_for_ever(void *unused) {
  xiezhen_run(client, job, options, NULL);
  return unused;
}

static void the_process_exits_beside_a_call(void) {
  prepare(300);
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, run_for_ever, NULL) == 0);
  await_create();
  exit(0);
}

static int32_t exit_here(const xiezhen_event *event, void *user_data) {
  (void)user_data;
  if (xiezhen_event_type(event) == XIEZHEN_EVENT_TRAINING) exit(0);
  return 0;
}

static void a_callback_exits(void) {
  prepare(0);
  OK(xiezhen_run_options_set_on_event(options, exit_here, NULL, error));
  OK(xiezhen_run(client, job, options, error));
}

static void a_slow_answer_is_told_to_the_log(void) {
  stop_run(2500);
  xiezhen_client_free(client);
  CHECK(lines == 1);
  _exit(0);
}

static void a_slow_answer_is_told_on_stderr(void) {
  begin_run(2500);
  exit(0);
}

/* Nobody takes the job that is to be stored: there is nothing to wait for. */
static void a_store_that_is_gone(void) {
  prepare(300);
  xiezhen_run_options *own = xiezhen_run_options_new();
  OK(xiezhen_begin_advance(client, job, own, queue, NULL, error));
  while (count_calls(space, "create_user_model") == 0) {
    CHECK(xiezhen_queue_wait(queue, 30000));
    xiezhen_completion *completion = xiezhen_queue_next(queue);
    if (xiezhen_completion_job(completion)) OK(xiezhen_completion_saved(completion, 0, error));
    xiezhen_completion_free(completion);
  }
  xiezhen_run_options_free(own);
  exit(0);
}

/* Ends in a child, which has 30 s for it; what it says on stderr goes into `said`. */
static void ends(const char *name, void (*end)(void), char said[512]) {
  space = name;
  checkpoint = scratch(name);
  int from[2];
  CHECK(pipe(from) == 0);
  const pid_t child = fork();
  if (child == 0) {
    alarm(getenv("SLOW") ? 120 : 30);
    if (said) dup2(from[1], 2);
    end();
    abort();
  }
  close(from[1]);
  int status = -1;
  CHECK(waitpid(child, &status, 0) == child);
  if (said) {
    const ssize_t size = read(from[0], said, 511);
    said[size > 0 ? size : 0] = 0;
    if (status) fputs(said, stderr);
  }
  close(from[0]);
  if (status) fprintf(stderr, "%s: status %d\n", name, status);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* Nothing that was billed is lost: the checkpoint has the task. */
static void is_kept(void) {
  xiezhen_job *kept = NULL;
  xiezhen_string *task_id = NULL;
  OK(xiezhen_job_read_checkpoint(checkpoint, &kept, error));
  OK(xiezhen_job_training_task_id(kept, &task_id, error));
  if (!task_id) fprintf(stderr, "%s: the task is lost\n", space);
  CHECK(task_id && *xiezhen_string_text(task_id));
  CHECK(count_calls(space, "create_user_model") == 1);
  xiezhen_string_free(task_id);
  xiezhen_job_free(kept);
}

static void orderly_ends(void) {
  char said[512];
  ends("queue", the_queue_is_freed, NULL), is_kept();
  ends("client", the_client_is_freed, NULL), is_kept();
  ends("early", the_client_is_freed_early, NULL), is_kept();
  ends("exit", the_process_exits, NULL), is_kept();
  ends("stopped", the_process_exits_after_a_stop, NULL), is_kept();
  ends("beside", the_process_exits_beside_a_call, NULL), is_kept();
  ends("callback", a_callback_exits, NULL), is_kept();
  ends("store", a_store_that_is_gone, NULL);
  if (getenv("SLOW")) return;
  ends("log", a_slow_answer_is_told_to_the_log, said), is_kept();
  CHECK(!*said);
  ends("stderr", a_slow_answer_is_told_on_stderr, said), is_kept();
  CHECK(strstr(said, "xiezhen: waiting for the answer of a billed call"));
}

static void lists_styles(const xiezhen_client *with) {
  xiezhen_styles *styles = NULL;
  OK(xiezhen_list_styles(with, NULL, &styles, error));
  CHECK(xiezhen_styles_count(styles) > 0);
  xiezhen_styles_free(styles);
}

/* As daemons do: the runtime's own descriptors are gone, and perhaps other files have their numbers. */
static void a_child_that_closes_every_descriptor(void) {
  client = quick_client("daemon");
  OK(xiezhen_queue_new(&queue, error));
  lists_styles(client);
  const pid_t child = fork();
  if (child == 0) {
    alarm(30);
    for (int descriptor = 3; descriptor < 1024; descriptor++) close(descriptor);
    FILE *other = fopen("/dev/null", "w");
    lists_styles(client);
    xiezhen_client *own = quick_client("daemon");
    lists_styles(own);
    xiezhen_client_free(own);
    CHECK(other && fputs("still mine", other) > 0 && fflush(other) == 0);
    exit(0);
  }
  int status = -1;
  CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
  lists_styles(client);
  xiezhen_queue_free(queue);
  xiezhen_client_free(client);
}

int main(void) {
  orderly_ends();
  if (!getenv("SLOW")) a_child_that_closes_every_descriptor(); /* valgrind would report what the child leaves behind */
  puts("processes: ok");
  return 0;
}
