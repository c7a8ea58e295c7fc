/* Callbacks that come to a web server of your own, here libmicrohttpd's: `xiezhen_receive` says what each request is worth and what
 * to answer, and `xiezhen_callbacks_deliver` hands its hint to the jobs of this process.
 *   callbacks_server BASE_URL FOLDER PUBLIC_URL PORT PHOTO... (8 to 20); the credential comes from XIEZHEN_APP_CODE, the secret that
 *   signs addresses from XIEZHEN_CALLBACK_SECRET. */
#include <xiezhen.h>

#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One byte more than a callback may have: what is longer is told apart by it. */
enum { ROOM = (64 << 10) + 1 };

struct request {
  char *target;
  int seen;
  size_t size;
  uint8_t body[ROOM];
};

/* The path with its query, as it came. */
static void *begin(void *callbacks, const char *target, struct MHD_Connection *connection) {
  (void)callbacks, (void)connection;
  struct request *request = calloc(1, sizeof *request);
  if (request) request->target = strdup(target);
  return request;
}

static void end(void *callbacks, struct MHD_Connection *connection, void **held, enum MHD_RequestTerminationCode how) {
  (void)callbacks, (void)connection, (void)how;
  struct request *request = *held;
  if (request) free(request->target);
  free(request);
}

/* Reads a whole request, and returns the status to answer. */
static unsigned int receive(const xiezhen_callbacks *callbacks, struct MHD_Connection *connection, const char *method,
                            const struct request *request) {
  const char *name = "Content-Type", *type = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
  xiezhen_received *received = NULL;
  xiezhen_error *error = NULL;
  unsigned int status = 500;
  if (xiezhen_receive(callbacks, method, request->target, &name, &type, type ? 1 : 0, request->body, request->size, &received,
                      &error) == XIEZHEN_OK) {
    status = (unsigned int)xiezhen_received_status(received);
    /* NULL unless it is one of our addresses. A job in another process gets `xiezhen_hint_to_json`, and calls `xiezhen_notify_hint`. */
    const xiezhen_hint *hint = xiezhen_received_hint(received);
    if (hint) xiezhen_callbacks_deliver(callbacks, hint, NULL);
  }
  xiezhen_received_free(received);
  xiezhen_error_free(error);
  return status;
}

static enum MHD_Result answer(void *callbacks, struct MHD_Connection *connection, const char *path, const char *method,
                              const char *version, const char *data, size_t *size, void **held) {
  (void)path, (void)version;
  struct request *request = *held;
  if (!request || !request->target) return MHD_NO;
  if (!request->seen++) return MHD_YES; /* its body is still to come */
  if (*size) {
    const size_t fits = *size < ROOM - request->size ? *size : ROOM - request->size;
    memcpy(request->body + request->size, data, fits);
    request->size += fits;
    *size = 0;
    return MHD_YES;
  }
  struct MHD_Response *nothing = MHD_create_response_from_buffer(0, "", MHD_RESPMEM_PERSISTENT);
  const enum MHD_Result queued = MHD_queue_response(connection, receive(callbacks, connection, method, request), nothing);
  MHD_destroy_response(nothing);
  return queued;
}

int main(int argc, char **argv) {
  const char *secret = getenv("XIEZHEN_CALLBACK_SECRET");
  if (argc < 6 || !secret) {
    fprintf(stderr, "usage: callbacks_server BASE_URL FOLDER PUBLIC_URL PORT PHOTO...; set XIEZHEN_CALLBACK_SECRET\n");
    return 2;
  }
  xiezhen_error *error = NULL;
  xiezhen_client *client = NULL;
  xiezhen_job *job = NULL;
  xiezhen_portraits *portraits = NULL;
  xiezhen_callbacks *callbacks = NULL;
  struct MHD_Daemon *server = NULL;
  xiezhen_client_options *where = xiezhen_client_options_new();
  xiezhen_job_options *order = xiezhen_job_options_new();
  xiezhen_run_options *options = xiezhen_run_options_new();
  int failed = 0;

  if (xiezhen_client_options_set_base_url(where, argv[1], &error)) goto done;
  if (xiezhen_client_new(where, &client, &error)) goto done;
  for (int n = 5; n < argc; n++)
    if (xiezhen_job_options_add_photo_path(order, argv[n], &error)) goto done;
  if (xiezhen_job_options_add_style(order, "仙气十足", &error)) goto done;
  if (xiezhen_job_options_add_style(order, "花好月圆", &error)) goto done;
  if (xiezhen_job_new(order, &job, &error)) goto done;

  if (xiezhen_callbacks_new(argv[3], &secret, 1, &callbacks, &error)) goto done;
  server = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD, (uint16_t)atoi(argv[4]), NULL, NULL, answer, callbacks,
                            MHD_OPTION_URI_LOG_CALLBACK, begin, callbacks, MHD_OPTION_NOTIFY_COMPLETED, end, NULL,
                            MHD_OPTION_CONNECTION_TIMEOUT, 5U, MHD_OPTION_END);
  if (!server) {
    fprintf(stderr, "no server on port %s\n", argv[4]);
    failed = 1;
    goto done;
  }

  if (xiezhen_run_options_set_save_to(options, argv[2], &error)) goto done;
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
  failed |= error != NULL;
  if (server) MHD_stop_daemon(server); /* no request is read any more: the callbacks may go */
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
