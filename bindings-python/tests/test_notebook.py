"""What a notebook shows: in a real kernel, and as HTML."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import xiezhen
from conftest import PHOTOS, Space

if TYPE_CHECKING:
    from pathlib import Path

BAD = "<script>alert(1)</script>"


def shown(value: object) -> str:
    html = value._repr_html_()  # type: ignore[attr-defined]
    assert isinstance(html, str)
    assert "<script" not in html
    # Nothing is fetched by whoever looks at it.
    assert 'src="http' not in html
    return html


def test_a_list_of_styles(client: xiezhen.Client) -> None:
    styles = client.list_styles()
    assert isinstance(styles, list)
    html = shown(styles)
    assert all(style.name in html for style in styles[:60])
    hostile = type(styles)([xiezhen.Style(BAD, BAD, f"javascript:{BAD}", BAD)] * 70)
    html = shown(hostile)
    assert html.count("<tr>") == 61
    assert "and 10 styles more" in html
    assert "javascript:" not in html
    assert shown(hostile[0]).count("<tr>") == 2


def test_a_job_and_its_portraits(client: xiezhen.Client, trained: str, tmp_path: Path) -> None:
    job = xiezhen.Job(styles=client.list_styles()[:2], user_id=trained)
    client.run(job, save_to=tmp_path)
    for value in (job, job.portraits):
        assert shown(value).count('src="data:image/jpeg;base64,') == 6
    assert job.id in shown(job)
    assert shown(job.portraits[0]).count("<img") == 3
    job.portraits[0].files[0].unlink()
    assert shown(job).count("<img") == 5
    error = xiezhen.TaskFailedError(BAD)
    files = [PHOTOS[0]] * 70
    portraits = type(job.portraits)([xiezhen.Portrait(BAD, None, None, "failed", [], files, error)])
    html = shown(portraits)
    assert html.count("<img") == 60
    assert "and 10 pictures more" in html


def test_a_real_notebook(space: Space, trained: str, tmp_path: Path) -> None:
    nbclient = pytest.importorskip("nbclient")
    nbformat = pytest.importorskip("nbformat")
    cells = [
        f"import xiezhen\nquick = xiezhen.PollSchedule(0.02, 1.2, 0.1)\nclient = xiezhen.Client({space.url!r}, "
        "app_code='simulator-app-code', training_schedule=quick, generation_schedule=quick)\nclient.list_styles()",
        f"job = xiezhen.Job(styles=client.list_styles()[:1], user_id={trained!r})\n"
        f"client.run(job, save_to={str(tmp_path)!r}, progress=True)",
        "job.portraits",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    nbclient.NotebookClient(notebook, timeout=60, kernel_name="python3").execute()
    styles, run, portraits = (cell.outputs for cell in notebook.cells)
    assert "<table>" in styles[-1].data["text/html"]
    assert "data:image/jpeg" in run[-1].data["text/html"]
    assert "data:image/jpeg" in portraits[-1].data["text/html"]
    drawn = "".join(output.text for output in run if output.output_type == "stream")
    assert "done" in drawn
    assert "1/1" in drawn
