"""Each driver's happy path against somebody else's server, which checks the requests against `openapi.yaml`.

Prism answers by itself from the document's examples; what it rejects, it answers with an error, and the driver fails. Then
Prism stands before the simulator and checks the simulator's answers. Uploads go past it: Prism 5.16 reads bodies as text
before it passes them on, so that a photo arrives spoilt (the simulator then says, rightly, that it is no image).
"""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
TARGET = Path(os.environ.get("TARGET", ROOT / "target"))
BUILT = TARGET / "debug/contract"
DRIVERS = {
    "rust": [TARGET / "debug/xiezhen-contract"],
    "python": [ROOT / "bindings-python/.venv/bin/python", HERE / "driver.py", "sync"],
    "python async": [ROOT / "bindings-python/.venv/bin/python", HERE / "driver.py", "async"],
    "node": ["node", HERE / "driver.mjs"],
    "c": [BUILT / "driver-c"],
    "c++": [BUILT / "driver-cpp"],
}
CREDENTIALS = {
    "AppCode": {"XIEZHEN_APP_CODE": "simulator-app-code"},
    "AppKey": {"XIEZHEN_APP_KEY": "simulator-app-key", "XIEZHEN_APP_SECRET": "simulator-app-secret"},
}
CODE = {"Authorization": "APPCODE simulator-app-code", "Content-Type": "application/json"}
BARE = {"Content-Type": "application/json"}
# Prism's own answers: who are you, what is that, where is that.
UNKNOWN, UNFIT, NOWHERE, NO_SUCH_WAY, WRONG_TYPE = 401, 422, 404, 405, 415


def json_of(body: object) -> bytes:
    return json.dumps(body).encode()


def form(field: str, content: bytes) -> bytes:
    """With one part. Prism's reader ends with Prism where a part has no type."""
    head = f'--b\r\nContent-Disposition: form-data; name="{field}"; filename="1.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'
    return head.encode() + content + b"\r\n--b--\r\n"


FORM = CODE | {"Content-Type": "multipart/form-data; boundary=b"}
QUERY, TRAIN, TASK = "/cloud/aigc_task_query", "/cloud/aigc_user_model_create", "/cloud/aigc_task_create"
UPLOAD = "/cloud/upload_file"
# What the document does not allow; if Prism let these through, its silence about ours would say nothing.
REFUSED = {
    "no credential": (QUERY, BARE, json_of({"task_id": "a"}), UNKNOWN),
    "a credential of another form": (QUERY, CODE | {"Authorization": "Bearer a"}, json_of({"task_id": "a"}), UNFIT),
    "an AppCode without its code": (QUERY, CODE | {"Authorization": "APPCODE"}, json_of({"task_id": "a"}), UNFIT),
    "an AppKey alone": (QUERY, BARE | {"X-Ca-Key": "a"}, json_of({"task_id": "a"}), UNKNOWN),
    "an empty id": (QUERY, CODE, json_of({"task_id": ""}), UNFIT),
    "an unknown field": (QUERY, CODE, json_of({"task_id": "a", "more": 1}), UNFIT),
    "seven photos": (TRAIN, CODE, json_of({"img_set": ["a"] * 7}), UNFIT),
    "no style": (TASK, CODE, json_of({"user_id": "U1"}), UNFIT),
    "a GET of a create": (TASK, CODE, None, NO_SUCH_WAY),
    "no such path": ("/cloud/aigc_task", CODE, json_of({"task_id": "a"}), NOWHERE),
    "an upload without a credential": (UPLOAD, {"Content-Type": FORM["Content-Type"]}, form("file", b"a"), UNKNOWN),
    "an upload under another name": (UPLOAD, FORM, form("photo", b"a"), UNFIT),
    "an empty upload": (UPLOAD, FORM, form("file", b""), UNFIT),
    "an upload that is no form": (UPLOAD, CODE, json_of({"file": "a"}), WRONG_TYPE),
}


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Prism:
    """`prism mock` or `prism proxy`, with what it wrote."""

    def __init__(self, *arguments: str) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.log = BUILT / f"prism-{arguments[0]}.log"
        command = [HERE / "node_modules/.bin/prism", arguments[0], HERE / "openapi.yaml", *arguments[1:]]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [*command, "--errors", "--port", str(port), "--host", "127.0.0.1"], stdout=log, stderr=log
            )
        for _ in range(300):
            if self.process.poll() is not None:
                break
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return
            except OSError:
                time.sleep(0.1)
        raise SystemExit(f"Prism does not start:\n{self.log.read_text()}")

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()

    def complaints(self) -> list[str]:
        plain = re.sub(r"\x1b\[[0-9;]*m", "", self.log.read_text())
        return [line.strip() for line in plain.splitlines() if re.search(r"violation|error|warn|✖", line, re.I)]


