"""`python -m bench --rounds 7`, or `python -m bench --draw` for the charts of what was measured last."""

import argparse
import json
import time
from typing import Any

import bench
from bench import (
    callbacks,
    calls,
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
from bench.places import MEASURED, RUST, TARGET, WORKERS
from bench.rounds import Server
from bench.table import Section


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench", description=bench.__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--draw", action="store_true", help="only draw the charts again")
    parser.add_argument("--jobs", action="store_true", help="print only whole jobs, waiting ones, callbacks")
    parser.add_argument("--try", action="store_true", dest="tries", help="a little of --jobs: that it runs")
    options = parser.parse_args()
    if options.jobs:
        print(*(str(section) for section in of_jobs(options.rounds)), sep="\n\n")
        return
    if options.tries:
        try_jobs()
        return
    if not options.draw:
        measure(options.rounds)
    from bench import charts

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
    sections += of_jobs(rounds)
    sections += [photos.measure(rounds), started, sizes.measure(), called, economy.section(simulated)]
    keep(panels=simulated["panels"], ratios=ratios(asked, waited), curves=shapes)
    print(report.write(sections, rounds, time.monotonic() - began))


def of_jobs(rounds: int) -> list[Section]:
    return [jobs.measure(rounds), waiting.measure(), callbacks.measure()]


def try_jobs() -> None:
    """That they run: what they measure says nothing."""
    WORKERS["Rust"] = [str(TARGET / "debug/xiezhen-benches")]
    jobs.measure(1, jobs.SMALL, {"Rust": jobs.PEERS["Rust"]})
    waiting.measure(20, {("Rust", "xiezhen"): "run_many"})
    callbacks.measure(2, 1, 1, callbacks.WAYS[:2])


def keep(**measured: Any) -> None:
    MEASURED.write_text(json.dumps(measured))


def ratios(asked: Section, waited: Section) -> list[tuple[str, float]]:
    """CPU times beside what somebody would pick; bare hyper is a limit, not a choice."""
    rows = [row for row in (*asked.rows, *waited.rows) if row.unit == "µs" and row.peer != "hyper"]
    return [(f"{row.face}: {row.work.removesuffix(', CPU a poll')} / {row.peer}", row.ratio) for row in rows]


if __name__ == "__main__":
    main()
