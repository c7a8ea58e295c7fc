/* The five calls, waits, results, and every status that a server can bring about. */
#include "support.h"

/* The next call of `space` fails with `json`; it must end in `status`. */
static xiezhen_error *refused(const xiezhen_client *client, xiezhen_status expected) {
  xiezhen_error *error = NULL;
  xiezhen_styles *styles = NULL;
  const xiezhen_status status = xiezhen_list_styles(client, NULL, &styles, &error);
  if (status != expected) {
    fprintf(stderr, "expected %s, got %s: %s\n", xiezhen_status_name(expected), xiezhen_status_name(status),
            error ? xiezhen_error_message(error) : "");
    exit(1);
  }
  CHECK(styles == NULL && error != NULL);
  CHECK(xiezhen_error_status(error) == expected);
  CHECK(strcmp(xiezhen_error_code(error), xiezhen_status_name(expected)) == 0);
  CHECK(strlen(xiezhen_error_message(error)) > 10);
  return error;
}

static void the_five_calls(void) {
  xiezhen_client *client = quick_client("calls");
  xiezhen_created *training = start_training(client);
  CHECK(strlen(xiezhen_created_task_id(training)) > 8 && strlen(xiezhen_created_user_id(training)) > 4);

  xiezhen_task *task = NULL;
  OK(xiezhen_wait_task(client, xiezhen_created_task_id(training), NULL, &task, error));
  CHECK(xiezhen_task_state(task) == XIEZHEN_STATE_SUCCEEDED && xiezhen_task_raw_state(task) == 3);
  CHECK(xiezhen_task_kind(task) == XIEZHEN_KIND_TRAINING && xiezhen_task_is_terminal(task));
  CHECK(strcmp(xiezhen_task_id(task), xiezhen_created_task_id(training)) == 0);
  xiezhen_task_free(task);

  xiezhen_styles *styles = NULL;
  OK(xiezhen_list_styles(client, NULL, &styles, error));
  CHECK(xiezhen_styles_count(styles) > 2);
  const xiezhen_style *style = xiezhen_styles_at(styles, 0);
  CHECK(*xiezhen_style_name(style) && *xiezhen_style_style(style) && *xiezhen_style_sex(style));
  CHECK(strncmp(xiezhen_style_template(style), "http", 4) == 0);
  CHECK(xiezhen_styles_at(styles, xiezhen_styles_count(styles)) == NULL);

  xiezhen_call_options *options = xiezhen_call_options_new();
  OK(xiezhen_call_options_set_callback_url(options, "https://example.com/done", error));
  xiezhen_created *created = NULL;
  OK(xiezhen_create_task(client, xiezhen_created_user_id(training), xiezhen_style_style(style), options, &created,
                         error));
  xiezhen_call_options_free(options);
  char *tasks = control("calls", "GET", "tasks", "");
  CHECK(strstr(tasks, "https://example.com/done"));
  free(tasks);

  task = NULL;
  OK(xiezhen_query_task(client, xiezhen_created_task_id(created), NULL, &task, error));
  CHECK(xiezhen_task_kind(task) == XIEZHEN_KIND_GENERATION);
  xiezhen_task_free(task);
  OK(xiezhen_notify(client, xiezhen_created_task_id(created), error));
  task = NULL;
  OK(xiezhen_wait_task(client, xiezhen_created_task_id(created), NULL, &task, error));
  CHECK(xiezhen_task_result_path_count(task) == 2);
  CHECK(strncmp(xiezhen_task_result_path(task, 1), "http", 4) == 0 && !xiezhen_task_result_path(task, 2));

  options = xiezhen_call_options_new();
  OK(xiezhen_call_options_set_name(options, "照片 é", error));
  xiezhen_strings *files = NULL;
  OK(xiezhen_save_results(client, task, scratch("结果 é"), options, &files, error));
  CHECK(xiezhen_strings_count(files) == 2 && strstr(xiezhen_strings_at(files, 0), "照片 é-"));
  CHECK(access(xiezhen_strings_at(files, 0), R_OK) == 0 && access(xiezhen_strings_at(files, 1), R_OK) == 0);
  CHECK(xiezhen_strings_at(files, 2) == NULL);

  xiezhen_call_options_free(options);
  xiezhen_strings_free(files);
  xiezhen_task_free(task);
  xiezhen_created_free(created);
  xiezhen_styles_free(styles);
  xiezhen_created_free(training);
  xiezhen_client_free(client);
}

