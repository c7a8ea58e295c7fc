/* What calls give, in the normal form of the README. */
#ifndef PLAIN_H
#define PLAIN_H

#include <cjson/cJSON.h>
#include <xiezhen.h>

cJSON *plain_error(const xiezhen_error *error);
cJSON *plain_task(const xiezhen_task *task);
cJSON *plain_created(const xiezhen_created *created);
cJSON *plain_styles(const xiezhen_styles *styles);
cJSON *plain_texts(const xiezhen_strings *texts);
cJSON *plain_outcomes(const xiezhen_outcomes *outcomes, int ended);
cJSON *plain_job(const xiezhen_job *job);
cJSON *plain_event(const xiezhen_event *event);

/* NULL is "there is none". */
void add_text(cJSON *to, const char *name, const char *value);

#endif
