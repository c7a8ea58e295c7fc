"""What a program's start costs, and its first call."""

import os
import subprocess
import sys

from bench.places import HERE, PYTHON
from bench.rounds import Server, tell
from bench.table import Row, Section

TASK = "7e1cac92-e348-4c90-ac66-0fc1050c9146"
BODY = f'{{"task_id":"{TASK}"}}'
# The same in Python and in JavaScript.
HEADERS = '{"authorization": "APPCODE bench", "content-type": "application/json; charset=utf-8"}'
# The first is the empty program's, the second is ours.
PYTHON_LINES = (
    "pass",
    "import xiezhen",
    *(f"import {name}" for name in ("fal_client", "replicate", "openai", "dashscope")),
)
NODE_LINES = ("0", *(f"require('{name}')" for name in ("xiezhen", "@fal-ai/client", "replicate", "openai")))
# One start is a few milliseconds, and differs by as much from the next.
STARTS = 5
PYTHON_TARGETS = {"import fal_client": 0.1}
NODE_TARGETS = {"require('@fal-ai/client')": 0.5}


def measure(server: Server, rounds: int) -> Section:
    rows = starts("Python", [PYTHON, "-c"], named(PYTHON_LINES), PYTHON_TARGETS, rounds)
    rows += starts("Node", ["node", "-e"], named(NODE_LINES), NODE_TARGETS, rounds)
    server.ask("/count")
    rows += starts("Python", [PYTHON, "-c"], python_calls(server.url), {}, rounds)
    rows += starts("Node", ["node", "-e"], node_calls(server.url), {}, rounds)
    made, expected = server.ask("/count")["requests"], 5 * (STARTS * rounds + 1)
    if made != expected:
        sys.exit(f"first calls made {made} requests, not {expected}")
    return Section(
        "Start-up", "CPU time of a program that imports, or makes one query as well, over an empty one.", rows
    )


def named(lines: tuple[str, ...]) -> dict[str, str]:
    return {line: line for line in lines}


def python_calls(url: str) -> dict[str, str]:
    sent = f"'{url}/cloud/aigc_task_query', headers={HEADERS}"
    return {
        "nothing": "pass",
        "import and first call": f"import xiezhen; xiezhen.Client('{url}', app_code='bench').query_task('{TASK}')",
        "urllib3": f"import json, urllib3; json.loads(urllib3.request('POST', {sent}, body='{BODY}').data)['body']",
        "httpx": f"import httpx; httpx.post({sent}, content='{BODY}').json()['body']",
    }


def node_calls(url: str) -> dict[str, str]:
    sent = f"'{url}/cloud/aigc_task_query', {{ method: 'POST', headers: {HEADERS}, body: '{BODY}' }}"
    client = f"new (require('xiezhen').Client)({{ baseUrl: '{url}', appCode: 'bench' }})"
    leave = ".then(() => process.exit())"
    return {
        "nothing": "0",
        "require and first call": f"{client}.queryTask('{TASK}'){leave}",
        "undici": f"require('undici').request({sent}).then((answer) => answer.body.json()){leave}",
    }


def starts(face: str, command: list[str], lines: dict[str, str], targets: dict[str, float], rounds: int) -> list[Row]:
    _, ours, *peers = lines
    spent: dict[str, list[float]] = {name: [] for name in (ours, *peers)}
    # The first round fills the caches.
    for number in range(rounds + 1):
        sums = dict.fromkeys(lines, 0.0)
        for _ in range(STARTS if number else 1):
            for name, line in lines.items():
                sums[name] += start(command, line)
        nothing, *some = sums.values()
        for name, one in zip(spent, some, strict=True):
            if number:
                spent[name].append((one - nothing) / STARTS * 1e3)
    tell(f"{face}: {ours}")
    return [Row(face, ours, spent[ours], "ms", peer, spent[peer], targets.get(peer)) for peer in peers]


def start(command: list[str], line: str) -> float:
    process = subprocess.Popen([*command, line], cwd=HERE / "node")
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{line} failed")
    return used.ru_utime + used.ru_stime
