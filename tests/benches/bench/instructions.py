"""Instructions, which no other process of the machine disturbs: what callgrind counts of one more query or poll."""

import subprocess

from bench import queries, waits
from bench.places import WORKERS
from bench.rounds import Server, Work, check
from bench.table import Row, Section

FEW, MANY = 200, 1_200
# Enough that most polls go out together, as they do in larger numbers.
WAITS = 500
# What, by whom, beside whom, and what is to be reached; a poll also beside the practical limit, in every face.
REQWEST, CURL = ("Rust", "reqwest"), ("C", "curl")
PAIRS = [
    ("query", ("Rust", "xiezhen"), REQWEST, 1.15),
    ("query", ("C", "xiezhen"), CURL, 1.3),
    ("waits", ("C", "xiezhen"), CURL, 1.0),
    *(("waits", side, REQWEST, 1.1) for side in waits.NAMES),
]


def measure(server: Server) -> Section:
    needed = dict.fromkeys((what, side) for what, *both, _ in PAIRS for side in both)
    counted = {one: one_more(server, *one) for one in needed}
    rows = []
    for what, ours, theirs, target in PAIRS:
        name = queries.CALLS[ours[0]] if what == "query" else f"{waits.NAMES[ours]}, one more poll"
        rows.append(Row(ours[0], name, [counted[what, ours]], "k", theirs[1], [counted[what, theirs]], target))
    return Section(
        "Instructions",
        f"Of one more query and of one more poll of {WAITS} waits, in thousands, without the system's part: slopes "
        "that callgrind counts, the same from run to run where times are not. reqwest and libcurl are asked as above.",
        rows,
    )


def one_more(server: Server, what: str, by: tuple[str, str]) -> float:
    """In thousands."""
    face, side = by
    if what == "query":
        warm_up = queries.WARM_UP[face]
        few, many = (Work(face, side, what, times, times + warm_up) for times in (FEW, MANY))
    else:
        few, many = (waits.order(face, side, WAITS, polls) for polls in (waits.FEW, waits.MANY))
    return (count(server, many) - count(server, few)) / (many.requests - few.requests) / 1e3


def count(server: Server, order: Work) -> int:
    """Of a whole process."""
    server.ask("/count")
    worker = [*WORKERS[order.face], order.what, order.side, server.url, str(order.times), order.rest]
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", *worker]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    check(order, server.ask("/count"))
    return int(next(line for line in said.splitlines() if "Collected : " in line).split()[-1])
