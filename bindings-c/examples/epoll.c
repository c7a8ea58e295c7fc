/* The whole job in an event loop, here epoll's: no call blocks, and nothing is called from another thread.
 *   epoll BASE_URL FOLDER PHOTO... (8 to 20); the credential comes from XIEZHEN_APP_CODE. */
#include <xiezhen.h>

#include <stdio.h>
#include <sys/epoll.h>

/* Takes what there is, and says whether the run has ended. */
static int take(xiezhen_queue *queue, int *failed) {
  int ended = 0;
  xiezhen_completion *completion;
  while ((completion = xiezhen_queue_next(queue)) != NULL) {
    const xiezhen_error *error = xiezhen_completion_error(completion);
    if (xiezhen_completion_event(completion))
      fprintf(stderr, "%s\n", xiezhen_event_json(xiezhen_completion_event(completion)));
    if (error) fprintf(stderr, "%s: %s\n", xiezhen_error_code(error), xiezhen_error_message(error));
    *failed |= error != NULL;
    /* With several calls on one queue, `xiezhen_completion_tag` says which of them this is. */
    ended |= xiezhen_completion_is_last(completion);
    xiezhen_completion_free(completion);
  }
  return ended;
}

int main(int argc, char **argv) {
  if (argc < 4) {
    fprintf(stderr, "usage: epoll BASE_URL FOLDER PHOTO...\n");
    return 2;
  }
  xiezhen_error *error = NULL;
  xiezhen_client *client = NULL;
  xiezhen_queue *queue = NULL;
  xiezhen_job *job = NULL;
  xiezhen_portraits *portraits = NULL;
  xiezhen_client_options *where = xiezhen_client_options_new();
  xiezhen_job_options *order = xiezhen_job_options_new();
  xiezhen_run_options *options = xiezhen_run_options_new();
  int failed = 0, loop = epoll_create1(EPOLL_CLOEXEC);

  if (xiezhen_client_options_set_base_url(where, argv[1], &error)) goto done;
  if (xiezhen_client_new(where, &client, &error)) goto done;
  for (int n = 3; n < argc; n++)
    if (xiezhen_job_options_add_photo_path(order, argv[n], &error)) goto done;
  if (xiezhen_job_options_add_style(order, "仙气十足", &error)) goto done;
  if (xiezhen_job_options_add_style(order, "花好月圆", &error)) goto done;
  if (xiezhen_job_new(order, &job, &error)) goto done;
  if (xiezhen_run_options_set_save_to(options, argv[2], &error)) goto done;

  if (xiezhen_queue_new(&queue, &error)) goto done;
  if (xiezhen_begin_run(client, job, options, queue, NULL, &error)) goto done;

  struct epoll_event wanted = {.events = EPOLLIN}, ready;
  epoll_ctl(loop, EPOLL_CTL_ADD, xiezhen_queue_fd(queue), &wanted);
  do epoll_wait(loop, &ready, 1, -1); /* and whatever else the program waits for */
  while (!take(queue, &failed));

  if (failed || xiezhen_job_portraits(job, &portraits, &error)) goto done;
  for (size_t n = 0; n < xiezhen_portraits_count(portraits); n++) {
    const xiezhen_portrait *portrait = xiezhen_portraits_at(portraits, n);
    for (size_t f = 0; f < xiezhen_portrait_file_count(portrait); f++)
      printf("%s: %s\n", xiezhen_portrait_style(portrait), xiezhen_portrait_file(portrait, f));
  }

done:
  if (error) fprintf(stderr, "%s: %s\n", xiezhen_error_code(error), xiezhen_error_message(error));
  failed |= error != NULL;
  xiezhen_portraits_free(portraits);
  xiezhen_queue_free(queue); /* which would stop a run that goes on */
  xiezhen_run_options_free(options);
  xiezhen_job_free(job);
  xiezhen_job_options_free(order);
  xiezhen_client_free(client);
  xiezhen_client_options_free(where);
  xiezhen_error_free(error);
  return failed;
}
