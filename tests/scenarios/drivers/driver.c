/* The C driver: reads a call a line, makes it, and writes its outcome in the normal form. */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plain.h"

/* What calls work on: the last client, job, task and callbacks, with their receiver. */
struct held {
  xiezhen_client *client;
  xiezhen_job *job;
  xiezhen_task *task;
  xiezhen_callbacks *callbacks;
  xiezhen_receiver *receiver;
};

/* A call that goes on in the background. */
struct under_way {
  pthread_t thread;
  struct held held;
  cJSON *request, *reply;
};

static const cJSON *get(const cJSON *request, const char *name) { return cJSON_GetObjectItemCaseSensitive(request, name); }

static const char *text(const cJSON *request, const char *name) { return cJSON_GetStringValue(get(request, name)); }

static double number(const cJSON *request, const char *name) { return get(request, name)->valuedouble; }

/* A path, or the bytes of a file. */
static xiezhen_photo *photo(const cJSON *given, xiezhen_error **error) {
  xiezhen_photo *made = NULL;
  if (cJSON_IsString(given)) {
    xiezhen_photo_from_path(given->valuestring, &made, error);
    return made;
  }
  FILE *file = fopen(text(given, "bytes_of"), "rb");
  fseek(file, 0, SEEK_END);
  const size_t size = (size_t)ftell(file);
  rewind(file);
  uint8_t *bytes = malloc(size + 1);
  const size_t seen = fread(bytes, 1, size, file);
  fclose(file);
  xiezhen_photo_from_bytes(bytes, seen, &made, error);
  free(bytes);
  return made;
}

/* The texts of a list, to be freed; they stay the request's own. */
static const char **texts(const cJSON *list, size_t *count) {
  const char **all = calloc((size_t)cJSON_GetArraySize(list) + 1, sizeof *all);
  const cJSON *one;
  *count = 0;
  cJSON_ArrayForEach(one, list) all[(*count)++] = one->valuestring;
  return all;
}

