"""Names, parameters, defaults, words and error codes of the languages, compared with one table (`table.json`).

Every deviation has to be in the table's list of differences, with its reason; a difference that is no longer there fails
as well.
"""

from __future__ import annotations

import re
import sys

from languages import TABLE, Async, C, Cpp, Node, Python, Rust, found, read
from values import READERS, unsaid


def compare(language: str, where: str, got: set[str], wanted: set[str]) -> list[str]:
    justified = [row for row in TABLE["differences"] if (row["language"], row["where"]) == (language, where)]
    missing = {name for row in justified for name in row.get("missing", [])}
    added = {name for row in justified for name in row.get("added", [])}
    problems = []
    for what, names in (("lacks", wanted - got - missing), ("has, and the table hasn't,", got - wanted - added)):
        problems += [f"{language}: {where} {what} {name}" for name in sorted(names)]
    stale = (missing & got) | (added - got)
    return problems + [f"{language}: {where}: the difference about {name} is gone" for name in sorted(stale)]


def check_values(language: str) -> list[str]:
    """What the fields of values and events are. C has one kind of event, with every field."""
    values, events = READERS[language]()
    problems = []
    for name, fields in TABLE["values"].items():
        problems += compare(language, f"value {name}", values.get(name, set()), set(fields))
    wanted = {name: set(fields) for name, fields in TABLE["events"].items()}
    if "any" in events:
        wanted = {"any": set().union(*wanted.values())}
    for name in sorted(set(wanted) | set(events)):
        problems += compare(language, f"event {name}", events.get(name, set()), wanted.get(name, set()))
    return problems


def unused(language: Rust | Python | Node | C | Cpp) -> list[str]:
    """Options that no call of the table knows."""
    if isinstance(language, C):
        given = language.setters("call") | language.setters("run")
    elif isinstance(language, Cpp):
        given = language.members("CallOptions") | language.members("RunOptions")
    else:
        return []
    return compare(language.name, "options of calls", given, set().union(*TABLE["calls"].values()) & given)


def schedules() -> list[str]:
    """The numbers behind the names of the two schedules."""
    source, problems = read("core/src/options.rs"), []
    for name in ("TRAINING", "GENERATION"):
        body = found(rf"pub const {name}: Self = Self \{{(.*?)\}};", source, re.S)
        numbers = [float(one) for one in re.findall(r"\d+(?:\.\d+)?", body)]
        wanted = [float(one.removesuffix(" s")) for one in TABLE["numbers"][f"{name.lower()}_schedule"]]
        problems += [f"rust: PollSchedule::{name} is {numbers}, not {wanted}"] * (numbers != wanted)
    return problems


def check(language: Rust | Python | Node | C | Cpp) -> list[str]:
    """Everything about one language that is not as the table says."""
    codes = language.codes()
    problems = compare(language.name, "codes", set(codes), set(TABLE["codes"]))
    problems += [f"{language.name}: {code} is {row}" for code, row in codes.items() if row != TABLE["codes"].get(code)]
    problems += compare(language.name, "error", language.error(), set(TABLE["error"]))
    for name, words in TABLE["words"].items():
        problems += compare(language.name, f"words {name}", language.words(name), set(words))
    problems += compare(language.name, "options", language.options(), set(TABLE["options"]))
    wanted = {name: value for name, value in TABLE["options"].items() if value is not None}
    if language.defaults() != wanted:
        problems.append(f"{language.name}: the defaults are {language.defaults()}")
    problems += compare(language.name, "methods", language.methods(), set(TABLE["calls"]))
    for call, parameters in TABLE["calls"].items():
        problems += compare(language.name, f"call {call}", language.parameters(call), set(parameters))
    functions = language.functions()
    for function, parameters in TABLE["functions"].items():
        problems += compare(language.name, f"function {function}", functions.get(function, set()), set(parameters))
    problems += unused(language) + unsaid(language.name, TABLE["numbers"])
    if language.name in READERS:
        problems += check_values(language.name)
    return problems + [f"{language.name}: {name} is not in the C header" for name in getattr(language, "unknown", [])]


def main() -> int:
    languages = [Rust(), Python(), Async(), Node(), C(), Cpp()]
    problems = [problem for language in languages for problem in check(language)] + schedules()
    named = [TABLE["codes"], TABLE["error"], TABLE["options"], TABLE["calls"], TABLE["functions"]]
    named += [*TABLE["words"].values(), *TABLE["calls"].values(), *TABLE["functions"].values()]
    fields = sum(map(len, [*TABLE["values"].values(), *TABLE["events"].values()]))
    compared = len(languages) * sum(map(len, named)) + len(READERS) * fields
    print(*problems, sep="\n")
    print(
        f"{compared} names compared in {len(languages)} languages, {len(TABLE['differences'])} justified differences, "
        f"{len(problems)} problems"
    )
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
