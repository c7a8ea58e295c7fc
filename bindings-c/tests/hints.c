/* Callbacks of the service: their addresses, what comes to them, the receiver, and jobs and waits that are woken by them. */
#include "support.h"

static const char *const SECRETS[] = {"a secret for the twelve requests", "an older one of 16 bytes and more"};

static xiezhen_callbacks *callbacks_to(const char *public_url) {
  xiezhen_callbacks *callbacks = NULL;
  OK(xiezhen_callbacks_new(public_url, SECRETS, 1, &callbacks, error));
  return callbacks;
}

/* Callbacks whose addresses lead to a receiver of ours. */
static xiezhen_callbacks *listening(xiezhen_receiver **receiver) {
  xiezhen_callbacks *callbacks = callbacks_to("http://127.0.0.1:1");
  OK(xiezhen_callbacks_listen(callbacks, "127.0.0.1:0", receiver, error));
  char address[64], url[80];
  snprintf(address, sizeof address, "%s", xiezhen_receiver_address(*receiver));
  snprintf(url, sizeof url, "http://%s/hooks/", address);
  OK(xiezhen_receiver_close(*receiver, error));
  xiezhen_receiver_free(*receiver);
  xiezhen_callbacks_free(callbacks);

  callbacks = callbacks_to(url);
  CHECK(strlen(xiezhen_callbacks_public_url(callbacks)) == strlen(url) - 1);
  OK(xiezhen_callbacks_listen(callbacks, address, receiver, error));
  CHECK(strcmp(xiezhen_receiver_address(*receiver), address) == 0);
  return callbacks;
}

/* tests/callbacks/requests.json, to a receiver mounted at /hooks. */
static const struct {
  const char *method, *path, *type, *body;
  int status;
  const char *task_id, *user_id;
} REQUESTS[] = {
    {"POST", "/hooks/%s", "application/json", "{\"task_id\": \"a\", \"state\": 3}", 204, "a", NULL},
    {"POST", "/hooks/%s", "application/json", "{\"code\": 200, \"data\": {\"taskId\": \"a\", \"userId\": \"U1\"}}", 204, "a", "U1"},
    {"PUT", "/hooks/%s", "application/json", "{\"ret\": 0, \"body\": {\"id\": \"a\", \"state\": 3, \"tsk_type\": 1}}", 204, "a", NULL},
    {"POST", "/hooks/%s", "application/x-www-form-urlencoded", "task_id=a&user_id=U1", 204, "a", "U1"},
    {"GET", "/hooks/%s?state=3&task_id=a", NULL, "", 204, "a", NULL},
    {"POST", "/hooks/%s", NULL, "", 204, NULL, NULL},
    {"POST", "/hooks/%s", "application/json", "{\"task_id\": ", 204, NULL, NULL},
    {"POST", "/hooks/%s", "application/cloudevents+json", "{\"id\": \"event\", \"data\": {\"task_id\": \"a\"}}", 204, "a", NULL},
    {"POST", "/hooks/%s-", "application/json", "{\"task_id\": \"a\"}", 404, NULL, NULL},
    {"POST", "/hooks", "application/json", "{}", 404, NULL, NULL},
    {"DELETE", "/hooks/%s", NULL, "", 405, NULL, NULL},
    {"POST", "/hooks/%s", "\xff\xfe", NULL, 413, NULL, NULL}, /* 64 KiB and a byte; a header that is not UTF-8 */
};
enum { REQUEST_COUNT = sizeof REQUESTS / sizeof REQUESTS[0], TOO_LONG = (64 << 10) + 1 };

static char *address_token(const xiezhen_callbacks *callbacks, const char *key) {
  xiezhen_string *url = NULL;
  OK(xiezhen_callbacks_url(callbacks, key, &url, error));
  char *token = strdup(strrchr(xiezhen_string_text(url), '/') + 1);
  xiezhen_string_free(url);
  return token;
}

