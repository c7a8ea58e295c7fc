/// xiezhen (写真) for C++17: the rules and meanings are those of xiezhen.h, with RAII handles and exceptions.
///
/// Handles (Client, Job, Task, Photo, Cancel) are move-only. A call that fails throws xiezhen::Error. Texts are UTF-8; a
/// file's path out is the system's bytes.
///
/// Callbacks are any callable, called on the calling thread. An exception of theirs stops the call and comes out of it;
/// only a log stops nothing: what `on_log` throws is dropped, so that it hides no error and loses no result.
#ifndef XIEZHEN_HPP
#define XIEZHEN_HPP

#if defined(_MSVC_LANG) ? _MSVC_LANG < 201703L : __cplusplus < 201703L
#error "xiezhen.hpp needs C++17 or newer: compile with -std=c++17, or use xiezhen.h"
#endif
#if !defined(__cpp_exceptions) && !defined(_CPPUNWIND)
#error "xiezhen.hpp reports errors as exceptions: compile without -fno-exceptions, or use xiezhen.h, which needs none"
#endif

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "xiezhen.h"

namespace xiezhen {

using std::chrono::milliseconds;

/// How a call ended: XIEZHEN_OK, XIEZHEN_QUOTA, …
using Status = xiezhen_status;
/// The state of a task: XIEZHEN_STATE_SUCCEEDED, …
using State = xiezhen_state;
/// What a task is for: XIEZHEN_KIND_TRAINING, …
using Kind = xiezhen_kind;
/// What a job is busy with: XIEZHEN_STAGE_DONE, …
using Stage = xiezhen_stage;
/// What an event is about: XIEZHEN_EVENT_SAVED, …
using EventType = xiezhen_eventtype;
/// How important a log message is: XIEZHEN_LOG_LEVEL_INFO, …
using LogLevel = xiezhen_log_level;

namespace detail {

/// Frees a handle with its own function.
template <auto Function> struct Free {
  template <class T> void operator()(T *handle) const noexcept { Function(handle); }
};

template <class T, auto Function> using Own = std::unique_ptr<T, Free<Function>>;

inline std::string text(const char *from) { return from ? std::string(from) : std::string(); }

inline std::optional<std::string> maybe_text(const char *from) {
  return from ? std::optional<std::string>(from) : std::nullopt;
}

inline std::optional<milliseconds> maybe_time(std::uint64_t ms) noexcept {
  return ms == XIEZHEN_NONE ? std::nullopt : std::optional<milliseconds>(milliseconds(ms));
}

inline std::string_view view(const char *from) noexcept { return from ? std::string_view(from) : std::string_view(); }

inline std::vector<std::string> result_paths(const xiezhen_task *task) {
  std::vector<std::string> paths;
  for (std::size_t n = 0; n < xiezhen_task_result_path_count(task); ++n)
    paths.emplace_back(xiezhen_task_result_path(task, n));
  return paths;
}

} // namespace detail

/// A task as an error remembers it.
struct TaskRecord {
  std::string id;
  State state;
  std::int64_t raw_state;
  Kind kind;
  std::vector<std::string> result_paths;
  std::optional<std::string> reason;
};

/// Why a call failed. Cheap to copy.
class Error : public std::runtime_error {
public:
  /// A copy of what a C error says.
  explicit Error(const xiezhen_error *error, Status status)
      : std::runtime_error(error ? detail::text(xiezhen_error_message(error)) : xiezhen_status_name(status)),
        facts_(std::make_shared<const Facts>(error, status)) {}

  /// An error of this header's own.
  Error(Status status, const std::string &message)
      : std::runtime_error(message), facts_(std::make_shared<const Facts>(nullptr, status)) {}

  /// A move copies: an error that was moved from still says what it said.
  Error(const Error &) noexcept = default;
  Error &operator=(const Error &) noexcept = default;

  /// What to branch on.
  Status status() const noexcept { return facts_->status; }
  /// The status's name, the same in every language: "rate_limited".
  std::string_view code() const noexcept { return xiezhen_status_name(facts_->status); }
  /// What happened, to what, and what to do; `what()` says the same.
  std::string_view message() const noexcept { return what(); }
  /// The HTTP status, where there was an answer.
  std::optional<int> http_status() const noexcept { return facts_->http_status; }
  /// The service's own `ret`, where it was not 0.
  std::optional<std::int64_t> ret() const noexcept { return facts_->ret; }
  /// The id that the vendor's support asks for.
  const std::optional<std::string> &request_id() const noexcept { return facts_->request_id; }
  /// The gateway's own code, such as "B403MQ".
  const std::optional<std::string> &gateway_code() const noexcept { return facts_->gateway_code; }
  /// The task that this is about: a wait can be taken up again with it.
  const std::optional<std::string> &task_id() const noexcept { return facts_->task_id; }
  /// The user model that this is about: a billed training that could not be stored is adopted with it.
  const std::optional<std::string> &user_id() const noexcept { return facts_->user_id; }
  /// How long the gateway asked to wait.
  std::optional<milliseconds> retry_after() const noexcept { return facts_->retry_after; }
  /// Whether the same call, unchanged, may succeed later, without a risk.
  bool retryable() const noexcept { return facts_->retryable; }
  /// Each thing that was wrong, where arguments were refused.
  const std::vector<std::string> &problems() const noexcept { return facts_->problems; }
  /// The beginning of the answer that could not be read.
  const std::optional<std::string> &body_start() const noexcept { return facts_->body_start; }
  /// What a create with an unknown outcome had sent, as JSON.
  const std::optional<std::string> &sent() const noexcept { return facts_->sent; }
  /// The task as last polled, where it failed.
  const std::optional<TaskRecord> &task() const noexcept { return facts_->task; }
  /// The local file that this is about.
  const std::optional<std::string> &path() const noexcept { return facts_->path; }
  /// The whole error as JSON; empty for an error of this header's own.
  const std::string &json() const noexcept { return facts_->json; }

private:
  struct Facts {
    Status status;
    std::optional<int> http_status;
    std::optional<std::int64_t> ret;
    std::optional<std::string> request_id, gateway_code, task_id, user_id, body_start, sent, path;
    std::optional<milliseconds> retry_after;
    bool retryable;
    std::vector<std::string> problems;
    std::optional<TaskRecord> task;
    std::string json;

    Facts(const xiezhen_error *error, Status how)
        : status(how), request_id(detail::maybe_text(xiezhen_error_request_id(error))),
          gateway_code(detail::maybe_text(xiezhen_error_gateway_code(error))),
          task_id(detail::maybe_text(xiezhen_error_task_id(error))),
          user_id(detail::maybe_text(xiezhen_error_user_id(error))),
          body_start(detail::maybe_text(xiezhen_error_body_start(error))),
          sent(detail::maybe_text(xiezhen_error_sent(error))), path(detail::maybe_text(xiezhen_error_path(error))),
          retryable(xiezhen_error_retryable(error)), json(detail::text(xiezhen_error_json(error))) {
      if (const auto http = xiezhen_error_http_status(error)) http_status = http;
      if (const auto said = xiezhen_error_ret(error)) ret = said;
      retry_after = detail::maybe_time(xiezhen_error_retry_after_ms(error));
      for (std::size_t n = 0; n < xiezhen_error_problem_count(error); ++n)
        problems.emplace_back(xiezhen_error_problem(error, n));
      const auto *seen = xiezhen_error_task(error);
      if (!seen) return;
      task = TaskRecord{detail::text(xiezhen_task_id(seen)), xiezhen_task_state(seen), xiezhen_task_raw_state(seen),
                        xiezhen_task_kind(seen), detail::result_paths(seen), detail::maybe_text(xiezhen_task_reason(seen))};
    }
  };
  std::shared_ptr<const Facts> facts_;
};

namespace detail {

inline void check(Status status, xiezhen_error *raw) {
  const Own<xiezhen_error, xiezhen_error_free> error(raw);
  if (status != XIEZHEN_OK) throw Error(error.get(), status);
}

/// Calls a C function, whose last argument is the error.
template <class F, class... A> void call(F function, A... arguments) {
  xiezhen_error *error = nullptr;
  const Status status = function(arguments..., &error);
  check(status, error);
}

/// Calls a C function that also gives a handle.
template <class Handle, class F, class... A> Handle make(F function, A... arguments) {
  typename Handle::pointer made = nullptr;
  xiezhen_error *error = nullptr;
  const Status status = function(arguments..., &made, &error);
  Handle handle(made);
  check(status, error);
  return handle;
}

/// Text for C: ended by NUL, and without one inside.
class Text {
public:
  explicit Text(std::string_view text) : text_(text) {
    if (text_.find('\0') != std::string::npos) throw Error(XIEZHEN_INVALID_ARGUMENT, "a text contains a NUL character");
  }
  const char *get() const noexcept { return text_.c_str(); }

private:
  std::string text_;
};

/// An array of texts for C, as long as the strings live.
inline std::vector<const char *> pointers(const std::vector<std::string> &texts) {
  std::vector<const char *> all;
  all.reserve(texts.size());
  for (const auto &text : texts) {
    if (text.find('\0') != std::string::npos) throw Error(XIEZHEN_INVALID_ARGUMENT, "a text contains a NUL character");
    all.push_back(text.c_str());
  }
  return all;
}

inline std::uint64_t count(milliseconds time) {
  if (time < milliseconds::zero()) throw Error(XIEZHEN_INVALID_ARGUMENT, "a time is negative");
  return static_cast<std::uint64_t>(time.count());
}

template <class O, class F> void set_text(O *options, F setter, const std::optional<std::string> &value) {
  if (value) call(setter, options, Text(*value).get());
}

template <class O, class F> void set_time(O *options, F setter, const std::optional<milliseconds> &value) {
  if (value) call(setter, options, count(*value));
}

template <class O, class F, class T> void set_value(O *options, F setter, const std::optional<T> &value) {
  if (value) call(setter, options, *value);
}

/// Whether a callable can be null, as a pointer or a std::function can: made of nullptr, and compared with it.
template <class F, class = void> inline constexpr bool nullable = false;
template <class F>
inline constexpr bool nullable<F, std::void_t<decltype(static_cast<bool>(std::declval<const F &>() == nullptr))>> =
    std::is_constructible_v<F, std::nullptr_t>;

/// A callable that options keep, of any kind, a move-only one too. Copies of the options share it.
template <class... A> class Callback {
public:
  Callback(std::nullptr_t = nullptr) noexcept {}
  /// Empty if `callable` is.
  Callback(std::function<void(A...)> callable) : call_(std::move(callable)) {}
  template <class F, class Kept = std::decay_t<F>,
            class = std::enable_if_t<!std::is_same_v<Kept, Callback> && std::is_invocable_v<Kept &, A...>>>
  Callback(F &&callable) {
    auto kept = std::make_shared<Kept>(std::forward<F>(callable));
    if constexpr (nullable<Kept>)
      if (*kept == nullptr) return;
    call_ = [kept](A... given) { (*kept)(given...); };
  }

  explicit operator bool() const noexcept { return static_cast<bool>(call_); }
  void operator()(A... given) const { call_(given...); }

private:
  std::function<void(A...)> call_;
};

/// A callable on its way through C: an exception stops the call and is thrown again after it, the first one if there are more.
template <class F> class Through {
public:
  explicit Through(F &callable) : callable_(callable) {}

  template <class... A> std::int32_t operator()(A &&...arguments) noexcept {
    try {
      callable_(std::forward<A>(arguments)...);
      return 0;
    } catch (...) {
      if (!thrown_) thrown_ = std::current_exception();
      return 1;
    }
  }

  /// Makes the call, and throws what the callable threw rather than what the call made of that.
  template <class C> auto during(C &&make_call) {
    try {
      return make_call();
    } catch (...) {
      if (thrown_) std::rethrow_exception(std::exchange(thrown_, nullptr));
      throw;
    }
  }

private:
  F &callable_;
  std::exception_ptr thrown_;
};

} // namespace detail

/// Stops every call whose options name it, from any thread.
class Cancel {
public:
  Cancel() : handle_(xiezhen_cancel_new()) {}

