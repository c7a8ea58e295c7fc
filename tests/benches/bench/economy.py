"""Polling economy: how many queries a wait makes, and how late it sees the end."""

import json
import subprocess
import sys
from typing import TypedDict

from bench.places import ECONOMY
from bench.rounds import tell
from bench.table import Section

CLAIM = "No other loop has both fewer queries and less delay than ours, in any of these distributions."


class Point(TypedDict):
    """Means of one schedule."""

    who: str
    queries: float
    delay: float
    given_up: float


class Panel(TypedDict):
    """One distribution."""

    title: str
    tasks: int
    seed: int
    ours: Point
    peers: list[Point]
    beaten_by: list[str]


class Turn(TypedDict):
    """Shorter and longer tasks than the panels'."""

    kind: str
    median: float
    beaten_by: list[str]


class Economy(TypedDict):
    """What the simulation found."""

    panels: list[Panel]
    turns: list[Turn]


def simulate() -> Economy:
    ran = subprocess.run([ECONOMY], stdout=subprocess.PIPE, check=False)
    if ran.returncode > 1:
        sys.exit("the simulation failed")
    tell("economy")
    found: Economy = json.loads(ran.stdout)
    return found


def section(economy: Economy) -> Section:
    panels = economy["panels"]
    about = (
        f"{panels[0]['tasks']:,} tasks drawn from each distribution (seed {panels[0]['seed']}); ours by the real "
        "scheduler under a virtual clock, for tasks that its client created; a task of somebody else's costs one "
        "query more. Loops of others with their defaults, past their own deadlines too. Mean queries a task / mean "
        "seconds from the task's end to the query that sees it; in brackets the share of waits that the loop's own "
        "deadline ends."
    )
    heads = [panel["title"] for panel in panels]
    table = [f"| | {' | '.join(heads)} |", "|---" * (len(heads) + 1) + "|", line([panel["ours"] for panel in panels])]
    table += [line(list(points)) for points in zip(*(panel["peers"] for panel in panels), strict=True)]
    return Section("Polling economy", about, lines=[*table, "", verdict(panels), "", *turns(economy["turns"])])


def line(points: list[Point]) -> str:
    return f"| {points[0]['who']} | {' | '.join(map(cell, points))} |"


def cell(point: Point) -> str:
    lost = f" ({point['given_up']:.0%})" if point["given_up"] >= 0.005 else ""
    delay = point["delay"]
    return f"{point['queries']:,.1f} / {delay:.{1 if delay >= 1 else 2}f} s{lost}"


def verdict(panels: list[Panel]) -> str:
    beaten = [f"{panel['title']}: {', '.join(panel['beaten_by'])}" for panel in panels if panel["beaten_by"]]
    if not beaten:
        return f"**{CLAIM}**"
    return (
        f"**It is not true that no other loop has both fewer queries and less delay than ours:** {'; '.join(beaten)}."
    )


def turns(found: list[Turn]) -> list[str]:
    """Where the claim ends."""
    lines = ["With other medians (lognormal, as spread as above), both fewer queries and less delay than ours has:", ""]
    for kind in dict.fromkeys(turn["kind"] for turn in found):
        each = [
            f"{turn['median']:g} s: {', '.join(turn['beaten_by']) or 'nobody'}"
            for turn in found
            if turn["kind"] == kind
        ]
        lines.append(f"- {kind}: {'; '.join(each)}")
    return lines
