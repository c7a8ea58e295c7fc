/* One piece of work by one side, in a process of its own: `work <query|waits> <xiezhen|curl> <url> <times>`. Prints
 * the CPU time of one call or poll in µs and the memory growth in bytes. */
#include <cjson/cJSON.h>
#include <curl/curl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <xiezhen.h>

#define CONNECTIONS 64

static void must(int fine, const char *what) {
  if (!fine) {
    fprintf(stderr, "failed: %s\n", what);
    exit(1);
  }
}

static double cpu(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (double)usage.ru_utime.tv_sec * 1e6 + (double)usage.ru_utime.tv_usec + (double)usage.ru_stime.tv_sec * 1e6 +
         (double)usage.ru_stime.tv_usec;
}

/* A line of /proc/self/status, in bytes. */
static long memory(const char *name) {
  char line[256];
  long found = 0;
  FILE *status = fopen("/proc/self/status", "r");
  must(status != NULL, "/proc/self/status");
  while (fgets(line, sizeof line, status))
    if (strncmp(line, name, strlen(name)) == 0) found = atol(line + strlen(name) + 1) * 1024;
  fclose(status);
  return found;
}

static void forget_peak(void) {
  FILE *file = fopen("/proc/self/clear_refs", "w");
  if (file) {
    fputs("5", file);
    fclose(file);
  }
}

static void task_id(char *into, size_t size, int number) {
  snprintf(into, size, "7e1cac92-e348-4c90-ac66-%012d", number);
}

/* xiezhen */

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

static void waits(xiezhen_client *client, int times) {
  const char **ids = calloc((size_t)times, sizeof *ids);
  xiezhen_outcomes *outcomes = NULL;
  for (int i = 0; i < times; i++) {
    char id[64];
    task_id(id, sizeof id, i);
    ids[i] = strdup(id);
  }
  must(xiezhen_wait_many(client, ids, (size_t)times, NULL, NULL, NULL, &outcomes, NULL) == XIEZHEN_OK, "wait_many");
  for (int i = 0; i < times; i++) {
    must(xiezhen_outcomes_task(outcomes, (size_t)i) != NULL, "an outcome");
    free((char *)ids[i]);
  }
  free(ids);
  xiezhen_outcomes_free(outcomes);
}

/* libcurl and cJSON, as somebody would write it by hand */

struct call {
  CURL *easy;
  int number;
  size_t length;
  char sent[128];
  char answer[4096];
};

static struct curl_slist *headers;

static size_t receive(char *data, size_t size, size_t count, void *into) {
  struct call *call = into;
  if (call->length + size * count >= sizeof call->answer) return 0;
  memcpy(call->answer + call->length, data, size * count);
  call->length += size * count;
  return size * count;
}

static void prepare(struct call *call, int number) {
  char id[64];
  cJSON *body = cJSON_CreateObject();
  char *text;
  task_id(id, sizeof id, number);
  cJSON_AddStringToObject(body, "task_id", id);
  text = cJSON_PrintUnformatted(body);
  snprintf(call->sent, sizeof call->sent, "%s", text);
  free(text);
  cJSON_Delete(body);
  call->number = number;
  call->length = 0;
  curl_easy_setopt(call->easy, CURLOPT_POSTFIELDS, call->sent);
}

