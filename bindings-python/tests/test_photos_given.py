"""Photos as people have them at hand: what is taken, and what is said of the rest."""

from __future__ import annotations

import asyncio
import base64
import io
import warnings
from typing import TYPE_CHECKING, Any

import pytest

import xiezhen
from conftest import PHOTOS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

JPEG = PHOTOS[0].read_bytes()
BASE64 = base64.b64encode(JPEG).decode()


class UploadFile:
    """As Starlette has it."""

    def __init__(self) -> None:
        self.file = io.BytesIO(JPEG)

    async def read(self) -> bytes:
        await asyncio.sleep(0)
        return self.file.read()


def test_files_that_are_awaited(aclient: xiezhen.AsyncClient) -> None:
    aiofiles = pytest.importorskip("aiofiles")
    from starlette.datastructures import UploadFile as Starlettes

    async def main() -> None:
        async with aclient as client:
            given: list[Any] = [UploadFile(), Starlettes(io.BytesIO(JPEG)), io.BytesIO(JPEG)]
            assert all([await client.upload_file(photo) for photo in given])
            async with aiofiles.open(PHOTOS[0], "rb") as file:
                assert await client.upload_file(file)
                # At its end.
                with pytest.raises(xiezhen.InvalidArgumentError):
                    await client.upload_file(file)
            async with aiofiles.open(PHOTOS[0], "r", encoding="latin-1") as text:
                with pytest.raises(TypeError, match="binary mode"):
                    await client.upload_file(text)
            async with (
                aiofiles.open(PHOTOS[0], "rb") as file,
                aiofiles.open(PHOTOS[0], "r", encoding="latin-1") as text,
            ):
                reports = await xiezhen.check_photos_async([UploadFile(), file, io.BytesIO(JPEG), JPEG, PHOTOS[0]])
                assert [report.format for report in reports] == ["jpeg"] * 5
                assert [report.problems for report in reports] == [[]] * 5
                with pytest.raises(TypeError, match="binary mode"):
                    await xiezhen.check_photos_async([text])
            single: list[Any] = [UploadFile(), JPEG, str(PHOTOS[0]), PHOTOS[0], io.BytesIO(JPEG)]
            for photo in single:
                with pytest.raises(TypeError, match="put it in brackets"):
                    await xiezhen.check_photos_async(photo)

    asyncio.run(main())


@pytest.mark.parametrize("how", ["job", "upload_file", "check_photos"])
def test_they_are_refused_where_nothing_awaits(client: xiezhen.Client, how: str) -> None:
    photo: Any = UploadFile()
    calls: dict[str, Callable[[], object]] = {
        "job": lambda: xiezhen.Job([photo], ["s"]),
        "upload_file": lambda: client.upload_file(photo),
        "check_photos": lambda: xiezhen.check_photos([photo]),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(TypeError, match=r"pass its \.file, or the bytes of `await f\.read\(\)`"):
            calls[how]()
        import gc

        gc.collect()
    assert xiezhen.Job([photo.file], ["s"]).photos[0].path is None


def test_a_file_opened_as_text(client: xiezhen.Client, aclient: xiezhen.AsyncClient) -> None:
    """A picture is no text: reading it as UTF-8 fails before anybody sees its type."""

    async def awaited() -> None:
        async with aclient as other:
            await other.upload_file(text)  # type: ignore[arg-type]

    for encoding in ("utf-8", "latin-1"):
        with PHOTOS[0].open(encoding=encoding) as text:
            calls: list[Callable[[], object]] = [
                lambda: xiezhen.Job([text], ["s"]),  # type: ignore[list-item]
                lambda: client.upload_file(text),  # type: ignore[arg-type]
                lambda: xiezhen.check_photos([text]),  # type: ignore[list-item]
                lambda: asyncio.run(awaited()),
            ]
            for call in calls:
                text.seek(0)
                with pytest.raises(TypeError, match=r'binary mode: open\(path, "rb"\)'):
                    call()


def test_pictures_of_other_libraries() -> None:
    image = pytest.importorskip("PIL.Image").open(PHOTOS[0])
    array = pytest.importorskip("numpy").zeros((3, 3))
    with pytest.raises(TypeError, match="JpegImageFile: save it into"):
        xiezhen.Job([image], ["s"])
    with pytest.raises(TypeError, match="ndarray: an array has pixels"):
        xiezhen.Job([array], ["s"])
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=95)
    with pytest.raises(xiezhen.InvalidArgumentError, match=r"seek\(0\)"):
        xiezhen.Job([buffer], ["s"])
    (report,) = xiezhen.check_photos([buffer.getvalue()])
    assert report.problems == []


@pytest.mark.parametrize(
    ("photo", "what"),
    [
        (f"data:image/jpeg;base64,{BASE64}", "is the text of a picture"),
        (BASE64, "is the text of a picture"),
        ("\n".join(BASE64[n : n + 76] for n in range(0, len(BASE64), 76)), "is the text of a picture"),
        ("nowhere " * 500_000, "can't be read"),
    ],
    ids=["data", "base64", "lines", "long"],
)
def test_a_photo_as_text(client: xiezhen.Client, photo: str, what: str, tmp_path: Path) -> None:
    with pytest.raises(xiezhen.InvalidArgumentError) as refused:
        client.upload_file(photo)
    with pytest.raises(xiezhen.InvalidArgumentError) as of_a_job:
        client.run(xiezhen.Job([photo, *PHOTOS[:8]], ["s"]), save_to=tmp_path)
    (report,) = xiezhen.check_photos([photo])
    for said in (refused.value.message, of_a_job.value.message, *report.problems):
        assert what in said
        assert len(said) < 700


@pytest.mark.parametrize("awaited", [False, True])
def test_nothing_long_is_quoted(client: xiezhen.Client, aclient: xiezhen.AsyncClient, awaited: bool) -> None:
    job = xiezhen.Job(styles=[BASE64], user_id="u")
    with pytest.raises(xiezhen.InvalidArgumentError) as refused:
        asyncio.run(aclient.run(job)) if awaited else client.run(job)
    assert len(refused.value.message) < 700
    assert all(len(problem) < 700 for problem in refused.value.problems)


def test_styles_as_they_were_listed(client: xiezhen.Client, trained: str) -> None:
    styles = client.list_styles()
    job = client.run(xiezhen.Job(styles=styles[:2], user_id=trained))
    assert [portrait.style_id for portrait in job.portraits] == [style.style for style in styles[:2]]
    assert client.create_task(trained, styles[0]).task_id