  /// Stops the calls, now and later, within 100 ms: XIEZHEN_CANCELLED. Not from a signal handler.
  void cancel() const noexcept { xiezhen_cancel_cancel(handle_.get()); }
  /// Whether it was cancelled.
  bool is_cancelled() const noexcept { return xiezhen_cancel_is_cancelled(handle_.get()); }
  /// The C handle.
  const xiezhen_cancel *get() const noexcept { return handle_.get(); }

private:
  detail::Own<xiezhen_cancel, xiezhen_cancel_free> handle_;
};

/// Names and values of headers.
using Headers = std::vector<std::pair<std::string, std::string>>;

/// When a kind of task is polled: first after `initial`, then `factor` times later each time, up to `max`.
struct PollSchedule {
  milliseconds initial;
  double factor;
  milliseconds max;
};

/// Options of a client. What is not set comes from the environment or is the default.
struct ClientOptions {
  std::optional<std::string> base_url{};
  std::optional<std::string> app_code{};
  std::optional<std::string> app_key{};
  std::optional<std::string> app_secret{};
  std::optional<milliseconds> timeout{};
  std::optional<milliseconds> connect_timeout{};
  std::optional<std::uint32_t> max_retries{};
  std::optional<double> requests_per_second{};
  std::optional<std::size_t> upload_concurrency{};
  std::optional<std::uint64_t> max_photo_bytes{};
  std::optional<std::size_t> max_pictures{};
  std::optional<bool> prepare_photos{};
  std::optional<PollSchedule> training_schedule{};
  std::optional<PollSchedule> generation_schedule{};
  /// The gateway's stage: "RELEASE" (the default), "PRE" or "TEST".
  std::optional<std::string> stage{};
  /// Headers that go with every call of the gateway.
  Headers headers{};
  std::optional<std::string> ca_file{};
  std::optional<std::string> proxy{};
  std::optional<bool> allow_http{};
  std::optional<bool> allow_private_results{};
  std::optional<bool> require_https_results{};
  /// Is told (level, target, message) of what is logged up to `log_level`, on the threads that make calls. It should not
  /// throw: a log can't stop a call, and what it throws is dropped.
  detail::Callback<LogLevel, std::string_view, std::string_view> on_log{};
  LogLevel log_level = XIEZHEN_LOG_LEVEL_INFO;
};

/// Options of a single call or a wait.
struct CallOptions {
  /// What may stop the call.
  const Cancel *cancel = nullptr;
  /// For creates: the address that the service calls when the task ends.
  std::optional<std::string> callback_url{};
  /// The timeout of the call, in place of the client's; of a wait, in place of the default deadline (training 2 h,
  /// generation 30 min).
  std::optional<milliseconds> timeout{};
  /// How often the call is retried, in place of the client's option; not of a wait.
  std::optional<std::uint32_t> max_retries{};
  /// For `save_results`: what the names of files begin with.
  std::optional<std::string> name{};
};

/// Something that happened to a job; lives for the callback only, or as long as what it was taken from.
class Event {
public:
  explicit Event(const xiezhen_event *handle) noexcept : handle_(handle) {}
  Event(const Event &) = delete;
  Event &operator=(const Event &) = delete;

  EventType type() const noexcept { return xiezhen_event_type(handle_); }
  /// All of it: {"type": "saved", "style": …, "path": …}.
  std::string_view json() const noexcept { return detail::view(xiezhen_event_json(handle_)); }
  std::size_t index() const noexcept { return xiezhen_event_index(handle_); }
  std::uint64_t bytes_sent() const noexcept { return xiezhen_event_bytes_sent(handle_); }
  std::uint64_t bytes() const noexcept { return xiezhen_event_bytes(handle_); }
  std::size_t count() const noexcept { return xiezhen_event_count(handle_); }
  std::string_view path() const noexcept { return detail::view(xiezhen_event_path(handle_)); }
  std::string_view task_id() const noexcept { return detail::view(xiezhen_event_task_id(handle_)); }
  State state() const noexcept { return xiezhen_event_state(handle_); }
  std::int64_t raw_state() const noexcept { return xiezhen_event_raw_state(handle_); }
  std::string_view user_id() const noexcept { return detail::view(xiezhen_event_user_id(handle_)); }
  std::string_view style() const noexcept { return detail::view(xiezhen_event_style(handle_)); }
  std::string_view call() const noexcept { return detail::view(xiezhen_event_call(handle_)); }
  /// How long until the call is retried.
  std::optional<milliseconds> delay() const noexcept { return detail::maybe_time(xiezhen_event_delay_ms(handle_)); }
  std::string_view message() const noexcept { return detail::view(xiezhen_event_message(handle_)); }
  /// Why the call failed that is retried.
  std::optional<Error> error() const {
    const auto *error = xiezhen_event_error(handle_);
    return error ? std::optional<Error>(Error(error, xiezhen_error_status(error))) : std::nullopt;
  }

private:
  const xiezhen_event *handle_;
};

/// A callback that came: a reason to poll now, and never more than that. Cheap to copy.
class Hint {
public:
  explicit Hint(std::shared_ptr<const xiezhen_hint> handle) noexcept : handle_(std::move(handle)) {}

  /// A hint as `to_json` wrote it, in another process. Only take it from where nobody else can write.
  static Hint from_json(std::string_view json) {
    return Hint(std::shared_ptr<const xiezhen_hint>(detail::make<Handle>(xiezhen_hint_from_json, detail::Text(json).get())));
  }
  /// The hint as JSON, for another process.
  std::string to_json() const {
    const auto json = detail::make<detail::Own<xiezhen_string, xiezhen_string_free>>(xiezhen_hint_to_json, get());
    return detail::text(xiezhen_string_text(json.get()));
  }

  /// The job's id, its `callback_key`, or what `Callbacks::url` was given.
  std::string_view key() const noexcept { return detail::view(xiezhen_hint_key(get())); }
  /// "t" for the training, a style's index for its generation; nothing for a single call.
  std::optional<std::string> slot() const { return detail::maybe_text(xiezhen_hint_slot(get())); }
  /// Which create of that slot it belongs to; 0 for a single call.
  std::uint32_t attempt() const noexcept { return xiezhen_hint_attempt(get()); }
  /// Whatever looked like a task's id.
  std::vector<std::string> task_ids() const {
    std::vector<std::string> ids;
    for (std::size_t n = 0; n < xiezhen_hint_task_id_count(get()); ++n) ids.emplace_back(xiezhen_hint_task_id(get(), n));
    return ids;
  }
  /// What looked like the user's id, if there was only one.
  std::optional<std::string> user_id() const { return detail::maybe_text(xiezhen_hint_user_id(get())); }
  /// Whether the address was made with one of our secrets. The content is a stranger's all the same.
  bool verified() const noexcept { return xiezhen_hint_verified(get()); }

