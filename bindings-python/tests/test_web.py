"""Values in JSON and in web answers, and as the dataclasses that people take them for."""

from __future__ import annotations

import asyncio
import copy
import dataclasses
import json
import pprint
import sys
from pathlib import Path
from typing import Any

import pytest

import xiezhen
from xiezhen import events

ERROR = xiezhen.TaskFailedError(
    "it failed", task_id="t", task=xiezhen.Task("t", "failed", 5, "generation", [], "no face"), path=Path("a")
)
VALUES: list[Any] = [
    xiezhen.Task("t", "succeeded", 3, "generation", ["u"]),
    xiezhen.Style("仙气十足", "s", "t", "女"),
    xiezhen.Created("t", "u"),
    xiezhen.Portrait("s", None, "t", "running", [], [Path("a.jpg")], ERROR),
    events.Saved("s", Path("a.jpg")),
    events.Retrying("query_task", ERROR, 0.5),
    ERROR,
]


def plain(value: Any) -> Any:
    return json.loads(json.dumps(value, default=lambda one: one.to_dict()))


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_json(value: Any) -> None:
    assert plain([value]) == [json.loads(json.dumps(value.to_dict()))]


def test_an_error_as_json_is_whole() -> None:
    shown = ERROR.to_dict()
    assert (shown["code"], shown["message"], shown["path"]) == ("task_failed", "it failed", "a")
    assert shown["task"] == xiezhen.Task("t", "failed", 5, "generation", [], "no face").to_dict()
    assert {name for name in vars(ERROR)} | {"code"} == set(shown)


def test_a_job_as_json() -> None:
    job = xiezhen.Job(styles=["s"], user_id="u")
    shown = plain(job)
    assert shown["id"] == job.id
    assert shown["portraits"][0]["style"] == "s"
    assert {"stage", "user_id", "save_to", "training_task_id", "error", "adoptable", "revision"} <= set(shown)


def test_fastapi() -> None:
    fastapi = pytest.importorskip("fastapi")
    from fastapi.testclient import TestClient

    app = fastapi.FastAPI()
    app.get("/values")(lambda: VALUES)
    app.get("/dicts")(lambda: [value.to_dict() for value in VALUES])
    with TestClient(app) as web:
        answer = web.get("/values")
        assert answer.status_code == 200
        assert answer.json()[1]["name"] == "仙气十足"
        assert answer.json()[3]["error"]["task"]["reason"] == "no face"
        assert answer.json()[-1]["code"] == "task_failed"
        assert web.get("/dicts").json() == plain(VALUES)


def test_flask() -> None:
    flask = pytest.importorskip("flask")
    app = flask.Flask("test")
    # Paths are what Flask's JSON does not know.
    app.add_url_rule("/values", "values", lambda: flask.jsonify(VALUES[:3]))
    app.add_url_rule("/dicts", "dicts", lambda: [value.to_dict() for value in VALUES])
    web = app.test_client()
    assert web.get("/values").get_json() == plain(VALUES[:3])
    assert web.get("/dicts").get_json() == plain(VALUES)


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_they_are_taken_for_dataclasses(value: Any) -> None:
    shown: dict[str, Any] = dataclasses.asdict(value)
    assert list(shown) == [field.name for field in dataclasses.fields(value)]
    assert all(getattr(value, name) == one for name, one in shown.items() if not isinstance(one, dict))
    assert pprint.pformat(value, width=20)


def test_replace_and_match() -> None:
    task = VALUES[0]
    changed = dataclasses.replace(task, id="other")
    assert changed == xiezhen.Task("other", "succeeded", 3, "generation", ["u"]) != task
    if sys.version_info >= (3, 13):
        assert copy.replace(task, id="other") == changed
    with pytest.raises(TypeError):
        dataclasses.replace(task, unknown=1)
    match changed:
        case xiezhen.Task("other", xiezhen.TaskState.SUCCEEDED, result_paths=[url]):
            assert url == "u"
        case _:
            pytest.fail("no match")


def test_a_job_shows_what_it_knows(tmp_path: Path) -> None:
    job = xiezhen.Job(styles=["11111111-1111-4111-8111-111111111111"], user_id="u")
    assert (job.save_to, job.training_task_id, job.error, job.adoptable) == (None, None, None, [])
    before = job.revision
    with xiezhen.Client("http://127.0.0.1:9", app_code="a", max_retries=0, connect_timeout=1) as client:
        with pytest.raises(xiezhen.TransportError):
            client.run(job, save_to=tmp_path, timeout=5)
        assert job.save_to == tmp_path
        assert isinstance(job.error, xiezhen.TransportError)
        assert job.revision > before
    # Of an intent without an answer, the outcome is unknown.
    kept = json.loads(job.to_json())
    kept["portraits"][0].update(intent=True, error=None, attempt=1)
    unknown = xiezhen.Job.from_json(json.dumps(kept))

    async def adopt() -> None:
        async with xiezhen.AsyncClient("http://127.0.0.1:9", app_code="a", max_retries=0) as client:
            with pytest.raises(xiezhen.InvalidArgumentError):
                await client.adopt(job, "task")

    asyncio.run(adopt())
    assert unknown.adoptable == ["11111111-1111-4111-8111-111111111111"]
    assert isinstance(unknown.to_dict()["adoptable"], list)
