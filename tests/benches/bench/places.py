"""Where everything is."""

import os
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
REPO = HERE.parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR") or REPO / "target").resolve()
PYTHON = str(HERE / "python/.venv/bin/python")
RUST = str(TARGET / "release/xiezhen-benches")
SIMULATOR = str(TARGET / "debug/xiezhen-simulator")
ECONOMY = str(TARGET / "debug/examples/economy")
CHARTS = HERE / "charts"
# What was measured last, for drawing the charts again.
MEASURED = HERE / "measured.json"
WORKERS = {
    "Rust": [RUST],
    "C": [str(HERE / "c/work")],
    "Python": [PYTHON, str(HERE / "python/work.py")],
    "Node": ["node", str(HERE / "node/work.mjs")],
}
