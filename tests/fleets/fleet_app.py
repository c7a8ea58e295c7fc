"""The Celery app of a fleet that tests start: `celery -A fleet_app worker`. XIEZHEN_FLEET says which."""

from __future__ import annotations

import json
import os
from pathlib import Path

import celery
import celery.signals

import xiezhen
from stores import make, redis_url
from xiezhen.celery import Portraits

config = json.loads(os.environ["XIEZHEN_FLEET"])
quick = xiezhen.PollSchedule(0.2, 1.5, 1.0)

app = celery.Celery("fleet", broker=redis_url())
app.conf.update(
    task_default_queue=config["name"], broker_connection_retry_on_startup=True, worker_send_task_events=False
)


@celery.signals.worker_ready.connect
def ready(**_signal: object) -> None:
    Path(f"{config['ready']}-{os.getpid()}").touch()


def make_client() -> xiezhen.Client:
    # Where it was made, and whether a task had to wait for it.
    when = "in" if celery.current_task else "before"
    Path(f"{config['ready']}-client-{os.getpid()}").write_text(when)
    return xiezhen.Client(
        config["url"],
        app_code="simulator-app-code",
        training_schedule=quick,
        generation_schedule=quick,
        requests_per_second=100_000.0,
    )


def tell(what: str, key: str, job: xiezhen.Job) -> None:
    with open(config["told"], "a", encoding="utf-8") as file:
        file.write(f"{what} {key} {job.stage}\n")


portraits = Portraits(
    app,
    make(config["kind"], config["name"], lease=config["lease"]),
    client=make_client,
    on_done=lambda key, job: tell("done", key, job),
    on_unknown=lambda key, job: tell("unknown", key, job),
    requests_per_second=config["rate"],
)