static void photos_from_memory(void) {
  xiezhen_client *client = quick_client("memory");
  FILE *file = fopen(photo_path(1), "rb");
  CHECK(file);
  static unsigned char data[1 << 20];
  const size_t size = fread(data, 1, sizeof data, file);
  fclose(file);
  xiezhen_photo *photo = NULL;
  OK(xiezhen_photo_from_bytes(data, size, &photo, error));
  memset(data, 0, sizeof data); /* it was copied */
  xiezhen_string *path = NULL;
  OK(xiezhen_upload_file(client, photo, NULL, &path, error));
  xiezhen_string_free(path);
  xiezhen_photo_free(photo);

  /* Refused before it is sent. */
  xiezhen_error *error = NULL;
  OK(xiezhen_photo_from_bytes((const uint8_t *)"not a picture", 13, &photo, error));
  path = NULL;
  CHECK(xiezhen_upload_file(client, photo, NULL, &path, &error) == XIEZHEN_INVALID_ARGUMENT);
  CHECK(path == NULL && xiezhen_error_problem_count(error) == 1);
  CHECK(strstr(xiezhen_error_problem(error, 0), "no picture") && !xiezhen_error_problem(error, 1));
  CHECK(count_calls("memory", "upload_file") == 1);
  xiezhen_error_free(error);
  xiezhen_photo_free(photo);
  xiezhen_client_free(client);
}

static void each_status(void) {
  xiezhen_client *client = quick_client("statuses");
  xiezhen_error *error;

  fault("statuses", "{\"call\":\"list_styles\",\"times\":1,\"reply\":{\"status\":403,\"headers\":"
                    "{\"X-Ca-Error-Message\":\"Unauthorized\",\"X-Ca-Request-Id\":\"R-7\"}}}");
  error = refused(client, XIEZHEN_PERMISSION);
  CHECK(xiezhen_error_http_status(error) == 403 && strcmp(xiezhen_error_request_id(error), "R-7") == 0);
  CHECK(!xiezhen_error_retryable(error) && xiezhen_error_retry_after_ms(error) == XIEZHEN_NONE);
  xiezhen_error_free(error);

  fault("statuses", "{\"call\":\"list_styles\",\"times\":1,\"reply\":{\"status\":403,\"headers\":"
                    "{\"X-Ca-Error-Code\":\"B403ME\",\"X-Ca-Error-Message\":\"Quota Expired\"}}}");
  error = refused(client, XIEZHEN_QUOTA);
  CHECK(strcmp(xiezhen_error_gateway_code(error), "B403ME") == 0);
  CHECK(strstr(xiezhen_error_json(error), "\"code\":\"quota\""));
  xiezhen_error_free(error);

  fault("statuses", "{\"call\":\"list_styles\",\"times\":1,\"reply\":{\"status\":429,\"headers\":"
                    "{\"Retry-After\":\"300\",\"X-Ca-Error-Message\":\"Throttled by API\"}}}");
  error = refused(client, XIEZHEN_RATE_LIMITED);
  CHECK(xiezhen_error_retryable(error) && xiezhen_error_retry_after_ms(error) == 300000);
  xiezhen_error_free(error);

  fault("statuses", "{\"call\":\"list_styles\",\"times\":1,\"reply\":{\"status\":200,\"body\":"
                    "{\"ret\":7001,\"msg\":\"busy day\",\"body\":null}}}");
  error = refused(client, XIEZHEN_API);
  CHECK(xiezhen_error_ret(error) == 7001 && strstr(xiezhen_error_message(error), "busy day"));
  xiezhen_error_free(error);

  fault("statuses", "{\"call\":\"list_styles\",\"times\":9,\"reply\":{\"status\":200,\"body\":\"<html>\"}}");
  error = refused(client, XIEZHEN_PROTOCOL);
  CHECK(strcmp(xiezhen_error_body_start(error), "<html>") == 0);
  xiezhen_error_free(error);
  free(control("statuses", "DELETE", "faults", ""));

  fault("statuses", "{\"call\":\"list_styles\",\"times\":9,\"close\":\"before\"}");
  xiezhen_error_free(refused(client, XIEZHEN_TRANSPORT));
  free(control("statuses", "DELETE", "faults", ""));

  /* A create whose answer is lost is never sent again. */
  fault("statuses", "{\"call\":\"create_task\",\"times\":1,\"close\":\"before\"}");
  xiezhen_created *created = NULL;
  error = NULL;
  CHECK(xiezhen_create_task(client, "U1", "S1", NULL, &created, &error) == XIEZHEN_OUTCOME_UNKNOWN);
  CHECK(created == NULL && strstr(xiezhen_error_sent(error), "\"user_id\":\"U1\""));
  CHECK(count_calls("statuses", "create_task") == 1);
  xiezhen_error_free(error);
  xiezhen_client_free(client);

  xiezhen_client_options *options = quick_options("statuses");
  OK(xiezhen_client_options_set_app_code(options, "wrong", error));
  OK(xiezhen_client_new(options, &client, error));
  xiezhen_error_free(refused(client, XIEZHEN_AUTHENTICATION));
  xiezhen_client_free(client);

  OK(xiezhen_client_options_set_app_code(options, "simulator-app-code", error));
  OK(xiezhen_client_options_set_timeout_ms(options, 300, error));
  OK(xiezhen_client_new(options, &client, error));
  fault("statuses", "{\"call\":\"list_styles\",\"stall\":\"before\"}");
  xiezhen_error_free(refused(client, XIEZHEN_TIMEOUT));
  xiezhen_client_free(client);
  xiezhen_client_options_free(options);
}

