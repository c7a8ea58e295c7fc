// The whole job in a window of Qt 6, which stays alive meanwhile: the queue's descriptor is one more thing that its loop waits for.
//   qt BASE_URL FOLDER PHOTO... (8 to 20); the credential comes from XIEZHEN_APP_CODE.
#include <QApplication>
#include <QProgressBar>
#include <QSocketNotifier>
#include <iostream>
#include <xiezhen.hpp>

int main(int argc, char **argv) {
  QApplication application(argc, argv);
  if (argc < 4) {
    std::cerr << "usage: qt BASE_URL FOLDER PHOTO...\n";
    return 2;
  }
  try {
    xiezhen::ClientOptions where;
    where.base_url = argv[1];
    const xiezhen::Client client(where);
    const xiezhen::Job job(std::vector<std::string>(argv + 3, argv + argc), {"仙气十足", "花好月圆"});
    xiezhen::RunOptions options;
    options.save_to = argv[2];

    QProgressBar uploaded;
    uploaded.setMaximum(argc - 3);
    uploaded.show();

    const xiezhen::Queue queue; // its end stops what still runs: a window that is closed cancels the job
    client.begin_run(job, queue, nullptr, options);
    QSocketNotifier readable(queue.fd(), QSocketNotifier::Read);
    std::optional<xiezhen::Error> failed;
    QObject::connect(&readable, &QSocketNotifier::activated, [&] {
      const auto completion = queue.next();
      if (!completion) return;
      if (const auto event = completion->event()) {
        std::cerr << event->json() << '\n';
        if (event->type() == XIEZHEN_EVENT_PHOTO_UPLOADED) uploaded.setValue(uploaded.value() + 1);
      }
      if (completion->is_last()) {
        failed = completion->error();
        QApplication::quit();
      }
    });
    QApplication::exec();

    if (failed) throw *failed;
    for (const auto &portrait : job.portraits())
      for (const auto &file : portrait.files) std::cout << portrait.style << ": " << file << '\n';
    return 0;
  } catch (const xiezhen::Error &error) {
    std::cerr << error.code() << ": " << error.what() << '\n';
    return 1;
  }
}
