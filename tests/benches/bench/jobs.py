"""Two hundred whole jobs at once, through the simulator."""

import sys
import tempfile
from statistics import median

from bench.places import SIMULATOR
from bench.rounds import Result, Server, Work, tell, work
from bench.table import Section

JOBS, PHOTOS, STYLES = 200, 10, 2
# Minutes of training pass in seconds.
SCALE = "60"


def measure(rounds: int) -> Section:
    """Nothing is beside it: a round or two show what it takes."""
    results = [one_round() for _ in range(min(rounds, 2))]
    tell("jobs")

    def middle(what: str) -> float:
        return median(result[what] for result in results)

    amounts = f"{middle('cpu') / JOBS / 1e3:.1f} ms | {middle('growth') / 1e6:.1f} MB | {middle('seconds'):.1f} s"
    table = [
        "| jobs | CPU of a job | memory growth, all jobs | time, all jobs |",
        "|---|---|---|---|",
        f"| {JOBS} | {amounts} |",
    ]
    about = (
        f"Rust; {PHOTOS} photos and {STYLES} styles each, with a checkpoint on disk, at a clock {SCALE} times as fast. "
        "The time is the simulator's, which renders every picture on the same machine; the counts are its own."
    )
    return Section(f"{JOBS} whole jobs at once", about, lines=table)


def one_round() -> Result:
    with tempfile.TemporaryDirectory() as folder, Server(SIMULATOR, "--clock-scale", SCALE) as simulator:
        result = work(simulator.url, Work("Rust", "xiezhen", "jobs", JOBS, 0, folder))
        counts = simulator.ask("/_simulator/counts")
    expected = {"created": JOBS * (1 + STYLES), "users": JOBS, "uploads": JOBS * PHOTOS}
    if any(counts[name] != count for name, count in expected.items()):
        sys.exit(f"the simulator counted {counts}, not {expected}")
    return result
