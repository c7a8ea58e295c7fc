/* What the C tests share: checks, the simulator's control, and clients of a space of their own. */
#ifndef SUPPORT_H
#define SUPPORT_H

#include <xiezhen.h>
#include <xiezhen.h> /* twice, to see that it may be */

#include <arpa/inet.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CHECK(condition)                                                                                               \
  do {                                                                                                                 \
    if (!(condition)) {                                                                                                \
      fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                                                  \
      exit(1);                                                                                                         \
    }                                                                                                                  \
  } while (0)

/* Fails with the error's message. */
#define OK(call)                                                                                                       \
  do {                                                                                                                 \
    xiezhen_error *ok_error = NULL;                                                                                    \
    xiezhen_error **error = &ok_error;                                                                                 \
    if ((call) != XIEZHEN_OK) {                                                                                        \
      fprintf(stderr, "%s:%d: %s\n  %s: %s\n", __FILE__, __LINE__, #call, xiezhen_error_code(ok_error),                \
              xiezhen_error_message(ok_error));                                                                        \
      exit(1);                                                                                                         \
    }                                                                                                                  \
    CHECK(ok_error == NULL);                                                                                           \
  } while (0)

static inline const char *environment(const char *name) {
  const char *value = getenv(name);
  if (!value) {
    fprintf(stderr, "%s is not set: run the tests by `make test`\n", name);
    exit(2);
  }
  return value;
}

/* The URL of a space: a world of its own in the simulator. */
static inline const char *space_url(const char *space) {
  static __thread char url[8][256];
  static __thread int used;
  char *mine = url[used++ % 8];
  snprintf(mine, sizeof url[0], "%s/spaces/%s-%s", environment("SIMULATOR"), environment("RUN"), space);
  return mine;
}

static inline const char *photo_path(int number) {
  static __thread char path[16][512];
  char *mine = path[number % 16];
  snprintf(mine, sizeof path[0], "%s/%02d.jpg", environment("PHOTOS"), number);
  return mine;
}

static inline const char *scratch(const char *name) {
  static __thread char path[8][512];
  static __thread int used;
  char *mine = path[used++ % 8];
  snprintf(mine, sizeof path[0], "%s/%s-%s", environment("SCRATCH"), environment("RUN"), name);
  return mine;
}

