"""Holds what happened against what was promised, and one driver's outcome against another's."""

from __future__ import annotations

import json
import re
from typing import Any

# Differs from run to run: random, or a matter of time.
# What is refused in a language's own spelling is held against the scenario only.
VOLATILE = {"delay", "delay_ms", "request_id", "spelled"}
# Says what the operating system said, in whatever order it noticed.
WORDED_BY_THE_SYSTEM = {"transport", "outcome_unknown", "timeout"}


def differences(expected: Any, seen: Any, at: str = "") -> list[str]:
    """Where `seen` is not what `expected` says. Objects may have more fields; `null` means that one is absent."""
    if isinstance(expected, dict):
        if any(name.startswith("$") for name in expected):
            return [fault for name, wanted in expected.items() for fault in operator(name, wanted, seen, at)]
        if not isinstance(seen, dict):
            return [f"{at}: expected an object, got {shown(seen)}"]
        return [fault for name, wanted in expected.items() for fault in differences(wanted, seen.get(name), f"{at}.{name}")]
    if isinstance(expected, list):
        if not isinstance(seen, list) or len(seen) != len(expected):
            return [f"{at}: expected {len(expected)} of them, got {shown(seen)}"]
        return [f for n, (wanted, one) in enumerate(zip(expected, seen)) for f in differences(wanted, one, f"{at}[{n}]")]
    same = expected == seen and isinstance(expected, bool) == isinstance(seen, bool)
    return [] if same else [f"{at}: expected {shown(expected)}, got {shown(seen)}"]


def operator(name: str, wanted: Any, seen: Any, at: str) -> list[str]:
    """`{"$count": 3}` and the like."""
    if name == "$count":
        fits = hasattr(seen, "__len__") and len(seen) == wanted
    elif name == "$contains" and isinstance(seen, list):
        fits = any(not differences(wanted, one) for one in seen)
    elif name == "$contains":
        fits = isinstance(seen, str) and wanted in seen
    elif name == "$at_most":
        fits = isinstance(seen, list) and len(seen) <= wanted
    elif name == "$at_most_each":
        named, most = wanted
        fits = all(sum(one.get(named) == other.get(named) for other in seen) <= most for one in seen)
    elif name == "$matches":
        fits = isinstance(seen, str) and re.search(wanted, seen) is not None
    elif name == "$in_order":
        rest = iter(seen or [])
        fits = all(any(not differences(one, event) for event in rest) for one in wanted)
    elif name == "$each":
        fits = isinstance(seen, list) and all(not differences(wanted, one) for one in seen)
    elif name == "$distinct":
        fits = len({str(one.get(wanted)) for one in seen}) == len(seen) and all(one.get(wanted) for one in seen)
    elif name == "$apart_ms":
        times = [one["at_ms"] for one in seen]
        fits = all(later - sooner >= wanted for sooner, later in zip(times, times[1:]))
    elif name == "$not":
        fits = bool(differences(wanted, seen))
    elif name == "$present":
        fits = (seen is not None) == wanted
    else:
        raise SystemExit(f"{name} is no operator")
    return [] if fits else [f"{at}: expected {name} {shown(wanted)}, got {shown(seen)}"]


def shown(value: Any) -> str:
    """A value, short enough to read."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 300 else f"{text[:300]}…"


def comparable(reply: dict[str, Any], replacements: dict[str, str]) -> str:
    """A reply as every driver must give it: without what differs from run to run."""
    reply = dict(reply)
    if is_cut_off(reply):
        # How far the job had got is a matter of the moment, and of how busy the machine is.
        reply.pop("events", None)
        reply["job"] = {"styles": [portrait["style"] for portrait in reply["job"].get("portraits") or []]}
    if "events" in reply:
        # Styles and photos go side by side: in which order they came is checked by scenarios, where it matters.
        order = ("type", "index", "style", "state", "path", "message")
        settled = filter(is_settled, reply["events"])
        reply["events"] = sorted(settled, key=lambda event: [str(event.get(name)) for name in order])
    text = json.dumps(without_volatile(reply), ensure_ascii=False, sort_keys=True)
    for what, name in replacements.items():
        text = text.replace(what, name)
    text = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "<id>", text)
    text = re.sub(r"-[a-z2-7]{10}-(\d+\.)", r"-<id>-\1", text)
    text = text.replace('"state": "running"', '"state": "waiting"').replace('"raw_state": 2', '"raw_state": 1')
    text = re.sub(r"picture \d+ of", "a picture of", text)
    text = re.sub(r"timestamp:\d{13}", "timestamp:<now>", text)
    text = re.sub(r"sig=\w+", "sig=<signature>", text)
    return re.sub(r"U\d{13}", "<user>", text)


def is_cut_off(reply: dict[str, Any]) -> bool:
    """Whether a job stopped somewhere on its way: scenarios say what has to be true of it there."""
    goes_on = isinstance(reply.get("value"), dict) and reply["value"].get("again")
    code = (reply.get("error") or {}).get("code")
    return bool(reply.get("job")) and bool(goes_on or code in ("cancelled", "timeout"))


def is_settled(event: dict[str, Any]) -> bool:
    """Whether it comes as often whatever the moment of a look."""
    passing = event["type"] == "photo_uploading" or event.get("state") in ("waiting", "running")
    return not passing and event["type"] not in ("retrying", "unknown_state")


def without_volatile(value: Any) -> Any:
    if isinstance(value, list):
        return [without_volatile(one) for one in value]
    if not isinstance(value, dict):
        return value
    worded = value.get("code") in WORDED_BY_THE_SYSTEM
    skipped = VOLATILE | ({"message"} if worded else set()) | (set() if value.get("problems") else {"problems"})
    if "\ufffd" in (value.get("body_start") or ""):
        skipped = skipped | {"body_start"}  # garbage is another one each time
    return {name: without_volatile(one) for name, one in value.items() if name not in skipped and one is not None}