  /// The C handle.
  const xiezhen_hint *get() const noexcept { return handle_.get(); }

private:
  friend class Receiver;
  using Handle = detail::Own<xiezhen_hint, xiezhen_hint_free>;
  std::shared_ptr<const xiezhen_hint> handle_;
};

/// What a server of your own is to answer, and what it was told.
struct Received {
  /// 204 for a hint, 404 for anything that is not ours, 405 for another method, 413 for a body that is too long.
  int status;
  std::optional<Hint> hint;
};

/// A small HTTP server that receives callbacks until it is closed, or gone.
class Receiver {
public:
  /// Where it listens, with the port that was chosen for port 0.
  std::string_view address() const noexcept { return detail::view(xiezhen_receiver_address(get())); }
  /// The next hint that came, for programs that do something of their own with it: jobs of these callbacks have it already.
  /// Nothing when none came in time, or once the receiver is closed.
  std::optional<Hint> next(std::optional<milliseconds> timeout = std::nullopt) const {
    const std::shared_ptr<const xiezhen_hint> hint =
        detail::make<Hint::Handle>(xiezhen_receiver_next, get(), timeout ? detail::count(*timeout) : XIEZHEN_NONE);
    return hint ? std::optional<Hint>(hint) : std::nullopt;
  }
  /// Stops listening, and returns when the address is free.
  void close() const { detail::call(xiezhen_receiver_close, get()); }

  /// The C handle.
  const xiezhen_receiver *get() const noexcept { return handle_.get(); }

private:
  friend class Callbacks;
  using Handle = detail::Own<xiezhen_receiver, xiezhen_receiver_free>;
  explicit Receiver(Handle handle) noexcept : handle_(std::move(handle)) {}
  Handle handle_;
};

/// Makes the callback addresses of creates, and recognises what comes back. Threads may share it.
class Callbacks {
public:
  /// As the environment describes them: see `xiezhen_callbacks_new`.
  Callbacks() : handle_(make(nullptr, {})) {}
  /// Callbacks to addresses below `public_url`, signed with `secret`, which has at least 16 bytes.
  Callbacks(std::string_view public_url, std::string_view secret)
      : handle_(make(detail::Text(public_url).get(), {std::string(secret)})) {}
  /// The same with several secrets, so that they can be rotated: the first signs, and all are accepted.
  Callbacks(std::string_view public_url, const std::vector<std::string> &secrets)
      : handle_(make(detail::Text(public_url).get(), secrets)) {}

  /// Where addresses begin, without a trailing slash.
  std::string_view public_url() const noexcept { return detail::view(xiezhen_callbacks_public_url(get())); }
  /// The address for a single call (`CallOptions::callback_url`). What is sent to it comes back as a hint with this `key`.
  std::string url(std::string_view key) const {
    const auto url = detail::make<detail::Own<xiezhen_string, xiezhen_string_free>>(xiezhen_callbacks_url, get(),
                                                                                   detail::Text(key).get());
    return detail::text(xiezhen_string_text(url.get()));
  }
  /// Reads one request that came to a server of your own, and says what to answer. Nobody is told of its hint: see `deliver`.
  /// `target` is the path with its query; of a body, pass at most 64 KiB and one byte.
  Received receive(std::string_view method, std::string_view target, const Headers &headers, std::string_view body) const {
    std::vector<detail::Text> texts;
    for (const auto &[name, value] : headers) texts.insert(texts.end(), {detail::Text(name), detail::Text(value)});
    std::vector<const char *> names, values;
    for (std::size_t n = 0; n + 1 < texts.size(); n += 2) {
      names.push_back(texts[n].get());
      values.push_back(texts[n + 1].get());
    }
    const std::shared_ptr<const xiezhen_received> received =
        detail::make<detail::Own<xiezhen_received, xiezhen_received_free>>(
            xiezhen_receive, get(), detail::Text(method).get(), detail::Text(target).get(), names.data(), values.data(),
            names.size(), reinterpret_cast<const std::uint8_t *>(body.data()), body.size());
    Received answer{xiezhen_received_status(received.get()), {}};
    if (const auto *hint = xiezhen_received_hint(received.get()))
      answer.hint.emplace(std::shared_ptr<const xiezhen_hint>(received, hint));
    return answer;
  }
  /// Hands a hint to the jobs of this process that run with these callbacks. A receiver does it by itself.
  void deliver(const Hint &hint) const { detail::call(xiezhen_callbacks_deliver, get(), hint.get()); }
  /// Receives callbacks on `address` ("127.0.0.1:8787"; port 0 takes a free one), and hands them to the jobs that run with these
  /// callbacks. Plain HTTP: a reverse proxy or a tunnel makes it public.
  Receiver listen(std::string_view address) const {
    return Receiver(detail::make<Receiver::Handle>(xiezhen_callbacks_listen, get(), detail::Text(address).get()));
  }

  /// The C handle.
  const xiezhen_callbacks *get() const noexcept { return handle_.get(); }

private:
  using Handle = detail::Own<xiezhen_callbacks, xiezhen_callbacks_free>;
  static Handle make(const char *public_url, const std::vector<std::string> &secrets) {
    const auto texts = detail::pointers(secrets);
    return detail::make<Handle>(xiezhen_callbacks_new, public_url, texts.empty() ? nullptr : texts.data(), texts.size());
  }
  Handle handle_;
};

/// Options of `run` and `advance`.
struct RunOptions {
  /// The folder for pictures; without one, none are fetched.
  std::optional<std::string> save_to{};
  /// For `run`: the file that the job is saved to, and resumes from if it exists.
  std::optional<std::string> checkpoint{};
  /// The timeout of the whole call, which ends with XIEZHEN_TIMEOUT. The same call made again goes on.
  std::optional<milliseconds> timeout{};
  /// Creates again, and is billed again for, what has failed or has an unknown outcome.
  bool recreate = false;
  /// Is told of progress; throws to stop.
  detail::Callback<const Event &> on_event{};
  /// What may stop the call.
  const Cancel *cancel = nullptr;
  /// Creates tell the service to report to addresses of these, and what comes back is acted on at once.
  const Callbacks *callback = nullptr;
  /// What these addresses call the job; without it, the job's id.
  std::optional<std::string> callback_key{};
  /// For `advance`: callbacks that came for this job; their tasks are polled at once.
  std::vector<Hint> woken{};
};

/// Options of `run_many`.
struct RunManyOptions {
  /// The folder for pictures; those of a job with a key go into a folder of that name below it.
  std::optional<std::string> save_to{};
  /// The folder of the jobs' checkpoints.
  std::optional<std::string> checkpoints{};
  /// How many jobs run at a time; without it, as many as the rate limit can feed.
  std::optional<std::size_t> concurrency{};
  /// The timeout of each run.
  std::optional<milliseconds> timeout{};
  /// Creates again, and is billed again for, what has failed or has an unknown outcome.
  bool recreate = false;
  /// Called for each event, with the job's index; throws to stop.
  detail::Callback<std::size_t, const Event &> on_event{};
  /// Called for each job as it ends, with what went wrong, if anything did; throws to stop.
  detail::Callback<std::size_t, const std::optional<Error> &> on_end{};
  /// What may stop the call.
  const Cancel *cancel = nullptr;
  /// Creates tell the service to report to addresses of these, and what comes back is acted on at once.
  const Callbacks *callback = nullptr;
};

/// Thrown by the `save` of an advance: somebody else has stored the job since it was read. The job takes over what is stored now, and the
/// advance ends with XIEZHEN_IO, retryable.
class Conflict : public std::runtime_error {
public:
  explicit Conflict(std::string newest_json)
      : std::runtime_error("the job was stored by somebody else"), newest_(std::move(newest_json)) {}
  /// The JSON of what is stored now.
  const std::string &newest() const noexcept { return newest_; }

private:
  std::string newest_;
};

/// A task of the service, which takes minutes.
class Task {
public:
  explicit Task(std::shared_ptr<const xiezhen_task> handle) noexcept : handle_(std::move(handle)) {}
  Task(Task &&) noexcept = default;
  Task &operator=(Task &&) noexcept = default;
  Task(const Task &) = delete;
  Task &operator=(const Task &) = delete;

  std::string_view id() const noexcept { return detail::view(xiezhen_task_id(get())); }
  State state() const noexcept { return xiezhen_task_state(get()); }
  std::int64_t raw_state() const noexcept { return xiezhen_task_raw_state(get()); }
  Kind kind() const noexcept { return xiezhen_task_kind(get()); }
  bool is_terminal() const noexcept { return xiezhen_task_is_terminal(get()); }
  /// Why the service gave it up, where it said so.
  std::optional<std::string> reason() const { return detail::maybe_text(xiezhen_task_reason(get())); }
  std::vector<std::string> result_paths() const { return detail::result_paths(get()); }
  /// The C handle.
  const xiezhen_task *get() const noexcept { return handle_.get(); }

private:
  std::shared_ptr<const xiezhen_task> handle_;
};

/// What a create answered.
struct Created {
  std::string task_id;
  std::string user_id;
};

/// A style that pictures can be generated in. `template_` is the address of a sample.
struct Style {
  std::string name, style, template_, sex;
};

/// How one task of `wait_many` ended.
class Outcome {
public:
  explicit Outcome(Task task) : task_(std::move(task)) {}
  explicit Outcome(Error error) : error_(std::move(error)) {}