static void start(struct call *call, const char *url) {
  char address[256];
  snprintf(address, sizeof address, "%s/cloud/aigc_task_query", url);
  call->easy = curl_easy_init();
  curl_easy_setopt(call->easy, CURLOPT_URL, address);
  curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(call->easy, CURLOPT_TIMEOUT_MS, 60000L);
  curl_easy_setopt(call->easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(call->easy, CURLOPT_WRITEFUNCTION, receive);
  curl_easy_setopt(call->easy, CURLOPT_WRITEDATA, call);
  curl_easy_setopt(call->easy, CURLOPT_PRIVATE, call);
}

/* The task's state. */
static int state(const struct call *call) {
  long status = 0;
  int found;
  cJSON *answer = cJSON_ParseWithLength(call->answer, call->length);
  const cJSON *body = cJSON_GetObjectItemCaseSensitive(answer, "body");
  curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
  must(status == 200 && cJSON_GetObjectItemCaseSensitive(answer, "ret")->valueint == 0, "an answer");
  found = cJSON_GetObjectItemCaseSensitive(body, "state")->valueint;
  cJSON_Delete(answer);
  return found;
}

static void query_by_hand(struct call *call, int number) {
  prepare(call, number);
  must(curl_easy_perform(call->easy) == CURLE_OK, "curl_easy_perform");
  must(state(call) == 2, "the state");
}

static void waits_by_hand(CURLM *multi, struct call *calls, int times) {
  /* A task that is not done goes to the end of the queue. */
  int *queue = malloc((size_t)times * 2 * sizeof *queue);
  int first = 0, last = times, under_way = 0, left = times;
  for (int i = 0; i < times; i++) queue[i] = i;
  for (int i = 0; i < CONNECTIONS && first < last; i++, under_way++) {
    prepare(&calls[i], queue[first++]);
    curl_multi_add_handle(multi, calls[i].easy);
  }
  while (left > 0) {
    int running, messages;
    CURLMsg *message;
    curl_multi_perform(multi, &running);
    while ((message = curl_multi_info_read(multi, &messages))) {
      struct call *call;
      if (message->msg != CURLMSG_DONE) continue;
      must(message->data.result == CURLE_OK, "a transfer");
      curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&call);
      curl_multi_remove_handle(multi, call->easy);
      if (state(call) == 3)
        left--;
      else
        queue[last++] = call->number;
      if (first < last) {
        prepare(call, queue[first++]);
        curl_multi_add_handle(multi, call->easy);
      }
    }
    if (left > 0) curl_multi_poll(multi, NULL, 0, 1000, NULL);
  }
  free(queue);
}

int main(int count, char **arguments) {
  if (count < 5) return 2;
  int is_query = strcmp(arguments[1], "query") == 0, ours = strcmp(arguments[2], "xiezhen") == 0;
  const char *url = arguments[3];
  int times = atoi(arguments[4]);
  char waited[128];
  double before;
  long resident;
  must((size_t)snprintf(waited, sizeof waited, "%s/second", url) < sizeof waited, "the address");
  if (!is_query) url = waited;

  if (ours) {
    xiezhen_client *by = client(url);
    if (is_query)
      for (int i = 0; i < 200; i++) query(by, i);
    else
      waits(by, CONNECTIONS * 4);
    resident = memory("VmRSS");
    forget_peak();
    before = cpu();
    if (is_query)
      for (int i = 0; i < times; i++) query(by, i);
    else
      waits(by, times);
  } else {
    struct call *calls = calloc(CONNECTIONS, sizeof *calls);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    CURLM *multi = curl_multi_init();
    headers = curl_slist_append(headers, "Authorization: APPCODE bench");
    headers = curl_slist_append(headers, "Accept: application/json");
    headers = curl_slist_append(headers, "Content-Type: application/json; charset=utf-8");
    for (int i = 0; i < CONNECTIONS; i++) start(&calls[i], url);
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)CONNECTIONS);
    if (is_query)
      for (int i = 0; i < 200; i++) query_by_hand(&calls[0], i);
    else
      waits_by_hand(multi, calls, CONNECTIONS * 4);
    resident = memory("VmRSS");
    forget_peak();
    before = cpu();
    if (is_query)
      for (int i = 0; i < times; i++) query_by_hand(&calls[0], i);
    else
      waits_by_hand(multi, calls, times);
  }
  double spent = cpu() - before;
  printf("{\"cpu\": %f, \"growth\": %ld}\n", spent / times / (is_query ? 1 : 2), memory("VmHWM") - resident);
  return 0;
}
