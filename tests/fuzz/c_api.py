"""Random sequences of calls of the C API, against the debug library: `make -C tests/fuzz test`.

The signatures are read from `xiezhen.h`, so a new function is called without a change here. Each sequence runs in a
child process of its own: a crash, a hang, or a status `XIEZHEN_INTERNAL` (a panic that was caught) is a finding, and
its seed and last calls are printed. Everything that the header's rules allow may come, wrong arguments included: NULL,
text that is no UTF-8, freed order, numbers at their limits. What they forbid (a handle used after its `_free`) doesn't.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from c_header import CALLBACKS, Function, functions
from c_sequence import INTERNAL, ROOT, Sequence

# What random arguments never bring to a good end, and why.
NEVER_WELL: dict[str, str] = {
    "xiezhen_begin_advance": "its saves are answered from the queue by the one thread, which may be in a call that waits for it",
    "xiezhen_completion_saved": "nothing asks for it",
}
# A call hangs if it is not over after so many of our own naps. Where the machine has no time for us, they take longer
# too: what is slow because others are busy is no finding. No call takes a tenth of that by its own clock.
NAP, NAPS = 0.02, 1500


def simulator(target: Path) -> tuple[subprocess.Popen[str], str]:
    process = subprocess.Popen(
        [target / "xiezhen-simulator", "--port", "0", "--clock-scale", "1000", "--pictures-per-task", "1"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout
    return process, process.stdout.readline().strip()


def portrait(url: str) -> list[bytes]:
    """A finished portrait in a space: a user and two tasks, which random calls seldom bring about."""
    credential = {"Authorization": "APPCODE simulator-app-code", "Content-Type": "application/json"}

    def call(path: str, body: bytes, headers: dict[str, str] = credential) -> Any:
        request = urllib.request.Request(f"{url}/cloud/{path}", body, headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read())["body"]

    photo = (ROOT / "tests/photos/10.jpg").read_bytes()
    form = b'--b\r\nContent-Disposition: form-data; name="file"; filename="1.jpg"\r\n\r\n' + photo + b"\r\n--b--\r\n"
    uploaded = call("upload_file", form, credential | {"Content-Type": "multipart/form-data; boundary=b"})
    training = call("aigc_user_model_create", json.dumps({"img_set": [uploaded] * 8}).encode())
    finish = urllib.request.Request(f"{url}/_simulator/tasks/{training['task_id']}", b'{"state": 3}')
    urllib.request.urlopen(finish, timeout=30).close()
    order = {"user_id": training["user_id"], "style": "20057d0c-8cef-447e-88d0-a8f3490fd0b0"}
    generation = call("aigc_task_create", json.dumps(order).encode())
    return [uploaded.encode(), training["user_id"].encode(), training["task_id"].encode(), *[generation["task_id"].encode()] * 2]


def child(
    library: ctypes.CDLL, known: list[Function], seed: str, url: str, log: int, length: int, texts: list[bytes]
) -> int:
    """Runs a sequence in a fork and gives its wait status; one that gets no further is killed."""
    pid = os.fork()
    if pid:
        return ended(pid, log)
    code = 1
    try:
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            good = Sequence(library, known, random.Random(seed), url, folder, log, texts=texts).run(length)
            code = 0 if good else INTERNAL
    finally:
        os._exit(code)


def ended(pid: int, log: int) -> int:
    """Waits for the child for as long as its log grows: each call writes when it begins and when it is over."""
    written, naps = 0, 0
    while True:
        gone, status = os.waitpid(pid, os.WNOHANG)
        if gone:
            return status
        size = os.fstat(log).st_size
        written, naps = size, naps + 1 if size == written else 0
        if naps == NAPS:
            os.kill(pid, signal.SIGALRM)
        time.sleep(NAP)


def verdict(status: int) -> str | None:
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        return "hangs" if number == signal.SIGALRM else f"died of {signal.Signals(number).name}"
    code = os.WEXITSTATUS(status)
    return {0: None, INTERNAL: "XIEZHEN_INTERNAL"}.get(code, f"the driver failed ({code})")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--target", type=Path, default=ROOT / "target/debug")
    parser.add_argument("--seed", type=int, default=20261122)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--sequences", type=int, help="in place of --seconds")
    parser.add_argument("--only", type=int, help="this one sequence again")
    parser.add_argument("--length", type=int, default=120)
    options = parser.parse_args()
    for name in [name for name in os.environ if name.startswith("XIEZHEN_")]:
        del os.environ[name]
    header = (ROOT / "bindings-c/include/xiezhen.h").read_text()
    known = functions(header)
    strange = set(re.findall(r"^typedef \w+ \(\*(\w+)\)", header, re.M)) ^ set(CALLBACKS)
    if strange:
        raise SystemExit(f"CALLBACKS and the header differ: {sorted(strange)}")
    library = ctypes.CDLL(str(options.target / "libxiezhen.so"))
    process, url = simulator(options.target)
    began, done, findings = time.monotonic(), 0, 0
    # A driver whose calls are all refused at the door would find nothing behind it.
    fallible = {function.name for function in known if function.returns == "xiezhen_status"}
    succeeded: set[str] = set()
    number = options.only or 0
    try:
        while findings < 3:
            enough = done >= options.sequences if options.sequences else time.monotonic() - began > options.seconds
            if enough or (options.only is not None and done):
                break
            with tempfile.TemporaryFile() as log:
                seed, space = f"{options.seed}/{number}", f"{url}/spaces/c{number}"
                status = child(library, known, seed, space, log.fileno(), options.length, portrait(space))
                problem = verdict(status)
                log.seek(0)
                calls = log.read().decode(errors="replace").splitlines()
                succeeded.update(call.partition("(")[0] for call in calls if call.endswith(" = '0'"))
                if problem:
                    findings += 1
                    print(f"FOUND sequence {number} {problem}; again: --seed {options.seed} --only {number}")
                    print("  " + "\n  ".join(calls[-15:]))
            done, number = done + 1, number + 1
    finally:
        process.stdin.close()
        process.wait()
    seconds = time.monotonic() - began
    print(f"c_api: {done} sequences, {done * options.length} calls in {seconds:.1f} s, {findings} findings")
    never = fallible - succeeded
    print(f"  {len(known)} functions; of {len(fallible)} that can fail, never well: {sorted(never)}")
    if options.only is None and never - set(NEVER_WELL):
        findings += 1
        print(f"FOUND nothing: {sorted(never - set(NEVER_WELL))} never went well, so nothing behind them was tried")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