static void signed_requests(void) {
  xiezhen_client_options *options = xiezhen_client_options_new();
  OK(xiezhen_client_options_set_base_url(options, space_url("signed"), error));
  OK(xiezhen_client_options_set_app_key(options, "simulator-app-key", error));
  OK(xiezhen_client_options_set_app_secret(options, "simulator-app-secret", error));
  OK(xiezhen_client_options_set_connect_timeout_ms(options, 2000, error));
  OK(xiezhen_client_options_set_upload_concurrency(options, 2, error));
  OK(xiezhen_client_options_set_max_photo_bytes(options, 1000, error));
  OK(xiezhen_client_options_set_proxy(options, "", error));
  OK(xiezhen_client_options_set_allow_http(options, true, error));
  xiezhen_client *client = NULL;
  OK(xiezhen_client_new(options, &client, error));
  xiezhen_styles *styles = NULL;
  OK(xiezhen_list_styles(client, NULL, &styles, error));
  xiezhen_styles_free(styles);
  char *journal = control("signed", "GET", "journal", "");
  CHECK(strstr(journal, "\"signature\""));
  free(journal);

  xiezhen_photo *photo = NULL;
  OK(xiezhen_photo_from_path(photo_path(1), &photo, error));
  xiezhen_string *path = NULL;
  xiezhen_error *error = NULL;
  CHECK(xiezhen_upload_file(client, photo, NULL, &path, &error) == XIEZHEN_INVALID_ARGUMENT);
  CHECK(strstr(xiezhen_error_message(error), "max_photo_bytes"));
  xiezhen_error_free(error);
  xiezhen_photo_free(photo);
  xiezhen_client_free(client);

  error = NULL;
  client = NULL;
  OK(xiezhen_client_options_set_ca_file(options, "/nowhere/ca.pem", error));
  CHECK(xiezhen_client_new(options, &client, &error) == XIEZHEN_INVALID_ARGUMENT && client == NULL);
  CHECK(strstr(xiezhen_error_message(error), "ca_file"));
  xiezhen_error_free(error);
  xiezhen_client_options_free(options);
}

static void waits_that_end_badly(void) {
  xiezhen_client *client = quick_client("badly");
  settings("badly", "{\"training_outcome\":5}");
  xiezhen_created *created = start_training(client);
  xiezhen_task *task = NULL;
  xiezhen_error *error = NULL;
  CHECK(xiezhen_wait_task(client, xiezhen_created_task_id(created), NULL, &task, &error) == XIEZHEN_TASK_FAILED);
  CHECK(strcmp(xiezhen_error_task_id(error), xiezhen_created_task_id(created)) == 0);
  CHECK(xiezhen_task_state(xiezhen_error_task(error)) == XIEZHEN_STATE_FAILED && task == NULL);
  xiezhen_error_free(error);
  xiezhen_created_free(created);

  settings("badly", "{\"training_seconds\":3600}");
  created = start_training(client);
  xiezhen_call_options *options = xiezhen_call_options_new();
  OK(xiezhen_call_options_set_timeout_ms(options, 100, error));
  error = NULL;
  CHECK(xiezhen_wait_task(client, xiezhen_created_task_id(created), options, &task, &error) == XIEZHEN_TIMEOUT);
  CHECK(strcmp(xiezhen_error_task_id(error), xiezhen_created_task_id(created)) == 0);
  xiezhen_error_free(error);
  xiezhen_call_options_free(options);
  xiezhen_created_free(created);
  xiezhen_client_free(client);
}

