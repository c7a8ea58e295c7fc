/* The happy path in C. The environment says where the service is and who is asking. */
#include <stdio.h>
#include <stdlib.h>

#include "xiezhen.h"

static xiezhen_error *error;

static void must(xiezhen_status status)
{
    if (status == XIEZHEN_OK) return;
    fprintf(stderr, "%s: %s\n", xiezhen_error_code(error), xiezhen_error_message(error));
    exit(1);
}

int main(void)
{
    xiezhen_client_options *options = xiezhen_client_options_new();
    must(xiezhen_client_options_set_training_schedule(options, 50, 1.0, 50, &error));
    must(xiezhen_client_options_set_generation_schedule(options, 50, 1.0, 50, &error));
    must(xiezhen_client_options_set_max_retries(options, 0, &error));
    xiezhen_client *client = NULL;
    must(xiezhen_client_new(options, &client, &error));

    xiezhen_string *uploaded[8];
    const char *paths[8];
    for (int n = 0; n < 8; n++) {
        char name[4096];
        snprintf(name, sizeof name, "%s/%02d.jpg", getenv("PHOTOS"), n + 1);
        xiezhen_photo *photo = NULL;
        must(xiezhen_photo_from_path(name, &photo, &error));
        must(xiezhen_upload_file(client, photo, NULL, &uploaded[n], &error));
        paths[n] = xiezhen_string_text(uploaded[n]);
        xiezhen_photo_free(photo);
    }
    xiezhen_call_options *callback = xiezhen_call_options_new();
    must(xiezhen_call_options_set_callback_url(callback, "https://example.com/callback", &error));
    xiezhen_created *training = NULL, *created = NULL;
    must(xiezhen_create_user_model(client, paths, 8, callback, &training, &error));
    xiezhen_task *trained = NULL, *generated = NULL, *task = NULL;
    must(xiezhen_wait_task(client, xiezhen_created_task_id(training), NULL, &trained, &error));
    xiezhen_styles *styles = NULL;
    must(xiezhen_list_styles(client, NULL, &styles, &error));
    const char *style = xiezhen_style_style(xiezhen_styles_at(styles, 0));
    must(xiezhen_create_task(client, xiezhen_created_user_id(training), style, NULL, &created, &error));
    const char *id = xiezhen_created_task_id(created);
    must(xiezhen_wait_task(client, id, NULL, &generated, &error));
    must(xiezhen_query_task(client, id, NULL, &task, &error));
    puts(xiezhen_task_state(task) == XIEZHEN_STATE_SUCCEEDED ? "succeeded" : "?");

    xiezhen_task_free(task), xiezhen_task_free(generated), xiezhen_task_free(trained);
    xiezhen_styles_free(styles);
    xiezhen_created_free(created), xiezhen_created_free(training);
    xiezhen_call_options_free(callback);
    for (int n = 0; n < 8; n++) xiezhen_string_free(uploaded[n]);
    xiezhen_client_options_free(options);
    xiezhen_client_free(client);
    return 0;
}