  /// The error; empty if the task ended well.
  const std::optional<Error> &error() const noexcept { return error_; }
  /// The task; throws the error if there is one.
  const Task &task() const {
    if (error_) throw Error(*error_);
    return *task_;
  }

private:
  std::optional<Task> task_;
  std::optional<Error> error_;
};

/// One style of a job, and what has become of it.
struct Portrait {
  std::string style;
  std::optional<std::string> style_id, task_id;
  State state;
  std::vector<std::string> urls, files;
  std::optional<Error> error;
};

/// A photo as a job knows it.
struct JobPhoto {
  std::optional<std::string> path, sha256, uploaded;
  std::uint64_t bytes;
};

/// A photo: a file, or bytes.
class Photo {
public:
  /// A photo on disk; read when it is sent.
  static Photo path(std::string_view path) {
    return Photo(detail::make<Handle>(xiezhen_photo_from_path, detail::Text(path).get()));
  }
  /// A photo in memory; copied.
  static Photo bytes(const void *data, std::size_t size) {
    return Photo(detail::make<Handle>(xiezhen_photo_from_bytes, static_cast<const std::uint8_t *>(data), size));
  }
  /// The C handle.
  const xiezhen_photo *get() const noexcept { return handle_.get(); }

private:
  using Handle = detail::Own<xiezhen_photo, xiezhen_photo_free>;
  explicit Photo(Handle handle) noexcept : handle_(std::move(handle)) {}
  Handle handle_;
};

/// What is known of a photo before it is sent.
struct PhotoReport {
  /// The file, unless the photo was given as bytes; the type, such as "jpeg"; "as_is", "cleaned" or "prepared", unless it
  /// is refused.
  std::optional<std::string> path, format, plan;
  /// When upright; 0 if it is not known.
  std::uint32_t width, height;
  std::uint64_t bytes;
  /// Why it is refused, and what makes it train badly; each follows the photo's name.
  std::vector<std::string> problems, remarks;
};

/// Checks photos as a job would. Needs no client, and sends nothing: what is wrong with a photo is in its report.
inline std::vector<PhotoReport> check_photos(const std::vector<Photo> &photos) {
  if (photos.empty()) return {};
  std::vector<const xiezhen_photo *> handles;
  for (const auto &photo : photos) handles.push_back(photo.get());
  const auto all = detail::make<detail::Own<xiezhen_photo_reports, xiezhen_photo_reports_free>>(
      xiezhen_check_photos, handles.data(), handles.size());
  std::vector<PhotoReport> reports;
  for (std::size_t n = 0; n < xiezhen_photo_reports_count(all.get()); ++n) {
    const auto *one = xiezhen_photo_reports_at(all.get(), n);
    PhotoReport report{detail::maybe_text(xiezhen_photo_report_path(one)),
                       detail::maybe_text(xiezhen_photo_report_format(one)),
                       detail::maybe_text(xiezhen_photo_report_plan(one)),
                       xiezhen_photo_report_width(one),
                       xiezhen_photo_report_height(one),
                       xiezhen_photo_report_bytes(one),
                       {},
                       {}};
    for (std::size_t m = 0; m < xiezhen_photo_report_problem_count(one); ++m)
      report.problems.emplace_back(xiezhen_photo_report_problem(one, m));
    for (std::size_t m = 0; m < xiezhen_photo_report_remark_count(one); ++m)
      report.remarks.emplace_back(xiezhen_photo_report_remark(one, m));
    reports.push_back(std::move(report));
  }
  return reports;
}

/// One customer's whole order; changes in place as it advances.
class Job {
public:
  /// Photos of one person by path, and the styles to generate by name or id. Nothing is read until it runs.
  Job(const std::vector<std::string> &photos, const std::vector<std::string> &styles) {
    const Options options(xiezhen_job_options_new());
    for (const auto &photo : photos)
      detail::call(xiezhen_job_options_add_photo_path, options.get(), detail::Text(photo).get());
    finish(options.get(), styles);
  }

  /// The same with photos of any kind. A template, so that `{}` means no paths rather than either.
  template <class P, class = std::enable_if_t<std::is_same_v<P, Photo>>>
  Job(const std::vector<P> &photos, const std::vector<std::string> &styles) {
    const Options options(xiezhen_job_options_new());
    for (const auto &photo : photos) detail::call(xiezhen_job_options_add_photo, options.get(), photo.get());
    finish(options.get(), styles);
  }

  /// Photos that the service has already, by the paths that `upload_file` returned, and the styles to generate.
  static Job with_uploaded(const std::vector<std::string> &uploaded, const std::vector<std::string> &styles) {
    const Options options(xiezhen_job_options_new());
    for (const auto &path : uploaded)
      detail::call(xiezhen_job_options_add_uploaded, options.get(), detail::Text(path).get());
    Job job{Handle()};
    job.finish(options.get(), styles);
    return job;
  }

  /// Styles to generate with a model that was trained before.
  static Job with_user_id(std::string_view user_id, const std::vector<std::string> &styles) {
    const Options options(xiezhen_job_options_new());
    detail::call(xiezhen_job_options_set_user_id, options.get(), detail::Text(user_id).get());
    Job job{Handle()};
    job.finish(options.get(), styles);
    return job;
  }

  /// A job as `to_json` wrote it.
  static Job from_json(std::string_view json) {
    return Job(detail::make<Handle>(xiezhen_job_from_json, detail::Text(json).get()));
  }

  /// The job that a checkpoint file holds, without taking the checkpoint.
  static Job read_checkpoint(std::string_view path) {
    return Job(detail::make<Handle>(xiezhen_job_read_checkpoint, detail::Text(path).get()));
  }

  /// The job as JSON, without photos' bytes and without any credential.
  std::string to_json() const { return json_of(get()); }
  /// A UUID that the job was made with, and that its JSON keeps.
  std::string id() const { return known(xiezhen_job_id).value_or(std::string()); }
  /// How often the job was saved: of two states of one job, the one with the larger number knows more.
  std::uint64_t revision() const noexcept { return xiezhen_job_revision(get()); }
  Stage stage() const noexcept { return xiezhen_job_stage(get()); }
  std::optional<std::string> user_id() const { return known(xiezhen_job_user_id); }
  std::optional<std::string> training_task_id() const { return known(xiezhen_job_training_task_id); }
  std::optional<std::string> save_to() const { return known(xiezhen_job_save_to); }

  /// Why the job fails, or has failed: an unknown outcome before all else, then what went wrong first.
  std::optional<Error> error() const {
    const auto error = detail::make<detail::Own<xiezhen_error, xiezhen_error_free>>(xiezhen_job_error, get());
    return error ? std::optional<Error>(std::in_place, error.get(), xiezhen_error_status(error.get())) : std::nullopt;
  }

  /// What `adopt` can take a task over for, because the outcome of its create is unknown: nothing for the training, and styles as
  /// the job was given them.
  std::vector<std::optional<std::string>> adoptable() const {
    const auto all = detail::make<detail::Own<xiezhen_strings, xiezhen_strings_free>>(xiezhen_job_adoptable, get());
    std::vector<std::optional<std::string>> adoptable;
    for (std::size_t n = 0; n < xiezhen_strings_count(all.get()); ++n)
      adoptable.push_back(detail::maybe_text(xiezhen_strings_at(all.get(), n)));
    return adoptable;
  }

  /// One portrait a style, in the order given.
  std::vector<Portrait> portraits() const {
    const auto all = detail::make<detail::Own<xiezhen_portraits, xiezhen_portraits_free>>(
        xiezhen_job_portraits, get());
    std::vector<Portrait> portraits;
    for (std::size_t n = 0; n < xiezhen_portraits_count(all.get()); ++n)
      portraits.push_back(portrait(xiezhen_portraits_at(all.get(), n)));
    return portraits;
  }

  /// The photos, in the order given.
  std::vector<JobPhoto> photos() const {
    const auto all = detail::make<detail::Own<xiezhen_job_photo_list, xiezhen_job_photo_list_free>>(
        xiezhen_job_photos, get());
    std::vector<JobPhoto> photos;
    for (std::size_t n = 0; n < xiezhen_job_photo_list_count(all.get()); ++n) {
      const auto *one = xiezhen_job_photo_list_at(all.get(), n);
      photos.push_back({detail::maybe_text(xiezhen_job_photo_path(one)),
                        detail::maybe_text(xiezhen_job_photo_sha256(one)),
                        detail::maybe_text(xiezhen_job_photo_uploaded(one)), xiezhen_job_photo_bytes(one)});
    }
    return photos;
  }

