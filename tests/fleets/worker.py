"""Takes turns at one job until it is over: `worker.py KIND NAME URL KEY FOLDER LEASE`. Says what happens."""

from __future__ import annotations

import json
import os
import sys
import time

import xiezhen
from stores import make
from xiezhen.stores import Claim

kind, name, url, key, folder, lease = sys.argv[1:]
quick = xiezhen.PollSchedule(0.02, 1.2, 0.1)
client = xiezhen.Client(
    url,
    app_code="simulator-app-code",
    training_schedule=quick,
    generation_schedule=quick,
    requests_per_second=100_000.0,
    upload_concurrency=1,
)


def say(*what: object) -> None:
    os.write(1, (" ".join(map(str, what)) + "\n").encode())


class Told:
    """The store, which says what it was asked for once it is done."""

    def __init__(self, store: object) -> None:
        self._store = store
        self.lease = float(lease)

    def claim(self, key: str, **how: bool) -> object:
        claim = self._store.claim(key, **how)  # type: ignore[attr-defined]
        if isinstance(claim, Claim):
            say("claimed")
        return claim

    def save(self, claim: Claim, job: str) -> None:
        self._store.save(claim, job)  # type: ignore[attr-defined]
        known = json.loads(job)
        works = [known["training"] or {}, *known["portraits"]]
        say("intent" if any(work.get("intent") and not work.get("error") for work in works) else "saved")

    def release(self, claim: Claim, seconds: float | None) -> bool:
        released = self._store.release(claim, seconds)  # type: ignore[attr-defined]
        say("released", seconds)
        return bool(released)


def on_event(event: object) -> None:
    say(type(event).__name__)


store = Told(make(kind, name, lease=float(lease)))
while True:
    turn = client.step(
        store,
        key,
        save_to=folder,
        on_event=on_event,
        on_done=lambda key, job: say("done", key, job.stage),
        on_unknown=lambda key, job: say("unknown", key, job.stage),
    )
    if turn is None:
        break
    if not isinstance(turn, float):
        say(type(turn).__name__)
        if type(turn).__name__ == "Over":
            break
    time.sleep(min(0.1, turn if isinstance(turn, float) else 0.1))
say("over")
