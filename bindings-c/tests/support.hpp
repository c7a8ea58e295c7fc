// What the C++ tests share.
#ifndef SUPPORT_HPP
#define SUPPORT_HPP

#include <xiezhen.hpp>

#include "support.h"

using namespace std::chrono_literals;

namespace {

const std::vector<std::string> styles{"仙气十足", "花好月圆"};

inline xiezhen::ClientOptions quick(const char *space) {
  xiezhen::ClientOptions options;
  options.base_url = space_url(space);
  options.app_code = "simulator-app-code";
  options.training_schedule = xiezhen::PollSchedule{20ms, 1.0, 20ms};
  options.generation_schedule = xiezhen::PollSchedule{20ms, 1.0, 20ms};
  options.requests_per_second = INFINITY;
  options.max_retries = 1;
  return options;
}

inline std::vector<std::string> photos() {
  std::vector<std::string> paths;
  for (int n = 1; n <= 10; n++) paths.emplace_back(photo_path(n));
  return paths;
}

/// What `call` throws.
template <class E, class F> E thrown_by(F &&call) {
  try {
    call();
  } catch (const E &error) {
    return error;
  }
  std::fprintf(stderr, "nothing was thrown\n");
  std::exit(1);
}

} // namespace

#endif
