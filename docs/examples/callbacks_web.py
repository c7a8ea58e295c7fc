"""The web server receives the callbacks; another process runs the job. A queue stands for your Redis or broker."""

import os
import threading
from multiprocessing import Process, Queue
from wsgiref.simple_server import make_server

import xiezhen


def serve(channel: Queue) -> None:
    callbacks = xiezhen.Callbacks()
    application = callbacks.wsgi(on_hint=lambda hint: channel.put(hint.to_json()))
    host, port = os.environ.get("LISTEN", "127.0.0.1:8787").split(":")
    make_server(host, int(port), application).serve_forever()


if __name__ == "__main__":
    channel = Queue()
    Process(target=serve, args=[channel], daemon=True).start()

    client = xiezhen.Client()

    def hand_on() -> None:
        while True:
            client.notify(xiezhen.Hint.from_json(channel.get()))  # the job's task is polled now

    threading.Thread(target=hand_on, daemon=True).start()

    photos = [f"photos/{n:02}.jpg" for n in range(1, 11)]
    job = client.run(xiezhen.Job(photos, ["仙气十足"]), save_to="out", callback=xiezhen.Callbacks())
    print(job.portraits[0].files)
