"""Photos from disk, and pictures to disk."""

import tempfile
from pathlib import Path

from bench.places import REPO
from bench.rounds import Said, Server, Work, empty, take_turns
from bench.table import Row, Section

PHOTOS, PHOTO_BYTES = 20, 5_000_000
PICTURES, PICTURE_BYTES = 100, 2_000_000
PEERS = {"Rust": ("reqwest",), "C": ("curl",), "Python": ("urllib3", "httpx", "aiohttp"), "Node": ("undici",)}
UPLOAD_TARGET = {"Rust": 1.1}


def measure(server: Server, rounds: int) -> Section:
    with tempfile.TemporaryDirectory() as folder:
        photo = Path(folder, "photo.jpg")
        # A real photo, made longer: its size in pixels stands where it stands in any other.
        photo.write_bytes((REPO / "tests/photos/01.jpg").read_bytes().ljust(PHOTO_BYTES, b"\0"))
        pictures = Path(folder, "pictures")
        pictures.mkdir()

        def upload(face: str, side: str) -> Work:
            sent = (PHOTOS + 1) * PHOTO_BYTES
            return Work(face, side, "upload", PHOTOS, PHOTOS + 1, str(photo), carried=sent)

        def download(face: str, side: str) -> Work:
            fetched = PICTURES * PICTURE_BYTES
            return Work(face, side, "download", PICTURES, PICTURES + 1, str(pictures), carried=fetched)

        both = [(face, side) for face, peers in PEERS.items() for side in ("xiezhen", *peers)]
        said = take_turns(server, [upload(*one) for one in both], rounds)
        said |= take_turns(server, [download(*one) for one in both], rounds, lambda: empty(pictures))

        def cpu(work: Work) -> list[float]:
            return [result["cpu"] / work.times / 1e3 for result in said[work]]

        rows = [
            Row(face, f"{what}, CPU", cpu(work(face, "xiezhen")), "ms", peer, cpu(work(face, peer)), target.get(face))
            for what, work, target in (
                ("a photo of 5 MB from disk", upload, UPLOAD_TARGET),
                ("a picture of 2 MB to disk", download, {}),
            )
            for face, peers in PEERS.items()
            for peer in peers
        ]
        rows += [memory(said, upload(face, "xiezhen")) for face in PEERS]
    about = (
        f"{PHOTOS} photos, one after the other; {PICTURES} pictures of one task, four at a time (urllib3, httpx and "
        "libcurl: one). Ours looks at a photo's content before it is sent, and writes a picture under a temporary "
        "name, syncs it and renames it; the others just write."
    )
    return Section("Photos and pictures", about, rows)


def memory(said: Said, work: Work) -> Row:
    growth = [result["growth"] / 1e6 for result in said[work]]
    return Row(work.face, f"{PHOTOS} photos, memory growth", growth, "MB", limit=16)
