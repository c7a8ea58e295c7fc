/* A job that the service calls back: its ends are known at once, where polling would find them later.
 *   callbacks BASE_URL FOLDER PUBLIC_URL LISTEN PHOTO... (8 to 20); the credential comes from XIEZHEN_APP_CODE, the secret that signs
 *   addresses from XIEZHEN_CALLBACK_SECRET. PUBLIC_URL leads to LISTEN ("127.0.0.1:8787"), through a reverse proxy or a tunnel. */
#include <xiezhen.h>

#include <stdio.h>
#include <stdlib.h>

static int32_t show(const xiezhen_event *event, void *user_data) {
  (void)user_data;
  fprintf(stderr, "%s\n", xiezhen_event_json(event));
  return 0;
}

int main(int argc, char **argv) {
  const char *secret = getenv("XIEZHEN_CALLBACK_SECRET");
  if (argc < 6 || !secret) {
    fprintf(stderr, "usage: callbacks BASE_URL FOLDER PUBLIC_URL LISTEN PHOTO...; set XIEZHEN_CALLBACK_SECRET\n");
    return 2;
  }
  char checkpoint[4096];
  snprintf(checkpoint, sizeof checkpoint, "%s/job.json", argv[2]);

  xiezhen_error *error = NULL;
  xiezhen_client *client = NULL;
  xiezhen_job *job = NULL;
  xiezhen_portraits *portraits = NULL;
  xiezhen_callbacks *callbacks = NULL;
  xiezhen_receiver *receiver = NULL;
  xiezhen_client_options *where = xiezhen_client_options_new();
  xiezhen_job_options *order = xiezhen_job_options_new();
  xiezhen_run_options *options = xiezhen_run_options_new();

  if (xiezhen_client_options_set_base_url(where, argv[1], &error)) goto done;
  if (xiezhen_client_new(where, &client, &error)) goto done;
  for (int n = 5; n < argc; n++)
    if (xiezhen_job_options_add_photo_path(order, argv[n], &error)) goto done;
  if (xiezhen_job_options_add_style(order, "仙气十足", &error)) goto done;
  if (xiezhen_job_options_add_style(order, "花好月圆", &error)) goto done;
  if (xiezhen_job_new(order, &job, &error)) goto done;

  /* The receiver hands what comes to the jobs that run with these callbacks. */
  if (xiezhen_callbacks_new(argv[3], &secret, 1, &callbacks, &error)) goto done;
  if (xiezhen_callbacks_listen(callbacks, argv[4], &receiver, &error)) goto done;
  fprintf(stderr, "listening on %s\n", xiezhen_receiver_address(receiver));

  if (xiezhen_run_options_set_save_to(options, argv[2], &error)) goto done;
  if (xiezhen_run_options_set_checkpoint(options, checkpoint, &error)) goto done;
  if (xiezhen_run_options_set_on_event(options, show, NULL, &error)) goto done;
  if (xiezhen_run_options_set_callback(options, callbacks, &error)) goto done;
  if (xiezhen_run(client, job, options, &error)) goto done;

  if (xiezhen_job_portraits(job, &portraits, &error)) goto done;
  for (size_t n = 0; n < xiezhen_portraits_count(portraits); n++) {
    const xiezhen_portrait *portrait = xiezhen_portraits_at(portraits, n);
    for (size_t f = 0; f < xiezhen_portrait_file_count(portrait); f++)
      printf("%s: %s\n", xiezhen_portrait_style(portrait), xiezhen_portrait_file(portrait, f));
  }

done:
  if (error) fprintf(stderr, "%s: %s\n", xiezhen_error_code(error), xiezhen_error_message(error));
  const int failed = error != NULL;
  xiezhen_receiver_free(receiver);
  xiezhen_callbacks_free(callbacks);
  xiezhen_portraits_free(portraits);
  xiezhen_run_options_free(options);
  xiezhen_job_free(job);
  xiezhen_job_options_free(order);
  xiezhen_client_free(client);
  xiezhen_client_options_free(where);
  xiezhen_error_free(error);
  return failed;
}
