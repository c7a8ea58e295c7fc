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
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[2]
INTERNAL = 14
NUMBERS = {
    "uint64_t": ctypes.c_uint64, "uint32_t": ctypes.c_uint32, "int32_t": ctypes.c_int32, "int64_t": ctypes.c_int64,
    "size_t": ctypes.c_size_t, "double": ctypes.c_double, "bool": ctypes.c_bool, "void": None,
}  # fmt: skip
CALLBACKS = {
    "xiezhen_on_event": ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p),
    "xiezhen_save": ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p),
    "xiezhen_on_end": ctypes.CFUNCTYPE(
        ctypes.c_int32, ctypes.c_size_t, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p
    ),
    "xiezhen_on_job_event": ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_size_t, ctypes.c_void_p, ctypes.c_void_p),
    "xiezhen_on_job_end": ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_size_t, ctypes.c_void_p, ctypes.c_void_p),
    "xiezhen_on_log": ctypes.CFUNCTYPE(None, ctypes.c_int32, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_void_p),
}
# What random arguments never bring to a good end, and why.
NEVER_WELL: dict[str, str] = {
    "xiezhen_begin_advance": "its saves are answered from the queue by the one thread, which may be in a call that waits for it",
    "xiezhen_completion_saved": "nothing asks for it",
}
# Their addresses and secrets are nothing that random arguments hit: the target `callbacks` has what is behind them, and
# `bindings-c/tests/hints.c` these functions.
OF_CALLBACKS = re.compile(
    r"xiezhen_(callbacks_|receive|hint_|notify_hint|\w+_set_(callback|callback_key|woken)$)"
)
# What later calls are most likely to need.
TELLING = {
    "xiezhen_string": ["xiezhen_string_text"],
    "xiezhen_created": ["xiezhen_created_task_id", "xiezhen_created_user_id"],
}
# A call hangs if it is not over after so many of our own naps. Where the machine has no time for us, they take longer
# too: what is slow because others are busy is no finding. No call takes a tenth of that by its own clock.
NAP, NAPS = 0.02, 1500
# Calls that bring a sequence further; each is as likely as four others.
FURTHER = re.compile(
    r"xiezhen_(upload_file|create_\w+|query_task|wait_\w+|save_results|run|advance|job_(to_json|from_json|read_checkpoint)"
    r"|job_adopt\w*|run_options_set_c\w+|begin_\w+|queue_\w+|client_with_options|check_photos|job_give_photo"
    r"|job_missing_photos)$"
)
# A run ended between a create and its answer: only of such a job can a task be adopted.
UNANSWERED = """{"version": 1, "host": "HOST", "stage": "generating", "user_id": "U1", "photos": [], "training": null,
"portraits": [{"style": "仙气十足", "style_id": null, "task_id": null, "state": null, "error": null, "intent": true}]}"""


@dataclass
class Function:
    name: str
    returns: str
    parameters: list[tuple[str, str]]


def functions(header: str) -> list[Function]:
    """Every function of the header, with its types as they are written."""
    header = re.sub(r"/\*.*?\*/|//[^\n]*", "", header, flags=re.S)
    header = re.sub(r"^#.*", "", header, flags=re.M)
    found = []
    for returns, name, listed in re.findall(r"^((?:const )?\w+ \*?)(xiezhen_\w+)\(([^;]*?)\);", header, re.M):
        if OF_CALLBACKS.match(name):
            continue
        parameters = []
        for parameter in re.sub(r"\s+", " ", listed).split(", "):
            if parameter != "void":
                kind, _, called = re.match(r"(.*?[ *])((?=\w+$))(\w+)$", parameter).groups()
                parameters.append((kind.strip(), called))
        found.append(Function(name, returns.strip(), parameters))
    return found


@dataclass
class Handle:
    """A pointer of the library's; `owner` is what it belongs to, if it is not ours to free."""

    pointer: int
    owner: Handle | None = None
    alive: bool = True

    def usable(self) -> bool:
        return self.alive and (self.owner is None or self.owner.usable())


