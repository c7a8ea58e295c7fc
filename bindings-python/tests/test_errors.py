"""Every class of error, from the wire to `except`."""

from __future__ import annotations

import asyncio
import pickle
from typing import TYPE_CHECKING, Any

import pytest

import xiezhen
from conftest import PHOTOS, Space, options
from xiezhen import _xiezhen, errors

if TYPE_CHECKING:
    from pathlib import Path

BUILTINS = {
    "invalid_argument": ValueError,
    "transport": ConnectionError,
    "timeout": TimeoutError,
    "io": OSError,
}


def same(error: xiezhen.XiezhenError) -> None:
    """It survives a pickle with all that it carries."""
    copy = pickle.loads(pickle.dumps(error))
    assert copy == error
    assert vars(copy) == vars(error)
    assert str(copy) == str(error) == error.message
    assert repr(copy) == repr(error)


@pytest.mark.parametrize(("code", "name"), _xiezhen._error_kinds())
def test_each_kind_of_the_core_has_its_class(code: str, name: str) -> None:
    cls: type[xiezhen.XiezhenError] = getattr(errors, name)
    assert getattr(xiezhen, name) is cls
    assert cls.code == code
    assert issubclass(cls, xiezhen.XiezhenError)
    assert issubclass(cls, BUILTINS.get(code, Exception))
    same(cls("what happened", task_id="t", retry_after=1.5, http_status=503, problems=["one"]))


def test_no_class_without_a_kind() -> None:
    classes = {
        name for name, value in vars(errors).items() if isinstance(value, type) and value.__module__ == errors.__name__
    }
    assert classes - {"XiezhenError"} == {name for _, name in _xiezhen._error_kinds()}


REPLIES: list[tuple[type[xiezhen.XiezhenError], dict[str, Any]]] = [
    (
        xiezhen.AuthenticationError,
        {"status": 403, "headers": {"X-Ca-Error-Code": "A403IS", "X-Ca-Error-Message": "Invalid Signature"}},
    ),
    (
        xiezhen.QuotaExhaustedError,
        {"status": 403, "headers": {"X-Ca-Error-Code": "B403MQ", "X-Ca-Error-Message": "Quota Exhausted"}},
    ),
    (
        xiezhen.RateLimitError,
        {
            "status": 429,
            "headers": {"X-Ca-Error-Code": "T429UC", "X-Ca-Error-Message": "Throttled by USER Flow Control"},
        },
    ),
    (xiezhen.PermissionDeniedError, {"status": 403, "headers": {"X-Ca-Error-Message": "Unauthorized"}}),
    (xiezhen.ApiError, {"status": 200, "body": {"ret": 7, "msg": "no", "body": None}}),
    (xiezhen.ProtocolError, {"status": 200, "headers": {"X-Ca-Request-Id": "R-1"}, "body": "<html>"}),
    (xiezhen.TransportError, {"status": 503}),
]


@pytest.mark.parametrize(("cls", "reply"), REPLIES, ids=lambda value: getattr(value, "__name__", ""))
@pytest.mark.parametrize("asynchronous", [False, True])
def test_answers(space: Space, cls: type[xiezhen.XiezhenError], reply: dict[str, Any], asynchronous: bool) -> None:
    space.fault(call="query_task", reply=reply)
    once = options(max_retries=0)

    def query() -> xiezhen.Task:
        if asynchronous:
            return asyncio.run(xiezhen.AsyncClient(space.url, **once).query_task("t1"))
        return xiezhen.Client(space.url, **once).query_task("t1")

    with pytest.raises(cls) as raised:
        query()
    error = raised.value
    assert type(error) is cls
    assert (error.task_id, error.http_status) == ("t1", reply["status"])
    same(error)
    if cls is xiezhen.ApiError:
        assert error.ret == 7
    if cls is xiezhen.ProtocolError:
        assert (error.request_id, error.body_start) == ("R-1", "<html>")
    if cls is xiezhen.QuotaExhaustedError:
        assert error.gateway_code == "B403MQ"


