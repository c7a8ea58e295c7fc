"""How the cost grows with the number of waits: from 100 to 100,000 in Rust, from 1,000 in every face."""

from statistics import median

from bench.rounds import Said, Server, Work, take_turns
from bench.table import Section
from bench.waits import NAMES, order

# Waits, the two numbers of polls, and how often it is done so that there is enough to measure.
SIZES = ((100, (2, 10), 50), (1_000, (2, 10), 5), (10_000, (2, 10), 1), (100_000, (1, 3), 1))
SIDES = ("xiezhen", "reqwest")
# In every face: waits, and the two numbers of polls.
LARGE_SIZES = (1_000, 10_000, 100_000)
FEW, MANY = 1, 3
Curve = dict[str, list[float]]


def measure(server: Server, rounds: int) -> tuple[Section, dict[str, Curve]]:
    """The longest work of all: two rounds are enough for a shape."""
    rounds = min(rounds, 2)
    polled = [
        order("Rust", side, waits, polls, again) for waits, both, again in SIZES for polls in both for side in SIDES
    ]
    said = take_turns(server, polled, rounds)
    alone = {waits: Work("Rust", "xiezhen", "scheduling", waits, 0) for waits, _, _ in SIZES}
    said |= take_turns(server, alone.values(), rounds)

    curves: dict[str, Curve] = {side: {"waits": [], "poll": [], "wait": []} for side in SIDES}
    curves["scheduler"] = {"waits": [], "look": [], "memory": []}
    for waits, both, again in SIZES:
        for side in SIDES:
            few, many = (per_wait(said, order("Rust", side, waits, polls, again)) for polls in both)
            poll = (many - few) / (both[1] - both[0])
            grow(curves[side], waits=waits, poll=poll, wait=few - both[0] * poll)
        results = said[alone[waits]]
        look = median(result["cpu"] for result in results) / (waits * 11)
        grow(curves["scheduler"], waits=waits, look=look, memory=median(result["growth"] for result in results))
    return Section(
        "How the cost grows",
        "Rust, through real sockets; the last two columns are the scheduler alone, with a service that answers at "
        "once. Memory is the slope from the row above.",
        lines=lines(curves),
    ), curves


def per_wait(said: Said, done: Work) -> float:
    return median(result["cpu"] for result in said[done]) / (done.times * done.again)


def grow(curve: Curve, **values: float) -> None:
    for name, value in values.items():
        curve[name].append(value)


def lines(curves: dict[str, Curve]) -> list[str]:
    ours, theirs, alone = (curves[name] for name in (*SIDES, "scheduler"))
    table = [
        "| waits | CPU of one more poll | bare reqwest | CPU of a wait | a look, without its call | memory of a wait |",
        "|---|---|---|---|---|---|",
    ]
    for row, waits in enumerate(ours["waits"]):
        slope = ""
        if row:
            grown = alone["memory"][row] - alone["memory"][row - 1]
            slope = f"{grown / (waits - ours['waits'][row - 1]):,.0f} B"
        table.append(
            f"| {waits:,.0f} | {ours['poll'][row]:.1f} µs | {theirs['poll'][row]:.1f} µs "
            f"| {ours['wait'][row]:.1f} µs | {alone['look'][row]:.2f} µs | {slope} |"
        )
    return table


def in_each_face(server: Server, rounds: int) -> Section:
    """Ours alone: what peers cost at ten thousand is told before, and at a hundred thousand they take minutes."""
    orders = [order(face, side, waits, polls) for face, side in NAMES for waits in LARGE_SIZES for polls in (FEW, MANY)]
    said = take_turns(server, orders, min(rounds, 2))
    table = ["| face | work | waits | CPU of one more poll | memory of a wait |", "|---|---|---|---|---|"]
    for (face, side), name in NAMES.items():
        before = 0, 0.0
        for waits in LARGE_SIZES:
            few, many = (per_wait(said, order(face, side, waits, polls)) for polls in (FEW, MANY))
            growth = median(result["growth"] for result in said[order(face, side, waits, FEW)])
            slope = f"{(growth - before[1]) / (waits - before[0]) / 1024:.2f} KiB" if before[0] else ""
            table.append(f"| {face} | {name} | {waits:,} | {(many - few) / (MANY - FEW):.1f} µs | {slope} |")
            before = waits, growth
    return Section(
        "The same in every face",
        f"{FEW} and {MANY} polls a wait; memory is the process's, as the slope from the row above.",
        lines=table,
    )