@dataclass
class Sequence:
    """One child's calls."""

    library: ctypes.CDLL
    functions: list[Function]
    choice: random.Random
    url: str
    folder: str
    log: int
    pools: dict[str, list[Handle]] = field(default_factory=dict)
    texts: list[bytes] = field(default_factory=list)
    kept: list[object] = field(default_factory=list)

    def pool(self, kind: str) -> list[Handle]:
        handles = [handle for handle in self.pools.get(kind, []) if handle.usable()]
        self.pools[kind] = handles
        return handles

    def text(self, called: str, odd_ones: float = 0.2) -> bytes | None:
        choice = self.choice
        photos = ROOT / "tests/photos"
        likely = {
            "base_url": [self.url.encode()] * 3 + [b"http://127.0.0.1:x", b"ftp://h", b"https://u:p@h"],
            "app_code": [b"simulator-app-code"] * 3,
            "path": [str(photos / f"{n:02}.jpg").encode() for n in range(1, 6)] + [self.folder.encode() + b"/job.json"] * 2,
            "save_to": [self.folder.encode()],
            "checkpoint": [self.folder.encode() + b"/job.json", self.folder.encode()],
            "style": ["仙气十足".encode(), "花好月圆".encode(), b"20057d0c-8cef-447e-88d0-a8f3490fd0b0"],
            "ca_file": [b"/dev/null"],
            "proxy": [b"", b"http://127.0.0.1:1"],
            "task_id": [text for text in self.texts if re.fullmatch(rb"[0-9a-f-]{36}", text)],
            "user_id": [text for text in self.texts if re.fullmatch(rb"U\d+", text)],
            "img_set": [text for text in self.texts if text.startswith(b"user_upload/")],
            "json": [text for text in self.texts if text.startswith(b"{")],
        }.get(called, self.texts)
        if likely and choice.random() >= odd_ones:
            return choice.choice(likely)
        odd = [None, b"", b"\xff\xfe", b"\xed\xa0\x80", "写真 é \u202e".encode(), b"x" * 10_000, b"\n\r\x01", b"../..", b"{}"]
        return choice.choice(odd + self.texts[-20:])

    def number(self, kind: str, called: str) -> object:
        choice = self.choice
        if kind == "bool":
            return choice.random() < 0.5
        if kind == "double":
            return choice.choice([0.0, -1.0, 1.0, 1.5, 1e9, float("inf"), float("nan"), 5e-324])
        if called.endswith("_ms"):
            # Never long enough for a sequence to be taken for one that hangs.
            return choice.choice([0, 1, 20, 300, 2000, 2**64 - 1] if "timeout" not in called else [0, 1, 20, 300, 2000])
        if kind == "int32_t":
            return choice.choice([0, 1, 5, 14, 15, -1, 2**31 - 1, -(2**31)])
        return choice.choice([0, 1, 2, 3, 8, 2**31, 2**32 - 1] + ([2**64 - 1] if kind != "uint32_t" else []))

    def callback(self, kind: str) -> object:
        """Sometimes none; otherwise one that goes on, or stops, and may read what it was given."""
        if self.choice.random() < 0.3:
            return None
        answers = [0] * 9 + [self.choice.choice([0, 1, -1])]
        # Of its own: how often it is called is a matter of time, and what is called next is not.
        choice = random.Random(self.choice.random())
        event_json = self.library.xiezhen_event_json

        def called(*arguments: object) -> int | None:
            if kind == "xiezhen_on_event":
                event_json(ctypes.c_void_p(arguments[0]))
            return None if kind == "xiezhen_on_log" else choice.choice(answers)

        made = CALLBACKS[kind](called)
        self.kept.append(made)
        return made

    def arguments(self, function: Function) -> tuple[list[object], list[tuple[str, object]], list[Handle]]:
        """What to call it with, what it writes to, and the handles among that."""
        values: list[object] = []
        outs: list[tuple[str, object]] = []
        handles: list[Handle] = []
        count: int | None = None
        for kind, called in function.parameters:
            if kind == "const char *":
                values.append(ctypes.c_char_p(self.text(called)))
            elif kind == "const char *const *":
                item = "img_set" if called == "img_set" else "task_id"
                # One odd text spoils a list: half of them have none.
                odd_ones = self.choice.choice([0, 0.2])
                # As many keys as there are jobs.
                length = self.choice.choice([0, 1, 8, 8, 9, 20, 21]) if count is None else count
                items = [self.text(item, odd_ones) for _ in range(length)]
                # Every place is there, but a place may be NULL; so may the array, which then has no places.
                count = len(items)
                array = (ctypes.c_char_p * max(count, 1))(*items)
                self.kept.append(array)
                values.append(array if self.choice.random() < 0.9 else None)
                if values[-1] is None and called != "keys":
                    count = self.choice.choice([0, 3])
            elif match := re.fullmatch(r"const (xiezhen_\w+) \*const \*", kind):
                pool = self.pool(match[1])
                chosen = [self.choice.choice(pool) for _ in range(self.choice.choice([0, 1, 1, 2, 8]))] if pool else []
                count = len(chosen)
                array = (ctypes.c_void_p * max(count, 1))(*[handle.pointer for handle in chosen])
                self.kept.append(array)
                values.append(array)
            elif kind == "size_t *":
                # Where indices are written, or how many there are.
                room = 32 if called == "indices" else 1
                array = (ctypes.c_size_t * room)()
                self.kept.append(array)
                values.append(array)
                count = room if called == "indices" else None
            elif kind == "const uint8_t *":
                data = self.choice.choice([b"", b"BM\0", self.choice.randbytes(100), (ROOT / "tests/photos/10.jpg").read_bytes()])
                count = len(data)
                self.kept.append(data)
                values.append(ctypes.cast(ctypes.c_char_p(data), ctypes.c_void_p))
            elif kind == "size_t" and count is not None:
                values.append(ctypes.c_size_t(count))
                count = None
            elif kind.endswith("**"):
                place = ctypes.c_void_p()
                missing = self.choice.random() < (0.3 if called == "error" else 0.03)
                values.append(None if missing else ctypes.byref(place))
                outs.append((kind[:-2].strip(), place))
            elif kind == "uint64_t *":
                place = ctypes.c_uint64()
                self.kept.append(place)
                values.append(ctypes.byref(place) if self.choice.random() < 0.95 else None)
            elif kind == "void *":
                values.append(None)
            elif kind.endswith("*"):
                pool = self.pool(kind.removeprefix("const ").removesuffix("*").strip())
                # What is changed or freed is ours: never something that belongs to another handle.
                if not kind.startswith("const "):
                    pool = [handle for handle in pool if handle.owner is None]
                handle = self.choice.choice(pool) if pool and self.choice.random() < 0.95 else Handle(0)
                handles.append(handle)
                values.append(ctypes.c_void_p(handle.pointer or None))
            elif kind in NUMBERS:
                values.append(NUMBERS[kind](self.number(kind, called)))
            elif kind in CALLBACKS:
                values.append(self.callback(kind))
            else:  # an enum, whose values may be none of its own
                values.append(ctypes.c_int32(self.choice.choice([0, 1, 2, 3, 4, 5, 6, -1, 2**31 - 1])))
        return values, outs, handles

    def step(self, function: Function) -> bool:
        """One call; false if the library said that it is defective."""
        values, outs, handles = self.arguments(function)
        os.write(self.log, f"{function.name}({', '.join(shown(value) for value in values)})".encode())
        call = getattr(self.library, function.name)
        call.restype = restype(function.returns)
        if function.name == "xiezhen_queue_wait":
            # For ever is for ever.
            values[1] = ctypes.c_uint64(min(values[1].value, 50))
        outcome = call(*values)
        os.write(self.log, f" = {str(outcome)[:60]!r}\n".encode())
        if function.name.endswith("_free"):
            for handle in handles:
                handle.alive = False
        for kind, place in outs:
            if place.value:
                self.keep(kind, Handle(place.value))
        owner = next((handle for handle in handles if handle.pointer), None)
        if function.returns == "const char *" and outcome:
            self.texts.append(outcome[:4096])
        elif function.returns.endswith("*") and function.returns != "const char *" and outcome:
            constant = function.returns.startswith("const ")
            kind = function.returns.removeprefix("const ").removesuffix("*").strip()
            self.keep(kind, Handle(outcome, owner if constant else None))
        return not (function.returns == "xiezhen_status" and outcome == INTERNAL)

    def keep(self, kind: str, handle: Handle) -> None:
        """Puts a handle where later calls find it, and what it says where they find texts."""
        self.pools.setdefault(kind, []).append(handle)
        for name in TELLING.get(kind, ()):
            reader = getattr(self.library, name)
            reader.restype = ctypes.c_char_p
            text = reader(ctypes.c_void_p(handle.pointer))
            if text:
                self.texts.append(text[:1 << 16])

    def prologue(self) -> None:
        """What random calls seldom put together: options, and a client of the simulator with them."""
        library = self.library
        for name in ("xiezhen_client_options_new", "xiezhen_job_options_new"):
            getattr(library, name).restype = ctypes.c_void_p
        options = library.xiezhen_client_options_new()
        self.keep("xiezhen_client_options", Handle(options))
        known = ctypes.c_void_p(options)
        library.xiezhen_client_options_set_base_url(known, self.url.encode(), None)
        library.xiezhen_client_options_set_app_code(known, b"simulator-app-code", None)
        library.xiezhen_client_options_set_max_retries(known, ctypes.c_uint32(1), None)
        library.xiezhen_client_options_set_timeout_ms(known, ctypes.c_uint64(2000), None)
        for kind in ("training", "generation"):
            setter = getattr(library, f"xiezhen_client_options_set_{kind}_schedule")
            setter(known, ctypes.c_uint64(10), ctypes.c_double(1.0), ctypes.c_uint64(10), None)
        client = ctypes.c_void_p()
        library.xiezhen_client_new(known, ctypes.byref(client), None)
        self.keep("xiezhen_client", Handle(client.value))
        wish = library.xiezhen_job_options_new()
        for photo in range(1, 9):
            path = str(ROOT / f"tests/photos/{photo:02}.jpg").encode()
            library.xiezhen_job_options_add_photo_path(ctypes.c_void_p(wish), path, None)
            library.xiezhen_photo_from_path(path, ctypes.byref(client), None)
            self.keep("xiezhen_photo", Handle(client.value))
        if self.choice.random() < 0.7:
            library.xiezhen_job_options_add_style(ctypes.c_void_p(wish), "仙气十足".encode(), None)
        self.keep("xiezhen_job_options", Handle(wish))
        unanswered = UNANSWERED.replace("HOST", urlsplit(self.url).netloc)
        if library.xiezhen_job_from_json(unanswered.encode(), ctypes.byref(client), None) != 0:
            raise SystemExit("the job without an answer is not read")
        self.keep("xiezhen_job", Handle(client.value))
        self.texts.append(unanswered.encode())
        Path(self.folder, "job.json").write_text(unanswered)
        library.xiezhen_queue_new(ctypes.byref(client), None)
        self.keep("xiezhen_queue", Handle(client.value))
        for kind in ("cancel", "run_options", "call_options", "run_many_options"):
            make = getattr(library, f"xiezhen_{kind}_new")
            make.restype = ctypes.c_void_p
            self.keep(f"xiezhen_{kind}", Handle(make()))

    def run(self, length: int) -> bool:
        self.prologue()
        called = [function for function in self.functions if function.name != "xiezhen_begin_advance"]
        weights = [4 if FURTHER.match(function.name) else 1 for function in called]
        return all(self.step(function) for function in self.choice.choices(called, weights, k=length))


def restype(returns: str) -> object:
    if returns == "const char *":
        return ctypes.c_char_p
    if returns.endswith("*"):
        return ctypes.c_void_p
    return NUMBERS[returns] if returns in NUMBERS else ctypes.c_int32


def shown(value: object) -> str:
    return repr(getattr(value, "value", value))[:60]


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
    wish = {"user_id": training["user_id"], "style": "20057d0c-8cef-447e-88d0-a8f3490fd0b0"}
    generation = call("aigc_task_create", json.dumps(wish).encode())
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
