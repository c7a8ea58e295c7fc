"""One piece of work by one side, in a process of its own: `work.py WORK SIDE URL TIMES [POLLS or PATH]`.

Prints the CPU time in µs, the growth of the resident memory's peak in bytes and, for waits, the longest that the event
loop was kept busy, in ms of its thread's CPU time: what other processes take of the machine doesn't count.
"""

import asyncio
import gc
import json
import sys
import time
from contextlib import suppress
from pathlib import Path

import files
import jobs
import photos
import query
import waits


def memory(name: str) -> int:
    """A line of this process's status, in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))


def forget_peak() -> int:
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    return memory("VmRSS")


def main() -> None:
    work, side, url, times, rest = [*sys.argv[1:], ""][:5]
    if work == "waiting":
        jobs.waiting(side, url, int(times), rest)
    if work == "waits":
        prepared = waits.Waits(side, url, int(times), int(rest))
        loop = asyncio.new_event_loop()
        loop.run_until_complete(prepared.warm_up())
        resident, before = forget_peak(), time.process_time()
        result = {"worst": loop.run_until_complete(prepared.run())}
    elif work == "check":
        resident, before = forget_peak(), time.process_time()
        result = asyncio.run(photos.check(rest))
        gc.collect()
        result["kept"] = memory("VmRSS") - resident
    else:
        does = {
            "scale": photos.scale,
            "query": query.query,
            "upload": files.upload,
            "download": files.download,
            "jobs": jobs.whole,
            "stage": query.stage,
        }[work]
        run = does(side, url, int(times), rest)
        resident, before, began = forget_peak(), time.process_time(), time.monotonic()
        run()
        result = {"seconds": time.monotonic() - began}
    result |= {"cpu": (time.process_time() - before) * 1e6, "growth": memory("VmHWM") - resident}
    print(json.dumps(result))


main()
