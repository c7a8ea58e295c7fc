// What must not compile, by its number (0 must): callables that would keep what lives for the callback only.
#include <xiezhen.hpp>

#include <vector>

void wait(const xiezhen::Client &client, std::vector<xiezhen::Outcome> &kept) {
#if REFUSED == 0
  client.wait_many({}, [&](std::size_t, const xiezhen::Outcome &) { kept.clear(); });
#elif REFUSED == 1
  client.wait_many({}, [&](std::size_t, xiezhen::Outcome outcome) { kept.push_back(std::move(outcome)); });
#elif REFUSED == 2
  client.wait_many({}, [&](std::size_t, xiezhen::Outcome &&outcome) { kept.push_back(std::move(outcome)); });
#elif REFUSED == 3
  client.wait_many({}, [&](std::size_t, xiezhen::Outcome &outcome) { kept.push_back(std::move(outcome)); });
#elif REFUSED == 4
  client.wait_many({}, [&](std::size_t, const xiezhen::Outcome &outcome) { kept.emplace_back(outcome.task()); });
#endif
}