def test_refusals_name_every_problem(client: xiezhen.Client) -> None:
    with pytest.raises(ValueError, match="task_id") as raised:
        client.query_task("")
    assert isinstance(raised.value, xiezhen.InvalidArgumentError)
    with pytest.raises(xiezhen.InvalidArgumentError) as many:
        client.run(xiezhen.Job([b"", b"no photo", "/no/such/file"], ["a"]))
    assert len(many.value.problems) == 4
    for part in ("3 photos", "photo 1", "photo 2", "/no/such/file"):
        assert any(part in problem for problem in many.value.problems), many.value.problems
    with pytest.raises(xiezhen.InvalidArgumentError, match="twice"):
        client.run(xiezhen.Job(PHOTOS[:8], ["a", "a"]))
    with pytest.raises(xiezhen.InvalidArgumentError, match="timeout") as negative:
        client.wait_task("t", timeout=-1)
    assert len(negative.value.problems) == 1


def test_nobody_there() -> None:
    client = xiezhen.Client("http://127.0.0.1:9", **options(max_retries=0))
    with pytest.raises(ConnectionError) as raised:
        client.list_styles()
    error = raised.value
    assert isinstance(error, xiezhen.TransportError)
    assert error.retryable
    assert error.__cause__ is not None
    same(error)


def test_timeouts(space: Space, client: xiezhen.Client, endless: str) -> None:
    space.fault(call="list_styles", stall="before")
    with pytest.raises(TimeoutError) as stalled:
        xiezhen.Client(space.url, **options(timeout=0.4, max_retries=0)).list_styles()
    assert isinstance(stalled.value, xiezhen.TimeoutError)
    with pytest.raises(xiezhen.TimeoutError) as waited:
        client.wait_task(endless, timeout=0.3)
    assert waited.value.task_id == endless
    space.settings(training_seconds=100_000)
    # Of photos that are at the service none is decoded, which takes its time on a busy machine.
    job = xiezhen.Job(uploaded=[client.upload_file(photo) for photo in PHOTOS[:8]])
    with pytest.raises(xiezhen.TimeoutError) as unfinished:
        client.run(job, timeout=1)
    assert unfinished.value.task_id == job.training_task_id is not None


def test_a_task_that_failed(space: Space, client: xiezhen.Client, trained: str, tmp_path: Path) -> None:
    style = client.list_styles()[0]
    space.settings(generation_outcome=5)
    task_id = client.create_task(trained, style.style).task_id
    with pytest.raises(xiezhen.TaskFailedError) as raised:
        client.wait_task(task_id)
    assert raised.value.task is not None
    assert raised.value.task.state is xiezhen.TaskState.FAILED
    assert raised.value.task.reason is None
    same(raised.value)

    job = xiezhen.Job(styles=[style.name], user_id=trained)
    with pytest.raises(xiezhen.TaskFailedError):
        client.run(job, save_to=tmp_path)
    assert isinstance(job.portraits[0].error, xiezhen.TaskFailedError)
    copy = pickle.loads(pickle.dumps(job.portraits[0]))
    assert copy == job.portraits[0]


def test_a_lost_answer(space: Space, client: xiezhen.Client) -> None:
    paths = [client.upload_file(photo) for photo in PHOTOS[:8]]
    space.fault(call="create_user_model", times=1, close="after")
    with pytest.raises(xiezhen.OutcomeUnknownError) as raised:
        client.create_user_model(paths)
    assert raised.value.sent is not None
    assert paths[0] in raised.value.sent
    assert isinstance(raised.value.__cause__, xiezhen.TransportError)
    same(raised.value)


def test_files(client: xiezhen.Client, tmp_path: Path) -> None:
    with pytest.raises(xiezhen.InvalidArgumentError, match=r"none\.jpg"):
        client.upload_file(tmp_path / "none.jpg")
    (tmp_path / "job.json").write_text("no job")
    with pytest.raises(OSError, match=r"job\.json") as raised:
        client.run(xiezhen.Job(PHOTOS[:8]), checkpoint=tmp_path / "job.json")
    assert isinstance(raised.value, xiezhen.FileError)
    assert raised.value.path == tmp_path / "job.json"
    assert raised.value.filename == str(tmp_path / "job.json")
    same(raised.value)
    with pytest.raises(xiezhen.InvalidArgumentError):
        xiezhen.Job.from_json("no job")


def test_a_defect_is_an_exception() -> None:
    # Nothing that is shipped has it, so no stub knows it.
    panic = vars(_xiezhen)["_panic"]
    for begun in (True, False):
        with pytest.raises(xiezhen.InternalError, match="defect"):
            panic(begun)

    async def main(begun: bool) -> None:
        await panic(begun, awaited=True)

    for begun in (True, False):
        with pytest.raises(xiezhen.InternalError, match="defect"):
            asyncio.run(main(begun))
