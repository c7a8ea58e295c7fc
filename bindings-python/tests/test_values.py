"""Values: immutable, equal by what they hold, readable, pickleable, fit for `match`."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import pytest
from typing_extensions import assert_never

import xiezhen
from xiezhen import events

ERROR = xiezhen.RateLimitError("slowly", retry_after=2.0)
STATE = xiezhen.TaskState.RUNNING
JOB = xiezhen.Job(styles=["s"], user_id="u")

VALUES: list[Any] = [
    xiezhen.Task("t", STATE, 2, xiezhen.TaskKind.TRAINING, ["u"]),
    xiezhen.Style("仙气十足", "s", "t", "女"),
    xiezhen.Created("t", "u"),
    xiezhen.Portrait("s", None, "t", STATE, [], [Path("a.jpg")], ERROR),
    xiezhen.JobPhoto(Path("a.jpg"), None, 5, "p"),
    xiezhen.PollSchedule(1, 1.5, 60),
    events.PhotoUploading(0, 1, 2),
    events.PhotoUploaded(0, "p"),
    events.Training("t", STATE),
    events.Trained("u"),
    events.Generating("s", "t", STATE),
    events.Generated("s", 3),
    events.Saved("s", Path("a.jpg")),
    events.Retrying("query_task", ERROR, 0.5),
    events.UnknownState("t", 9),
    events.Notice("twice"),
    events.Finished(JOB),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_a_value(value: Any) -> None:
    cls = type(value)
    names = cls.__match_args__
    fields = [getattr(value, name) for name in names]
    assert value == cls(*fields) == cls(**dict(zip(names, fields, strict=True))) == value.__replace__()
    assert hash(cls(*fields)) == hash(value)
    if JOB not in fields:  # the copy of a job is a job of its own
        again = pickle.loads(pickle.dumps(value))
        assert again == value == copy.deepcopy(value)
        assert hash(again) == hash(value)
    assert repr(value) == f"{cls.__name__}({', '.join(f'{n}={f!r}' for n, f in zip(names, fields, strict=True))})"
    assert value != "something else"
    for name in names:
        with pytest.raises(AttributeError):
            setattr(value, name, None)
    with pytest.raises(AttributeError):
        value.another = 1


def test_zeros_are_equal() -> None:
    def retrying(delay: float) -> events.Retrying:
        return events.Retrying("list_styles", ERROR, delay)

    for zero in (lambda zero: xiezhen.PollSchedule(zero, 1, 60), retrying):
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
    assert not {type(event).__name__ for event in of_events} & set(vars(xiezhen))


def test_events_match() -> None:
    """Type checkers see the same: this file is checked by mypy."""

    def by_class(event: xiezhen.Event) -> str:
        match event:
            case events.Trained(user_id):
                return user_id
            case events.Saved(path=path):
                return path.name
            case events.Training(_, xiezhen.TaskState.RUNNING):
                return "running"
            case _:
                return "other"

    def by_type(event: events.Generated | events.Notice | events.Finished) -> str:
        if event.type == "generated":
            return str(event.count)
        if event.type == "notice":
            return event.message
        return event.job.stage

    def every(event: xiezhen.Event) -> int:
        match event:
            case events.PhotoUploading() | events.PhotoUploaded() | events.Training() | events.Trained():
                return 1
            case events.Generating() | events.Generated() | events.Saved() | events.Retrying():
                return 2
            case events.UnknownState() | events.Notice() | events.Finished():
                return 3
            case _:
                assert_never(event)

    seen: list[xiezhen.Event] = [
        events.Trained("u"),
        events.Saved("s", Path("a/b.jpg")),
        events.Training("t", STATE),
        events.Finished(JOB),
    ]
    read = by_class
    assert [read(event) for event in seen] == ["u", "b.jpg", "running", "other"]
    assert [every(event) for event in seen] == [1, 2, 1, 3]
    told = [by_type(event) for event in (events.Generated("s", 3), events.Notice("twice"), events.Finished(JOB))]
    assert told == ["3", "twice", "generating"]


def test_words_are_strings() -> None:
    task = xiezhen.Task("t", "succeeded", 3, "generation", [])
    assert task.state == "succeeded"
    assert task.state is xiezhen.TaskState.SUCCEEDED
    assert task.state.is_terminal
    assert f"{task.state} {task.kind!s}" == "succeeded generation"
    assert pickle.loads(pickle.dumps(task.state)) is task.state
    with pytest.raises(ValueError, match="TaskState"):
        xiezhen.Task("t", "finished", 3, "generation", [])
