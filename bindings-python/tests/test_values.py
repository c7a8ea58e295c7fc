"""Values: immutable, equal by what they hold, readable, pickleable, fit for `match`."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import pytest

import xiezhen
from xiezhen import events

ERROR = xiezhen.RateLimited("slowly", retry_after=2.0)
STATE = xiezhen.TaskState.RUNNING

VALUES: list[Any] = [
    xiezhen.Task("t", STATE, 2, xiezhen.TaskKind.TRAINING, ["u"]),
    xiezhen.Style("仙气十足", "s", "t", "女"),
    xiezhen.Created("t", "u"),
    xiezhen.Portrait("s", None, "t", STATE, [], [Path("a.jpg")], ERROR),
    xiezhen.JobPhoto(Path("a.jpg"), None, 5, "p"),
    xiezhen.PollSchedule(1, 1.5, 60),
    xiezhen.PhotoUploading(0, 1, 2),
    xiezhen.PhotoUploaded(0, "p"),
    xiezhen.Training("t", STATE),
    xiezhen.Trained("u"),
    xiezhen.Generating("s", "t", STATE),
    xiezhen.Generated("s", 3),
    xiezhen.Saved("s", Path("a.jpg")),
    xiezhen.Retrying("query_task", ERROR, 0.5),
    xiezhen.UnknownState("t", 9),
    events.Notice("twice"),
    xiezhen.Finished(),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_a_value(value: Any) -> None:
    cls = type(value)
    names = cls.__match_args__
    fields = [getattr(value, name) for name in names]
    again = pickle.loads(pickle.dumps(value))
    assert again == value == cls(*fields) == cls(**dict(zip(names, fields, strict=True))) == copy.deepcopy(value)
    assert hash(again) == hash(value)
    assert repr(value) == f"{cls.__name__}({', '.join(f'{n}={f!r}' for n, f in zip(names, fields, strict=True))})"
    assert value != "something else"
    for name in names:
        with pytest.raises(AttributeError):
            setattr(value, name, None)
    with pytest.raises(AttributeError):
        value.another = 1


def test_zeros_are_equal() -> None:
    for zero in (lambda zero: xiezhen.PollSchedule(zero, 1, 60), lambda zero: xiezhen.Retrying("call", ERROR, zero)):
        assert zero(0.0) == zero(-0.0)
        assert len({zero(0.0), zero(-0.0)}) == 1


def test_all_values_differ() -> None:
    assert len(set(VALUES)) == len(VALUES)


def test_events_have_their_types() -> None:
    of_events = [value for value in VALUES if isinstance(value, xiezhen.Event)]
    assert len(of_events) == 11
    assert of_events[0].type == "photo_uploading"
    assert len({event.type for event in of_events}) == 11
    assert {type(event).__name__ for event in of_events} | {"Event"} == set(events.__all__)
    with pytest.raises(TypeError):
        xiezhen.Event()


def test_events_match() -> None:
    def read(event: xiezhen.Event) -> str:
        match event:
            case events.Trained(user_id):
                return user_id
            case events.Saved(path=path):
                return path.name
            case events.Training(_, xiezhen.TaskState.RUNNING):
                return "running"
            case _:
                return "other"

    seen = [xiezhen.Trained("u"), xiezhen.Saved("s", Path("a/b.jpg")), xiezhen.Training("t", STATE), xiezhen.Finished()]
    assert [read(event) for event in seen] == ["u", "b.jpg", "running", "other"]


def test_words_are_strings() -> None:
    task = xiezhen.Task("t", "succeeded", 3, "generation", [])
    assert task.state == "succeeded"
    assert task.state is xiezhen.TaskState.SUCCEEDED
    assert task.state.is_terminal
    assert f"{task.state} {task.kind!s}" == "succeeded generation"
    assert pickle.loads(pickle.dumps(task.state)) is task.state
    with pytest.raises(ValueError, match="TaskState"):
        xiezhen.Task("t", "finished", 3, "generation", [])
