"""`python -m bench --rounds 7`, or `python -m bench --draw` for the charts of what was measured last."""

import argparse
import json
import time
from typing import Any

import bench
from bench import (
    calls,
    charts,
    curves,
    economy,
    files,
    instructions,
    jobs,
    photos,
    queries,
    report,
    sizes,
    start,
    waiting,
    waits,
)
from bench.places import MEASURED, RUST
from bench.rounds import Server
from bench.table import Section


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench", description=bench.__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--draw", action="store_true", help="only draw the charts again")
    options = parser.parse_args()
    if not options.draw:
        measure(options.rounds)
    charts.draw(**json.loads(MEASURED.read_text()))


def measure(rounds: int) -> None:
    began = time.monotonic()
    simulated = economy.simulate()
    with Server(RUST, "serve") as server:
        asked = queries.measure(server, rounds)
        waited, told_apart = waits.measure(server, rounds).sections()
        counted = instructions.measure(server)
        grown, shapes = curves.measure(server, rounds)
        in_faces = curves.in_each_face(server, rounds)
        carried = files.measure(server, rounds)
        called = calls.measure(server, rounds)
        started = start.measure(server, rounds)
    sections = [asked, waited, told_apart, counted, grown, in_faces, carried]
    sections += [jobs.measure(rounds), waiting.measure()]
    sections += [photos.measure(rounds), started, sizes.measure(), called, economy.section(simulated)]
    keep(panels=simulated["panels"], ratios=ratios(asked, waited), curves=shapes)
    print(report.write(sections, rounds, time.monotonic() - began))


def keep(**measured: Any) -> None:
    MEASURED.write_text(json.dumps(measured))


def ratios(asked: Section, waited: Section) -> list[tuple[str, float]]:
    """CPU times beside what somebody would pick; bare hyper is a limit, not a choice."""
    rows = [row for row in (*asked.rows, *waited.rows) if row.unit == "µs" and row.peer != "hyper"]
    return [(f"{row.face}: {row.work.removesuffix(', CPU a poll')} / {row.peer}", row.ratio) for row in rows]


if __name__ == "__main__":
    main()
