/* Waits for tasks, thousands of them on one thread, and fetches their pictures.
 *   waits BASE_URL FOLDER TASK_ID...; the credential comes from XIEZHEN_APP_CODE. */
#include <xiezhen.h>

#include <stdio.h>

static int32_t on_end(size_t index, const xiezhen_task *task, const xiezhen_error *error, void *task_ids) {
  const char *told = task ? "has ended" : xiezhen_error_message(error);
  fprintf(stderr, "%s: %s\n", ((char **)task_ids)[index], told);
  return 0; /* anything else stops the wait */
}

int main(int argc, char **argv) {
  if (argc < 4) {
    fprintf(stderr, "usage: waits BASE_URL FOLDER TASK_ID...\n");
    return 2;
  }
  char **task_ids = argv + 3;
  xiezhen_error *error = NULL;
  xiezhen_client *client = NULL;
  xiezhen_outcomes *outcomes = NULL;
  xiezhen_client_options *where = xiezhen_client_options_new();
  xiezhen_call_options *options = xiezhen_call_options_new();
  int failed = 0;

  if (xiezhen_client_options_set_base_url(where, argv[1], &error)) goto done;
  if (xiezhen_client_new(where, &client, &error)) goto done;
  if (xiezhen_call_options_set_timeout_ms(options, 3600000, &error)) goto done;
  if (xiezhen_wait_many(client, (const char *const *)task_ids, (size_t)(argc - 3), on_end, task_ids, options, &outcomes,
                        &error))
    goto done;

  /* The outcomes are in the order of the ids. */
  for (size_t n = 0; n < xiezhen_outcomes_count(outcomes); n++) {
    const xiezhen_task *task = xiezhen_outcomes_task(outcomes, n);
    xiezhen_strings *files = NULL;
    if (!task) {
      failed = 1; /* on_end has said why */
      continue;
    }
    if (xiezhen_save_results(client, task, argv[2], NULL, &files, &error)) goto done;
    for (size_t f = 0; f < xiezhen_strings_count(files); f++)
      printf("%s: %s\n", xiezhen_task_id(task), xiezhen_strings_at(files, f));
    xiezhen_strings_free(files);
  }

done:
  if (error) fprintf(stderr, "%s: %s\n", xiezhen_error_code(error), xiezhen_error_message(error));
  failed |= error != NULL;
  xiezhen_outcomes_free(outcomes);
  xiezhen_call_options_free(options);
  xiezhen_client_free(client);
  xiezhen_client_options_free(where);
  xiezhen_error_free(error);
  return failed;
}
