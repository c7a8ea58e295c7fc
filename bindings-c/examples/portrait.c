/* The whole job in C: photos in, portraits on disk.
 *   portrait BASE_URL FOLDER PHOTO... (8 to 20); the credential comes from XIEZHEN_APP_CODE. */
#include <xiezhen.h>

#include <stdio.h>

static int32_t show(const xiezhen_event *event, void *user_data) {
  (void)user_data;
  fprintf(stderr, "%s\n", xiezhen_event_json(event));
  return 0; /* anything else stops the run */
}

int main(int argc, char **argv) {
  if (argc < 4) {
    fprintf(stderr, "usage: portrait BASE_URL FOLDER PHOTO...\n");
    return 2;
  }
  char checkpoint[4096];
  snprintf(checkpoint, sizeof checkpoint, "%s/job.json", argv[2]);

  xiezhen_error *error = NULL;
  xiezhen_client *client = NULL;
  xiezhen_job *job = NULL;
  xiezhen_portraits *portraits = NULL;
  xiezhen_client_options *where = xiezhen_client_options_new();
  xiezhen_job_options *order = xiezhen_job_options_new();
  xiezhen_run_options *options = xiezhen_run_options_new();

  if (xiezhen_client_options_set_base_url(where, argv[1], &error)) goto done;
  if (xiezhen_client_new(where, &client, &error)) goto done;

  for (int n = 3; n < argc; n++)
    if (xiezhen_job_options_add_photo_path(order, argv[n], &error)) goto done;
  if (xiezhen_job_options_add_style(order, "仙气十足", &error)) goto done;
  if (xiezhen_job_options_add_style(order, "花好月圆", &error)) goto done;
  if (xiezhen_job_new(order, &job, &error)) goto done;

  if (xiezhen_run_options_set_save_to(options, argv[2], &error)) goto done;
  /* Cut off anywhere, the job goes on from its checkpoint. */
  if (xiezhen_run_options_set_checkpoint(options, checkpoint, &error)) goto done;
  if (xiezhen_run_options_set_on_event(options, show, NULL, &error)) goto done;
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
  xiezhen_portraits_free(portraits);
  xiezhen_run_options_free(options);
  xiezhen_job_free(job);
  xiezhen_job_options_free(order);
  xiezhen_client_free(client);
  xiezhen_client_options_free(where);
  xiezhen_error_free(error);
  return failed;
}
