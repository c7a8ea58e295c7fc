"""The guide's worker of Temporal, without its server: the activity runs, the workflow is replayed from histories."""

from __future__ import annotations

import asyncio
import base64
import importlib
import json
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import WorkflowHistory
from temporalio.testing import ActivityEnvironment
from temporalio.worker import Replayer

import xiezhen
from conftest import PHOTOS, STYLE, Space, until
from stores import make

QUICK = xiezhen.PollSchedule(0.02, 1.2, 0.1)
GUIDE = Path(__file__).parents[2] / "docs" / "examples" / "engines"


@pytest.fixture
def guide(monkeypatch: pytest.MonkeyPatch) -> Any:
    # Temporal's sandbox imports it by its name, too.
    monkeypatch.syspath_prepend(GUIDE)
    return importlib.import_module("temporal")


def test_turns_bring_a_job_to_its_end(
    guide: Any, name: str, space: Space, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    store = make("redis", name)
    with xiezhen.Client(
        space.url, app_code="simulator-app-code", training_schedule=QUICK, generation_schedule=QUICK
    ) as client:
        turns = guide.Turns(client, store)
        store.put("order-1", xiezhen.Job(PHOTOS[:8], [STYLE]).to_json())
        first = ActivityEnvironment().run(turns.turn, "order-1")
        assert isinstance(first, float)
        until(lambda: ActivityEnvironment().run(turns.turn, "order-1") is None)
        assert ActivityEnvironment().run(turns.turn, "order-1") is None, "a turn at what is over"
    assert json.loads(store.get("order-1"))["stage"] == "done"
    assert len(list((tmp_path / "portraits").iterdir())) > 0


class History:
    """What Temporal's server would have written down."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    def add(self, kind: str, **attributes: Any) -> str:
        first, *rest = kind.lower().split("_")
        field = first + "".join(word.capitalize() for word in rest) + "EventAttributes"
        number = str(len(self.events) + 1)
        event = {"eventId": number, "eventTime": "2026-01-01T00:00:00Z", "eventType": f"EVENT_TYPE_{kind}"}
        self.events.append({**event, field: attributes})
        return number

    def workflow_task(self) -> str:
        scheduled = self.add("WORKFLOW_TASK_SCHEDULED", taskQueue={"name": "portraits"})
        started = self.add("WORKFLOW_TASK_STARTED", scheduledEventId=scheduled)
        return self.add("WORKFLOW_TASK_COMPLETED", scheduledEventId=scheduled, startedEventId=started)


def payloads(value: object) -> dict[str, Any]:
    encoding, data = ("binary/null", "") if value is None else ("json/plain", json.dumps(value))
    encoded = [base64.b64encode(text.encode()).decode() for text in (encoding, data)]
    return {"payloads": [{"metadata": {"encoding": encoded[0]}, "data": encoded[1]}]}


def history(answers: list[float | None]) -> WorkflowHistory:
    """A workflow whose turns answered so, each number slept for, and that ended then."""
    told = History()
    runs = dict.fromkeys(("originalExecutionRunId", "firstExecutionRunId"), "run")
    workflow = {"workflowType": {"name": "Portrait"}, "taskQueue": {"name": "portraits"}}
    told.add("WORKFLOW_EXECUTION_STARTED", **workflow, **runs, input=payloads("order-1"), attempt=1)
    done = told.workflow_task()
    for number, answer in enumerate(answers, 1):
        scheduled = told.add(
            "ACTIVITY_TASK_SCHEDULED",
            activityId=str(number),
            activityType={"name": "turn"},
            taskQueue={"name": "portraits"},
            input=payloads("order-1"),
            startToCloseTimeout="600s",
            workflowTaskCompletedEventId=done,
        )
        started = told.add("ACTIVITY_TASK_STARTED", scheduledEventId=scheduled, attempt=1)
        ends = {"scheduledEventId": scheduled, "startedEventId": started}
        told.add("ACTIVITY_TASK_COMPLETED", **ends, result=payloads(answer))
        done = told.workflow_task()
        if answer is not None:
            timer = {"timerId": str(number), "startToFireTimeout": f"{answer}s", "workflowTaskCompletedEventId": done}
            timed = told.add("TIMER_STARTED", **timer)
            told.add("TIMER_FIRED", timerId=str(number), startedEventId=timed)
            done = told.workflow_task()
    told.add("WORKFLOW_EXECUTION_COMPLETED", workflowTaskCompletedEventId=done)
    return WorkflowHistory.from_json("order-1", json.dumps({"events": told.events}))


@pytest.mark.parametrize(
    ("answers", "fits"), [([None], True), ([15.0, None], True), ([15.0, 3.5, None], True), ([15.0], False)]
)
def test_the_workflow_takes_turns_until_there_is_none(guide: Any, answers: list[float | None], fits: bool) -> None:
    replayer = Replayer(workflows=[guide.Portrait])
    replayed = asyncio.run(replayer.replay_workflow(history(answers), raise_on_replay_failure=False))
    assert (replayed.replay_failure is None) is fits, replayed.replay_failure