  /// The photos that are still to be uploaded and that this process can't read, by their indices.
  std::vector<std::size_t> missing_photos() const {
    std::vector<std::size_t> indices(photos().size() + 1);
    std::size_t count = 0;
    detail::call(xiezhen_job_missing_photos, get(), indices.data(), indices.size(), &count);
    indices.resize(count);
    return indices;
  }
  /// Gives one of them back. It is read, and refused if it is not the same photo.
  void give_photo(std::size_t index, const Photo &photo) {
    detail::call(xiezhen_job_give_photo, get(), index, photo.get());
  }

  /// Takes over a task that the vendor's side shows, for the create whose outcome is unknown.
  void adopt(std::string_view task_id, std::optional<std::string_view> user_id = std::nullopt) {
    std::optional<detail::Text> user;
    if (user_id) user.emplace(*user_id);
    detail::call(xiezhen_job_adopt, get(), detail::Text(task_id).get(), user ? user->get() : nullptr);
  }

  /// Takes over a generation that the vendor's side shows, for the portrait of `style` (as the job was given it).
  void adopt_portrait(std::string_view task_id, std::string_view style) {
    detail::call(xiezhen_job_adopt_portrait, get(), detail::Text(task_id).get(), detail::Text(style).get());
  }

  /// The C handle.
  const xiezhen_job *get() const noexcept { return handle_.get(); }

private:
  friend class Client;
  friend class Completion;
  using Handle = detail::Own<xiezhen_job, xiezhen_job_free>;
  using Options = detail::Own<xiezhen_job_options, xiezhen_job_options_free>;

  explicit Job(Handle handle) noexcept : handle_(std::move(handle)) {}

  void finish(xiezhen_job_options *options, const std::vector<std::string> &styles) {
    for (const auto &style : styles) detail::call(xiezhen_job_options_add_style, options, detail::Text(style).get());
    handle_ = detail::make<Handle>(xiezhen_job_new, static_cast<const xiezhen_job_options *>(options));
  }

  static std::string json_of(const xiezhen_job *job) {
    const auto json = detail::make<detail::Own<xiezhen_string, xiezhen_string_free>>(xiezhen_job_to_json, job);
    return detail::text(xiezhen_string_text(json.get()));
  }

  template <class F> std::optional<std::string> known(F function) const {
    const auto text = detail::make<detail::Own<xiezhen_string, xiezhen_string_free>>(function, get());
    return detail::maybe_text(xiezhen_string_text(text.get()));
  }

  static Portrait portrait(const xiezhen_portrait *one) {
    Portrait portrait{detail::text(xiezhen_portrait_style(one)),
                      detail::maybe_text(xiezhen_portrait_style_id(one)),
                      detail::maybe_text(xiezhen_portrait_task_id(one)),
                      xiezhen_portrait_state(one),
                      {},
                      {},
                      {}};
    for (std::size_t n = 0; n < xiezhen_portrait_url_count(one); ++n)
      portrait.urls.emplace_back(xiezhen_portrait_url(one, n));
    for (std::size_t n = 0; n < xiezhen_portrait_file_count(one); ++n)
      portrait.files.emplace_back(xiezhen_portrait_file(one, n));
    if (const auto *error = xiezhen_portrait_error(one)) portrait.error.emplace(error, xiezhen_error_status(error));
    return portrait;
  }

  Handle handle_;
};

/// Jobs under keys of yours, such as order numbers.
using KeyedJobs = std::map<std::string, Job>;

namespace detail {

inline Created created(const xiezhen_created *made) {
  return {text(xiezhen_created_task_id(made)), text(xiezhen_created_user_id(made))};
}

inline std::vector<Style> styles(const xiezhen_styles *all) {
  std::vector<Style> styles;
  for (std::size_t n = 0; n < xiezhen_styles_count(all); ++n) {
    const auto *one = xiezhen_styles_at(all, n);
    styles.push_back({text(xiezhen_style_name(one)), text(xiezhen_style_style(one)), text(xiezhen_style_template(one)),
                      text(xiezhen_style_sex(one))});
  }
  return styles;
}

inline std::vector<std::string> strings(const xiezhen_strings *all) {
  std::vector<std::string> strings;
  for (std::size_t n = 0; n < xiezhen_strings_count(all); ++n) strings.emplace_back(xiezhen_strings_at(all, n));
  return strings;
}

inline std::optional<Error> maybe_error(const xiezhen_error *error) {
  return error ? std::optional<Error>(std::in_place, error, xiezhen_error_status(error)) : std::nullopt;
}

inline std::vector<std::optional<Error>> errors(const xiezhen_errors *all) {
  std::vector<std::optional<Error>> errors;
  for (std::size_t n = 0; n < xiezhen_errors_count(all); ++n) errors.push_back(maybe_error(xiezhen_errors_at(all, n)));
  return errors;
}

inline Outcome outcome(std::shared_ptr<const xiezhen_task> task, const xiezhen_error *error) {
  return error ? Outcome(Error(error, xiezhen_error_status(error))) : Outcome(Task(std::move(task)));
}

/// The outcomes, each of which keeps what it belongs to.
inline std::vector<Outcome> outcomes(const std::shared_ptr<const xiezhen_outcomes> &all) {
  std::vector<Outcome> outcomes;
  for (std::size_t n = 0; n < xiezhen_outcomes_count(all.get()); ++n)
    outcomes.push_back(outcome(std::shared_ptr<const xiezhen_task>(all, xiezhen_outcomes_task(all.get(), n)),
                               xiezhen_outcomes_error(all.get(), n)));
  return outcomes;
}

} // namespace detail

/// What a begun call reports: an event, a job to store, one task of several that has ended, or, last of all (`is_last`), how the
/// call itself ended. A result that is asked of a call that failed throws its error.
class Completion {
public:
  explicit Completion(xiezhen_completion *handle) : handle_(handle, xiezhen_completion_free) {}
  Completion(Completion &&) noexcept = default;
  Completion &operator=(Completion &&) noexcept = default;
  Completion(const Completion &) = delete;
  Completion &operator=(const Completion &) = delete;

  /// What the call was begun with.
  void *tag() const noexcept { return xiezhen_completion_tag(get()); }
  /// Whether the call has ended: nothing more comes of it.
  bool is_last() const noexcept { return xiezhen_completion_is_last(get()); }
  Status status() const noexcept { return xiezhen_completion_status(get()); }
  /// Why the call, or the task of several, failed.
  std::optional<Error> error() const { return detail::maybe_error(xiezhen_completion_error(get())); }
  /// Throws the error, if there is one.
  void check() const {
    if (const auto *error = xiezhen_completion_error(get())) throw Error(error, xiezhen_error_status(error));
  }

  /// An event of `begin_run` or `begin_advance`; lives as long as this.
  std::optional<Event> event() const {
    const auto *event = xiezhen_completion_event(get());
    return event ? std::optional<Event>(std::in_place, event) : std::nullopt;
  }
  /// The JSON of a job that `begin_advance` wants to be stored: `saved` says how that went.
  std::optional<std::string> job_json() const {
    const auto *job = xiezhen_completion_job(get());
    return job ? std::optional<std::string>(Job::json_of(job)) : std::nullopt;
  }
  /// Whether the job was stored; the advance waits for this.
  void saved(bool stored = true) { detail::call(xiezhen_completion_saved, handle_.get(), std::int32_t{stored ? 0 : 1}); }
  /// For `job_json`: somebody else has stored the job since it was read, as `newest_json`.
  void conflict(std::string_view newest_json) {
    detail::call(xiezhen_job_conflict, xiezhen_completion_job(get()), detail::Text(newest_json).get());
    saved(false);
  }
  /// Which of several this is about: `begin_wait_many`, `begin_run_many`.
  std::size_t index() const noexcept { return xiezhen_completion_index(get()); }

  /// Whether a job of `begin_run_many` has ended: `error` says how.
  bool is_job_end() const noexcept { return xiezhen_completion_is_job_end(get()); }

  std::string path() const { return check(), detail::text(xiezhen_completion_path(get())); }
  Created created() const { return check(), detail::created(xiezhen_completion_created(get())); }
  std::vector<Style> styles() const { return check(), detail::styles(xiezhen_completion_styles(get())); }
  Task task() const {
    return check(), Task(std::shared_ptr<const xiezhen_task>(handle_, xiezhen_completion_task(get())));
  }
  std::vector<Outcome> outcomes() const {
    return check(), detail::outcomes({handle_, xiezhen_completion_outcomes(get())});
  }
  std::vector<std::string> files() const { return check(), detail::strings(xiezhen_completion_files(get())); }
  /// What went wrong with each job of `begin_run_many`.
  std::vector<std::optional<Error>> errors() const { return check(), detail::errors(xiezhen_completion_errors(get())); }
  /// How long to wait before the job is advanced again; nothing when it is done.
  std::optional<milliseconds> next() const { return check(), detail::maybe_time(xiezhen_completion_next_ms(get())); }

  /// The C handle.
  const xiezhen_completion *get() const noexcept { return handle_.get(); }

private:
  std::shared_ptr<xiezhen_completion> handle_;
};

/// Where begun calls (`Client::begin_…`) report, for event loops: nothing blocks, and nothing is called from a
/// foreign thread. Its end stops the calls that were begun on it, and waits for the answers of their creates in flight.
class Queue {
public:
  Queue() : handle_(detail::make<Handle>(xiezhen_queue_new)) {}

