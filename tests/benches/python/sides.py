"""What both sides of every piece of work share."""

import json
import math
from typing import Any

CONNECTIONS = 64
AUTHORIZATION = {"authorization": "APPCODE bench"}
HEADERS = {
    **AUTHORIZATION,
    "accept": "application/json",
    "content-type": "application/json; charset=utf-8",
}
TASK = "7e1cac92-e348-4c90-ac66-0fc1050c9146"


def task_id(number: int) -> str:
    return f"7e1cac92-e348-4c90-ac66-{number:012}"


def body(status: int, content: bytes) -> Any:
    """What an answer says, read as somebody would by hand."""
    answer = json.loads(content)
    assert (status, answer["ret"]) == (200, 0)
    return answer["body"]


def xiezhen_client(kind: str, url: str) -> Any:
    import xiezhen

    often = xiezhen.PollSchedule(0.001, 1, 0.001)
    return getattr(xiezhen, kind)(
        url,
        app_code="bench",
        requests_per_second=math.inf,
        training_schedule=often,
        generation_schedule=often,
    )
