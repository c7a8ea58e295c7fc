/* The side of libxiezhen. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xiezhen.h>

#include "work.h"

static xiezhen_client *client(const char *url) {
  xiezhen_client_options *options = xiezhen_client_options_new();
  xiezhen_client *made = NULL;
  xiezhen_client_options_set_base_url(options, url, NULL);
  xiezhen_client_options_set_app_code(options, "bench", NULL);
  xiezhen_client_options_set_requests_per_second(options, INFINITY, NULL);
  xiezhen_client_options_set_training_schedule(options, 1, 1, 1, NULL);
  xiezhen_client_options_set_generation_schedule(options, 1, 1, 1, NULL);
  must(xiezhen_client_new(options, &made, NULL) == XIEZHEN_OK, "xiezhen_client_new");
  xiezhen_client_options_free(options);
  return made;
}

static void query(xiezhen_client *client, int number) {
  char id[64];
  xiezhen_task *task = NULL;
  task_id(id, sizeof id, number);
  must(xiezhen_query_task(client, id, NULL, &task, NULL) == XIEZHEN_OK, "xiezhen_query_task");
  must(xiezhen_task_state(task) == XIEZHEN_STATE_RUNNING, "the state");
  xiezhen_task_free(task);
}

static void waits(xiezhen_client *client, char **ids, int times) {
  xiezhen_outcomes *outcomes = NULL;
  const char *const *tasks = (const char *const *)ids;
  must(xiezhen_wait_many(client, tasks, (size_t)times, NULL, NULL, NULL, &outcomes, NULL) == XIEZHEN_OK, "wait_many");
  for (int i = 0; i < times; i++) must(xiezhen_outcomes_task(outcomes, (size_t)i) != NULL, "an outcome");
  xiezhen_outcomes_free(outcomes);
}

static void measure_waits(const struct order *order, void (*begin)(void)) {
  char looked[128];
  int count = order->times > CONNECTIONS * 4 ? order->times : CONNECTIONS * 4;
  char **ids = calloc((size_t)count, sizeof *ids);
  for (int i = 0; i < count; i++) {
    ids[i] = malloc(64);
    task_id(ids[i], 64, i);
  }
  snprintf(looked, sizeof looked, "%s/looks/%s", order->url, order->rest);
  xiezhen_client *by = client(looked);
  waits(by, ids, CONNECTIONS * 4);
  begin();
  waits(by, ids, order->times);
}

static void upload(xiezhen_client *client, const char *path) {
  xiezhen_photo *photo = NULL;
  xiezhen_string *uploaded = NULL;
  must(xiezhen_photo_from_path(path, &photo, NULL) == XIEZHEN_OK, "xiezhen_photo_from_path");
  must(xiezhen_upload_file(client, photo, NULL, &uploaded, NULL) == XIEZHEN_OK, "xiezhen_upload_file");
  xiezhen_string_free(uploaded);
  xiezhen_photo_free(photo);
}

static void download(const struct order *order, void (*begin)(void)) {
  char album[128];
  xiezhen_task *task = NULL;
  xiezhen_strings *files = NULL;
  snprintf(album, sizeof album, "%s/album/%d", order->url, order->times);
  xiezhen_client *by = client(album);
  begin();
  must(xiezhen_query_task(by, TASK, NULL, &task, NULL) == XIEZHEN_OK, "xiezhen_query_task");
  must(xiezhen_save_results(by, task, order->rest, NULL, &files, NULL) == XIEZHEN_OK, "xiezhen_save_results");
  must(xiezhen_strings_count(files) == (size_t)order->times, "the pictures");
  xiezhen_strings_free(files);
  xiezhen_task_free(task);
}

/* How many of a set's bits are set. */
static int size_of(unsigned set) {
  int bits = 0;
  for (; set; set >>= 1) bits += set & 1;
  return bits;
}

/* Jobs that wait for their training until this process is ended: ten photos each of those that the service has, each time
 * others. Says when it begins to measure, and waits for a word. */
