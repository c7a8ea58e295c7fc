// The C++ header: whole jobs, one and many, queues, and callbacks of the service.
#include "support.hpp"

#include <algorithm>
#include <fstream>
#include <map>
#include <poll.h>
#include <thread>

void jobs_and_queues();

namespace {

void the_whole_job() {
  const xiezhen::Client client(quick("job"));
  xiezhen::RunOptions options;
  options.save_to = scratch("cpp-job");
  options.checkpoint = scratch("cpp-job.json");

  // An exception of a callback comes out as it went in, and the job goes on later.
  struct Mine : std::logic_error {
    using std::logic_error::logic_error;
  };
  options.on_event = [](const xiezhen::Event &event) {
    if (event.type() == XIEZHEN_EVENT_TRAINED) throw Mine(std::string(event.user_id()));
  };
  xiezhen::Job job(photos(), styles);
  const auto mine = thrown_by<Mine>([&] { client.run(job, options); });
  CHECK(job.user_id() == mine.what());

  std::size_t saved = 0;
  options.on_event = [&](const xiezhen::Event &event) {
    CHECK(event.json().substr(0, 8) == "{\"type\":");
    if (event.type() == XIEZHEN_EVENT_SAVED) saved++;
  };
  client.run(job, options);
  CHECK(saved == 4 && job.stage() == XIEZHEN_STAGE_DONE && count_calls("job", "create_user_model") == 1);

  const auto again = xiezhen::Job::from_json(job.to_json());
  const auto portraits = again.portraits();
  CHECK(portraits.size() == 2 && portraits[0].style == styles[0] && portraits[0].files.size() == 2);
  CHECK(portraits[1].state == XIEZHEN_STATE_SUCCEEDED && !portraits[1].error);
  CHECK(again.photos().size() == 10 && again.photos()[3].uploaded && again.save_to() && again.training_task_id());
  CHECK(xiezhen::Job::read_checkpoint(*options.checkpoint).user_id() == job.user_id());

  // A trained model is used again; its pictures are not fetched without a folder.
  auto more = xiezhen::Job::with_user_id(*job.user_id(), {styles[0]});
  client.run(more);
  CHECK(more.portraits()[0].urls.size() == 2 && more.portraits()[0].files.empty());
  CHECK(thrown_by<xiezhen::Error>([&] { more.adopt("T1"); }).status() == XIEZHEN_INVALID_ARGUMENT);
  CHECK(!more.error() && more.adoptable().empty());

  // A create whose answer is lost: what can be adopted is the style, and of another job the training.
  fault("job", R"({"call":"create_task","times":1,"close":"after"})");
  auto lost = xiezhen::Job::with_user_id(*job.user_id(), {portraits[0].style_id.value()});
  CHECK(thrown_by<xiezhen::Error>([&] { client.run(lost); }).status() == XIEZHEN_OUTCOME_UNKNOWN);
  CHECK(lost.error()->status() == XIEZHEN_OUTCOME_UNKNOWN && lost.adoptable() == decltype(lost.adoptable()){portraits[0].style_id});
  fault("job", R"({"call":"create_user_model","times":1,"close":"after"})");
  xiezhen::Job untrained(photos(), styles);
  CHECK(thrown_by<xiezhen::Error>([&] { client.run(untrained); }).status() == XIEZHEN_OUTCOME_UNKNOWN);
  CHECK(untrained.adoptable().size() == 1 && !untrained.adoptable()[0]);
}

// The destructors wait for the answer of a create in flight: the checkpoint has its task.
void an_end_that_waits() {
  fault("ends", R"({"call":"create_user_model","answer_delay_ms":300})");
  xiezhen::RunOptions options;
  options.checkpoint = scratch("ends.json");
  {
    const xiezhen::Client client(quick("ends"));
    const xiezhen::Queue queue;
    client.begin_run(xiezhen::Job(photos(), styles), queue, nullptr, options);
    while (count_calls("ends", "create_user_model") == 0) std::this_thread::sleep_for(5ms);
  }
  CHECK(xiezhen::Job::read_checkpoint(*options.checkpoint).training_task_id());

  // An advance is bounded as a whole.
  const xiezhen::Client client(quick("bounded"));
  fault("bounded", R"({"call":"upload_file","stall":"before"})");
  xiezhen::RunOptions bounded;
  bounded.timeout = 200ms;
  const xiezhen::Job job(photos(), styles);
  CHECK(thrown_by<xiezhen::Error>([&] { client.advance(job, [](const std::string &) {}, bounded); }).status() == XIEZHEN_TIMEOUT);
}

void advance_with_any_callable() {
  const xiezhen::Client client(quick("advance"));
  std::vector<xiezhen::Photo> pictures;
  for (const auto &path : photos()) {
    std::ifstream file(path, std::ios::binary);
    const std::string data((std::istreambuf_iterator<char>(file)), {});
    pictures.push_back(xiezhen::Photo::bytes(data.data(), data.size()));
  }
  const xiezhen::Job job(pictures, styles);

  CHECK(thrown_by<int>([&] { client.advance(job, [](const std::string &) { throw 42; }); }) == 42);
  CHECK(count_calls("advance", "create_user_model") == 0);
  // A store that fails is asked again, and the first failure is what is told.
  int saves = 0;
  const auto fails = [&](const std::string &) {
    if (++saves > 1) throw saves;
  };
  CHECK(thrown_by<int>([&] { client.advance(job, fails); }) == 2 && saves > 2);

  // Move-only, and of any kind.
  auto store = std::make_unique<std::string>();
  auto save = [kept = std::move(store)](const std::string &json) mutable { *kept = json; };
  while (const auto next = client.advance(job, save)) std::this_thread::sleep_for(*next);
  CHECK(job.stage() == XIEZHEN_STAGE_DONE && job.portraits()[0].urls.size() == 2);

  xiezhen::RunOptions known;
  known.on_event = [](const xiezhen::Event &) { throw std::string("from an event"); };
  const xiezhen::Job other(photos(), styles);
  CHECK(thrown_by<std::string>([&] { client.advance(other, [](const std::string &) {}, known); }) == "from an event");
}

/// What comes next on a queue, as an event loop gets it.
xiezhen::Completion next(const xiezhen::Queue &queue) {
  for (;;) {
    pollfd wanted{queue.fd(), POLLIN, 0};
    CHECK(poll(&wanted, 1, 30000) == 1);
    if (auto completion = queue.next()) return std::move(*completion);
  }
}

void calls_begun_on_a_queue() {
  int tag = 0;
  std::optional<xiezhen::Completion> kept;
  {
    const xiezhen::Queue queue;
    {
      auto options = quick("begun");
      int lines = 0;
      options.on_log = [&lines](xiezhen::LogLevel, std::string_view, std::string_view) { ++lines; };
      options.log_level = XIEZHEN_LOG_LEVEL_TRACE;
      const xiezhen::Client client(options);
      std::vector<std::string> paths;
      for (int n = 1; n <= 8; n++) {
        client.begin_upload_file(xiezhen::Photo::path(photo_path(n)), queue, &tag);
        paths.push_back(next(queue).path());
      }
      CHECK(lines > 0);
      client.begin_create_user_model(paths, queue, &tag);
      const auto training = next(queue).created();
      client.begin_wait(training.task_id, queue, &tag);
      const auto trained = next(queue);
      CHECK(trained.tag() == &tag && trained.is_last() && trained.task().state() == XIEZHEN_STATE_SUCCEEDED);
      client.begin_list_styles(queue, nullptr);
      const auto listed = next(queue).styles();
      client.begin_create_task(training.user_id, listed.at(0).style, queue, nullptr);
      const auto generation = next(queue).created();
      client.begin_wait_many({generation.task_id, "no-such-task"}, queue, nullptr);
      for (int n = 0; n < 2; n++) {
        const auto ended = next(queue);
        CHECK(!ended.is_last() && !ended.error() == (ended.index() == 0));
      }
      const auto outcomes = next(queue).outcomes();
      CHECK(outcomes.size() == 2 && outcomes[0].task().id() == generation.task_id);
      CHECK(outcomes[1].error()->task_id() == "no-such-task");
      client.begin_query_task(generation.task_id, queue, nullptr);
      client.begin_save_results(next(queue).task(), scratch("begun"), queue, nullptr);
      CHECK(next(queue).files().size() == 2);
      client.begin_wait_for_creates(queue, nullptr);
      CHECK(next(queue).status() == XIEZHEN_OK);
      CHECK(thrown_by<xiezhen::Error>([&] { client.begin_query_task("", queue, nullptr), next(queue).task(); }).status() ==
            XIEZHEN_INVALID_ARGUMENT);
      client.begin_query_task(generation.task_id, queue, nullptr);
    }
    // The client has gone, with what its log was told to; the queue has kept what is needed.
    CHECK(queue.pending() == 1 && queue.wait(30s));
    kept = next(queue);
  }
  CHECK(kept->task().is_terminal()); // and outlives the queue
}

void a_job_begun_on_a_queue() {
  const xiezhen::Client client(quick("store"));
  const xiezhen::Queue queue;
  const xiezhen::Job job(photos(), styles);
  std::string stored;
  for (auto pause = std::optional<std::chrono::milliseconds>(0ms); pause;) {
    std::this_thread::sleep_for(*pause);
    client.begin_advance(job, queue, nullptr);
    for (auto completion = next(queue);; completion = next(queue)) {
      if (completion.is_last()) {
        pause = completion.next();
        break;
      }
      if (const auto json = completion.job_json()) {
        stored = *json;
        completion.saved();
      } else CHECK(!completion.event()->json().empty());
    }
  }
  CHECK(xiezhen::Job::from_json(stored).stage() == XIEZHEN_STAGE_DONE);

  xiezhen::RunOptions options;
  options.on_event = [](const xiezhen::Event &) {};
  CHECK(thrown_by<xiezhen::Error>([&] { client.begin_run(job, queue, nullptr, options); }).status() ==
        XIEZHEN_INVALID_ARGUMENT);
}

void a_run_as_a_range_of_events() {
  const xiezhen::Client client(quick("events"));
  xiezhen::RunOptions options;
  options.checkpoint = scratch("events.json");
  int events = 0;
  // What is left stops the run; the checkpoint was let go of.
  for (const auto &event : client.run_events(xiezhen::Job(photos(), styles), options))
    if (events = 1, event.type() == XIEZHEN_EVENT_TRAINING) break;
  CHECK(events == 1 && count_calls("events", "create_task") == 0);

  const xiezhen::Job job(photos(), styles);
  xiezhen::EventType last = XIEZHEN_EVENT_UNKNOWN;
  for (const auto &event : client.run_events(job, options)) {
    if (event.type() != XIEZHEN_EVENT_RETRYING) CHECK(!event.delay());
    last = event.type();
  }
  CHECK(last == XIEZHEN_EVENT_FINISHED && job.stage() == XIEZHEN_STAGE_DONE);
  CHECK(count_calls("events", "create_user_model") == 1 && count_calls("events", "upload_file") == 10);

  // An error comes out of the loop.
  const auto loop = [&] {
    for (const auto &event : client.run_events(xiezhen::Job({"/nowhere.jpg"}, styles))) CHECK(!event.json().empty());
  };
  CHECK(thrown_by<xiezhen::Error>(loop).status() == XIEZHEN_INVALID_ARGUMENT);
}

// Only callbacks can end this run in time; each of its three tasks is queried twice at most.
void callbacks_of_the_service() {
  const std::vector<std::string> secrets{"a secret of 16 bytes or more", "an older secret, of as many"};
  const auto address = [&] {
    const auto receiver = xiezhen::Callbacks("http://127.0.0.1:1", secrets).listen("127.0.0.1:0");
    std::string where(receiver.address());
    receiver.close();
    return where;
  }();
  const xiezhen::Callbacks callbacks("http://" + address + "/hooks", secrets);
  CHECK(callbacks.public_url() == "http://" + address + "/hooks");
  const auto receiver = callbacks.listen(address);
  auto options = quick("called-cpp");
  options.training_schedule = options.generation_schedule = xiezhen::PollSchedule{600s, 1.0, 600s};
  const xiezhen::Client client(options);
  const xiezhen::Job job(photos(), styles);
  xiezhen::RunOptions run;
  run.callback = &callbacks;
  run.callback_key = "order-7";
  client.run(job, run);
  CHECK(job.stage() == XIEZHEN_STAGE_DONE && count_calls("called-cpp", "query_task") <= 6);
  const auto hint = receiver.next(0ms);
  CHECK(hint && hint->key() == "order-7" && hint->slot() == "t" && hint->attempt() == 1 && hint->verified());
  const auto again = xiezhen::Hint::from_json(hint->to_json());
  CHECK(again.task_ids() == hint->task_ids() && again.task_ids().size() == 1 && !again.user_id());
  callbacks.deliver(again);
  client.notify(again);
  run.woken = {again};
  CHECK(thrown_by<xiezhen::Error>([&] { client.run(job, run); }).status() == XIEZHEN_INVALID_ARGUMENT);

  const auto received = callbacks.receive("POST", callbacks.url("order-8"), {{"Content-Type", "text/plain"}}, "task_id=a&user_id=u");
  CHECK(received.status == 204 && received.hint->key() == "order-8" && received.hint->user_id() == "u");
  CHECK(callbacks.receive("POST", "/else", {}, "").status == 404);
  receiver.close();
  // What came is kept; then there is no more.
  int left = 0;
  while (receiver.next()) CHECK(++left < 50);
}

void many_jobs() {
  const xiezhen::Client client(quick("many"));
  std::map<std::string, xiezhen::Job> orders;
  orders.emplace("ann", xiezhen::Job(photos(), styles));
  orders.emplace("bob", xiezhen::Job({"/nowhere.jpg"}, styles));
  xiezhen::RunManyOptions options;
  options.save_to = scratch("many");
  options.checkpoints = scratch("many-jobs");
  options.concurrency = 2;
  std::size_t events = 0, ends = 0;
  options.on_event = [&](std::size_t index, const xiezhen::Event &event) {
    CHECK(index < 2 && !event.json().empty());
    ++events;
  };
  options.on_end = [&](std::size_t index, const std::optional<xiezhen::Error> &error) {
    CHECK(error.has_value() == (index == 1));
    ++ends;
  };
  const auto errors = client.run_many(orders, options);
  CHECK(errors.size() == 2 && !errors[0] && errors[1]->status() == XIEZHEN_INVALID_ARGUMENT && events > 10 && ends == 2);
  CHECK(orders.at("ann").stage() == XIEZHEN_STAGE_DONE);
  CHECK(client.run_many(std::vector<xiezhen::Job>()).empty());
  options.on_end = [](std::size_t, const std::optional<xiezhen::Error> &) { throw 7; };
  CHECK(thrown_by<int>([&] { client.run_many(orders, options); }) == 7);

  const xiezhen::Queue queue;
  CHECK(thrown_by<xiezhen::Error>([&] { client.begin_run_many(orders, queue, nullptr, options); }).status() ==
        XIEZHEN_INVALID_ARGUMENT);
  options.on_event = nullptr;
  options.on_end = nullptr;
  client.begin_run_many(orders, queue, nullptr, options);
  ends = 0;
  auto completion = next(queue);
  for (; !completion.is_last(); completion = next(queue)) ends += completion.is_job_end();
  CHECK(ends == 2 && completion.errors().size() == 2);
}

void stores_that_conflict() {
  const xiezhen::Client client(quick("conflict"));
  const xiezhen::Job job(photos(), styles);
  CHECK(job.id().size() == 36 && job.missing_photos().empty());
  std::string newest;
  bool refused = false;
  const auto error = thrown_by<xiezhen::Error>([&] {
    client.advance(job, [&](const std::string &json) {
      if (json.find("\"task_id\": \"") != std::string::npos && !std::exchange(refused, true)) throw xiezhen::Conflict(newest);
      newest = json;
    });
  });
  CHECK(error.status() == XIEZHEN_IO && error.retryable() && error.task_id() && error.user_id());
  auto stored = xiezhen::Job::from_json(newest);
  CHECK(stored.training_task_id() == error.task_id() && stored.revision() > 0);
  CHECK(thrown_by<xiezhen::Error>([&] { stored.give_photo(99, xiezhen::Photo::path(photo_path(1))); }).status() ==
        XIEZHEN_INVALID_ARGUMENT);
  CHECK(xiezhen::Job::with_uploaded({"user_upload/1"}, styles).photos().at(0).uploaded == "user_upload/1");
}

} // namespace

void jobs_and_queues() {
  the_whole_job();
  an_end_that_waits();
  advance_with_any_callable();
  calls_begun_on_a_queue();
  a_job_begun_on_a_queue();
  a_run_as_a_range_of_events();
  callbacks_of_the_service();
  many_jobs();
  stores_that_conflict();
}