  /// Readable exactly while there is something to take. Only wait for it.
  int fd() const noexcept { return xiezhen_queue_fd(get()); }
  /// The next completion, if there is one now. Clients' `on_log` is called from here.
  std::optional<Completion> next() const {
    auto *completion = xiezhen_queue_next(get());
    return completion ? std::optional<Completion>(std::in_place, completion) : std::nullopt;
  }
  /// Blocks until there is something to take. False when the time is over, or if no call is pending.
  bool wait(std::optional<milliseconds> timeout = std::nullopt) const {
    return xiezhen_queue_wait(get(), timeout ? detail::count(*timeout) : XIEZHEN_NONE);
  }
  /// How many begun calls are pending: their last completion was not taken yet.
  std::size_t pending() const noexcept { return xiezhen_queue_pending(get()); }

  /// The C handle.
  const xiezhen_queue *get() const noexcept { return handle_.get(); }

private:
  friend class Client;
  using Handle = detail::Own<xiezhen_queue, xiezhen_queue_free>;

  /// A log callback has to live as long as a call may log.
  struct Kept {
    std::mutex lock;
    std::vector<std::shared_ptr<const void>> all;
  };

  void keep(const std::shared_ptr<const void> &on_log) const {
    const std::lock_guard<std::mutex> guard(kept_->lock);
    for (const auto &one : kept_->all)
      if (one == on_log) return;
    kept_->all.push_back(on_log);
  }

  std::unique_ptr<Kept> kept_ = std::make_unique<Kept>();
  Handle handle_;
};

/// The events of a run, as `Client::run_events` gives them: an input range. Its end stops the run.
class Events {
public:
  struct sentinel {};
  class iterator {
  public:
    using iterator_category = std::input_iterator_tag;
    using value_type = Event;
    using difference_type = std::ptrdiff_t;
    using pointer = const Event *;
    using reference = const Event &;

    const Event &operator*() const noexcept { return *events_->event_; }
    const Event *operator->() const noexcept { return &*events_->event_; }
    /// Waits for the next event. Throws what ended the run, if it was an error.
    iterator &operator++() { return events_->advance(), *this; }
    void operator++(int) { events_->advance(); }
    friend bool operator==(const iterator &at, sentinel) noexcept { return !at.has_event(); }
    friend bool operator!=(const iterator &at, sentinel) noexcept { return at.has_event(); }

  private:
    friend class Events;
    explicit iterator(Events *events) noexcept : events_(events) {}
    bool has_event() const noexcept { return events_->event_.has_value(); }
    Events *events_;
  };

  iterator begin() {
    if (!event_) advance();
    return iterator(this);
  }
  sentinel end() const noexcept { return {}; }

private:
  friend class Client;
  template <class Begin> explicit Events(const Begin &begin_on) { begin_on(queue_); }

  void advance() {
    event_.reset();
    while (queue_.wait()) {
      completion_ = queue_.next();
      if (!completion_) continue;
      if (completion_->is_last()) return completion_->check();
      if (const auto *event = xiezhen_completion_event(completion_->get())) {
        event_.emplace(event);
        return;
      }
    }
  }

  std::optional<Completion> completion_;
  std::optional<Event> event_;
  Queue queue_;
};

/// A client of the service: where it is, who calls it, and within which limits. Threads may share it. Its end waits for the answers of creates in flight whose
/// calls were stopped.
class Client {
public:
  /// A client as the options and the environment describe it. Connects to nobody yet.
  explicit Client(const ClientOptions &options = {}) {
    const OptionsHandle own(xiezhen_client_options_new());
    set(own.get(), options);
    if (options.on_log) {
      on_log_ = std::make_shared<OnLog>(options.on_log);
      detail::call(xiezhen_client_options_set_on_log, own.get(), static_cast<std::int32_t>(options.log_level), &log,
                   static_cast<void *>(on_log_.get()));
    }
    handle_ = detail::make<Handle>(xiezhen_client_new, static_cast<const xiezhen_client_options *>(own.get()));
  }

  /// The same client under other options: connections, rate limit and log are shared, and closing one closes both. What is not set stays
  /// as it is. May be set: timeout, max_retries, the schedules, stage and headers; anything else is refused.
  Client with_options(const ClientOptions &changes) const {
    const OptionsHandle own(xiezhen_client_options_new());
    set(own.get(), changes);
    if (changes.on_log) throw Error(XIEZHEN_INVALID_ARGUMENT, "on_log can't change: make another client");
    return Client(detail::make<Handle>(xiezhen_client_with_options, get(), static_cast<const xiezhen_client_options *>(own.get())),
                  on_log_);
  }

  /// Uploads one photo and returns the service's path of it.
  std::string upload_file(const Photo &photo, const CallOptions &options = {}) const {
    const auto path = detail::make<detail::Own<xiezhen_string, xiezhen_string_free>>(xiezhen_upload_file, get(),
                                                                                     photo.get(), Call(options).get());
    return detail::text(xiezhen_string_text(path.get()));
  }

  /// Starts training a user model from 8 to 20 uploaded photos. This call is billed.
  Created create_user_model(const std::vector<std::string> &img_set, const CallOptions &options = {}) const {
    const auto paths = detail::pointers(img_set);
    // An empty list is refused by its length; C wants an address all the same.
    static const char *const nothing = "";
    const auto made = detail::make<CreatedHandle>(xiezhen_create_user_model, get(), paths.empty() ? &nothing : paths.data(),
                                                  paths.size(), Call(options).get());
    return detail::created(made.get());
  }

  /// The styles that pictures can be generated in.
  std::vector<Style> list_styles(const CallOptions &options = {}) const {
    const auto all = detail::make<detail::Own<xiezhen_styles, xiezhen_styles_free>>(xiezhen_list_styles, get(),
                                                                                    Call(options).get());
    return detail::styles(all.get());
  }

  /// Starts generating pictures of a trained model in one style, given by its id. This call is billed.
  Created create_task(std::string_view user_id, std::string_view style, const CallOptions &options = {}) const {
    const auto made = detail::make<CreatedHandle>(xiezhen_create_task, get(), detail::Text(user_id).get(),
                                                  detail::Text(style).get(), Call(options).get());
    return detail::created(made.get());
  }

  /// Polls a task once. A failed task is a value here, not an error.
  Task query_task(std::string_view task_id, const CallOptions &options = {}) const {
    return task(detail::make<TaskHandle>(xiezhen_query_task, get(), detail::Text(task_id).get(), Call(options).get()));
  }

  /// Polls a task until it has ended. State 5 throws XIEZHEN_TASK_FAILED.
  Task wait_task(std::string_view task_id, const CallOptions &options = {}) const {
    return task(detail::make<TaskHandle>(xiezhen_wait_task, get(), detail::Text(task_id).get(), Call(options).get()));
  }

  /// `wait_task` for many at once. The outcomes are in the order of the ids.
  std::vector<Outcome> wait_many(const std::vector<std::string> &task_ids, const CallOptions &options = {}) const {
    return wait_many(task_ids, [](std::size_t, const Outcome &) {}, options);
  }

  /// The same; `on_end(index, outcome)` is told of each as it ends, and may throw to stop. Its outcome lives for the
  /// callback only; the one that is returned may be kept.
  template <class OnEnd, class = std::enable_if_t<!std::is_same_v<std::decay_t<OnEnd>, CallOptions>>>
  std::vector<Outcome> wait_many(const std::vector<std::string> &task_ids, OnEnd &&on_end,
                                 const CallOptions &options = {}) const {
    static_assert(std::is_invocable_v<OnEnd &, std::size_t, const Outcome &>,
                  "on_end takes (std::size_t index, const xiezhen::Outcome &outcome)");
    const auto ids = detail::pointers(task_ids);
    static const char *const nothing = "";
    auto told = [&](std::size_t index, const xiezhen_task *ended, const xiezhen_error *error) {
      // Not to be moved away: its task is gone when the callback returns.
      const Outcome one = detail::outcome(borrowed(ended), error);
      on_end(index, one);
    };
    using Through = detail::Through<decltype(told)>;
    Through through(told);
    const xiezhen_on_end tell = [](std::size_t index, const xiezhen_task *ended, const xiezhen_error *error,
                                   void *data) -> std::int32_t {
      return (*static_cast<Through *>(data))(index, ended, error);
    };
    return through.during([&] {
      const std::shared_ptr<const xiezhen_outcomes> all = detail::make<detail::Own<xiezhen_outcomes, xiezhen_outcomes_free>>(
          xiezhen_wait_many, get(), ids.empty() ? &nothing : ids.data(), ids.size(), tell,
          static_cast<void *>(&through), Call(options).get());
      return detail::outcomes(all);
    });
  }

  /// Polls a task now, because a callback came.
  void notify(std::string_view task_id) const {
    detail::call(xiezhen_notify, get(), detail::Text(task_id).get());
  }
  /// The same for a callback that another process has received, or a server of your own: the job or the task that it is about.
  void notify(const Hint &hint) const { detail::call(xiezhen_notify_hint, get(), hint.get()); }

