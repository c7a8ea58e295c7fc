"""The smallest call there is: what a border adds to the core."""

from bench.rounds import Server, Work, take_turns
from bench.table import Row, Section

TIMES = {"Rust": 10_000_000, "C": 10_000_000, "Python": 1_000_000, "Node": 2_000_000}
# An attribute of the language's own, in the same loop.
PLAIN = ("Python", "Node")


def measure(server: Server, rounds: int) -> Section:
    def order(face: str, side: str) -> Work:
        return Work(face, side, "stage", TIMES[face], 0)

    orders = [order(face, "xiezhen") for face in TIMES] + [order(face, "plain") for face in PLAIN]
    said = take_turns(server, orders, rounds)

    def nanoseconds(face: str, side: str) -> list[float]:
        return [result["cpu"] / TIMES[face] * 1e3 for result in said[order(face, side)]]

    core = nanoseconds("Rust", "xiezhen")
    rows = [Row("Rust", "Job::stage, the core itself", core, "ns"), over("C", nanoseconds("C", "xiezhen"), core)]
    for face in PLAIN:
        pairs = zip(nanoseconds(face, "xiezhen"), nanoseconds(face, "plain"), strict=True)
        rows.append(over(face, [ours - loop for ours, loop in pairs], core))
    about = "`stage` of a job: no request, no text. Of Python and Node, the loop itself is taken off."
    return Section("One more call through a binding", about, rows)


def over(face: str, ours: list[float], core: list[float]) -> Row:
    added = [us - them for us, them in zip(ours, core, strict=True)]
    return Row(face, "job.stage, over the core", added, "ns")
