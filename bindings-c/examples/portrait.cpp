// The whole job in C++: photos in, portraits on disk.
//   portrait BASE_URL FOLDER PHOTO... (8 to 20); the credential comes from XIEZHEN_APP_CODE.
#include <xiezhen.hpp>

#include <iostream>

int main(int argc, char **argv) {
  if (argc < 4) {
    std::cerr << "usage: portrait BASE_URL FOLDER PHOTO...\n";
    return 2;
  }
  try {
    xiezhen::ClientOptions where;
    where.base_url = argv[1];
    const xiezhen::Client client(where);

    xiezhen::RunOptions options;
    options.save_to = argv[2];
    options.checkpoint = std::string(argv[2]) + "/job.json"; // cut off anywhere, it goes on from there
    options.on_event = [](const xiezhen::Event &event) { std::cerr << event.json() << '\n'; };

    const xiezhen::Job job(std::vector<std::string>(argv + 3, argv + argc), {"仙气十足", "花好月圆"});
    client.run(job, options);

    for (const auto &portrait : job.portraits())
      for (const auto &file : portrait.files) std::cout << portrait.style << ": " << file << '\n';
    return 0;
  } catch (const xiezhen::Error &error) {
    std::cerr << error.code() << ": " << error.what() << '\n';
    return 1;
  }
}
