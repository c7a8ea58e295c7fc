"""The functions of `xiezhen.h`, and their types for ctypes."""

from __future__ import annotations

import ctypes
import re
from dataclasses import dataclass

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
# Their addresses and secrets are nothing that random arguments hit: the target `callbacks` has what is behind them, and
# `bindings-c/tests/hints.c` these functions.
OF_CALLBACKS = re.compile(
    r"xiezhen_(callbacks_|receive|hint_|notify_hint|\w+_set_(callback|callback_key|woken)$)"
)


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


def restype(returns: str) -> object:
    if returns == "const char *":
        return ctypes.c_char_p
    if returns.endswith("*"):
        return ctypes.c_void_p
    return NUMBERS[returns] if returns in NUMBERS else ctypes.c_int32
