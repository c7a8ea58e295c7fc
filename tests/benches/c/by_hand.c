/* libcurl and cJSON, as somebody would write it by hand. */
#include <cjson/cJSON.h>
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "work.h"

struct call {
  CURL *easy;
  int number;
  size_t length;
  char sent[128];
  char answer[16384];
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

static void start(struct call *call, const char *url, const char *path) {
  char address[256];
  snprintf(address, sizeof address, "%s%s", url, path);
  call->easy = curl_easy_init();
  curl_easy_setopt(call->easy, CURLOPT_URL, address);
  curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(call->easy, CURLOPT_TIMEOUT_MS, 60000L);
  curl_easy_setopt(call->easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(call->easy, CURLOPT_WRITEFUNCTION, receive);
  curl_easy_setopt(call->easy, CURLOPT_WRITEDATA, call);
  curl_easy_setopt(call->easy, CURLOPT_PRIVATE, call);
}

/* The answer, read. */
static cJSON *answer(const struct call *call) {
  long status = 0;
  cJSON *answer = cJSON_ParseWithLength(call->answer, call->length);
  curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
  must(status == 200 && cJSON_GetObjectItemCaseSensitive(answer, "ret")->valueint == 0, "an answer");
  return answer;
}

/* The task's state. */
static int state(const struct call *call) {
  cJSON *found = answer(call);
  int state = cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(found, "body"), "state")->valueint;
  cJSON_Delete(found);
  return state;
}

static void query(struct call *call, int number) {
  prepare(call, number);
  must(curl_easy_perform(call->easy) == CURLE_OK, "curl_easy_perform");
  must(state(call) == 2, "the state");
}

static void waits(CURLM *multi, struct call *calls, int times, int polls) {
  /* A task that is not done goes to the end of the queue. */
  int *queue = malloc((size_t)times * (size_t)polls * sizeof *queue);
  int first = 0, last = times, left = times;
  for (int i = 0; i < times; i++) queue[i] = i;
  for (int i = 0; i < CONNECTIONS && first < last; i++) {
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

static void measure_waits(const struct order *order, void (*begin)(void)) {
  char looked[128];
  int polls = atoi(order->rest);
  struct call *calls = calloc(CONNECTIONS, sizeof *calls);
  CURLM *multi = curl_multi_init();
  snprintf(looked, sizeof looked, "%s/looks/%s", order->url, order->rest);
  for (int i = 0; i < CONNECTIONS; i++) start(&calls[i], looked, "/cloud/aigc_task_query");
  curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)CONNECTIONS);
  waits(multi, calls, CONNECTIONS * 4, polls);
  begin();
  waits(multi, calls, order->times, polls);
}

static void upload(struct call *call, const char *path) {
  curl_mime *form = curl_mime_init(call->easy);
  curl_mimepart *part = curl_mime_addpart(form);
  curl_mime_name(part, "file");
  curl_mime_filedata(part, path);
  curl_mime_type(part, "image/jpeg");
  curl_easy_setopt(call->easy, CURLOPT_MIMEPOST, form);
  call->length = 0;
  must(curl_easy_perform(call->easy) == CURLE_OK, "an upload");
  cJSON_Delete(answer(call));
  curl_mime_free(form);
}

/* One picture after another, over one connection. */
static void download(struct call *asked, const char *folder) {
  const cJSON *picture;
  int number = 0;
  CURL *easy = curl_easy_init();
  prepare(asked, 0);
  must(curl_easy_perform(asked->easy) == CURLE_OK, "a query");
  cJSON *found = answer(asked);
  const cJSON *body = cJSON_GetObjectItemCaseSensitive(found, "body");
  cJSON_ArrayForEach(picture, cJSON_GetObjectItemCaseSensitive(body, "result_paths")) {
    char path[512];
    snprintf(path, sizeof path, "%s/%d.jpg", folder, number++);
    FILE *file = fopen(path, "wb");
    must(file != NULL, path);
    curl_easy_setopt(easy, CURLOPT_URL, picture->valuestring);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, file);
    must(curl_easy_perform(easy) == CURLE_OK, "a picture");
    fclose(file);
  }
  cJSON_Delete(found);
  curl_easy_cleanup(easy);
}

void by_hand(const struct order *order, void (*begin)(void)) {
  struct call *call = calloc(1, sizeof *call);
  curl_global_init(CURL_GLOBAL_DEFAULT);
  headers = curl_slist_append(headers, "Authorization: APPCODE bench");
  if (strcmp(order->work, "upload") == 0) {
    start(call, order->url, "/cloud/upload_file");
    upload(call, order->rest);
    begin();
    for (int i = 0; i < order->times; i++) upload(call, order->rest);
    return;
  }
  headers = curl_slist_append(headers, "Accept: application/json");
  headers = curl_slist_append(headers, "Content-Type: application/json; charset=utf-8");
  if (strcmp(order->work, "waits") == 0) {
    measure_waits(order, begin);
  } else if (strcmp(order->work, "query") == 0) {
    start(call, order->url, "/cloud/aigc_task_query");
    for (int i = 0; i < 200; i++) query(call, i);
    begin();
    for (int i = 0; i < order->times; i++) query(call, i);
  } else {
    char album[64];
    snprintf(album, sizeof album, "/album/%d/cloud/aigc_task_query", order->times);
    start(call, order->url, album);
    begin();
    download(call, order->rest);
  }
}