static xiezhen_status set_option(xiezhen_client_options *options, const cJSON *option, xiezhen_error **error) {
  const char *name = option->string, *word = option->valuestring;
  const double value = option->valuedouble;
#define OPTION(NAME, VALUE) \
  if (!strcmp(name, #NAME)) return xiezhen_client_options_set_##NAME(options, VALUE, error)
#define SCHEDULE(NAME) \
  if (!strcmp(name, #NAME)) \
    return xiezhen_client_options_set_##NAME(options, (uint64_t)number(option, "initial_ms"), number(option, "factor"), \
                                             (uint64_t)number(option, "max_ms"), error)
  OPTION(base_url, word);
  OPTION(app_code, word);
  OPTION(app_key, word);
  OPTION(app_secret, word);
  OPTION(ca_file, word);
  OPTION(proxy, word);
  OPTION(timeout_ms, (uint64_t)value);
  OPTION(connect_timeout_ms, (uint64_t)value);
  OPTION(max_retries, (uint32_t)value);
  OPTION(requests_per_second, value);
  OPTION(upload_concurrency, (size_t)value);
  OPTION(max_photo_bytes, (uint64_t)value);
  OPTION(prepare_photos, cJSON_IsTrue(option));
  OPTION(max_pictures, (size_t)value);
  OPTION(allow_http, cJSON_IsTrue(option));
  OPTION(allow_private_results, cJSON_IsTrue(option));
  OPTION(require_https_results, cJSON_IsTrue(option));
  SCHEDULE(training_schedule);
  SCHEDULE(generation_schedule);
  return XIEZHEN_OK;
}

static xiezhen_status new_client(struct held *held, const cJSON *request, xiezhen_error **error) {
  xiezhen_client_options *options = xiezhen_client_options_new();
  xiezhen_status status = XIEZHEN_OK;
  const cJSON *option;
  cJSON_ArrayForEach(option, request) if (status == XIEZHEN_OK) status = set_option(options, option, error);
  xiezhen_client *made = NULL;
  if (status == XIEZHEN_OK) status = xiezhen_client_new(options, &made, error);
  xiezhen_client_options_free(options);
  if (made) {
    xiezhen_client_free(held->client);
    held->client = made;
  }
  return status;
}

static xiezhen_status new_job(struct held *held, const cJSON *request, xiezhen_error **error) {
  xiezhen_job_options *options = xiezhen_job_options_new();
  const cJSON *one;
  xiezhen_status status = XIEZHEN_OK;
  cJSON_ArrayForEach(one, get(request, "photos")) {
    xiezhen_photo *made = photo(one, error);
    if (status == XIEZHEN_OK) status = xiezhen_job_options_add_photo(options, made, error);
    xiezhen_photo_free(made);
  }
  cJSON_ArrayForEach(one, get(request, "styles")) if (status == XIEZHEN_OK) status =
      xiezhen_job_options_add_style(options, one->valuestring, error);
  if (status == XIEZHEN_OK && text(request, "user_id"))
    status = xiezhen_job_options_set_user_id(options, text(request, "user_id"), error);
  xiezhen_job *made = NULL;
  if (status == XIEZHEN_OK) status = xiezhen_job_new(options, &made, error);
  xiezhen_job_options_free(options);
  if (made) {
    xiezhen_job_free(held->job);
    held->job = made;
  }
  return status;
}

static xiezhen_status job_json(struct held *held, const cJSON *request, xiezhen_error **error) {
  xiezhen_string *json = NULL;
  xiezhen_job *made = NULL;
  xiezhen_status status = XIEZHEN_OK;
  if (!text(request, "json")) status = xiezhen_job_to_json(held->job, &json, error);
  if (status == XIEZHEN_OK)
    status = xiezhen_job_from_json(json ? xiezhen_string_text(json) : text(request, "json"), &made, error);
  xiezhen_string_free(json);
  if (made) {
    xiezhen_job_free(held->job);
    held->job = made;
  }
  return status;
}

/* What a request says beside the call's own parameters. */
static xiezhen_call_options *call_options(const cJSON *request) {
  xiezhen_call_options *options = xiezhen_call_options_new();
  if (get(request, "timeout_ms"))
    xiezhen_call_options_set_timeout_ms(options, (uint64_t)number(request, "timeout_ms"), NULL);
  if (text(request, "callback_url")) xiezhen_call_options_set_callback_url(options, text(request, "callback_url"), NULL);
  return options;
}

static xiezhen_status create(struct held *held, const cJSON *request, cJSON **value, xiezhen_error **error) {
  xiezhen_call_options *options = call_options(request);
  size_t count = 0;
  const char **paths = texts(get(request, "img_set"), &count);
  xiezhen_created *made = NULL;
  const xiezhen_status status =
      !strcmp(text(request, "call"), "create_user_model")
          ? xiezhen_create_user_model(held->client, paths, count, options, &made, error)
          : xiezhen_create_task(held->client, text(request, "user_id"), text(request, "style"), options, &made, error);
  if (status == XIEZHEN_OK) *value = plain_created(made);
  xiezhen_created_free(made);
  free(paths);
  xiezhen_call_options_free(options);
  return status;
}

static xiezhen_status list_styles(struct held *held, const cJSON *request, cJSON **value, xiezhen_error **error) {
  xiezhen_call_options *options = call_options(request);
  xiezhen_styles *styles = NULL;
  const xiezhen_status status = xiezhen_list_styles(held->client, options, &styles, error);
  if (status == XIEZHEN_OK) *value = plain_styles(styles);
  xiezhen_styles_free(styles);
  xiezhen_call_options_free(options);
  return status;
}

static xiezhen_status look(struct held *held, const cJSON *request, cJSON **value, xiezhen_error **error) {
  xiezhen_call_options *options = call_options(request);
  xiezhen_task *task = NULL;
  const char *id = text(request, "task_id");
  const xiezhen_status status = !strcmp(text(request, "call"), "query_task")
                                    ? xiezhen_query_task(held->client, id, options, &task, error)
                                    : xiezhen_wait_task(held->client, id, options, &task, error);
  xiezhen_call_options_free(options);
  if (status != XIEZHEN_OK) return status;
  *value = plain_task(task);
  xiezhen_task_free(held->task);
  held->task = task;
  return status;
}

static int32_t count_end(size_t index, const xiezhen_task *task, const xiezhen_error *error, void *ended) {
  (void)index, (void)task, (void)error;
  ++*(int *)ended;
  return 0;
}

static xiezhen_status wait_many(struct held *held, const cJSON *request, cJSON **value, xiezhen_error **error) {
  xiezhen_call_options *options = call_options(request);
  size_t count = 0;
  const char **ids = texts(get(request, "task_ids"), &count);
  xiezhen_outcomes *outcomes = NULL;
  int ended = 0;
  const xiezhen_status status = xiezhen_wait_many(held->client, ids, count, count_end, &ended, options, &outcomes, error);
  free(ids);
  xiezhen_call_options_free(options);
  if (status == XIEZHEN_OK) *value = plain_outcomes(outcomes, ended);
  xiezhen_outcomes_free(outcomes);
  return status;
}

static xiezhen_status upload_file(struct held *held, const cJSON *request, cJSON **value, xiezhen_error **error) {
  xiezhen_photo *made = photo(get(request, "photo"), error);
  if (!made) return XIEZHEN_INVALID_ARGUMENT;
  xiezhen_call_options *options = call_options(request);
  xiezhen_string *path = NULL;
  const xiezhen_status status = xiezhen_upload_file(held->client, made, options, &path, error);
  if (status == XIEZHEN_OK) *value = cJSON_CreateString(xiezhen_string_text(path));
  xiezhen_string_free(path);
  xiezhen_call_options_free(options);
  xiezhen_photo_free(made);
  return status;
}

static xiezhen_status save_results(struct held *held, const cJSON *request, cJSON **value, xiezhen_error **error) {
  xiezhen_call_options *options = call_options(request);
  const char *name = text(request, "name");
  if (name) xiezhen_call_options_set_name(options, name, NULL);
  xiezhen_strings *files = NULL;
  const xiezhen_status status =
      xiezhen_save_results(held->client, held->task, text(request, "save_to"), options, &files, error);
  if (status == XIEZHEN_OK) *value = plain_texts(files);
  xiezhen_strings_free(files);
  xiezhen_call_options_free(options);
  return status;
}

/* Callbacks, and a receiver of them, whose address is the value. */
static xiezhen_status receive(struct held *held, const cJSON *request, cJSON **value, xiezhen_error **error) {
  const char *secrets[] = {text(request, "secret")};
  xiezhen_status status = xiezhen_callbacks_new(text(request, "public_url"), secrets, 1, &held->callbacks, error);
  if (status == XIEZHEN_OK) status = xiezhen_callbacks_listen(held->callbacks, "127.0.0.1:0", &held->receiver, error);
  if (status == XIEZHEN_OK) *value = cJSON_CreateString(xiezhen_receiver_address(held->receiver));
  return status;
}

static int32_t keep_event(const xiezhen_event *event, void *events) {
  cJSON_AddItemToArray(events, plain_event(event));
  return 0;
}

static int32_t save(const xiezhen_job *job, void *fails) {
  (void)job;
  return *(int32_t *)fails;
}

static xiezhen_status go_on(struct held *held, const cJSON *request, cJSON **value, cJSON *events, xiezhen_error **error) {
  xiezhen_run_options *options = xiezhen_run_options_new();
  if (text(request, "save_to")) xiezhen_run_options_set_save_to(options, text(request, "save_to"), NULL);
  if (text(request, "checkpoint")) xiezhen_run_options_set_checkpoint(options, text(request, "checkpoint"), NULL);
  if (get(request, "timeout_ms"))
    xiezhen_run_options_set_timeout_ms(options, (uint64_t)number(request, "timeout_ms"), NULL);
  xiezhen_run_options_set_recreate(options, cJSON_IsTrue(get(request, "recreate")), NULL);
  xiezhen_run_options_set_on_event(options, keep_event, events, NULL);
  if (cJSON_IsTrue(get(request, "callback"))) xiezhen_run_options_set_callback(options, held->callbacks, NULL);
  xiezhen_status status;
  if (!strcmp(text(request, "call"), "run")) status = xiezhen_run(held->client, held->job, options, error);
  else {
    uint64_t next = XIEZHEN_NONE;
    int32_t fails = cJSON_IsTrue(get(request, "save_fails"));
    status = xiezhen_advance(held->client, held->job, save, &fails, options, &next, error);
    if (status == XIEZHEN_OK) cJSON_AddBoolToObject(*value = cJSON_CreateObject(), "again", next != XIEZHEN_NONE);
  }
  xiezhen_run_options_free(options);
  return status;
}

static void forget(struct held *held) {
  xiezhen_receiver_free(held->receiver);
  xiezhen_callbacks_free(held->callbacks);
  xiezhen_task_free(held->task);
  xiezhen_job_free(held->job);
  xiezhen_client_free(held->client);
  *held = (struct held){0};
}

static xiezhen_status call(struct held *held, const cJSON *request, cJSON **value, cJSON *events, xiezhen_error **error) {
  const char *name = text(request, "call");
  if (!strcmp(name, "begin")) return forget(held), XIEZHEN_OK;
  if (!strcmp(name, "callbacks")) return receive(held, request, value, error);
  if (!strcmp(name, "client")) return new_client(held, request, error);
  if (!strcmp(name, "job")) return new_job(held, request, error);
  if (!strcmp(name, "job_json")) return job_json(held, request, error);
  if (!strcmp(name, "adopt"))
    return xiezhen_job_adopt(held->job, text(request, "task_id"), text(request, "user_id"), error);
  if (!strcmp(name, "adopt_portrait"))
    return xiezhen_job_adopt_portrait(held->job, text(request, "task_id"), text(request, "style"), error);
  if (!strcmp(name, "upload_file")) return upload_file(held, request, value, error);
  if (!strncmp(name, "create_", 7)) return create(held, request, value, error);
  if (!strcmp(name, "list_styles")) return list_styles(held, request, value, error);
  if (!strcmp(name, "wait_many")) return wait_many(held, request, value, error);
  if (!strcmp(name, "query_task") || !strcmp(name, "wait_task")) return look(held, request, value, error);
  if (!strcmp(name, "notify")) return xiezhen_notify(held->client, text(request, "task_id"), error);
  if (!strcmp(name, "save_results")) return save_results(held, request, value, error);
  if (!strcmp(name, "close")) xiezhen_client_close(held->client);
  else return go_on(held, request, value, events, error);
  return XIEZHEN_OK;
}

static cJSON *answer(struct held *held, const cJSON *request) {
  cJSON *reply = cJSON_CreateObject(), *value = NULL, *events = cJSON_CreateArray();
  xiezhen_error *error = NULL;
  const xiezhen_status status = call(held, request, &value, events, &error);
  if (status == XIEZHEN_OK) cJSON_AddItemToObject(reply, "value", value ? value : cJSON_CreateNull());
  else cJSON_AddItemToObject(reply, "error", plain_error(error));
  if (status != xiezhen_error_status(error)) add_text(reply, "broken", "the status is not the error's");
  xiezhen_error_free(error);
  if (held->job && strstr("job job_json adopt adopt_portrait run advance", text(request, "call"))) {
    cJSON_AddItemToObject(reply, "job", plain_job(held->job));
    cJSON_AddItemToObject(reply, "events", events);
  } else cJSON_Delete(events);
  return reply;
}

static void *go(void *data) {
  struct under_way *one = data;
  one->reply = answer(&one->held, one->request);
  return NULL;
}

int main(void) {
  struct held held = {0};
  struct under_way background = {0};
  char *line = NULL;
  size_t room = 0;
  while (getline(&line, &room, stdin) > 0) {
    cJSON *request = cJSON_Parse(line), *reply;
    if (!strcmp(text(request, "call"), "join")) {
      pthread_join(background.thread, NULL);
      reply = background.reply;
      cJSON_Delete(background.request);
      if (held.job) xiezhen_job_free(background.held.job);
      else held.job = background.held.job;
    } else if (cJSON_IsTrue(get(request, "background"))) {
      /* Its job is its own until it is joined, and so is a task that it looks at. */
      background.held = (struct held){held.client, held.job, NULL, held.callbacks, NULL};
      held.job = NULL;
      background.request = request;
      request = NULL;
      pthread_create(&background.thread, NULL, go, &background);
      reply = cJSON_CreateObject();
    } else reply = answer(&held, request);
    char *printed = cJSON_PrintUnformatted(reply);
    puts(printed);
    fflush(stdout);
    free(printed);
    cJSON_Delete(reply);
    cJSON_Delete(request);
  }
  free(line);
  forget(&held);
}
