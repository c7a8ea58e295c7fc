"""Every Python example of the READMEs, run in order in one folder with the photos it speaks of."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import PHOTOS, Space

PACKAGE = Path(__file__).parents[1]
# Each with the least number of examples that it has.
READMES = [(PACKAGE / "README.md", 5), (PACKAGE.parent / "README.md", 1), (PACKAGE.parent / "README.zh-CN.md", 1)]
QUICK = """
import functools, xiezhen
quick = xiezhen.PollSchedule(0.02, 1.2, 0.1)
for name in ("Client", "AsyncClient"):
    make = functools.partial(getattr(xiezhen, name), training_schedule=quick, generation_schedule=quick)
    setattr(xiezhen, name, make)
"""


@pytest.mark.parametrize(("readme", "least"), READMES)
def test_each_example(readme: Path, least: int, space: Space, tmp_path: Path) -> None:
    blocks = re.findall(r"^```python\n(.*?)^```", readme.read_text(encoding="utf-8"), re.M | re.S)
    assert len(blocks) >= least
    (tmp_path / "photos").mkdir()
    for photo in PHOTOS:
        shutil.copy(photo, tmp_path / "photos")
    environment = {"XIEZHEN_BASE_URL": space.url, "XIEZHEN_APP_CODE": "simulator-app-code", "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [sys.executable, "-c", QUICK + "\n".join(blocks)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert list((tmp_path / "out").iterdir())
