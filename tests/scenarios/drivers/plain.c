/* What calls give, in the normal form: read field by field through the accessors, never as the core's own JSON. */
#include "plain.h"

static const char *const STATES[] = {"unknown", "waiting", "running", "succeeded", "partly_succeeded", "failed"};
static const char *const KINDS[] = {"unknown", "training", "generation"};
static const char *const STAGES[] = {"unknown", "uploading", "training", "generating", "saving", "done", "failed"};
static const char *const EVENTS[] = {"unknown", "photo_uploading", "photo_uploaded", "training", "trained", "generating",
                                     "generated", "saved", "retrying", "unknown_state", "notice", "finished"};

void add_text(cJSON *to, const char *name, const char *value) {
  if (value) cJSON_AddStringToObject(to, name, value);
}

static void add_number(cJSON *to, const char *name, double value) { cJSON_AddNumberToObject(to, name, value); }

cJSON *plain_task(const xiezhen_task *task) {
  cJSON *told = cJSON_CreateObject();
  add_text(told, "id", xiezhen_task_id(task));
  add_text(told, "state", STATES[xiezhen_task_state(task)]);
  add_number(told, "raw_state", (double)xiezhen_task_raw_state(task));
  add_text(told, "kind", KINDS[xiezhen_task_kind(task)]);
  cJSON *paths = cJSON_AddArrayToObject(told, "result_paths");
  for (size_t n = 0; n < xiezhen_task_result_path_count(task); ++n)
    cJSON_AddItemToArray(paths, cJSON_CreateString(xiezhen_task_result_path(task, n)));
  add_text(told, "reason", xiezhen_task_reason(task));
  return told;
}

cJSON *plain_error(const xiezhen_error *error) {
  cJSON *told = cJSON_CreateObject();
  add_text(told, "code", xiezhen_error_code(error));
  add_text(told, "message", xiezhen_error_message(error));
  if (xiezhen_error_http_status(error)) add_number(told, "http_status", xiezhen_error_http_status(error));
  if (xiezhen_error_ret(error)) add_number(told, "ret", (double)xiezhen_error_ret(error));
  add_text(told, "request_id", xiezhen_error_request_id(error));
  add_text(told, "gateway_code", xiezhen_error_gateway_code(error));
  add_text(told, "task_id", xiezhen_error_task_id(error));
  const uint64_t after = xiezhen_error_retry_after_ms(error);
  if (after != XIEZHEN_NONE) add_number(told, "retry_after_ms", (double)after);
  cJSON_AddBoolToObject(told, "retryable", xiezhen_error_retryable(error));
  cJSON *problems = cJSON_AddArrayToObject(told, "problems");
  for (size_t n = 0; n < xiezhen_error_problem_count(error); ++n)
    cJSON_AddItemToArray(problems, cJSON_CreateString(xiezhen_error_problem(error, n)));
  add_text(told, "body_start", xiezhen_error_body_start(error));
  add_text(told, "sent", xiezhen_error_sent(error));
  if (xiezhen_error_task(error)) cJSON_AddItemToObject(told, "task", plain_task(xiezhen_error_task(error)));
  add_text(told, "path", xiezhen_error_path(error));
  return told;
}

cJSON *plain_created(const xiezhen_created *created) {
  cJSON *told = cJSON_CreateObject();
  add_text(told, "task_id", xiezhen_created_task_id(created));
  add_text(told, "user_id", xiezhen_created_user_id(created));
  return told;
}

cJSON *plain_styles(const xiezhen_styles *styles) {
  cJSON *told = cJSON_CreateArray();
  for (size_t n = 0; n < xiezhen_styles_count(styles); ++n) {
    const xiezhen_style *one = xiezhen_styles_at(styles, n);
    cJSON *style = cJSON_CreateObject();
    add_text(style, "name", xiezhen_style_name(one));
    add_text(style, "style", xiezhen_style_style(one));
    add_text(style, "template", xiezhen_style_template(one));
    add_text(style, "sex", xiezhen_style_sex(one));
    cJSON_AddItemToArray(told, style);
  }
  return told;
}

cJSON *plain_texts(const xiezhen_strings *texts) {
  cJSON *told = cJSON_CreateArray();
  for (size_t n = 0; n < xiezhen_strings_count(texts); ++n)
    cJSON_AddItemToArray(told, cJSON_CreateString(xiezhen_strings_at(texts, n)));
  return told;
}

cJSON *plain_outcomes(const xiezhen_outcomes *outcomes, int ended) {
  cJSON *told = cJSON_CreateObject();
  add_number(told, "ended", ended);
  cJSON *all = cJSON_AddArrayToObject(told, "outcomes");
  for (size_t n = 0; n < xiezhen_outcomes_count(outcomes); ++n) {
    const xiezhen_error *error = xiezhen_outcomes_error(outcomes, n);
    cJSON *one = cJSON_CreateObject();
    if (error) cJSON_AddItemToObject(one, "error", plain_error(error));
    else cJSON_AddItemToObject(one, "value", plain_task(xiezhen_outcomes_task(outcomes, n)));
    cJSON_AddItemToArray(all, one);
  }
  return told;
}