  /// Fetches the pictures of a task that has ended into a folder, and returns their files.
  std::vector<std::string> save_results(const Task &task, std::string_view save_to,
                                        const CallOptions &options = {}) const {
    const auto all = detail::make<detail::Own<xiezhen_strings, xiezhen_strings_free>>(
        xiezhen_save_results, get(), task.get(), detail::Text(save_to).get(), Call(options).get());
    return detail::strings(all.get());
  }

  /// Brings a job to its end: uploads, trains, generates, waits, saves. On an error, the job holds all that was known.
  void run(const Job &job, const RunOptions &options = {}) const {
    auto tell = [&](const xiezhen_event *event) { options.on_event(Event(event)); };
    detail::Through<decltype(tell)> through(tell);
    const Run own(options, through);
    through.during([&] { detail::call(xiezhen_run, get(), job.get(), own.get()); });
  }

  /// Does all that is due of a job, and says when to call again; nothing when the job is done.
  ///
  /// `save(job_json)` stores the job before each create and after each answer; if it throws, nothing more is sent. A store that compares
  /// versions throws `Conflict`.
  template <class Save>
  std::optional<milliseconds> advance(const Job &job, Save &&save, const RunOptions &options = {}) const {
    auto tell = [&](const xiezhen_event *event) { options.on_event(Event(event)); };
    detail::Through<decltype(tell)> events(tell);
    const Run own(options, events);
    auto store = [&](const xiezhen_job *now) {
      try {
        save(Job::json_of(now));
      } catch (const Conflict &conflict) {
        detail::call(xiezhen_job_conflict, now, detail::Text(conflict.newest()).get());
      }
    };
    using Saves = detail::Through<decltype(store)>;
    Saves saves(store);
    const xiezhen_save through = [](const xiezhen_job *now, void *data) -> std::int32_t {
      return (*static_cast<Saves *>(data))(now);
    };
    std::uint64_t next = XIEZHEN_NONE;
    saves.during([&] {
      events.during([&] {
        detail::call(xiezhen_advance, get(), job.get(), through, static_cast<void *>(&saves), own.get(), &next);
      });
    });
    return detail::maybe_time(next);
  }

  /// Takes over a task that the vendor's side shows, for the create of a job whose outcome is unknown, once the service says that it is
  /// of the right kind. A training is adopted with its `user_id`; `style` says which of several generations it is.
  void adopt(const Job &job, std::string_view task_id, const std::optional<std::string> &user_id = std::nullopt,
             const std::optional<std::string> &style = std::nullopt, const CallOptions &options = {}) const {
    detail::call(xiezhen_adopt, get(), job.get(), detail::Text(task_id).get(), maybe(user_id), maybe(style),
                 Call(options).get());
  }
  void begin_adopt(const Job &job, std::string_view task_id, const std::optional<std::string> &user_id,
                   const std::optional<std::string> &style, const Queue &queue, void *tag,
                   const CallOptions &options = {}) const {
    begin(xiezhen_begin_adopt, queue, tag, Call(options), job.get(), detail::Text(task_id).get(), maybe(user_id), maybe(style));
  }

  /// Brings many jobs to their end, side by side on this client's rate limit. Returns what went wrong with each, in the order given;
  /// one that fails stops no other. Each has a checkpoint of its own, called after its photos and styles.
  std::vector<std::optional<Error>> run_many(const std::vector<Job> &jobs, const RunManyOptions &options = {}) const {
    return run_all(Jobs(jobs), options);
  }
  /// The same under keys, which checkpoints and folders are called after.
  std::vector<std::optional<Error>> run_many(const KeyedJobs &jobs, const RunManyOptions &options = {}) const {
    return run_all(Jobs(jobs), options);
  }

  /// Waits until every create in flight has its answer, and its job was saved, also those whose call was stopped.
  void wait_for_creates(const CallOptions &options = {}) const {
    detail::call(xiezhen_wait_for_creates, get(), Call(options).get());
  }

  /// The events of a run, which it brings to its end: `for (const auto &event : client.run_events(job)) …`. Leaving the
  /// loop early stops the run; an error comes out of the loop.
  Events run_events(const Job &job, const RunOptions &options = {}) const {
    return Events([&](const Queue &queue) { begin_run(job, queue, nullptr, options); });
  }

  /// The calls, begun: they return at once, and report on `queue`, under `tag`.
  void begin_upload_file(const Photo &photo, const Queue &queue, void *tag, const CallOptions &options = {}) const {
    begin(xiezhen_begin_upload_file, queue, tag, Call(options), photo.get());
  }
  void begin_create_user_model(const std::vector<std::string> &img_set, const Queue &queue, void *tag,
                               const CallOptions &options = {}) const {
    const auto paths = detail::pointers(img_set);
    static const char *const nothing = "";
    begin(xiezhen_begin_create_user_model, queue, tag, Call(options), paths.empty() ? &nothing : paths.data(), paths.size());
  }
  void begin_list_styles(const Queue &queue, void *tag, const CallOptions &options = {}) const {
    begin(xiezhen_begin_list_styles, queue, tag, Call(options));
  }
  void begin_create_task(std::string_view user_id, std::string_view style, const Queue &queue, void *tag,
                         const CallOptions &options = {}) const {
    begin(xiezhen_begin_create_task, queue, tag, Call(options), detail::Text(user_id).get(), detail::Text(style).get());
  }
  void begin_query_task(std::string_view task_id, const Queue &queue, void *tag, const CallOptions &options = {}) const {
    begin(xiezhen_begin_query_task, queue, tag, Call(options), detail::Text(task_id).get());
  }
  /// `wait_task`, begun. Thousands may be in flight.
  void begin_wait(std::string_view task_id, const Queue &queue, void *tag, const CallOptions &options = {}) const {
    begin(xiezhen_begin_wait, queue, tag, Call(options), detail::Text(task_id).get());
  }
  /// A completion for each task as it ends, and the last one with the outcomes.
  void begin_wait_many(const std::vector<std::string> &task_ids, const Queue &queue, void *tag,
                       const CallOptions &options = {}) const {
    const auto ids = detail::pointers(task_ids);
    static const char *const nothing = "";
    begin(xiezhen_begin_wait_many, queue, tag, Call(options), ids.empty() ? &nothing : ids.data(), ids.size());
  }
  void begin_wait_for_creates(const Queue &queue, void *tag, const CallOptions &options = {}) const {
    begin(xiezhen_begin_wait_for_creates, queue, tag, Call(options));
  }
  void begin_save_results(const Task &task, std::string_view save_to, const Queue &queue, void *tag,
                          const CallOptions &options = {}) const {
    begin(xiezhen_begin_save_results, queue, tag, Call(options), task.get(), detail::Text(save_to).get());
  }
  /// A completion for each event, then the last one. `on_event` is refused here.
  void begin_run(const Job &job, const Queue &queue, void *tag, const RunOptions &options = {}) const {
    begin(xiezhen_begin_run, queue, tag, begun(options), job.get());
  }
  /// Completions for events and for the job to be stored; the last one says after how long to go on.
  void begin_advance(const Job &job, const Queue &queue, void *tag, const RunOptions &options = {}) const {
    begin(xiezhen_begin_advance, queue, tag, begun(options), job.get());
  }

  /// A completion for each event and each job that ends, then the last one with the errors.
  void begin_run_many(const std::vector<Job> &jobs, const Queue &queue, void *tag, const RunManyOptions &options = {}) const {
    begin_all(Jobs(jobs), queue, tag, options);
  }
  void begin_run_many(const KeyedJobs &jobs, const Queue &queue, void *tag,
                      const RunManyOptions &options = {}) const {
    begin_all(Jobs(jobs), queue, tag, options);
  }

  /// Stops the calls in flight and frees the connections. Later calls are refused.
  void close() const noexcept { xiezhen_client_close(get()); }

  /// The C handle.
  const xiezhen_client *get() const noexcept { return handle_.get(); }

private:
  using Handle = detail::Own<xiezhen_client, xiezhen_client_free>;
  using TaskHandle = detail::Own<xiezhen_task, xiezhen_task_free>;
  using CreatedHandle = detail::Own<xiezhen_created, xiezhen_created_free>;
  using OnLog = detail::Callback<LogLevel, std::string_view, std::string_view>;

  using OptionsHandle = detail::Own<xiezhen_client_options, xiezhen_client_options_free>;

  Client(Handle handle, std::shared_ptr<OnLog> on_log) : on_log_(std::move(on_log)), handle_(std::move(handle)) {}

