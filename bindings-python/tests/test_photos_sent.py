"""What is sent of the corpus' pictures, seen by others: Pillow decodes it, exiftool looks for what was left out."""

from __future__ import annotations

import io
import json
import subprocess
import threading
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps

import xiezhen

if TYPE_CHECKING:
    from collections.abc import Iterator

PICTURES = Path(__file__).parents[2] / "tests" / "pictures"
EXPECTED: dict[str, dict[str, Any]] = json.loads((PICTURES / "expected.json").read_text())
# What a picture may say of itself: how it is stored, and its colours.
HARMLESS = {"SourceFile", "ExifTool", "File", "JFIF", "PNG", "RIFF", "APP14", "ICC_Profile", "Composite"}
SRGB = ImageCms.createProfile("sRGB")


class Keeper(ThreadingHTTPServer):
    """A service that keeps the last photo it was sent."""

    daemon_threads = True
    kept = b""


class Handler(BaseHTTPRequestHandler):
    server: Keeper

    def do_POST(self) -> None:
        head = f"Content-Type: {self.headers['content-type']}\r\n\r\n".encode()
        form = BytesParser().parsebytes(head + self.rfile.read(int(self.headers["content-length"])))
        part = next(part for part in form.walk() if part.get_filename())
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        self.server.kept = content
        answer = b'{"ret":0,"body":"user_upload/1.jpg"}'
        self.send_response(200)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        pass


class Service:
    """Gives back what it was sent."""

    def __init__(self, server: Keeper) -> None:
        self.server = server
        url = f"http://127.0.0.1:{server.server_port}"
        self.client = xiezhen.Client(app_code="code", base_url=url, max_photo_bytes=5_000_000)

    def sent(self, name: str) -> bytes:
        self.client.upload_file(PICTURES / "corpus" / name)
        return self.server.kept


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    server = Keeper(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield Service(server)
    server.shutdown()
    server.server_close()


def given(name: str) -> bytes:
    return (PICTURES / "corpus" / name).read_bytes()


def names(plan: str) -> list[str]:
    return [name for name, expected in EXPECTED.items() if expected["plan"] == plan]


def opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


def as_srgb(content: bytes) -> Image.Image:
    """The first frame, upright, on white, in sRGB: by Pillow and LittleCMS, which share no code with ours."""
    picture = opened(content)
    profile = picture.info.get("icc_profile")
    picture = ImageOps.exif_transpose(picture)
    if picture.mode in ("I", "I;16", "I;16B"):
        picture = Image.fromarray((np.asarray(picture, dtype=np.float64) / 257).round().astype(np.uint8))
    if picture.mode in ("P", "PA", "LA", "RGBA") or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        white = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(white, picture)
    picture = picture.convert("RGB")
    if profile:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        converted = ImageCms.profileToProfile(picture, source, SRGB, ImageCms.Intent.RELATIVE_COLORIMETRIC)
        assert converted
        picture = converted
    return picture


def lab(picture: Image.Image) -> np.ndarray[Any, np.dtype[np.float64]]:
    """CIE L*a*b* of sRGB, by the formulas of the standards."""
    linear = np.asarray(picture, dtype=np.float64) / 255
    linear = np.where(linear <= 0.04045, linear / 12.92, ((linear + 0.055) / 1.055) ** 2.4)
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = linear @ to_xyz.T / np.array([0.95047, 1.0, 1.08883])
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.stack([116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], axis=-1)


def difference(one: Image.Image, other: Image.Image) -> float:
    """The mean ΔE of two pictures, the other one scaled to the first where it is smaller or larger."""
    if other.size != one.size:
        other = other.resize(one.size, Image.Resampling.LANCZOS)
    return float(np.sqrt(((lab(one) - lab(other)) ** 2).sum(axis=-1)).mean())


def told(content: bytes, tmp_path: Path) -> dict[str, Any]:
    """All that exiftool finds."""
    file = tmp_path / "sent"
    file.write_bytes(content)
    command = ["exiftool", "-j", "-G", "-n", "-a", "-u", str(file)]
    found: list[dict[str, Any]] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return found[0]


@pytest.mark.parametrize("name", names("cleaned"))
def test_what_is_cleaned_has_the_same_pixels_and_nothing_to_tell(service: Service, name: str, tmp_path: Path) -> None:
    sent = service.sent(name)
    assert len(sent) < len(given(name))
    before, after = opened(given(name)), opened(sent)
    assert (before.format, before.mode) == (after.format, after.mode)
    assert np.array_equal(np.asarray(before), np.asarray(after)), "pixels, bit for bit"
    assert before.info.get("icc_profile") == after.info.get("icc_profile")
    facts = told(sent, tmp_path)
    assert {fact.split(":")[0] for fact in facts} <= HARMLESS, facts
    assert not any("GPS" in fact or "Location" in fact or "Comment" in fact for fact in facts), facts


def test_the_corpus_has_coordinates_to_begin_with(tmp_path: Path) -> None:
    for name in ("location.jpg", "location.webp", "text.png"):
        assert any("GPSLatitude" in fact for fact in told(given(name), tmp_path)), name


@pytest.mark.parametrize("name", names("prepared"))
def test_what_is_prepared_looks_as_it_did(service: Service, name: str, tmp_path: Path) -> None:
    sent = opened(service.sent(name))
    assert (sent.format, sent.mode) == ("JPEG", "RGB")
    assert sent.getexif().get(0x0112, 1) == 1
    facts = told(service.server.kept, tmp_path)
    assert {fact.split(":")[0] for fact in facts} <= HARMLESS, facts
    expected = as_srgb(given(name))
    width, height = EXPECTED[name]["size"]
    assert expected.size == (width, height)
    scale = min(1, 4096 / max(width, height))
    assert sent.size == (round(width * scale), round(height * scale))
    assert len(service.server.kept) <= 5_000_000
    # The hard edges of small drawings come out no better than Pillow's own JPEGs of that quality.
    again = io.BytesIO()
    expected.save(again, "JPEG", quality=92, subsampling=0)
    assert difference(expected, sent) < max(2, 1.05 * difference(expected, opened(again.getvalue())))


def test_eight_orientations_come_out_as_one_picture(service: Service) -> None:
    """The same pixels, stored in eight ways: each is sent as it was seen."""
    upright = opened(given("good.jpg")).convert("RGB")
    kept = {number: opened(service.sent(f"orientation-{number}.jpg")).convert("RGB") for number in range(1, 9)}
    turns = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_270,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }
    for number, turn in turns.items():
        seen = upright if turn is None else upright.transpose(turn)
        assert difference(seen, kept[number]) < 2, number
        others = [other for other in range(1, 9) if other != number and kept[other].size == seen.size]
        assert all(difference(seen, kept[other]) > 10 for other in others), number


def test_every_verdict_is_the_same_here() -> None:
    for name, report in zip(
        EXPECTED, xiezhen.check_photos([PICTURES / "corpus" / name for name in EXPECTED]), strict=True
    ):
        expected = EXPECTED[name]
        size = None if expected["size"] is None else tuple(expected["size"])
        assert (report.format, report.size, report.plan) == (expected["format"], size, expected["plan"]), name
        if expected["says"] is None:
            assert report.problems == [], name
        else:
            assert len(report.problems) == 1, name
            assert expected["says"] in report.problems[0], name
        remarks = [remark for remark in report.remarks if "the same as" not in remark]
        assert len(remarks) == len(expected["remarks"]), name
        assert all(word in remark for remark, word in zip(remarks, expected["remarks"], strict=True)), name
