"""What the README says of gevent, measured: a sync call keeps the hub, one on its threadpool doesn't."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from conftest import PHOTOS, Space, finished

if TYPE_CHECKING:
    from collections.abc import Callable

PROGRAM = """
from gevent import monkey; monkey.patch_all()
import gevent
c = client()
photos = {photos!r}
paths = [c.upload_file(photo) for photo in photos]
run = lambda: c.run(xiezhen.Job(uploaded=paths))
pool = gevent.get_hub().threadpool
turns = []
def turn():
    while True:
        turns.append(time.monotonic())
        gevent.sleep(0.01)
ticking = gevent.spawn(turn)
gevent.sleep(0.05)
def measured(runs):
    began, before = time.monotonic(), len(turns)
    gevent.joinall(runs(), raise_error=True)
    return time.monotonic() - began, len(turns) - before
blocked, _ = measured(lambda: [gevent.spawn(run) for _ in range(3)])
side_by_side, ticks = measured(lambda: [gevent.spawn(pool.apply, run) for _ in range(3)])
tell(blocked, side_by_side, ticks)
"""


def test_runs_on_the_threadpool(python: Callable[[str], subprocess.Popen[str]], space: Space) -> None:
    pytest.importorskip("gevent")
    space.settings(training_seconds=1.5)
    out = finished(python(PROGRAM.format(photos=[str(photo) for photo in PHOTOS[:8]])), 60)
    blocked, side_by_side, ticks = map(float, out.split())
    # Three trainings of 1.5 s: one after the other, or all at once while other greenlets run.
    assert blocked > 4.4
    assert side_by_side < blocked * 0.75
    assert ticks > 10
