/* Every accessor of NULL says that there is nothing, and NULL may be freed. */
#include "support.h"

int main(void) {
  CHECK(xiezhen_error_status(NULL) == XIEZHEN_OK && !xiezhen_error_code(NULL) && !xiezhen_error_message(NULL));
  CHECK(!xiezhen_error_http_status(NULL) && !xiezhen_error_ret(NULL) && !xiezhen_error_request_id(NULL));
  CHECK(!xiezhen_error_gateway_code(NULL) && !xiezhen_error_task_id(NULL) && !xiezhen_error_retryable(NULL));
  CHECK(xiezhen_error_retry_after_ms(NULL) == XIEZHEN_NONE && !xiezhen_error_problem_count(NULL));
  CHECK(!xiezhen_error_problem(NULL, 0) && !xiezhen_error_body_start(NULL) && !xiezhen_error_sent(NULL));
  CHECK(!xiezhen_error_path(NULL) && !xiezhen_error_task(NULL) && !xiezhen_error_json(NULL));
  CHECK(strcmp(xiezhen_status_name(99), "unknown") == 0 && strcmp(xiezhen_status_name(0), "ok") == 0);
  CHECK(!xiezhen_string_text(NULL) && !xiezhen_strings_count(NULL) && !xiezhen_strings_at(NULL, 0));
  CHECK(!xiezhen_task_id(NULL) && xiezhen_task_state(NULL) == XIEZHEN_STATE_UNKNOWN && !xiezhen_task_raw_state(NULL));
  CHECK(xiezhen_task_kind(NULL) == XIEZHEN_KIND_UNKNOWN && !xiezhen_task_is_terminal(NULL));
  CHECK(!xiezhen_task_reason(NULL) && !xiezhen_task_result_path_count(NULL) && !xiezhen_task_result_path(NULL, 0));
  CHECK(!xiezhen_created_task_id(NULL) && !xiezhen_created_user_id(NULL));
  CHECK(!xiezhen_styles_count(NULL) && !xiezhen_styles_at(NULL, 0) && !xiezhen_style_name(NULL));
  CHECK(!xiezhen_style_style(NULL) && !xiezhen_style_template(NULL) && !xiezhen_style_sex(NULL));
  CHECK(!xiezhen_outcomes_count(NULL) && !xiezhen_outcomes_task(NULL, 0) && !xiezhen_outcomes_error(NULL, 0));
  CHECK(xiezhen_job_stage(NULL) == XIEZHEN_STAGE_UNKNOWN);
  CHECK(!xiezhen_portraits_count(NULL) && !xiezhen_portraits_at(NULL, 0) && !xiezhen_portrait_style(NULL));
  CHECK(!xiezhen_portrait_style_id(NULL) && !xiezhen_portrait_task_id(NULL) && !xiezhen_portrait_error(NULL));
  CHECK(xiezhen_portrait_state(NULL) == XIEZHEN_STATE_UNKNOWN && !xiezhen_portrait_url_count(NULL));
  CHECK(!xiezhen_portrait_url(NULL, 0) && !xiezhen_portrait_file_count(NULL) && !xiezhen_portrait_file(NULL, 0));
  CHECK(!xiezhen_job_photo_list_count(NULL) && !xiezhen_job_photo_list_at(NULL, 0) && !xiezhen_job_photo_path(NULL));
  CHECK(!xiezhen_job_photo_sha256(NULL) && !xiezhen_job_photo_bytes(NULL) && !xiezhen_job_photo_uploaded(NULL));
  CHECK(xiezhen_event_type(NULL) == XIEZHEN_EVENT_UNKNOWN && !xiezhen_event_json(NULL) && !xiezhen_event_index(NULL));
  CHECK(!xiezhen_event_bytes_sent(NULL) && !xiezhen_event_bytes(NULL) && !xiezhen_event_count(NULL));
  CHECK(!xiezhen_event_path(NULL) && !xiezhen_event_task_id(NULL) && !xiezhen_event_raw_state(NULL));
  CHECK(xiezhen_event_state(NULL) == XIEZHEN_STATE_UNKNOWN && !xiezhen_event_user_id(NULL));
  CHECK(!xiezhen_event_style(NULL) && !xiezhen_event_call(NULL) && !xiezhen_event_error(NULL));
  CHECK(xiezhen_event_delay_ms(NULL) == XIEZHEN_NONE && !xiezhen_event_message(NULL) && !xiezhen_cancel_is_cancelled(NULL));
  CHECK(xiezhen_queue_fd(NULL) == -1 && !xiezhen_queue_next(NULL) && !xiezhen_queue_wait(NULL, XIEZHEN_NONE));
  CHECK(!xiezhen_queue_pending(NULL) && !xiezhen_completion_tag(NULL) && !xiezhen_completion_is_last(NULL));
  CHECK(xiezhen_completion_status(NULL) == XIEZHEN_OK && !xiezhen_completion_error(NULL));
  CHECK(!xiezhen_completion_event(NULL) && !xiezhen_completion_job(NULL) && !xiezhen_completion_index(NULL));
  CHECK(!xiezhen_completion_path(NULL) && !xiezhen_completion_created(NULL) && !xiezhen_completion_styles(NULL));
  CHECK(!xiezhen_completion_task(NULL) && !xiezhen_completion_outcomes(NULL) && !xiezhen_completion_files(NULL));
  CHECK(xiezhen_completion_next_ms(NULL) == XIEZHEN_NONE && !xiezhen_completion_errors(NULL));
  CHECK(!xiezhen_completion_is_job_end(NULL) && !xiezhen_errors_count(NULL) && !xiezhen_errors_at(NULL, 0));
  CHECK(!xiezhen_job_revision(NULL) && !xiezhen_error_user_id(NULL));

  CHECK(!xiezhen_photo_reports_count(NULL) && !xiezhen_photo_reports_at(NULL, 0) && !xiezhen_photo_report_path(NULL));
  CHECK(!xiezhen_photo_report_format(NULL) && !xiezhen_photo_report_plan(NULL) && !xiezhen_photo_report_bytes(NULL));
  CHECK(!xiezhen_photo_report_width(NULL) && !xiezhen_photo_report_height(NULL));
  CHECK(!xiezhen_photo_report_problem_count(NULL) && !xiezhen_photo_report_problem(NULL, 0));
  CHECK(!xiezhen_photo_report_remark_count(NULL) && !xiezhen_photo_report_remark(NULL, 0));

  CHECK(!xiezhen_callbacks_public_url(NULL) && !xiezhen_received_status(NULL) && !xiezhen_received_hint(NULL));
  CHECK(!xiezhen_hint_key(NULL) && !xiezhen_hint_slot(NULL) && !xiezhen_hint_attempt(NULL) && !xiezhen_hint_verified(NULL));
  CHECK(!xiezhen_hint_task_id_count(NULL) && !xiezhen_hint_task_id(NULL, 0) && !xiezhen_hint_user_id(NULL));
  CHECK(!xiezhen_receiver_address(NULL));

  xiezhen_callbacks_free(NULL);
  xiezhen_received_free(NULL);
  xiezhen_hint_free(NULL);
  xiezhen_receiver_free(NULL);
  xiezhen_photo_reports_free(NULL);
  xiezhen_errors_free(NULL);
  xiezhen_run_many_options_free(NULL);

  xiezhen_queue_free(NULL);
  xiezhen_completion_free(NULL);
  xiezhen_cancel_cancel(NULL);
  xiezhen_client_close(NULL);
  xiezhen_error_free(NULL);
  xiezhen_string_free(NULL);
  xiezhen_strings_free(NULL);
  xiezhen_task_free(NULL);
  xiezhen_created_free(NULL);
  xiezhen_styles_free(NULL);
  xiezhen_outcomes_free(NULL);
  xiezhen_job_free(NULL);
  xiezhen_job_options_free(NULL);
  xiezhen_portraits_free(NULL);
  xiezhen_job_photo_list_free(NULL);
  xiezhen_photo_free(NULL);
  xiezhen_cancel_free(NULL);
  xiezhen_client_free(NULL);
  xiezhen_client_options_free(NULL);
  xiezhen_call_options_free(NULL);
  xiezhen_run_options_free(NULL);
  printf("nulls: ok\n");
  return 0;
}
