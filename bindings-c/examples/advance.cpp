// A job in a store of your own: each turn does what is due, and any process that has the JSON can do the next.
//   advance BASE_URL FOLDER STORE PHOTO... (8 to 20); the credential comes from XIEZHEN_APP_CODE.
#include <xiezhen.hpp>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <thread>

static xiezhen::Job stored_or_new(const std::string &store, const std::vector<std::string> &photos) {
  std::ifstream file(store);
  if (!file) return {photos, {"仙气十足", "花好月圆"}};
  return xiezhen::Job::from_json(std::string(std::istreambuf_iterator<char>(file), {}));
}

// Before each create and after each answer. If it throws, nothing more is sent.
static void save(const std::string &store, const std::string &json) {
  std::ofstream file;
  file.exceptions(std::ios::failbit | std::ios::badbit);
  file.open(store + ".new");
  file << json;
  file.close();
  std::filesystem::rename(store + ".new", store);
}

int main(int argc, char **argv) {
  if (argc < 5) {
    std::cerr << "usage: advance BASE_URL FOLDER STORE PHOTO...\n";
    return 2;
  }
  const std::string store = argv[3];
  try {
    xiezhen::ClientOptions where;
    where.base_url = argv[1];
    const xiezhen::Client client(where);
    const auto job = stored_or_new(store, {argv + 4, argv + argc});

    xiezhen::RunOptions options;
    options.save_to = argv[2];
    const auto keep = [&](const std::string &json) { save(store, json); };
    while (const auto pause = client.advance(job, keep, options)) std::this_thread::sleep_for(*pause);

    for (const auto &portrait : job.portraits())
      for (const auto &file : portrait.files) std::cout << portrait.style << ": " << file << '\n';
    return 0;
  } catch (const std::exception &error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