static void is_the_hint(const xiezhen_hint *hint, int n) {
  CHECK(strcmp(xiezhen_hint_key(hint), "order-12") == 0 && xiezhen_hint_verified(hint));
  CHECK(!xiezhen_hint_slot(hint) && xiezhen_hint_attempt(hint) == 0);
  CHECK(xiezhen_hint_task_id_count(hint) == (REQUESTS[n].task_id ? 1 : 0) && !xiezhen_hint_task_id(hint, 1));
  CHECK(!REQUESTS[n].task_id || strcmp(xiezhen_hint_task_id(hint, 0), REQUESTS[n].task_id) == 0);
  const char *user_id = xiezhen_hint_user_id(hint);
  CHECK(REQUESTS[n].user_id ? user_id && strcmp(user_id, REQUESTS[n].user_id) == 0 : !user_id);
}

static const char *too_long(void) {
  static char body[TOO_LONG];
  memset(body, ' ', sizeof body);
  return body;
}

static void a_server_of_ones_own(void) {
  xiezhen_callbacks *callbacks = callbacks_to("https://shop.example/hooks");
  char *token = address_token(callbacks, "order-12");
  for (int n = 0; n < REQUEST_COUNT; n++) {
    char target[256];
    snprintf(target, sizeof target, REQUESTS[n].path, token);
    const char *names[] = {"Content-Type"}, *values[] = {REQUESTS[n].type};
    const char *body = REQUESTS[n].body ? REQUESTS[n].body : too_long();
    xiezhen_received *received = NULL;
    OK(xiezhen_receive(callbacks, REQUESTS[n].method, target, names, values, REQUESTS[n].type ? 1 : 0,
                       (const uint8_t *)body, REQUESTS[n].body ? strlen(body) : TOO_LONG, &received, error));
    CHECK(xiezhen_received_status(received) == REQUESTS[n].status);
    const xiezhen_hint *hint = xiezhen_received_hint(received);
    CHECK((hint != NULL) == (REQUESTS[n].status == 204));
    if (hint) is_the_hint(hint, n);
    xiezhen_received_free(received);
  }
  /* A header may say that the body was longer than what was passed. */
  const char *length_name[] = {"Content-Length"}, *length[] = {"65537"};
  xiezhen_received *cut = NULL;
  OK(xiezhen_receive(callbacks, "POST", token, length_name, length, 1, NULL, 0, &cut, error));
  CHECK(xiezhen_received_status(cut) == 413 && !xiezhen_received_hint(cut));
  xiezhen_received_free(cut);
  free(token);

  /* A hint goes to another process as JSON. An older secret is still accepted, and a foreign one is not. */
  xiezhen_callbacks *rotated = NULL, *older = NULL;
  const char *turned[] = {SECRETS[1], SECRETS[0]};
  OK(xiezhen_callbacks_new("https://shop.example/hooks", turned, 2, &rotated, error));
  OK(xiezhen_callbacks_new("https://shop.example/hooks", turned, 1, &older, error));
  token = address_token(callbacks, "order-12");
  xiezhen_received *received = NULL, *foreign = NULL;
  OK(xiezhen_receive(older, "POST", token, NULL, NULL, 0, NULL, 0, &foreign, error));
  CHECK(xiezhen_received_status(foreign) == 404 && !xiezhen_received_hint(foreign));
  OK(xiezhen_receive(rotated, "POST", token, NULL, NULL, 0, (const uint8_t *)"task_id=a&user_id=U1", 20, &received, error));
  xiezhen_string *json = NULL;
  xiezhen_hint *hint = NULL;
  OK(xiezhen_hint_to_json(xiezhen_received_hint(received), &json, error));
  OK(xiezhen_hint_from_json(xiezhen_string_text(json), &hint, error));
  is_the_hint(hint, 3);
  xiezhen_hint_free(hint);
  xiezhen_string_free(json);
  xiezhen_received_free(received);
  xiezhen_received_free(foreign);
  free(token);
  xiezhen_callbacks_free(older);
  xiezhen_callbacks_free(rotated);
  xiezhen_callbacks_free(callbacks);
}

