"""What an installed package must do, by `smoke.py`: smoke_program.py URL PHOTO…"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import threading
import time
import urllib.request
from pathlib import Path
from typing import Any

import xiezhen

url, *photos = sys.argv[1:]
quick = xiezhen.PollSchedule(0.02, 1.2, 0.1)
options: dict[str, Any] = {"base_url": url, "training_schedule": quick, "generation_schedule": quick}
client = xiezhen.Client(**options)
# Whoever started this may have ignored it.
signal.signal(signal.SIGINT, signal.default_int_handler)

assert Path(xiezhen.__file__).is_relative_to(sys.prefix), xiezhen.__file__
assert not hasattr(xiezhen._xiezhen, "_panic"), "a defect for the tests is not shipped"

# A whole job.
style = client.list_styles()[0].name
job = client.run(xiezhen.Job(photos, [style]), save_to="out", checkpoint="job.json")
files = [file for portrait in job.portraits for file in portrait.files]
assert [Path(file).stat().st_size > 1000 for file in files] == [True, True], files


async def styles() -> int:
    async with xiezhen.AsyncClient(**options) as awaited:
        return len(await awaited.list_styles())


assert asyncio.run(styles()) > 0

# Ctrl-C ends a wait that has no end.
settings = json.dumps({"training_seconds": 100_000}).encode()
with urllib.request.urlopen(f"{url}/_simulator/settings", settings, timeout=20) as answer:
    answer.read()
threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
begun = time.monotonic()
try:
    client.run(xiezhen.Job(photos, [style]))
except KeyboardInterrupt:
    assert time.monotonic() - begun < 30
else:
    raise AssertionError("Ctrl-C was not heard")

# A child uses the parent's client and one of its own.
if (child := os.fork()) == 0:
    signal.alarm(30)
    assert client.list_styles()
    assert xiezhen.Client(**options).list_styles()
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
assert client.list_styles()
