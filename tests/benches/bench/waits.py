"""Waits at once: what a poll costs and what a wait costs, told apart by two numbers of polls a wait."""

from collections.abc import Sequence

from bench.rounds import Result, Said, Server, Work, take_turns
from bench.table import Row, Section

WARM_UP = 256
FEW, MANY = 2, 10
SMALL, LARGE = 1_000, 10_000
FACES = {
    "Rust": ("xiezhen", "reqwest", "tasks"),
    "C": ("xiezhen", "curl"),
    "Python": ("xiezhen", "wait_many", "aiohttp"),
    "Node": ("xiezhen", "waitMany", "undici"),
}
NAMES = {
    ("Rust", "xiezhen"): "wait_many",
    ("C", "xiezhen"): "xiezhen_wait_many",
    ("Python", "xiezhen"): "wait_task each",
    ("Python", "wait_many"): "wait_many",
    ("Node", "xiezhen"): "waitTask each",
    ("Node", "waitMany"): "waitMany",
}
PEER = {"Rust": "reqwest", "C": "curl", "Python": "aiohttp", "Node": "undici"}
# Of the CPU time a poll and the memory's growth, beside the peer.
TARGETS: dict[str, tuple[float | None, float | None]] = {
    "Rust": (1.1, None),
    "C": (1.0, None),
    "Python": (0.2, 0.3),
    "Node": (0.5, 0.15),
}
KIB_A_WAIT = {"Rust": 1, "C": 1, "Python": 2, "Node": 2}
# How long the event loop may stand still, in ms.
STILL = {"Python": ("worst", "longest block of the loop"), "Node": ("p99", "event loop delay, p99")}


def order(face: str, side: str, waits: int, polls: int, again: int = 1) -> Work:
    requests = (waits * again + WARM_UP) * polls
    return Work(face, side, "waits", waits, requests, str(polls), again)


def slope(fewer: Sequence[Result], more: Sequence[Result], what: str, steps: float) -> list[float]:
    return [(b[what] - a[what]) / steps for a, b in zip(fewer, more, strict=True)]


class Waits:
    """What the sides said."""

    def __init__(self, said: Said) -> None:
        self.said = said

    def a_poll(self, face: str, side: str) -> list[float]:
        """What one more poll costs, in µs."""
        few, many = (self.said[order(face, side, LARGE, polls)] for polls in (FEW, MANY))
        return slope(few, many, "cpu", LARGE * (MANY - FEW))

    def a_wait(self, face: str, side: str) -> list[float]:
        """What a wait costs before its first poll, in µs."""
        few = self.said[order(face, side, LARGE, FEW)]
        return [few["cpu"] / LARGE - FEW * poll for few, poll in zip(few, self.a_poll(face, side), strict=True)]

    def memory(self, face: str, side: str) -> list[float]:
        """What one more wait adds to the memory's peak, in KiB."""
        small, large = (self.said[order(face, side, waits, FEW)] for waits in (SMALL, LARGE))
        return [value / 1024 for value in slope(small, large, "growth", LARGE - SMALL)]

    def all(self, face: str, side: str, what: str, scale: float) -> list[float]:
        return [result[what] / scale for result in self.said[order(face, side, LARGE, MANY)]]

    def sections(self) -> list[Section]:
        totals: list[Row] = []
        slopes: list[Row] = []
        for (face, side), name in NAMES.items():
            totals += self.totals(face, side, name)
            slopes += self.slopes(face, side, name)
        return [
            Section(
                f"{LARGE:,} waits at once, {MANY} polls each",
                f"Targets name the same number of polls on both sides; a training has 8 to 20. {CONNECTIONS_SAID}",
                totals,
            ),
            Section(
                "A poll and a wait, told apart",
                f"{LARGE:,} waits of {FEW} and of {MANY} polls: the slope is a poll's CPU time, the rest is the "
                f"wait's. Memory is the slope between {SMALL:,} and {LARGE:,} waits. `reqwest` is 64 loops over one "
                "queue, the leanest there is; a task for each wait is `tasks`.",
                slopes,
            ),
        ]

    def totals(self, face: str, side: str, name: str) -> list[Row]:
        peer = PEER[face]
        cpu, memory = TARGETS[face]
        ours = self.all(face, side, "cpu", LARGE * MANY)
        rows = [Row(face, f"{name}, CPU a poll", ours, "µs", peer, self.all(face, peer, "cpu", LARGE * MANY), cpu)]
        holder = "tasks" if face == "Rust" else peer
        growth = [self.all(face, by, "growth", 1e6) for by in (side, holder)]
        rows.append(Row(face, f"{name}, memory growth", growth[0], "MB", holder, growth[1], memory))
        if face in STILL:
            key, what = STILL[face]
            still = [self.all(face, by, key, 1) for by in (side, peer)]
            rows.append(Row(face, f"{name}, {what}", still[0], "ms", peer, still[1], limit=5))
        return rows

    def slopes(self, face: str, side: str, name: str) -> list[Row]:
        polls = self.a_poll("Rust", "reqwest")
        peer = PEER[face]
        return [
            Row(face, f"{name}, CPU of one more poll", self.a_poll(face, side), "µs", "bare reqwest", polls, 1.1),
            Row(face, f"{name}, CPU of a wait", self.a_wait(face, side), "µs", peer, self.a_wait(face, peer)),
            Row(face, f"{name}, memory of a wait", self.memory(face, side), "KiB", limit=KIB_A_WAIT[face]),
        ]


CONNECTIONS_SAID = "64 connections on both sides."


def measure(server: Server, rounds: int) -> Waits:
    amounts = ((SMALL, FEW), (LARGE, FEW), (LARGE, MANY))
    orders = [order(face, side, *amount) for amount in amounts for face, sides in FACES.items() for side in sides]
    return Waits(take_turns(server, orders, rounds))
