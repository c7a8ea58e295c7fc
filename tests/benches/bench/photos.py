"""Photos as phones make them: 12 MP, made smaller beside Pillow and sharp; cleaned; ten of them checked."""

import tempfile
from pathlib import Path

from bench.places import REPO
from bench.rounds import Result, Work, tell, work
from bench.table import Row, Section

SIZE = (4000, 3000)
SCALED, CLEANED, CHECKED = 10, 200, 10
TARGETS = {"Pillow": 0.6, "sharp": 1.3}


def phone_photo(number: int) -> bytes:
    """12 MP of a face, its noise and its coordinates, above 5 MB."""
    # Only where pictures are made: a short try needs none of the peers.
    from PIL import Image, ImageFilter

    face = Image.open(REPO / f"tests/photos/{number:02}.jpg").convert("RGB")
    picture = face.resize(SIZE, Image.Resampling.BICUBIC)
    noise = Image.effect_noise(SIZE, 26).convert("RGB")
    picture = Image.blend(picture, noise, 0.12).filter(ImageFilter.SHARPEN)
    about = Image.Exif()
    about[0x010F] = "A maker"
    about.get_ifd(0x8825).update({1: "N", 2: (31.0, 13.0, 49.0), 3: "E", 4: (121.0, 28.0, 25.0)})
    with tempfile.TemporaryFile() as file:
        picture.save(file, "JPEG", quality=92, exif=about.tobytes())
        file.seek(0)
        return file.read()


def measure(rounds: int) -> Section:
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder, f"{number:02}.jpg") for number in range(1, CHECKED + 1)]
        for number, path in enumerate(paths, 1):
            path.write_bytes(phone_photo(number))
        first = str(paths[0])
        orders = {
            "ours": Work("Rust", "xiezhen", "scale", SCALED, 0, first),
            "Pillow": Work("Python", "pillow", "scale", SCALED, 0, first),
            "sharp": Work("Node", "sharp", "scale", SCALED, 0, first),
            "clean": Work("Rust", "xiezhen", "clean", CLEANED, 0, first),
            "Python": Work("Python", "xiezhen", "check", 1, 0, folder),
            "Node": Work("Node", "xiezhen", "check", 1, 0, folder),
        }
        said: dict[str, list[Result]] = {name: [] for name in orders}
        for number in range(rounds):
            for name, order in orders.items():
                said[name].append(work("-", order))
            tell(f"photos: round {number + 1} of {rounds}")

        def cpu(name: str) -> list[float]:
            return [result["cpu"] / orders[name].times / 1e3 for result in said[name]]

        rows = [
            Row("Rust", "12 MP to 2048, CPU", cpu("ours"), "ms", peer, cpu(peer), target)
            for peer, target in TARGETS.items()
        ]
        rows.append(Row("Rust", "12 MP cleaned, CPU", cpu("clean"), "ms", limit=1))
        for face in ("Python", "Node"):
            each = said[face]
            what = f"{CHECKED} photos of 12 MP checked"
            rows.append(Row(face, what, [result["seconds"] for result in each], "s", limit=1.5))
            rows.append(Row(face, "longest block of the loop", [result["worst"] for result in each], "ms", limit=5))
            rows.append(Row(face, "memory kept afterwards", [result["kept"] / 1e6 for result in each], "MB", limit=32))
    about = (
        f"One photo of {SIZE[0]} × {SIZE[1]} pixels, {SCALED} times: decoded, turned upright, scaled by Lanczos and "
        "encoded as a JPEG of quality 92, 4:4:4. A clean takes coordinates and the maker's notes out and leaves the "
        "pixels. A check decodes each photo and looks at it; Python's loop is measured by the CPU time of its thread, "
        "Node's by its delay."
    )
    return Section("Photos", about, rows)
