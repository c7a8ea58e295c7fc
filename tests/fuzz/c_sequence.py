"""A random sequence of calls of the C API: what each is called with, and what is kept of what it gives."""

from __future__ import annotations

import ctypes
import os
import random
import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from c_header import CALLBACKS, NUMBERS, Function, restype

ROOT = Path(__file__).resolve().parents[2]
INTERNAL = 14
# What later calls are most likely to need.
TELLING = {
    "xiezhen_string": ["xiezhen_string_text"],
    "xiezhen_created": ["xiezhen_created_task_id", "xiezhen_created_user_id"],
}
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
        order = library.xiezhen_job_options_new()
        for photo in range(1, 9):
            path = str(ROOT / f"tests/photos/{photo:02}.jpg").encode()
            library.xiezhen_job_options_add_photo_path(ctypes.c_void_p(order), path, None)
            library.xiezhen_photo_from_path(path, ctypes.byref(client), None)
            self.keep("xiezhen_photo", Handle(client.value))
        if self.choice.random() < 0.7:
            library.xiezhen_job_options_add_style(ctypes.c_void_p(order), "仙气十足".encode(), None)
        self.keep("xiezhen_job_options", Handle(order))
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


def shown(value: object) -> str:
    return repr(getattr(value, "value", value))[:60]