static void waiting(const struct order *order) {
  enum { UPLOADED = 20, PHOTOS = 10 };
  xiezhen_string *uploaded[UPLOADED];
  xiezhen_client_options *wanted = xiezhen_client_options_new();
  xiezhen_client *by = NULL;
  xiezhen_client_options_set_base_url(wanted, order->url, NULL);
  xiezhen_client_options_set_app_code(wanted, "simulator-app-code", NULL);
  xiezhen_client_options_set_requests_per_second(wanted, INFINITY, NULL);
  must(xiezhen_client_new(wanted, &by, NULL) == XIEZHEN_OK, "xiezhen_client_new");
  for (int i = 0; i < UPLOADED; i++) {
    char path[256];
    xiezhen_photo *photo = NULL;
    snprintf(path, sizeof path, "%s/%02d.jpg", getenv("PHOTOS"), 1 + i % PHOTOS);
    must(xiezhen_photo_from_path(path, &photo, NULL) == XIEZHEN_OK, path);
    must(xiezhen_upload_file(by, photo, NULL, &uploaded[i], NULL) == XIEZHEN_OK, "xiezhen_upload_file");
    xiezhen_photo_free(photo);
  }
  puts("ready");
  fflush(stdout);
  getchar();
  const xiezhen_job **jobs = calloc((size_t)order->times, sizeof *jobs);
  for (int made = 0, set = 0; made < order->times; set++) {
    if (size_of((unsigned)set) != PHOTOS) continue;
    xiezhen_job_options *options = xiezhen_job_options_new();
    for (int i = 0; i < UPLOADED; i++)
      if (set >> i & 1) xiezhen_job_options_add_uploaded(options, xiezhen_string_text(uploaded[i]), NULL);
    xiezhen_job_options_add_style(options, "仙气十足", NULL);
    xiezhen_job_options_add_style(options, "花好月圆", NULL);
    must(xiezhen_job_new(options, (xiezhen_job **)&jobs[made++], NULL) == XIEZHEN_OK, "xiezhen_job_new");
    xiezhen_job_options_free(options);
  }
  xiezhen_run_many_options *options = xiezhen_run_many_options_new();
  xiezhen_errors *errors = NULL;
  xiezhen_run_many_options_set_concurrency(options, (size_t)order->times, NULL);
  xiezhen_run_many_options_set_save_to(options, order->rest, NULL);
  xiezhen_run_many_options_set_checkpoints(options, order->rest, NULL);
  xiezhen_run_many(by, jobs, NULL, (size_t)order->times, options, &errors, NULL);
  must(0, "these jobs never end");
}

/* The smallest call there is. */
static void stage(int times, void (*begin)(void)) {
  xiezhen_job_options *options = xiezhen_job_options_new();
  xiezhen_job *job = NULL;
  xiezhen_job_options_set_user_id(options, "user", NULL);
  xiezhen_job_options_add_style(options, "仙气十足", NULL);
  must(xiezhen_job_new(options, &job, NULL) == XIEZHEN_OK, "xiezhen_job_new");
  begin();
  for (int i = 0; i < times; i++) must(xiezhen_job_stage(job) != XIEZHEN_STAGE_UNKNOWN, "the stage");
  xiezhen_job_free(job);
  xiezhen_job_options_free(options);
}

void by_xiezhen(const struct order *order, void (*begin)(void)) {
  if (strcmp(order->work, "waits") == 0) {
    measure_waits(order, begin);
  } else if (strcmp(order->work, "waiting") == 0) {
    waiting(order);
  } else if (strcmp(order->work, "query") == 0) {
    xiezhen_client *by = client(order->url);
    for (int i = 0; i < 200; i++) query(by, i);
    begin();
    for (int i = 0; i < order->times; i++) query(by, i);
  } else if (strcmp(order->work, "upload") == 0) {
    xiezhen_client *by = client(order->url);
    upload(by, order->rest);
    begin();
    for (int i = 0; i < order->times; i++) upload(by, order->rest);
  } else if (strcmp(order->work, "download") == 0) {
    download(order, begin);
  } else {
    stage(order->times, begin);
  }
}
