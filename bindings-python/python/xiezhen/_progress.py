"""Progress of a run in a notebook, drawn by tqdm."""

from __future__ import annotations

import sys

# As in `errors`: type checkers know this name.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ._xiezhen import Job
    from .events import Event


def listener(job: Job, on_event: Callable[[Event], object] | None) -> Callable[[Event], object] | None:
    """What draws progress and hands events on; None outside a notebook, and without tqdm."""
    if not _in_notebook():
        return None
    try:
        from tqdm.auto import tqdm
    except ImportError:
        return None
    bar = tqdm(total=1, unit="step", bar_format="{l_bar}{bar}| {n_fmt}/{total_fmt} [{elapsed}{postfix}]")

    def draw(event: Event) -> object:
        if event.type != "photo_uploading":
            _show(bar, job, event)
        return None if on_event is None else on_event(event)

    return draw


def _in_notebook() -> bool:
    ipython = sys.modules.get("IPython")
    return ipython is not None and hasattr(ipython.get_ipython(), "kernel")


def _show(bar: Any, job: Job, event: Event) -> None:
    """A step for each photo, the training, and each style."""
    uploaded = [job.user_id is not None or photo.uploaded is not None for photo in job.photos]
    trained = [job.user_id is not None] if job.photos else []
    made = [portrait.state is not None and portrait.state.is_terminal for portrait in job.portraits]
    steps = uploaded + trained + made
    bar.total, bar.n = len(steps), sum(steps)
    bar.set_description(str(job.stage), refresh=False)
    if event.type == "retrying":
        bar.set_postfix_str(f", {event.call} failed; again in {event.delay:.0f} s", refresh=False)
    elif event.type == "notice":
        bar.write(event.message)
    else:
        bar.set_postfix_str("", refresh=False)
    bar.refresh()
    if event.type == "finished":
        bar.close()
