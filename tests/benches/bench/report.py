"""RESULTS.md."""

import datetime
import json
import os
import platform
import subprocess
from collections.abc import Sequence

from bench.places import HERE, PYTHON
from bench.table import Section, missed

PYTHON_PEERS = ("urllib3", "requests", "httpx", "aiohttp", "fal_client", "replicate", "openai", "dashscope")


def write(sections: Sequence[Section], rounds: int, seconds: float) -> str:
    load = os.getloadavg()[0]
    lines = [
        "# What each face costs beside its peers",
        "",
        "Written by `make bench`; do not edit.",
        "",
        f"{datetime.date.today()}, rounds: {rounds}, in {seconds / 60:.0f} minutes, the load at their end {load:.1f}. "
        "Ours and theirs took turns, each time in a fresh process.",
        "CPU time is user and system; ratios are within each round: median (min–max).",
        "",
        *(f"- {version}" for version in versions()),
    ]
    late = [f"- {row.face}: {row.work}, beside {row.peer or 'its limit'}" for row in missed(sections)]
    lines += ["", f"Targets that this run missed: {len(late) or 'none'}.", *late]
    parts = ["\n".join(lines), *map(str, sections), (HERE / "NOTES.md").read_text().strip()]
    text = "\n\n".join(parts) + "\n"
    (HERE / "RESULTS.md").write_text(text)
    return text


def versions() -> list[str]:
    npm = json.loads((HERE / "node/package.json").read_text())["dependencies"]
    pinned = dict(line.split("==") for line in (HERE / "python/requirements.txt").read_text().split())
    python = ", ".join(f"{name} {pinned[name]}" for name in PYTHON_PEERS)
    node = ", ".join(f"{name} {version}" for name, version in npm.items())
    curl, cjson = (output("pkg-config", "--modversion", name) for name in ("libcurl", "libcjson"))
    return [
        f"xiezhen {output('git', 'describe', '--always', '--dirty')}",
        f"Rust: {crates()}",
        f"{output(PYTHON, '--version')}: {python}",
        f"Node {output('node', '--version')}: {node}",
        f"C: libcurl {curl}, cJSON {cjson}",
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors, {output('rustc', '--version')}",
    ]


def crates() -> str:
    tree = output(
        "cargo", "tree", "--package", "xiezhen-benches", "--depth", "1", "--prefix", "none", "--edges", "normal"
    )
    wanted = [line.split()[:2] for line in tree.splitlines() if line.split()[0] in ("reqwest", "hyper")]
    return ", ".join(f"{name} {version.removeprefix('v')}" for name, version in sorted(wanted, reverse=True))


def output(*command: str) -> str:
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, cwd=HERE).stdout.strip()
