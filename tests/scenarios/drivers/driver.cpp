// The C++ driver: reads a call a line, makes it, and writes its outcome in the normal form.
#include <fstream>
#include <future>
#include <iostream>
#include <iterator>
#include <map>

#include <nlohmann/json.hpp>
#include <xiezhen.hpp>

using nlohmann::json;
using xiezhen::milliseconds;

namespace {

/// What calls work on: the last client, job, task and callbacks, with their receiver.
struct Held {
  std::shared_ptr<xiezhen::Client> client;
  std::shared_ptr<xiezhen::Job> job;
  std::shared_ptr<xiezhen::Task> task;
  std::shared_ptr<xiezhen::Callbacks> callbacks;
  std::shared_ptr<xiezhen::Receiver> receiver;
};

template <class T> json maybe(const std::optional<T> &value) { return value ? json(*value) : json(); }

template <class T = std::string> std::optional<T> given(const json &request, const char *name) {
  return request.contains(name) ? std::optional<T>(request.at(name).get<T>()) : std::nullopt;
}

std::optional<milliseconds> time_of(const json &request, const char *name) {
  return request.contains(name) ? std::optional<milliseconds>(request.at(name).get<std::int64_t>()) : std::nullopt;
}

const char *state_name(xiezhen::State state) {
  static const char *const names[] = {"unknown", "waiting", "running", "succeeded", "partly_succeeded", "failed"};
  return names[state];
}

const char *kind_name(xiezhen::Kind kind) {
  static const char *const names[] = {"unknown", "training", "generation"};
  return names[kind];
}

const char *stage_name(xiezhen::Stage stage) {
  static const char *const names[] = {"unknown", "uploading", "training", "generating", "saving", "done", "failed"};
  return names[stage];
}

json plain(const xiezhen::Task &task) {
  return {{"id", task.id()},
          {"state", state_name(task.state())},
          {"raw_state", task.raw_state()},
          {"kind", kind_name(task.kind())},
          {"result_paths", task.result_paths()},
          {"reason", task.reason() ? json(*task.reason()) : json()}};
}

json plain(const xiezhen::TaskRecord &task) {
  return {{"id", task.id},
          {"state", state_name(task.state)},
          {"raw_state", task.raw_state},
          {"kind", kind_name(task.kind)},
          {"result_paths", task.result_paths},
          {"reason", task.reason ? json(*task.reason) : json()}};
}

json plain(const xiezhen::Error &error) {
  const auto after = error.retry_after();
  return {{"code", error.code()},
          {"message", error.message()},
          {"http_status", maybe(error.http_status())},
          {"ret", maybe(error.ret())},
          {"request_id", maybe(error.request_id())},
          {"gateway_code", maybe(error.gateway_code())},
          {"task_id", maybe(error.task_id())},
          {"retry_after_ms", after ? json(after->count()) : json()},
          {"retryable", error.retryable()},
          {"problems", error.problems()},
          {"body_start", maybe(error.body_start())},
          {"sent", maybe(error.sent())},
          {"task", error.task() ? plain(*error.task()) : json()},
          {"path", maybe(error.path())}};
}

json plain(const xiezhen::Created &created) { return {{"task_id", created.task_id}, {"user_id", created.user_id}}; }

json plain(const xiezhen::Job &job) {
  json photos = json::array(), portraits = json::array();
  for (const auto &one : job.photos())
    photos.push_back({{"path", maybe(one.path)},
                      {"sha256", maybe(one.sha256)},
                      {"bytes", one.sha256 ? json(one.bytes) : json()},
                      {"uploaded", maybe(one.uploaded)}});
  for (const auto &one : job.portraits())
    portraits.push_back({{"style", one.style},
                         {"style_id", maybe(one.style_id)},
                         {"task_id", maybe(one.task_id)},
                         {"state", one.task_id ? json(state_name(one.state)) : json()},
                         {"urls", one.urls},
                         {"files", one.files},
                         {"error", one.error ? plain(*one.error) : json()}});
  return {{"stage", stage_name(job.stage())},
          {"user_id", maybe(job.user_id())},
          {"photos", photos},
          {"portraits", portraits}};
}

json maybe(std::string_view text) { return text.empty() ? json() : json(text); }

json plain(const xiezhen::Event &event) {
  static const char *const names[] = {"unknown",   "photo_uploading", "photo_uploaded", "training",
                                      "trained",   "generating",      "generated",      "saved",
                                      "retrying",  "unknown_state",   "notice",        "finished"};
  const auto type = event.type();
  json told{{"type", names[type]},
            {"path", maybe(event.path())},
            {"task_id", maybe(event.task_id())},
            {"user_id", maybe(event.user_id())},
            {"style", maybe(event.style())},
            {"call", maybe(event.call())},
            {"message", maybe(event.message())}};
  if (const auto error = event.error()) told["error"] = plain(*error);
  if (type == XIEZHEN_EVENT_TRAINING || type == XIEZHEN_EVENT_GENERATING) told["state"] = state_name(event.state());
  if (type == XIEZHEN_EVENT_PHOTO_UPLOADING || type == XIEZHEN_EVENT_PHOTO_UPLOADED) told["index"] = event.index();
  if (type == XIEZHEN_EVENT_PHOTO_UPLOADING) told["bytes_sent"] = event.bytes_sent();
  if (type == XIEZHEN_EVENT_PHOTO_UPLOADING) told["bytes"] = event.bytes();
  if (type == XIEZHEN_EVENT_GENERATED) told["count"] = event.count();
  if (type == XIEZHEN_EVENT_UNKNOWN_STATE) told["raw_state"] = event.raw_state();
  if (type == XIEZHEN_EVENT_RETRYING) told["delay_ms"] = event.delay().value().count();
  return told;
}

/// A path, or the bytes of a file.
xiezhen::Photo photo(const json &given) {
  if (given.is_string()) return xiezhen::Photo::path(given.get<std::string>());
  std::ifstream file(given.at("bytes_of").get<std::string>(), std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  return xiezhen::Photo::bytes(bytes.data(), bytes.size());
}

std::optional<xiezhen::PollSchedule> schedule(const json &request, const char *name) {
  if (!request.contains(name)) return std::nullopt;
  const auto &times = request.at(name);
  return xiezhen::PollSchedule{*time_of(times, "initial_ms"), times.at("factor"), *time_of(times, "max_ms")};
}

std::shared_ptr<xiezhen::Client> client(const json &request) {
  xiezhen::ClientOptions options;
  options.base_url = given(request, "base_url");
  options.app_code = given(request, "app_code");
  options.app_key = given(request, "app_key");
  options.app_secret = given(request, "app_secret");
  options.timeout = time_of(request, "timeout_ms");
  options.connect_timeout = time_of(request, "connect_timeout_ms");
  options.max_retries = given<std::uint32_t>(request, "max_retries");
  options.requests_per_second = given<double>(request, "requests_per_second");
  options.upload_concurrency = given<std::size_t>(request, "upload_concurrency");
  options.max_photo_bytes = given<std::uint64_t>(request, "max_photo_bytes");
  options.prepare_photos = given<bool>(request, "prepare_photos");
  options.training_schedule = schedule(request, "training_schedule");
  options.generation_schedule = schedule(request, "generation_schedule");
  options.ca_file = given(request, "ca_file");
  options.proxy = given(request, "proxy");
  options.max_pictures = given<std::size_t>(request, "max_pictures");
  options.allow_http = given<bool>(request, "allow_http");
  options.allow_private_results = given<bool>(request, "allow_private_results");
  options.require_https_results = given<bool>(request, "require_https_results");
  return std::make_shared<xiezhen::Client>(options);
}

std::shared_ptr<xiezhen::Job> new_job(const json &request) {
  const auto styles = given<std::vector<std::string>>(request, "styles").value_or(std::vector<std::string>());
  if (const auto user = given(request, "user_id"))
    return std::make_shared<xiezhen::Job>(xiezhen::Job::with_user_id(*user, styles));
  std::vector<xiezhen::Photo> photos;
  if (request.contains("photos"))
    for (const auto &one : request.at("photos")) photos.push_back(photo(one));
  return std::make_shared<xiezhen::Job>(photos, styles);
}

json call(Held &held, const json &request, json &events) {
  const auto call = request.at("call").get<std::string>();
  const auto text = [&](const char *name) { return request.at(name).get<std::string>(); };
  const auto texts = [&](const char *name) { return request.at(name).get<std::vector<std::string>>(); };
  xiezhen::CallOptions options;
  options.callback_url = given(request, "callback_url");
  options.timeout = time_of(request, "timeout_ms");
  xiezhen::RunOptions run;
  run.save_to = given(request, "save_to");
  run.checkpoint = given(request, "checkpoint");
  run.timeout = options.timeout;
  run.recreate = request.value("recreate", false);
  if (request.value("callback", false)) run.callback = held.callbacks.get();
  run.on_event = [&](const xiezhen::Event &event) { events.push_back(plain(event)); };

  if (call == "begin") held = Held();
  else if (call == "callbacks") {
    const std::vector<std::string> secrets{text("secret")};
    held.callbacks = std::make_shared<xiezhen::Callbacks>(text("public_url"), secrets);
    held.receiver = std::make_shared<xiezhen::Receiver>(held.callbacks->listen("127.0.0.1:0"));
    return held.receiver->address();
  } else if (call == "client") held.client = client(request);
  else if (call == "job") held.job = new_job(request);
  else if (call == "job_json")
    held.job = std::make_shared<xiezhen::Job>(
        xiezhen::Job::from_json(request.contains("json") ? text("json") : held.job->to_json()));
  else if (call == "adopt") {
    const auto user = given(request, "user_id");
    held.job->adopt(text("task_id"), user ? std::optional<std::string_view>(*user) : std::nullopt);
  } else if (call == "adopt_portrait") held.job->adopt_portrait(text("task_id"), text("style"));
  else if (call == "upload_file") return held.client->upload_file(photo(request.at("photo")), options);
  else if (call == "create_user_model") {
    return plain(held.client->create_user_model(texts("img_set"), options));
  } else if (call == "list_styles") {
    json styles = json::array();
    for (const auto &one : held.client->list_styles(options))
      styles.push_back({{"name", one.name}, {"style", one.style}, {"template", one.template_}, {"sex", one.sex}});
    return styles;
  } else if (call == "create_task") {
    return plain(held.client->create_task(text("user_id"), text("style"), options));
  } else if (call == "query_task" || call == "wait_task") {
    const auto &client = *held.client;
    held.task = std::make_shared<xiezhen::Task>(call == "query_task" ? client.query_task(text("task_id"), options)
                                                                     : client.wait_task(text("task_id"), options));
    return plain(*held.task);
  } else if (call == "wait_many") {
    std::size_t ended = 0;
    json outcomes = json::array();
    const auto told = [&](std::size_t, const xiezhen::Outcome &) { ++ended; };
    for (const auto &one : held.client->wait_many(texts("task_ids"), told, options))
      outcomes.push_back(one.error() ? json{{"error", plain(*one.error())}} : json{{"value", plain(one.task())}});
    return {{"outcomes", outcomes}, {"ended", ended}};
  } else if (call == "notify") held.client->notify(text("task_id"));
  else if (call == "save_results") {
    options.name = given(request, "name");
    return held.client->save_results(*held.task, text("save_to"), options);
  }
  else if (call == "run") held.client->run(*held.job, run);
  else if (call == "advance") {
    const bool fails = request.value("save_fails", false);
    const auto save = [&](const std::string &) {
      if (fails) throw xiezhen::Error(XIEZHEN_IO, "the store is away");
    };
    return {{"again", held.client->advance(*held.job, save, run).has_value()}};
  } else if (call == "close") held.client->close();
  else throw std::invalid_argument(call + " is no call");
  return {};
}

json answer(Held &held, const json &request) {
  json reply, events = json::array();
  try {
    reply["value"] = call(held, request, events);
  } catch (const xiezhen::Error &error) {
    reply["error"] = plain(error);
  } catch (const std::exception &error) {
    reply["broken"] = error.what();
  }
  const auto name = request.at("call").get<std::string>();
  if (held.job && (name == "job" || name == "job_json" || name == "adopt" || name == "adopt_portrait" || name == "run" ||
                   name == "advance")) {
    reply["job"] = plain(*held.job);
    reply["events"] = events;
  }
  return reply;
}

} // namespace

int main() {
  Held held;
  std::future<json> background;
  for (std::string line; std::getline(std::cin, line);) {
    const auto request = json::parse(line);
    json reply = json::object();
    if (request.at("call") == "join") reply = background.get();
    else if (request.value("background", false))
      background = std::async(std::launch::async, [own = held, request]() mutable { return answer(own, request); });
    else reply = answer(held, request);
    std::cout << reply.dump() << std::endl;
  }
}