static cJSON *plain_photos(const xiezhen_job *job) {
  cJSON *told = cJSON_CreateArray();
  xiezhen_job_photo_list *photos = NULL;
  xiezhen_job_photos(job, &photos, NULL);
  for (size_t n = 0; n < xiezhen_job_photo_list_count(photos); ++n) {
    const xiezhen_job_photo *one = xiezhen_job_photo_list_at(photos, n);
    cJSON *photo = cJSON_CreateObject();
    add_text(photo, "path", xiezhen_job_photo_path(one));
    add_text(photo, "sha256", xiezhen_job_photo_sha256(one));
    if (xiezhen_job_photo_sha256(one))
      cJSON_AddNumberToObject(photo, "bytes", (double)xiezhen_job_photo_bytes(one));
    add_text(photo, "uploaded", xiezhen_job_photo_uploaded(one));
    cJSON_AddItemToArray(told, photo);
  }
  xiezhen_job_photo_list_free(photos);
  return told;
}

static cJSON *plain_portraits(const xiezhen_job *job) {
  cJSON *told = cJSON_CreateArray();
  xiezhen_portraits *portraits = NULL;
  xiezhen_job_portraits(job, &portraits, NULL);
  for (size_t n = 0; n < xiezhen_portraits_count(portraits); ++n) {
    const xiezhen_portrait *one = xiezhen_portraits_at(portraits, n);
    cJSON *portrait = cJSON_CreateObject();
    add_text(portrait, "style", xiezhen_portrait_style(one));
    add_text(portrait, "style_id", xiezhen_portrait_style_id(one));
    add_text(portrait, "task_id", xiezhen_portrait_task_id(one));
    if (xiezhen_portrait_task_id(one)) add_text(portrait, "state", STATES[xiezhen_portrait_state(one)]);
    cJSON *urls = cJSON_AddArrayToObject(portrait, "urls"), *files = cJSON_AddArrayToObject(portrait, "files");
    for (size_t i = 0; i < xiezhen_portrait_url_count(one); ++i)
      cJSON_AddItemToArray(urls, cJSON_CreateString(xiezhen_portrait_url(one, i)));
    for (size_t i = 0; i < xiezhen_portrait_file_count(one); ++i)
      cJSON_AddItemToArray(files, cJSON_CreateString(xiezhen_portrait_file(one, i)));
    if (xiezhen_portrait_error(one)) cJSON_AddItemToObject(portrait, "error", plain_error(xiezhen_portrait_error(one)));
    cJSON_AddItemToArray(told, portrait);
  }
  xiezhen_portraits_free(portraits);
  return told;
}

cJSON *plain_job(const xiezhen_job *job) {
  cJSON *told = cJSON_CreateObject();
  add_text(told, "stage", STAGES[xiezhen_job_stage(job)]);
  xiezhen_string *user = NULL;
  xiezhen_job_user_id(job, &user, NULL);
  add_text(told, "user_id", xiezhen_string_text(user));
  xiezhen_string_free(user);
  cJSON_AddItemToObject(told, "photos", plain_photos(job));
  cJSON_AddItemToObject(told, "portraits", plain_portraits(job));
  return told;
}

/* The numbers that an event of this type has; 0 is one of them. */
static void add_numbers(cJSON *told, const xiezhen_event *event) {
  switch (xiezhen_event_type(event)) {
  case XIEZHEN_EVENT_PHOTO_UPLOADING:
    add_number(told, "bytes_sent", (double)xiezhen_event_bytes_sent(event));
    add_number(told, "bytes", (double)xiezhen_event_bytes(event));
    add_number(told, "index", (double)xiezhen_event_index(event));
    break;
  case XIEZHEN_EVENT_PHOTO_UPLOADED: add_number(told, "index", (double)xiezhen_event_index(event)); break;
  case XIEZHEN_EVENT_GENERATED: add_number(told, "count", (double)xiezhen_event_count(event)); break;
  case XIEZHEN_EVENT_UNKNOWN_STATE: add_number(told, "raw_state", (double)xiezhen_event_raw_state(event)); break;
  case XIEZHEN_EVENT_RETRYING: add_number(told, "delay_ms", (double)xiezhen_event_delay_ms(event)); break;
  default: break;
  }
}

cJSON *plain_event(const xiezhen_event *event) {
  const xiezhen_eventtype type = xiezhen_event_type(event);
  cJSON *told = cJSON_CreateObject();
  add_text(told, "type", EVENTS[type]);
  add_numbers(told, event);
  if (type == XIEZHEN_EVENT_TRAINING || type == XIEZHEN_EVENT_GENERATING)
    add_text(told, "state", STATES[xiezhen_event_state(event)]);
  add_text(told, "path", xiezhen_event_path(event));
  add_text(told, "task_id", xiezhen_event_task_id(event));
  add_text(told, "user_id", xiezhen_event_user_id(event));
  add_text(told, "style", xiezhen_event_style(event));
  add_text(told, "call", xiezhen_event_call(event));
  add_text(told, "message", xiezhen_event_message(event));
  if (xiezhen_event_error(event)) cJSON_AddItemToObject(told, "error", plain_error(xiezhen_event_error(event)));
  return told;
}