/* Each call may have a timeout of its own; the client's is a minute. */
static void timeouts_of_single_calls(void) {
  xiezhen_client *client = quick_client("timeouts");
  xiezhen_task *generation = ended_generation(client), *task = NULL;
  fault("timeouts", "{\"call\":\"any\",\"stall\":\"after\"}");
  xiezhen_call_options *options = xiezhen_call_options_new();
  OK(xiezhen_call_options_set_timeout_ms(options, 200, error));
  xiezhen_photo *photo = NULL;
  OK(xiezhen_photo_from_path(photo_path(1), &photo, error));
  const char *img_set[] = {"p/1", "p/2", "p/3", "p/4", "p/5", "p/6", "p/7", "p/8"};
  xiezhen_string *path = NULL;
  xiezhen_styles *styles = NULL;
  xiezhen_created *created = NULL;
  xiezhen_strings *files = NULL;

  const double began = now_ms();
  CHECK(xiezhen_upload_file(client, photo, options, &path, NULL) == XIEZHEN_TIMEOUT);
  CHECK(xiezhen_create_user_model(client, img_set, 8, options, &created, NULL) == XIEZHEN_OUTCOME_UNKNOWN);
  CHECK(xiezhen_list_styles(client, options, &styles, NULL) == XIEZHEN_TIMEOUT);
  CHECK(xiezhen_create_task(client, "U1", "S1", options, &created, NULL) == XIEZHEN_OUTCOME_UNKNOWN);
  CHECK(xiezhen_query_task(client, xiezhen_task_id(generation), options, &task, NULL) == XIEZHEN_TIMEOUT);
  CHECK(xiezhen_save_results(client, generation, scratch("late"), options, &files, NULL) == XIEZHEN_TIMEOUT);
  CHECK(now_ms() - began < 20000);
  CHECK(!path && !styles && !created && !files && !task);

  xiezhen_photo_free(photo);
  xiezhen_call_options_free(options);
  xiezhen_task_free(generation);
  xiezhen_client_free(client);
}

static void on_log(xiezhen_log_level level, const char *target, const char *message, void *user_data) {
  CHECK(level >= XIEZHEN_LOG_LEVEL_ERROR && level <= XIEZHEN_LOG_LEVEL_DEBUG);
  CHECK(strncmp(target, "xiezhen", 7) == 0);
  CHECK(!strstr(message, "simulator-app-code"));
  if (strstr(message, "list_styles")) ++*(int *)user_data;
}

static void the_log(void) {
  int lines = 0;
  xiezhen_client *client = NULL;
  xiezhen_client_options *options = quick_options("log");
  OK(xiezhen_client_options_set_on_log(options, XIEZHEN_LOG_LEVEL_DEBUG, on_log, &lines, error));
  OK(xiezhen_client_new(options, &client, error));
  xiezhen_client_options_free(options);
  xiezhen_styles *styles = NULL;
  OK(xiezhen_list_styles(client, NULL, &styles, error));
  CHECK(lines >= 1);
  xiezhen_styles_free(styles);

  /* A client without a callback tells nobody. */
  const int before = lines;
  xiezhen_client *silent = quick_client("log");
  OK(xiezhen_list_styles(silent, NULL, &styles, error));
  CHECK(lines == before);
  xiezhen_styles_free(styles);
  xiezhen_client_free(silent);

  xiezhen_client_close(client);
  styles = NULL;
  CHECK(xiezhen_list_styles(client, NULL, &styles, NULL) == XIEZHEN_INVALID_ARGUMENT && styles == NULL);
  xiezhen_client_free(client);
}

/* Other options on the same connections, and what goes with every call. */
static void other_options(void) {
  xiezhen_client *client = quick_client("options"), *other = NULL;
  xiezhen_client_options *changes = xiezhen_client_options_new();
  OK(xiezhen_client_options_set_stage(changes, "PRE", error));
  OK(xiezhen_client_options_add_header(changes, "X-Own", "mine", error));
  OK(xiezhen_client_options_set_max_retries(changes, 3, error));
  OK(xiezhen_client_with_options(client, changes, &other, error));
  fault("options", "{\"call\":\"list_styles\",\"times\":2,\"reply\":{\"status\":503}}");
  xiezhen_styles *styles = NULL;
  OK(xiezhen_list_styles(other, NULL, &styles, error));
  xiezhen_styles_free(styles);
  CHECK(count_calls("options", "list_styles") == 3);

  /* Of one call. */
  fault("options", "{\"call\":\"list_styles\",\"times\":1,\"reply\":{\"status\":503}}");
  xiezhen_call_options *options = xiezhen_call_options_new();
  OK(xiezhen_call_options_set_max_retries(options, 0, error));
  styles = NULL;
  CHECK(xiezhen_list_styles(other, options, &styles, NULL) == XIEZHEN_TRANSPORT);
  CHECK(count_calls("options", "list_styles") == 4);
  CHECK(xiezhen_wait_task(other, "t", options, NULL, NULL) == XIEZHEN_INVALID_ARGUMENT);
  xiezhen_call_options_free(options);

  /* They close together. */
  xiezhen_client_close(client);
  CHECK(xiezhen_list_styles(other, NULL, &styles, NULL) == XIEZHEN_INVALID_ARGUMENT);
  xiezhen_client_options_free(changes);
  xiezhen_client_free(other);
  xiezhen_client_free(client);
}

int main(void) {
  other_options();
  CHECK(strcmp(xiezhen_version(), XIEZHEN_VERSION) == 0);
  the_five_calls();
  photos_from_memory();
  each_status();
  signed_requests();
  waits_that_end_badly();
  timeouts_of_single_calls();
  the_log();
  puts("calls: ok");
  return 0;
}
