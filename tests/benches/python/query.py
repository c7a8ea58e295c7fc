"""Queries, one after another, and the smallest call there is."""

import importlib
import json
from collections.abc import Callable

from sides import HEADERS, body, task_id, xiezhen_client

WARM_UP = 200


def asking(side: str, url: str) -> Callable[[str], object]:
    """Makes one query."""
    address = f"{url}/cloud/aigc_task_query"
    if side == "xiezhen":
        query_task: Callable[[str], object] = xiezhen_client("Client", url).query_task
        return query_task
    library = importlib.import_module(side)
    if side == "urllib3":
        pool = library.PoolManager(headers=HEADERS, timeout=60)

        def by_urllib3(task: str) -> object:
            answer = pool.request("POST", address, body=json.dumps({"task_id": task}))
            return body(answer.status, answer.data)

        return by_urllib3
    session = library.Session() if side == "requests" else library.Client(timeout=60)
    session.headers.update(HEADERS)
    sent = "data" if side == "requests" else "content"

    def by_session(task: str) -> object:
        answer = session.post(address, **{sent: json.dumps({"task_id": task})}, timeout=60)
        return body(answer.status_code, answer.content)

    return by_session


def query(side: str, url: str, times: int, _: str) -> Callable[[], None]:
    ask = asking(side, url)
    for number in range(WARM_UP):
        ask(task_id(number))

    def run() -> None:
        for number in range(times):
            ask(task_id(number))

    return run


class Plain:
    """An attribute of Python's own."""

    stage = "uploading"


def stage(side: str, _: str, times: int, __: str) -> Callable[[], None]:
    """`Job.stage`, or an attribute in the same loop."""
    import xiezhen

    job = xiezhen.Job([], ["仙气十足"], user_id="user") if side == "xiezhen" else Plain()

    def run() -> None:
        for _ in range(times):
            job.stage  # noqa: B018

    return run
