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
