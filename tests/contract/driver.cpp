// The happy path in C++. The environment says where the service is and who is asking.
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "xiezhen.hpp"

int main() try {
  using std::chrono::milliseconds;
  xiezhen::ClientOptions options;
  options.training_schedule = options.generation_schedule = xiezhen::PollSchedule{milliseconds(50), 1.0, milliseconds(50)};
  options.max_retries = 0;
  xiezhen::Client client(options);
  std::vector<std::string> paths;
  for (int n = 1; n <= 8; n++)
    paths.push_back(client.upload_file(xiezhen::Photo::path(std::string(std::getenv("PHOTOS")) + "/0" + std::to_string(n) + ".jpg")));
  xiezhen::CallOptions callback;
  callback.callback_url = "https://example.com/callback";
  const auto training = client.create_user_model(paths, callback);
  client.wait_task(training.task_id);
  const auto created = client.create_task(training.user_id, client.list_styles().at(0).style, callback);
  client.wait_task(created.task_id);
  std::cout << (client.query_task(created.task_id).state() == XIEZHEN_STATE_SUCCEEDED ? "succeeded" : "?") << '\n';
} catch (const std::exception &error) {
  std::cerr << error.what() << '\n';
  return 1;
}