/* One request to a receiver; returns the status that it is answered. */
static int request(const char *address, const char *method, const char *target, const char *type, const char *body, size_t size) {
  struct sockaddr_in to;
  memset(&to, 0, sizeof to);
  to.sin_family = AF_INET;
  to.sin_port = htons((uint16_t)atoi(strrchr(address, ':') + 1));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int connection = socket(AF_INET, SOCK_STREAM, 0), status = 0;
  CHECK(connect(connection, (struct sockaddr *)&to, sizeof to) == 0);
  char head[512], answer[256] = "";
  int length = snprintf(head, sizeof head, "%s %s HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\nContent-Type: %s\r\n\r\n", method,
                        target, size, type ? type : "text/plain");
  CHECK(write(connection, head, (size_t)length) == length);
  if (size) CHECK(write(connection, body, size) == (ssize_t)size);
  CHECK(read(connection, answer, sizeof answer - 1) > 0 && sscanf(answer, "HTTP/1.1 %d", &status) == 1);
  close(connection);
  return status;
}

static void the_embedded_receiver(void) {
  xiezhen_receiver *receiver = NULL;
  xiezhen_callbacks *callbacks = listening(&receiver);
  char *token = address_token(callbacks, "order-12");
  xiezhen_hint *hint = NULL;
  OK(xiezhen_receiver_next(receiver, 0, &hint, error));
  CHECK(!hint);
  for (int n = 0; n < REQUEST_COUNT; n++) {
    char target[256];
    snprintf(target, sizeof target, REQUESTS[n].path, token);
    const char *body = REQUESTS[n].body ? REQUESTS[n].body : too_long();
    const size_t size = REQUESTS[n].body ? strlen(body) : TOO_LONG;
    const char *type = REQUESTS[n].body ? REQUESTS[n].type : NULL;
    CHECK(request(xiezhen_receiver_address(receiver), REQUESTS[n].method, target, type, body, size) == REQUESTS[n].status);
    if (REQUESTS[n].status != 204) continue;
    OK(xiezhen_receiver_next(receiver, 30000, &hint, error));
    CHECK(hint);
    is_the_hint(hint, n);
    xiezhen_hint_free(hint);
  }
  OK(xiezhen_receiver_next(receiver, 0, &hint, error));
  CHECK(!hint);

  /* What can't be had names the address. */
  xiezhen_receiver *second = NULL;
  xiezhen_error *error = NULL;
  CHECK(xiezhen_callbacks_listen(callbacks, xiezhen_receiver_address(receiver), &second, &error) == XIEZHEN_IO && !second);
  CHECK(strstr(xiezhen_error_message(error), xiezhen_receiver_address(receiver)));
  xiezhen_error_free(error);
  OK(xiezhen_receiver_close(receiver, error));
  OK(xiezhen_receiver_next(receiver, XIEZHEN_NONE, &hint, error));
  CHECK(!hint);
  OK(xiezhen_callbacks_listen(callbacks, xiezhen_receiver_address(receiver), &second, error));
  xiezhen_receiver_free(second);
  xiezhen_receiver_free(receiver);
  xiezhen_callbacks_free(callbacks);
  free(token);
}

/* A client that would poll for the first time in ten minutes. */
static xiezhen_client *patient_client(const char *space) {
  xiezhen_client *client = NULL;
  xiezhen_client_options *options = quick_options(space);
  OK(xiezhen_client_options_set_training_schedule(options, 600000, 1.0, 600000, error));
  OK(xiezhen_client_options_set_generation_schedule(options, 600000, 1.0, 600000, error));
  OK(xiezhen_client_new(options, &client, error));
  xiezhen_client_options_free(options);
  return client;
}

