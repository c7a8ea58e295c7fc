/* Signals are the program's: a service that hangs up raises none, and none is delivered to a thread of the library. */
#include "support.h"

#include <pthread.h>
#include <signal.h>

enum { PHOTO = 4 << 20, CALLS = 5 };

static int listener;

/* Reads the head of each request and hangs up, the body unread. */
static void *hang_up(void *unused) {
  (void)unused;
  for (int connection; (connection = accept(listener, NULL, NULL)) >= 0; close(connection)) {
    char head[4096];
    ssize_t got = read(connection, head, sizeof head);
    (void)got;
  }
  return NULL;
}

static void a_service_that_hangs_up(void) {
  struct sockaddr_in address;
  socklen_t size = sizeof address;
  memset(&address, 0, sizeof address);
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  listener = socket(AF_INET, SOCK_STREAM, 0);
  CHECK(bind(listener, (struct sockaddr *)&address, size) == 0 && listen(listener, 50) == 0);
  CHECK(getsockname(listener, (struct sockaddr *)&address, &size) == 0);
  pthread_t server;
  CHECK(pthread_create(&server, NULL, hang_up, NULL) == 0);

  char url[64];
  snprintf(url, sizeof url, "http://127.0.0.1:%d", ntohs(address.sin_port));
  xiezhen_client_options *options = xiezhen_client_options_new();
  OK(xiezhen_client_options_set_base_url(options, url, error));
  OK(xiezhen_client_options_set_app_code(options, "x", error));
  OK(xiezhen_client_options_set_max_retries(options, 1, error));
  xiezhen_client *client = NULL;
  OK(xiezhen_client_new(options, &client, error));
  xiezhen_client_options_free(options);

  unsigned char *bytes = calloc(PHOTO, 1);
  FILE *file = fopen(photo_path(1), "rb");
  CHECK(bytes && file && fread(bytes, 1, PHOTO, file) > 0);
  fclose(file);
  xiezhen_photo *photo = NULL;
  OK(xiezhen_photo_from_bytes(bytes, PHOTO, &photo, error));
  free(bytes);
  for (int call = 0; call < CALLS; call++) {
    xiezhen_string *path = NULL;
    xiezhen_error *error = NULL;
    CHECK(xiezhen_upload_file(client, photo, NULL, &path, &error) == XIEZHEN_TRANSPORT && !path);
    xiezhen_error_free(error);
  }
  xiezhen_photo_free(photo);
  xiezhen_client_free(client);
  shutdown(listener, SHUT_RDWR);
  CHECK(pthread_join(server, NULL) == 0);
  close(listener);
}

/* One that the program itself has raised and blocked is still there after a call. */
static void a_pending_one_stays(void) {
  sigset_t pipe, before, pending;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  CHECK(pthread_sigmask(SIG_BLOCK, NULL, &before) == 0 && !sigismember(&before, SIGPIPE));
  CHECK(pthread_sigmask(SIG_BLOCK, &pipe, NULL) == 0);
  CHECK(sigpending(&pending) == 0 && !sigismember(&pending, SIGPIPE));
  CHECK(pthread_kill(pthread_self(), SIGPIPE) == 0);
  xiezhen_client *client = quick_client("pending");
  xiezhen_styles *styles = NULL;
  OK(xiezhen_list_styles(client, NULL, &styles, error));
  xiezhen_styles_free(styles);
  xiezhen_client_free(client);
  int taken = 0;
  CHECK(sigpending(&pending) == 0 && sigismember(&pending, SIGPIPE));
  CHECK(sigwait(&pipe, &taken) == 0 && taken == SIGPIPE);
  CHECK(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
}

/* Calls have been made by now, so the library's threads are there; they had the mask of before. */
static void a_mask_set_late_is_enough(void) {
  sigset_t interrupt;
  sigemptyset(&interrupt);
  sigaddset(&interrupt, SIGINT);
  CHECK(pthread_sigmask(SIG_BLOCK, &interrupt, NULL) == 0);
  for (int times = 0; times < 20; times++) {
    int taken = 0;
    CHECK(kill(getpid(), SIGINT) == 0);
    CHECK(sigwait(&interrupt, &taken) == 0 && taken == SIGINT);
  }
}

int main(void) {
  a_service_that_hangs_up();
  a_pending_one_stays();
  a_mask_set_late_is_enough();
  puts("signals: ok");
  return 0;
}
