"""Queries, one after another."""

from bench.rounds import Server, Work, take_turns
from bench.table import Row, Section

TIMES = {"Rust": 3000, "C": 5000, "Python": 1500, "Node": 3000}
WARM_UP = {"Rust": 200, "C": 200, "Python": 200, "Node": 500}
CALLS = {"Rust": "query_task", "C": "xiezhen_query_task", "Python": "query_task", "Node": "queryTask"}
# Peers, and what is to be reached beside them.
PEERS: dict[str, dict[str, float | None]] = {
    "Rust": {"reqwest": 1.15, "hyper": None},
    "C": {"curl": 1.3},
    "Python": {"urllib3": 0.45, "httpx": 0.25, "requests": None},
    "Node": {"undici": 0.6, "fetch": None, "axios": None},
}


def measure(server: Server, rounds: int) -> Section:
    def order(face: str, side: str) -> Work:
        return Work(face, side, "query", TIMES[face], TIMES[face] + WARM_UP[face])

    orders = [order(face, side) for face, peers in PEERS.items() for side in ("xiezhen", *peers)]
    said = take_turns(server, orders, rounds)

    def cpu(face: str, side: str) -> list[float]:
        return [result["cpu"] / TIMES[face] for result in said[order(face, side)]]

    rows = [
        Row(face, CALLS[face], cpu(face, "xiezhen"), "µs", peer, cpu(face, peer), target)
        for face, peers in PEERS.items()
        for peer, target in peers.items()
    ]
    return Section("Queries, one after another", "CPU time of a call.", rows)
