"""The list: reads it, holds it against its schema, spreads cases out, and fills variables in."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "number": (int, float), "null": type(None)}


@dataclass
class Scenario:
    """One promise: what is done, and what must come of it."""

    name: str
    classification: bool = False
    client: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    given: str | None = None
    not_in: dict[str, str] = field(default_factory=dict)
    own_words: dict[str, str] = field(default_factory=dict)
    case: dict[str, Any] = field(default_factory=dict)
    steps: list[dict[str, Any]] = field(default_factory=list)


def read_list(folder: Path = HERE / "list") -> tuple[list[Scenario], dict[str, list[Any]]]:
    """All scenarios, one for each of their cases, and the beginnings that they share (`given`)."""
    schema = json.loads((HERE / "schema.json").read_text("utf-8"))
    scenarios: list[Scenario] = []
    given: dict[str, list[Any]] = {}
    for path in sorted(folder.glob("*.json")):
        content = json.loads(path.read_text("utf-8"))
        wrong = list(violations(content, schema, schema, path.name))
        if wrong:
            raise SystemExit("\n".join(wrong))
        given |= content.get("given", {})
        for entry in content["scenarios"]:
            scenarios += spread(entry)
    names = [scenario.name for scenario in scenarios]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise SystemExit(f"names used twice: {sorted(twice)}")
    return scenarios, given


def spread(entry: dict[str, Any]) -> list[Scenario]:
    """A scenario with cases is one scenario each, called after the case."""
    entry = dict(entry)
    cases = entry.pop("cases", None)
    if cases is None:
        return [Scenario(**entry)]
    name = entry.pop("name")
    return [Scenario(name=f"{name}: {case['is']}", case=case, **entry) for case in cases]


def violations(value: Any, schema: dict[str, Any], root: dict[str, Any], at: str) -> Any:
    """What is wrong with `value`, by the part of JSON Schema that schema.json uses: a typing slip is no passing test."""
    if "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rpartition("/")[2]]
    if "type" in schema:
        names = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        if not any(isinstance(value, TYPES[name]) for name in names):
            yield f"{at}: is no {' or '.join(names)}"
            return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{at}: {value!r} is none of {schema['enum']}"
    if "oneOf" in schema:  # of which exactly one has all its required names
        one = [part for part in schema["oneOf"] if isinstance(value, dict) and set(part["required"]) <= set(value)]
        if len(one) != 1:
            yield f"{at}: is no kind of step, or several: {sorted(value)}"
        for part in one:
            yield from violations(value, part, root, at)
    if isinstance(value, dict):
        known = schema.get("properties", {})
        yield from (f"{at}: {name!r} is missing" for name in schema.get("required", []) if name not in value)
        for name, part in value.items():
            rest = schema.get("additionalProperties", {})
            if name in known:
                yield from violations(part, known[name], root, f"{at}.{name}")
            elif rest is False:
                yield f"{at}: {name!r} means nothing here"
            else:
                yield from violations(part, rest, root, f"{at}.{name}")
    if isinstance(value, list) and "items" in schema:
        for index, part in enumerate(value):
            label = part.get("name", index) if isinstance(part, dict) else index
            yield from violations(part, schema["items"], root, f"{at}[{label}]")


def fill(value: Any, variables: dict[str, Any]) -> Any:
    """`value` with `"$name.path"` replaced by what it names, and `${name.path}` inside longer texts."""
    if isinstance(value, dict):
        return {name: fill(part, variables) for name, part in value.items()}
    if isinstance(value, list):
        return [fill(part, variables) for part in value]
    if not isinstance(value, str):
        return value
    whole = re.fullmatch(r"\$([a-z_]+(?:\.\w+)*)", value)
    if whole:
        return look_up(whole[1], variables)
    return re.sub(r"\$\{([\w.]+)\}", lambda found: str(look_up(found[1], variables)), value)


def look_up(path: str, variables: dict[str, Any]) -> Any:
    """What `a.b.0` names. A case may leave out what it has no opinion on: that is nothing."""
    known: Any = variables
    for part in path.split("."):
        if isinstance(known, list):
            known = known[int(part)]
        elif part in known:
            known = known[part]
        elif path.startswith("case."):
            return None
        else:
            raise KeyError(f"${path} was never set")
    return known
