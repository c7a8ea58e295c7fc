"""Makes the pictures of guides and READMEs from the demo's, after `make demo`. Needs Pillow and xiezhen.

The photos that get remarks are checked here, so that the guides show what is really said.
"""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageOps

import xiezhen

REPOSITORY = Path(__file__).parents[2]
PHOTOS = sorted((REPOSITORY / "tests" / "photos").glob("*.jpg"))
RESULTS = REPOSITORY / "demo"
PICTURES = REPOSITORY / "docs" / "pictures"
GAP = 8


def tile(picture: Image.Image, width: int, height: int) -> Image.Image:
    """The picture in this size with round corners."""
    fitted = ImageOps.fit(picture.convert("RGB"), (width, height), Image.Resampling.LANCZOS).convert("RGBA")
    corners = Image.new("L", (4 * width, 4 * height))
    ImageDraw.Draw(corners).rounded_rectangle((0, 0, 4 * width - 1, 4 * height - 1), 32, fill=255)
    fitted.putalpha(corners.resize((width, height), Image.Resampling.LANCZOS))
    return fitted


def grid(pictures: list[Image.Image], columns: int, width: int, height: int) -> Image.Image:
    rows = -(-len(pictures) // columns)
    sheet = Image.new("RGBA", (columns * (width + GAP) - GAP, rows * (height + GAP) - GAP))
    for n, picture in enumerate(pictures):
        sheet.paste(tile(picture, width, height), (n % columns * (width + GAP), n // columns * (height + GAP)))
    return sheet


def arrow(height: int) -> Image.Image:
    """Grey, which is seen on light and dark pages alike."""
    size, middle = 4 * height, 2 * height
    picture = Image.new("RGBA", (size // 4, size))
    draw = ImageDraw.Draw(picture)
    draw.line((size // 16, middle, size // 5, middle), fill="#888", width=28)
    draw.polygon([(size // 4, middle), (size // 5 - 40, middle - 70), (size // 5 - 40, middle + 70)], fill="#888")
    return picture.resize((height // 4, height), Image.Resampling.LANCZOS)


def beside(*parts: Image.Image) -> Image.Image:
    row = Image.new("RGBA", (sum(part.width + 2 * GAP for part in parts), max(part.height for part in parts)))
    left = GAP
    for part in parts:
        row.paste(part, (left, (row.height - part.height) // 2))
        left += part.width + 2 * GAP
    return row


def main() -> None:
    PICTURES.mkdir(exist_ok=True)
    photos = [Image.open(path) for path in PHOTOS]
    results = [Image.open(path) for path in sorted(RESULTS.glob("*.png"))]
    given = grid(photos, 5, 120, 120)
    made = grid([results[n] for n in (0, 1, 3, 4)], 4, 186, given.height)
    beside(given, arrow(given.height // 2), made).save(PICTURES / "result.webp", quality=85)
    grid(photos, 5, 150, 150).save(PICTURES / "set.webp", quality=85)

    large = ImageOps.fit(photos[2].convert("RGB"), (800, 800), Image.Resampling.LANCZOS)
    remarked = {
        "blurred": (large.filter(ImageFilter.GaussianBlur(14)), "is blurred"),
        "dark": (ImageEnhance.Brightness(large).enhance(0.15), "is too dark"),
        "bright": (large.point([min(255, 215 + value // 4) for value in range(256)] * 3), "is too bright"),
        "small": (large.resize((300, 300), Image.Resampling.LANCZOS), "is small"),
        "mirrored": (ImageOps.mirror(large), "is nearly the same as photo 1"),
    }
    for name, (picture, remark) in remarked.items():
        first, second = io.BytesIO(), io.BytesIO()
        large.save(first, "jpeg", quality=92)
        picture.save(second, "jpeg", quality=92)
        said = xiezhen.check_photos([first.getvalue(), second.getvalue()])[1].remarks
        assert any(one.startswith(remark) for one in said), (name, said)
        tile(picture, 150, 150).save(PICTURES / f"{name}.webp", quality=85)


if __name__ == "__main__":
    main()
