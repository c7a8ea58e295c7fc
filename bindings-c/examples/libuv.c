/* Waits for tasks in libuv's loop, and fetches the pictures of each as it ends.
 *   libuv BASE_URL FOLDER TASK_ID...; the credential comes from XIEZHEN_APP_CODE. */
#include <xiezhen.h>

#include <stdio.h>
#include <uv.h>

struct program {
  xiezhen_client *client;
  xiezhen_queue *queue;
  const char *folder;
  int failed;
};

static void report(struct program *program, const xiezhen_error *error) {
  fprintf(stderr, "%s: %s\n", xiezhen_error_code(error), xiezhen_error_message(error));
  program->failed = 1;
}

/* The tag is the task's id: of a wait first, then of the fetching that follows it. */
static void handle(struct program *program, const xiezhen_completion *completion) {
  const char *task_id = xiezhen_completion_tag(completion);
  const xiezhen_task *task = xiezhen_completion_task(completion);
  const xiezhen_strings *files = xiezhen_completion_files(completion);
  xiezhen_error *error = NULL;
  if (xiezhen_completion_error(completion)) report(program, xiezhen_completion_error(completion));
  if (task && xiezhen_begin_save_results(program->client, task, program->folder, NULL, program->queue,
                                         xiezhen_completion_tag(completion), &error))
    report(program, error);
  for (size_t n = 0; n < xiezhen_strings_count(files); n++) printf("%s: %s\n", task_id, xiezhen_strings_at(files, n));
  xiezhen_error_free(error);
}

static void on_readable(uv_poll_t *poll, int status, int events) {
  (void)status, (void)events;
  struct program *program = poll->data;
  xiezhen_completion *completion = xiezhen_queue_next(program->queue);
  if (completion) handle(program, completion);
  xiezhen_completion_free(completion);
  if (xiezhen_queue_pending(program->queue) == 0) uv_close((uv_handle_t *)poll, NULL);
}

int main(int argc, char **argv) {
  if (argc < 4) {
    fprintf(stderr, "usage: libuv BASE_URL FOLDER TASK_ID...\n");
    return 2;
  }
  struct program program = {NULL, NULL, argv[2], 0};
  xiezhen_error *error = NULL;
  xiezhen_client_options *where = xiezhen_client_options_new();
  if (xiezhen_client_options_set_base_url(where, argv[1], &error)) goto done;
  if (xiezhen_client_new(where, &program.client, &error)) goto done;
  if (xiezhen_queue_new(&program.queue, &error)) goto done;
  for (int n = 3; n < argc; n++)
    if (xiezhen_begin_wait(program.client, argv[n], NULL, program.queue, argv[n], &error)) goto done;

  uv_poll_t poll;
  uv_poll_init(uv_default_loop(), &poll, xiezhen_queue_fd(program.queue));
  poll.data = &program;
  uv_poll_start(&poll, UV_READABLE, on_readable);
  uv_run(uv_default_loop(), UV_RUN_DEFAULT);

done:
  if (error) report(&program, error);
  xiezhen_queue_free(program.queue);
  xiezhen_client_free(program.client);
  xiezhen_client_options_free(where);
  xiezhen_error_free(error);
  return program.failed;
}