/* One request to the simulator's control; the answer's body is yours to free. */
static inline char *control(const char *space, const char *method, const char *path, const char *body) {
  struct sockaddr_in address;
  int port = 0;
  CHECK(sscanf(environment("SIMULATOR"), "http://127.0.0.1:%d", &port) == 1);
  memset(&address, 0, sizeof address);
  address.sin_family = AF_INET;
  address.sin_port = htons((uint16_t)port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int connection = socket(AF_INET, SOCK_STREAM, 0);
  CHECK(connect(connection, (struct sockaddr *)&address, sizeof address) == 0);

  size_t length = strlen(body), room = length + 1024;
  char *request = (char *)malloc(room);
  int size = snprintf(request, room,
                      "%s /spaces/%s-%s/_simulator/%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                      "Content-Length: %zu\r\n\r\n%s",
                      method, environment("RUN"), space, path, length, body);
  CHECK(write(connection, request, (size_t)size) == size);
  free(request);

  char *answer = NULL;
  size_t got = 0, capacity = 0;
  for (;;) {
    if (got + 4096 >= capacity) answer = (char *)realloc(answer, capacity = capacity * 2 + 8192);
    ssize_t n = read(connection, answer + got, capacity - got - 1);
    if (n <= 0) break;
    got += (size_t)n;
  }
  close(connection);
  answer[got] = 0;
  if (strncmp(answer, "HTTP/1.1 200", 12) != 0) {
    fprintf(stderr, "%s %s: %s\n", method, path, answer);
    exit(1);
  }
  char *start = strstr(answer, "\r\n\r\n") + 4;
  memmove(answer, start, strlen(start) + 1);
  return answer;
}

static inline void fault(const char *space, const char *json) { free(control(space, "POST", "faults", json)); }

static inline void settings(const char *space, const char *json) { free(control(space, "POST", "settings", json)); }

/* How many requests of a call the simulator has seen; `call` as in the journal. */
static inline int count_calls(const char *space, const char *call) {
  char *answer = control(space, "GET", "counts", ""), key[64];
  snprintf(key, sizeof key, "\"%s\":", call);
  const char *found = strstr(answer, key);
  int count = found ? atoi(found + strlen(key)) : 0;
  free(answer);
  return count;
}

/* Options for tests: look often, no budget, few repetitions. */
static inline xiezhen_client_options *quick_options(const char *space) {
  xiezhen_client_options *options = xiezhen_client_options_new();
  OK(xiezhen_client_options_set_base_url(options, space_url(space), error));
  OK(xiezhen_client_options_set_app_code(options, "simulator-app-code", error));
  OK(xiezhen_client_options_set_training_schedule(options, 20, 1.0, 20, error));
  OK(xiezhen_client_options_set_generation_schedule(options, 20, 1.0, 20, error));
  OK(xiezhen_client_options_set_requests_per_second(options, INFINITY, error));
  OK(xiezhen_client_options_set_max_retries(options, 1, error));
  return options;
}

static inline xiezhen_client *quick_client(const char *space) {
  xiezhen_client *client = NULL;
  xiezhen_client_options *options = quick_options(space);
  OK(xiezhen_client_new(options, &client, error));
  xiezhen_client_options_free(options);
  return client;
}

/* Uploads eight photos and starts a training. */
static inline xiezhen_created *start_training(const xiezhen_client *client) {
  xiezhen_string *paths[8];
  const char *texts[8];
  for (int n = 0; n < 8; n++) {
    xiezhen_photo *photo = NULL;
    OK(xiezhen_photo_from_path(photo_path(n + 1), &photo, error));
    OK(xiezhen_upload_file(client, photo, NULL, &paths[n], error));
    xiezhen_photo_free(photo);
    texts[n] = xiezhen_string_text(paths[n]);
    CHECK(strncmp(texts[n], "user_upload/", 12) == 0);
  }
  xiezhen_created *created = NULL;
  OK(xiezhen_create_user_model(client, texts, 8, NULL, &created, error));
  for (int n = 0; n < 8; n++) xiezhen_string_free(paths[n]);
  return created;
}

/* A generation that has ended, with its pictures at the service. */
static inline xiezhen_task *ended_generation(const xiezhen_client *client) {
  xiezhen_created *training = start_training(client), *generation = NULL;
  xiezhen_task *trained = NULL, *ended = NULL;
  xiezhen_styles *styles = NULL;
  OK(xiezhen_wait_task(client, xiezhen_created_task_id(training), NULL, &trained, error));
  OK(xiezhen_list_styles(client, NULL, &styles, error));
  const char *style = xiezhen_style_style(xiezhen_styles_at(styles, 0));
  OK(xiezhen_create_task(client, xiezhen_created_user_id(training), style, NULL, &generation, error));
  OK(xiezhen_wait_task(client, xiezhen_created_task_id(generation), NULL, &ended, error));
  xiezhen_created_free(generation);
  xiezhen_styles_free(styles);
  xiezhen_task_free(trained);
  xiezhen_created_free(training);
  return ended;
}

/* The ten photos, and two styles. */
static inline xiezhen_job *new_job(void) {
  xiezhen_job_options *wish = xiezhen_job_options_new();
  for (int n = 1; n <= 10; n++) OK(xiezhen_job_options_add_photo_path(wish, photo_path(n), error));
  OK(xiezhen_job_options_add_style(wish, "仙气十足", error));
  OK(xiezhen_job_options_add_style(wish, "花好月圆", error));
  xiezhen_job *job = NULL;
  OK(xiezhen_job_new(wish, &job, error));
  xiezhen_job_options_free(wish);
  return job;
}

static inline double now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static inline void sleep_ms(int ms) {
  struct timespec pause = {ms / 1000, (long)(ms % 1000) * 1000000L};
  nanosleep(&pause, NULL);
}

#endif