/* Only callbacks can end these runs in time; each of the three tasks is queried twice at most. */
static void a_run_asks_twice_for_a_task_at_most(void) {
  xiezhen_receiver *receiver = NULL;
  xiezhen_callbacks *callbacks = listening(&receiver);
  xiezhen_client *client = patient_client("called");
  xiezhen_job *job = new_job();
  xiezhen_run_options *options = xiezhen_run_options_new();
  OK(xiezhen_run_options_set_callback(options, callbacks, error));
  OK(xiezhen_run_options_set_callback_key(options, "order-7", error));
  OK(xiezhen_run(client, job, options, error));
  CHECK(xiezhen_job_stage(job) == XIEZHEN_STAGE_DONE);
  const int queries = count_calls("called", "query_task");
  CHECK(queries >= 3 && queries <= 6);
  xiezhen_hint *hint = NULL;
  OK(xiezhen_receiver_next(receiver, 0, &hint, error));
  CHECK(strcmp(xiezhen_hint_key(hint), "order-7") == 0 && strcmp(xiezhen_hint_slot(hint), "t") == 0);
  CHECK(xiezhen_hint_attempt(hint) == 1);
  xiezhen_hint_free(hint);
  xiezhen_run_options_free(options);
  xiezhen_job_free(job);

  xiezhen_client *other = patient_client("called-many");
  job = new_job();
  const xiezhen_job *jobs[] = {job};
  xiezhen_errors *errors = NULL;
  xiezhen_run_many_options *many = xiezhen_run_many_options_new();
  OK(xiezhen_run_many_options_set_callback(many, callbacks, error));
  OK(xiezhen_run_many(other, jobs, NULL, 1, many, &errors, error));
  CHECK(!xiezhen_errors_at(errors, 0) && xiezhen_job_stage(job) == XIEZHEN_STAGE_DONE);
  CHECK(count_calls("called-many", "query_task") <= 6);
  xiezhen_errors_free(errors);
  xiezhen_run_many_options_free(many);
  xiezhen_job_free(job);
  xiezhen_client_free(other);
  xiezhen_client_free(client);
  xiezhen_receiver_free(receiver);
  xiezhen_callbacks_free(callbacks);
}

static int32_t store(const xiezhen_job *job, void *user_data) {
  (void)job, (void)user_data;
  return 0;
}

/* A hint that another process took makes an advance poll what is not due. */
static void an_advance_is_woken(void) {
  xiezhen_receiver *receiver = NULL;
  xiezhen_callbacks *callbacks = listening(&receiver);
  xiezhen_client *client = patient_client("woken");
  /* It ends when it is told to, however slow the advance is. */
  settings("woken", "{\"training_seconds\":3600}");
  xiezhen_job *job = new_job();
  xiezhen_run_options *options = xiezhen_run_options_new();
  OK(xiezhen_run_options_set_callback(options, callbacks, error));
  uint64_t next_ms = 0;
  OK(xiezhen_advance(client, job, store, NULL, options, &next_ms, error));
  xiezhen_string *task_id = NULL;
  OK(xiezhen_job_training_task_id(job, &task_id, error));
  char task[128];
  snprintf(task, sizeof task, "tasks/%s", xiezhen_string_text(task_id));
  free(control("woken", "POST", task, "{\"state\":3}"));
  xiezhen_string_free(task_id);
  xiezhen_hint *hint = NULL;
  OK(xiezhen_receiver_next(receiver, 30000, &hint, error));
  CHECK(hint && next_ms > 60000 && count_calls("woken", "query_task") == 0);

  /* Freed and read anew, so that only the option knows of it. */
  xiezhen_string *json = NULL;
  OK(xiezhen_job_to_json(job, &json, error));
  xiezhen_job_free(job);
  xiezhen_client_free(client);
  client = patient_client("woken");
  OK(xiezhen_job_from_json(xiezhen_string_text(json), &job, error));
  xiezhen_run_options_free(options);
  options = xiezhen_run_options_new();
  OK(xiezhen_advance(client, job, store, NULL, options, &next_ms, error));
  CHECK(count_calls("woken", "query_task") == 0 && xiezhen_job_stage(job) == XIEZHEN_STAGE_TRAINING);
  const xiezhen_hint *woken[] = {hint};
  OK(xiezhen_run_options_set_woken(options, woken, 1, error));
  OK(xiezhen_advance(client, job, store, NULL, options, &next_ms, error));
  CHECK(count_calls("woken", "query_task") == 1 && xiezhen_job_stage(job) == XIEZHEN_STAGE_GENERATING);
  /* A run has no such option. */
  CHECK(xiezhen_run(client, job, options, NULL) == XIEZHEN_INVALID_ARGUMENT);

  xiezhen_hint_free(hint);
  xiezhen_string_free(json);
  xiezhen_run_options_free(options);
  xiezhen_job_free(job);
  xiezhen_client_free(client);
  xiezhen_receiver_free(receiver);
  xiezhen_callbacks_free(callbacks);
}

