"""Photos as phones make them: made smaller by Pillow, as its documentation shows it, and checked by ours."""

import asyncio
import io
import time
from collections.abc import Callable
from pathlib import Path

import xiezhen
from PIL import Image, ImageOps

import waits

SIDE = 2048


def scale(side: str, url: str, times: int, path: str) -> Callable[[], None]:
    """Decoded, turned upright, scaled, encoded as ours is."""
    assert (side, url) == ("pillow", "-")
    photo = Path(path).read_bytes()

    def run(times: int = times) -> None:
        for _ in range(times):
            picture = ImageOps.exif_transpose(Image.open(io.BytesIO(photo)))
            picture.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
            picture.save(io.BytesIO(), "JPEG", quality=92, subsampling=0)

    run(1)
    return run


async def check(folder: str) -> dict[str, float]:
    """Photos of a folder, while the event loop goes on."""
    photos = sorted(Path(folder).iterdir())
    # The first call of a process starts what the others share.
    await xiezhen.check_photos_async(photos[:1])
    ticker = asyncio.ensure_future(waits.longest_block())
    await asyncio.sleep(0.01)
    began = time.perf_counter()
    reports = await xiezhen.check_photos_async(photos)
    seconds = time.perf_counter() - began
    await asyncio.sleep(0.01)
    ticker.cancel()
    assert all(not report.problems for report in reports), reports
    return {"seconds": seconds, "worst": await ticker}
