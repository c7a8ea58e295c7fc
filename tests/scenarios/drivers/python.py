"""The Python drivers, `sync` and `async`: read a call a line, make it, and write its outcome in the normal form."""

import asyncio
import inspect
import json
import logging
import sys
import threading
from pathlib import Path

import xiezhen

ASYNC = sys.argv[1] == "async"
ERROR = [
    "code", "message", "http_status", "ret", "request_id", "gateway_code", "task_id", "retryable", "problems",
    "body_start", "sent", "task", "path",
]  # fmt: skip
held = {}
logging.getLogger("xiezhen").addHandler(logging.NullHandler())


def prepare(request, events):
    """What makes the call (for asyncio: gives what is awaited), and what its value becomes."""
    call = request.pop("call")
    request.pop("background", None)
    client, job = held.get("client"), held.get("job")
    for name in [name for name in request if name.endswith("_ms")]:
        request[name[:-3]] = request.pop(name) / 1000
    if request.pop("callback", False):
        request["callback"] = held["callbacks"]
    if call == "begin":
        return begin
    if call == "callbacks":
        return lambda: listen(**request)
    if call == "client":
        kind = xiezhen.AsyncClient if ASYNC else xiezhen.Client
        return lambda: keep("client", kind(**options(request)))
    if call == "job":
        photos = [photo(one) for one in request.pop("photos", [])]
        return lambda: keep("job", xiezhen.Job(photos, **request))
    if call == "job_json":
        return lambda: keep("job", xiezhen.Job.from_json(request["json"] if "json" in request else job.to_json()))
    if call in ("adopt", "adopt_portrait"):
        return lambda: getattr(job, call)(**request)
    if call == "upload_file":
        return lambda: client.upload_file(photo(request.pop("photo")), **request)
    if call == "notify":
        return lambda: client.notify(request["task_id"])
    if call == "save_results":
        return lambda: client.save_results(held["task"], **request)
    if call == "run":
        return lambda: client.run(job, on_event=events.append, **request)
    if call == "advance":
        save = refuse if request.pop("save_fails", False) else lambda _: None
        return lambda: client.advance(job, save, on_event=events.append, **request)
    if call == "wait_many":
        ended = request.setdefault("on_end", Ended())
        held["ended"] = ended
    return lambda: getattr(client, call)(**request)


def begin():
    receiver = held.get("receiver")
    held.clear()
    if receiver:
        receiver.close()


def listen(public_url, secret):
    held["callbacks"] = xiezhen.Callbacks(public_url, secret)
    held["receiver"] = held["callbacks"].listen("127.0.0.1:0")
    return held["receiver"].address


class Ended(list):
    """Counts tasks that ended."""

    def __call__(self, index, _outcome):
        self.append(index)


def refuse(_job):
    raise xiezhen.FileError("the store is away")


def keep(name, thing):
    held[name] = thing


def options(request):
    for name in ("training_schedule", "generation_schedule"):
        if name in request:
            times = request[name]
            request[name] = xiezhen.PollSchedule(times["initial_ms"] / 1000, times["factor"], times["max_ms"] / 1000)
    return request


def photo(given):
    return Path(given["bytes_of"]).read_bytes() if isinstance(given, dict) else given


def value_of(call, value):
    if isinstance(value, xiezhen.Task):
        held["task"] = value
    if call == "wait_many":
        outcomes = [{"error": plain(o)} if isinstance(o, Exception) else {"value": plain(o)} for o in value]
        return {"outcomes": outcomes, "ended": len(held["ended"])}
    if call == "advance":
        return {"again": value is not None}
    return None if call == "run" else plain(value)


def plain(thing):
    """Any value of the package in the normal form."""
    if isinstance(thing, xiezhen.XiezhenError):
        told = {name: plain(getattr(thing, name)) for name in ERROR}
        after = thing.retry_after
        return told | {"retry_after_ms": None if after is None else round(after * 1000)}
    if isinstance(thing, xiezhen.Job):
        return {name: plain(getattr(thing, name)) for name in ("stage", "user_id", "photos", "portraits")}
    if isinstance(thing, (list, tuple)):
        return [plain(one) for one in thing]
    if isinstance(thing, Path):
        return str(thing)
    if hasattr(thing, "__match_args__"):
        # The job of `Finished` is in the reply.
        told = {name: plain(getattr(thing, name)) for name in thing.__match_args__ if name != "job"}
        return told | ({"type": thing.type} if hasattr(thing, "type") else {})
    return thing


def reply_to(call, events, outcome, own):
    # Another job may have come while this was in the background.
    job = own or held.get("job")
    if call in ("job", "job_json", "adopt", "adopt_portrait", "run", "advance") and job:
        outcome |= {"job": plain(job), "events": plain(events)}
    return outcome


def answer(request):
    call, events = request["call"], []
    own = held.get("job") if request.get("background") else None
    try:
        outcome = {"value": value_of(call, prepare(request, events)())}
    except xiezhen.XiezhenError as error:
        outcome = {"error": plain(error)}
    except Exception as error:  # noqa: BLE001 - whatever it is, the scenario fails with it
        outcome = of_python(error)
    return reply_to(call, events, outcome, own)


async def answer_async(request):
    call, events = request["call"], []
    own = held.get("job") if request.get("background") else None
    try:
        value = prepare(request, events)()
        outcome = {"value": value_of(call, await value if inspect.isawaitable(value) else value)}
    except xiezhen.XiezhenError as error:
        outcome = {"error": plain(error)}
    except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001
        outcome = of_python(error)
    return reply_to(call, events, outcome, own)


def of_python(error):
    if isinstance(error, asyncio.CancelledError):
        return {"error": {"code": "cancelled", "retryable": True}}
    return {"broken": f"{type(error).__name__}: {error}"}


def write(reply):
    print(json.dumps(reply), flush=True)


def run_sync():
    under_way = []
    for line in sys.stdin:
        request = json.loads(line)
        if request["call"] == "join":
            thread, outcomes = under_way.pop()
            thread.join()
            write(outcomes[0])
        elif request.get("background"):
            outcomes = []
            thread = threading.Thread(target=lambda r=request, o=outcomes: o.append(answer(r)))
            thread.start()
            under_way.append((thread, outcomes))
            write({})
        else:
            write(answer(request))


async def run_async():
    under_way = []
    while line := await asyncio.to_thread(sys.stdin.readline):
        request = json.loads(line)
        if request["call"] == "join":
            write(await under_way.pop())
        elif request.get("background"):
            under_way.append(asyncio.create_task(answer_async(request)))
            await asyncio.sleep(0)
            write({})
        else:
            write(await answer_async(request))


if ASYNC:
    asyncio.run(run_async())
else:
    run_sync()