/* A wait ends by a hint that a server of the program's own has read, and a run by one that is delivered. */
static void hints_are_handed_on(void) {
  xiezhen_client *client = patient_client("handed");
  xiezhen_callbacks *callbacks = callbacks_to("https://shop.example/hooks");
  xiezhen_created *training = start_training(client);
  xiezhen_queue *queue = NULL;
  OK(xiezhen_queue_new(&queue, error));
  OK(xiezhen_begin_wait(client, xiezhen_created_task_id(training), NULL, queue, NULL, error));
  CHECK(!xiezhen_queue_wait(queue, 500));
  char *token = address_token(callbacks, "order-12"), body[128];
  snprintf(body, sizeof body, "task_id=%s", xiezhen_created_task_id(training));
  xiezhen_received *received = NULL;
  OK(xiezhen_receive(callbacks, "POST", token, NULL, NULL, 0, (const uint8_t *)body, strlen(body), &received, error));
  OK(xiezhen_notify_hint(client, xiezhen_received_hint(received), error));
  CHECK(xiezhen_queue_wait(queue, 30000));
  xiezhen_completion *completion = xiezhen_queue_next(queue);
  CHECK(xiezhen_completion_task(completion) && xiezhen_completion_is_last(completion));
  xiezhen_completion_free(completion);
  xiezhen_received_free(received);
  free(token);

  /* The simulator can't reach the shop: this process is told the hint of a receiver with the same secret. */
  xiezhen_job *job = new_job();
  xiezhen_run_options *options = xiezhen_run_options_new();
  OK(xiezhen_run_options_set_callback(options, callbacks, error));
  OK(xiezhen_run_options_set_callback_key(options, "order-8", error));
  OK(xiezhen_begin_run(client, job, options, queue, NULL, error));
  const char *const slots[] = {"t", "0", "1"};
  for (int n = 0; n < 3; n++) {
    for (int waited = 0; count_calls("handed", n == 0 ? "create_user_model" : "create_task") < 2; waited++) {
      CHECK(waited < 300);
      sleep_ms(100);
    }
    sleep_ms(500);
    char json[128];
    snprintf(json, sizeof json, "{\"key\":\"order-8\",\"slot\":\"%s\",\"attempt\":1,\"verified\":true}", slots[n]);
    xiezhen_hint *hint = NULL;
    OK(xiezhen_hint_from_json(json, &hint, error));
    OK(xiezhen_callbacks_deliver(callbacks, hint, error));
    xiezhen_hint_free(hint);
  }
  bool ended = false;
  while (!ended) {
    CHECK(xiezhen_queue_wait(queue, 30000));
    completion = xiezhen_queue_next(queue);
    if (!completion) continue;
    ended = xiezhen_completion_is_last(completion);
    CHECK(xiezhen_completion_status(completion) == XIEZHEN_OK);
    xiezhen_completion_free(completion);
  }
  CHECK(xiezhen_job_stage(job) == XIEZHEN_STAGE_DONE);

  xiezhen_run_options_free(options);
  xiezhen_job_free(job);
  xiezhen_queue_free(queue);
  xiezhen_created_free(training);
  xiezhen_callbacks_free(callbacks);
  xiezhen_client_free(client);
}

static void the_environment(void) {
  xiezhen_callbacks *callbacks = NULL;
  xiezhen_error *error = NULL;
  CHECK(xiezhen_callbacks_new(NULL, NULL, 0, &callbacks, &error) == XIEZHEN_INVALID_ARGUMENT && !callbacks);
  CHECK(xiezhen_error_problem_count(error) == 2 && strstr(xiezhen_error_problem(error, 0), "XIEZHEN_CALLBACK_URL"));
  xiezhen_error_free(error);
  setenv("XIEZHEN_CALLBACK_URL", "https://shop.example/hooks/", 1);
  setenv("XIEZHEN_CALLBACK_SECRET", SECRETS[0], 1);
  OK(xiezhen_callbacks_new(NULL, NULL, 0, &callbacks, error));
  CHECK(strcmp(xiezhen_callbacks_public_url(callbacks), "https://shop.example/hooks") == 0);
  xiezhen_callbacks_free(callbacks);
}

int main(void) {
  a_server_of_ones_own();
  the_embedded_receiver();
  a_run_asks_twice_for_a_task_at_most();
  an_advance_is_woken();
  hints_are_handed_on();
  the_environment();
  printf("hints: ok\n");
  return 0;
}