  /// All but the log.
  static void set(xiezhen_client_options *c, const ClientOptions &options) {
    detail::set_text(c, xiezhen_client_options_set_base_url, options.base_url);
    detail::set_text(c, xiezhen_client_options_set_app_code, options.app_code);
    detail::set_text(c, xiezhen_client_options_set_app_key, options.app_key);
    detail::set_text(c, xiezhen_client_options_set_app_secret, options.app_secret);
    detail::set_time(c, xiezhen_client_options_set_timeout_ms, options.timeout);
    detail::set_time(c, xiezhen_client_options_set_connect_timeout_ms, options.connect_timeout);
    detail::set_value(c, xiezhen_client_options_set_max_retries, options.max_retries);
    detail::set_value(c, xiezhen_client_options_set_requests_per_second, options.requests_per_second);
    detail::set_value(c, xiezhen_client_options_set_upload_concurrency, options.upload_concurrency);
    detail::set_value(c, xiezhen_client_options_set_max_photo_bytes, options.max_photo_bytes);
    detail::set_value(c, xiezhen_client_options_set_max_pictures, options.max_pictures);
    detail::set_value(c, xiezhen_client_options_set_prepare_photos, options.prepare_photos);
    set_schedule(c, xiezhen_client_options_set_training_schedule, options.training_schedule);
    set_schedule(c, xiezhen_client_options_set_generation_schedule, options.generation_schedule);
    detail::set_text(c, xiezhen_client_options_set_ca_file, options.ca_file);
    detail::set_text(c, xiezhen_client_options_set_proxy, options.proxy);
    detail::set_value(c, xiezhen_client_options_set_allow_http, options.allow_http);
    detail::set_value(c, xiezhen_client_options_set_allow_private_results, options.allow_private_results);
    detail::set_value(c, xiezhen_client_options_set_require_https_results, options.require_https_results);
    detail::set_text(c, xiezhen_client_options_set_stage, options.stage);
    for (const auto &[name, value] : options.headers)
      detail::call(xiezhen_client_options_add_header, c, detail::Text(name).get(), detail::Text(value).get());
  }

  /// The C options of one call.
  class Call {
  public:
    explicit Call(const CallOptions &options) : own_(xiezhen_call_options_new()) {
      if (options.cancel) detail::call(xiezhen_call_options_set_cancel, own_.get(), options.cancel->get());
      detail::set_text(own_.get(), xiezhen_call_options_set_callback_url, options.callback_url);
      detail::set_time(own_.get(), xiezhen_call_options_set_timeout_ms, options.timeout);
      detail::set_value(own_.get(), xiezhen_call_options_set_max_retries, options.max_retries);
      detail::set_text(own_.get(), xiezhen_call_options_set_name, options.name);
    }
    const xiezhen_call_options *get() const noexcept { return own_.get(); }

  private:
    detail::Own<xiezhen_call_options, xiezhen_call_options_free> own_;
  };

  /// The C options of one run.
  class Run {
  public:
    explicit Run(const RunOptions &options) : own_(xiezhen_run_options_new()) {
      if (options.cancel) detail::call(xiezhen_run_options_set_cancel, own_.get(), options.cancel->get());
      detail::set_text(own_.get(), xiezhen_run_options_set_save_to, options.save_to);
      detail::set_text(own_.get(), xiezhen_run_options_set_checkpoint, options.checkpoint);
      detail::set_time(own_.get(), xiezhen_run_options_set_timeout_ms, options.timeout);
      detail::call(xiezhen_run_options_set_recreate, own_.get(), options.recreate);
      if (options.callback) detail::call(xiezhen_run_options_set_callback, own_.get(), options.callback->get());
      detail::set_text(own_.get(), xiezhen_run_options_set_callback_key, options.callback_key);
      std::vector<const xiezhen_hint *> woken;
      for (const auto &hint : options.woken) woken.push_back(hint.get());
      if (!woken.empty()) detail::call(xiezhen_run_options_set_woken, own_.get(), woken.data(), woken.size());
    }
    template <class Through> Run(const RunOptions &options, Through &through) : Run(options) {
      if (!options.on_event) return;
      const xiezhen_on_event tell = [](const xiezhen_event *event, void *data) -> std::int32_t {
        return (*static_cast<Through *>(data))(event);
      };
      detail::call(xiezhen_run_options_set_on_event, own_.get(), tell, static_cast<void *>(&through));
    }
    const xiezhen_run_options *get() const noexcept { return own_.get(); }

  private:
    detail::Own<xiezhen_run_options, xiezhen_run_options_free> own_;
  };

  /// Jobs for C, and their keys, if they have any.
  struct Jobs {
    explicit Jobs(const std::vector<Job> &all) {
      for (const auto &job : all) handles.push_back(job.get());
    }
    explicit Jobs(const KeyedJobs &all) {
      for (const auto &[key, job] : all) {
        keys.push_back(detail::Text(key));
        handles.push_back(job.get());
      }
      for (const auto &key : keys) texts.push_back(key.get());
    }
    std::vector<const xiezhen_job *> handles;
    std::vector<detail::Text> keys;
    std::vector<const char *> texts;
  };

  /// The C options of a run of many.
  class RunMany {
  public:
    explicit RunMany(const RunManyOptions &options) : own_(xiezhen_run_many_options_new()) {
      auto *c = own_.get();
      if (options.cancel) detail::call(xiezhen_run_many_options_set_cancel, c, options.cancel->get());
      detail::set_text(c, xiezhen_run_many_options_set_save_to, options.save_to);
      detail::set_text(c, xiezhen_run_many_options_set_checkpoints, options.checkpoints);
      detail::set_value(c, xiezhen_run_many_options_set_concurrency, options.concurrency);
      detail::set_time(c, xiezhen_run_many_options_set_timeout_ms, options.timeout);
      detail::call(xiezhen_run_many_options_set_recreate, c, options.recreate);
      if (options.callback) detail::call(xiezhen_run_many_options_set_callback, c, options.callback->get());
    }
    xiezhen_run_many_options *get() const noexcept { return own_.get(); }

  private:
    detail::Own<xiezhen_run_many_options, xiezhen_run_many_options_free> own_;
  };

  std::vector<std::optional<Error>> run_all(const Jobs &jobs, const RunManyOptions &options) const {
    const RunMany own(options);
    auto tell_event = [&](std::size_t index, const xiezhen_event *event) { options.on_event(index, Event(event)); };
    auto tell_end = [&](std::size_t index, const xiezhen_error *error) { options.on_end(index, detail::maybe_error(error)); };
    using ThroughEvent = detail::Through<decltype(tell_event)>;
    using ThroughEnd = detail::Through<decltype(tell_end)>;
    ThroughEvent events(tell_event);
    ThroughEnd ends(tell_end);
    const xiezhen_on_job_event on_event = [](std::size_t index, const xiezhen_event *event, void *data) -> std::int32_t {
      return (*static_cast<ThroughEvent *>(data))(index, event);
    };
    const xiezhen_on_job_end on_end = [](std::size_t index, const xiezhen_error *error, void *data) -> std::int32_t {
      return (*static_cast<ThroughEnd *>(data))(index, error);
    };
    if (options.on_event)
      detail::call(xiezhen_run_many_options_set_on_event, own.get(), on_event, static_cast<void *>(&events));
    if (options.on_end) detail::call(xiezhen_run_many_options_set_on_end, own.get(), on_end, static_cast<void *>(&ends));
    if (jobs.handles.empty()) return {};
    return events.during([&] {
      return ends.during([&] {
        const auto all = detail::make<detail::Own<xiezhen_errors, xiezhen_errors_free>>(
            xiezhen_run_many, get(), jobs.handles.data(), jobs.texts.empty() ? nullptr : jobs.texts.data(),
            jobs.handles.size(), own.get());
        return detail::errors(all.get());
      });
    });
  }

  void begin_all(const Jobs &jobs, const Queue &queue, void *tag, const RunManyOptions &options) const {
    if (options.on_event || options.on_end)
      throw Error(XIEZHEN_INVALID_ARGUMENT, "a begun call has no callbacks: events and ends come from its queue");
    begin(xiezhen_begin_run_many, queue, tag, RunMany(options), jobs.handles.data(),
          jobs.texts.empty() ? nullptr : jobs.texts.data(), jobs.handles.size());
  }

  static const char *maybe(const std::optional<std::string> &text) {
    if (text && text->find('\0') != std::string::npos)
      throw Error(XIEZHEN_INVALID_ARGUMENT, "a text contains a NUL character");
    return text ? text->c_str() : nullptr;
  }

  static Run begun(const RunOptions &options) {
    if (options.on_event) throw Error(XIEZHEN_INVALID_ARGUMENT, "a begun call has no option on_event: events come from its queue");
    return Run(options);
  }

  template <class F, class O, class... A>
  void begin(F function, const Queue &queue, void *tag, const O &options, A... arguments) const {
    if (on_log_) queue.keep(on_log_);
    detail::call(function, get(), arguments..., options.get(), queue.get(), tag);
  }

  template <class F>
  static void set_schedule(xiezhen_client_options *options, F setter, const std::optional<PollSchedule> &schedule) {
    if (schedule)
      detail::call(setter, options, detail::count(schedule->initial), schedule->factor, detail::count(schedule->max));
  }

  static void log(xiezhen_log_level level, const char *target, const char *message, void *data) noexcept {
    try {
      (*static_cast<const OnLog *>(data))(level, target, message);
    } catch (...) { // What the call has done counts for more than what a log has to say.
    }
  }

  static Task task(TaskHandle handle) { return Task(std::shared_ptr<const xiezhen_task>(std::move(handle))); }

  /// A task that belongs to somebody else, who outlives the callback that sees it.
  static std::shared_ptr<const xiezhen_task> borrowed(const xiezhen_task *task) {
    return std::shared_ptr<const xiezhen_task>(std::shared_ptr<void>(), task);
  }

  /// Where the log goes lives longer than the client that logs.
  std::shared_ptr<OnLog> on_log_;
  Handle handle_;
};

/// The library's version: "0.1.0".
inline std::string_view version() noexcept { return xiezhen_version(); }

} // namespace xiezhen

#endif