def answer(url: str, headers: dict[str, str], body: bytes | None) -> tuple[int, object]:
    request = urllib.request.Request(url, body, headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as got:
            return got.status, json.loads(got.read()).get("body")
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(errors="replace")[:300]


def ask_simulator(prism: str, simulator: str) -> list[str]:
    """The main job by hand: what Prism finds wrong with the simulator's answers."""
    problems = []

    def call(path: str, body: dict[str, object] | None) -> object:
        code, said = answer(prism + path, CODE, json.dumps(body).encode() if body else None)
        if code != 200:
            problems.append(f"{path}: {code} {said}")
        return said

    paths = []
    for n in range(1, 9):
        photo = (ROOT / f"tests/photos/{n:02}.jpg").read_bytes()
        paths.append(answer(simulator + UPLOAD, FORM, form("file", photo))[1])
    training = call("/cloud/aigc_user_model_create", {"img_set": paths})
    time.sleep(1)
    styles = call("/cloud/aigc_product_brief_query", None)
    if problems:
        return problems
    call("/cloud/aigc_task_query", {"task_id": training["task_id"]})
    created = call("/cloud/aigc_task_create", {"user_id": training["user_id"], "style": styles[0]["style"]})
    if not problems:
        call("/cloud/aigc_task_query", {"task_id": created["task_id"]})
        time.sleep(1)
        call("/cloud/aigc_task_query", {"task_id": created["task_id"]})
    return problems


def run(driver: str, url: str, credential: dict[str, str]) -> str | None:
    """What is wrong; nothing if it went well."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("XIEZHEN_")}
    environment |= credential | {"XIEZHEN_BASE_URL": url, "PHOTOS": str(ROOT / "tests/photos")}
    outcome = subprocess.run(DRIVERS[driver], env=environment, capture_output=True, text=True, timeout=90, check=False)
    said = (outcome.stdout + outcome.stderr).strip()
    return None if outcome.returncode == 0 and said == "succeeded" else said or f"exit {outcome.returncode}"


def main() -> int:
    BUILT.mkdir(parents=True, exist_ok=True)
    failures = 0
    simulator = subprocess.Popen(
        [TARGET / "debug/xiezhen-simulator", "--clock-scale", "1000", "--pictures-per-task", "1"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    behind = simulator.stdout.readline().strip()
    servers = {"mock": Prism("mock"), "before the simulator": Prism("proxy", behind)}
    try:
        for what, (path, headers, body, wanted) in REFUSED.items():
            code = answer(servers["mock"].url + path, headers, body)[0]
            failures += code != wanted
            print(f"{'FAILED' if code != wanted else 'ok':8}Prism refuses {what}: {code}, expected {wanted}")
        for credential, values in CREDENTIALS.items():
            for driver in DRIVERS:
                problem = run(driver, servers["mock"].url, values)
                failures += problem is not None
                print(f"{'FAILED' if problem else 'ok':8}{driver:13}{credential:8}{problem or ''}")
        wrong = ask_simulator(servers["before the simulator"].url, behind)
        failures += len(wrong)
        print(f"{'FAILED' if wrong else 'ok':8}the simulator's answers  {wrong or ''}")
        if failures:
            print(*[line for server in servers.values() for line in server.complaints()[-8:]], sep="\n")
    finally:
        for server in servers.values():
            server.stop()
        simulator.stdin.close()
        simulator.wait()
    print(f"{failures} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
