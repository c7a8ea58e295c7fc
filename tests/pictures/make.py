"""Makes the nasty pictures in `corpus/`, `expected.json` (what a check of each must find), and the small ones in `seeds/`,
of each kind that something else becomes of: fuzzing begins with those, because thousands of them are decoded a second.

    python3 -m venv /tmp/pictures && /tmp/pictures/bin/pip install pillow pillow-heif && /tmp/pictures/bin/python make.py

The pictures are committed, because the same of them are checked through every language; this makes them anew, byte for
byte where the versions of the libraries are the same. `jpegtran` (Debian: libjpeg-turbo-progs) makes one of them.
"""

from __future__ import annotations

import io
import json
import struct
import subprocess
import zlib
from pathlib import Path

from PIL import Image, ImageDraw, ImageFilter
from PIL.PngImagePlugin import PngInfo

HERE = Path(__file__).parent
CORPUS = HERE / "corpus"
SEEDS = HERE / "seeds"
SIZE = (520, 560)
EXPECTED: dict[str, dict[str, object]] = {}


def scene(size: tuple[int, int] = SIZE, seed: int = 1) -> Image.Image:
    """A drawing with edges, light and dark, and no symmetry; another seed is another drawing."""
    picture = Image.linear_gradient("L").resize(size).convert("RGB")
    draw = ImageDraw.Draw(picture)
    state = seed
    for _ in range(60):
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
        x, y, w, h = state % size[0], state // 7 % size[1], 20 + state // 11 % 150, 20 + state // 13 % 150
        colour = (state // 17 % 256, state // 19 % 256, state // 23 % 256)
        (draw.ellipse if state & 64 else draw.rectangle)((x, y, x + w, y + h), fill=colour, outline=(0, 0, 0), width=2)
    return picture


def saved(picture: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def add(name: str, content: bytes, kind: str | None, plan: str | None = None, says: str | None = None,
        size: tuple[int, int] | None = SIZE, remarks: tuple[str, ...] = (), heic: dict[str, object] | None = None) -> None:
    """`says`: a part of the one problem; without it there is none. `heic`: what differs in a build that decodes it."""
    (CORPUS / name).write_bytes(content)
    EXPECTED[name] = {
        "format": kind, "size": list(size) if size else None, "plan": plan, "says": says, "remarks": list(remarks),
        **({"heic": heic} if heic else {}),
    }


def segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def with_segment(jpeg: bytes, marker: int, content: bytes) -> bytes:
    return jpeg[:2] + segment(marker, content) + jpeg[2:]


def exif(orientation: int, gps: bool = False) -> bytes:
    data = Image.Exif()
    data[0x0112] = orientation
    data[0x010F] = "A maker"
    if gps:
        data.get_ifd(0x8825).update({1: "N", 2: (31.0, 13.0, 49.0), 3: "E", 4: (121.0, 28.0, 25.0)})
    return data.tobytes()


def display_p3() -> bytes:
    """A matrix profile with Display P3's primaries and gamma 2.2, adapted to D50."""
    def xyz(*values: float) -> bytes:
        return b"XYZ \0\0\0\0" + b"".join(struct.pack(">i", round(value * 65536)) for value in values)

    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(2.2 * 256)) + b"\0\0"
    text = b"desc\0\0\0\0" + struct.pack(">I", 3) + b"P3\0" + b"\0" * 78 + b"\0"
    tags = {
        b"desc": text, b"cprt": b"text\0\0\0\0none\0\0\0\0", b"wtpt": xyz(0.9642, 1.0, 0.8249),
        b"rXYZ": xyz(0.5151, 0.2412, -0.0011), b"gXYZ": xyz(0.2920, 0.6922, 0.0419), b"bXYZ": xyz(0.1571, 0.0666, 0.7841),
        b"rTRC": curve, b"gTRC": curve, b"bTRC": curve,
    }
    table, body, at = b"", b"", 128 + 4 + 12 * len(tags)
    for name, content in tags.items():
        content += b"\0" * (-len(content) % 4)
        table += name + struct.pack(">II", at + len(body), len(content))
        body += content
    length = at + len(body)
    header = struct.pack(">I4sI4s4s4s", length, b"none", 0x02100000, b"mntr", b"RGB ", b"XYZ ") + b"\0" * 12 + b"acsp"
    header = (header + b"\0" * 28 + struct.pack(">iii", 63190, 65536, 54061)).ljust(128, b"\0")
    return header + struct.pack(">I", len(tags)) + table + body


def ycck(picture: Image.Image) -> bytes:
    """Photoshop's way to store CMYK. Pillow writes four planes as they are, and one byte says what they mean."""
    inverted = picture.point(lambda value: 255 - value)
    planes = [*inverted.convert("YCbCr").split(), Image.new("L", picture.size, 255)]
    # Pillow inverts what it saves as CMYK.
    raw = Image.merge("CMYK", [plane.point(lambda value: 255 - value) for plane in planes])
    jpeg = saved(raw, "JPEG", quality=90)
    at = jpeg.index(b"Adobe") + 11
    return jpeg[:at] + b"\x02" + jpeg[at + 1:]


def twelve_bit() -> bytes:
    """Sixteen grey blocks of 12 bit, each with no more than its mean."""
    table = segment(0xDB, bytes([0]) + bytes([1] * 64))
    frame = segment(0xC1, struct.pack(">BHHBBBB", 12, 32, 32, 1, 1, 0x11, 0))
    dc = segment(0xC4, bytes([0, 1]) + bytes(15) + bytes([0]))
    ac = segment(0xC4, bytes([0x10, 1]) + bytes(15) + bytes([0]))
    scan = segment(0xDA, bytes([1, 1, 0, 0, 63, 0]))
    return b"\xff\xd8" + table + frame + dc + ac + scan + bytes(4) + b"\xff\xd9"


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png(width: int, height: int, depth: int, colour: int, pixels: bytes) -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def png_bomb() -> bytes:
    """30,000 × 30,000 pixels in 110 KB."""
    rows = zlib.compressobj(9)
    row = bytes(1 + 30_000 // 8)
    pixels = b"".join(rows.compress(row) for _ in range(30_000)) + rows.flush()
    return png(30_000, 30_000, 1, 0, pixels)


def tiff(entries: dict[int, tuple[int, int]], pixels: bytes) -> bytes:
    """One directory of single numbers; tag 273 is where the pixels begin."""
    start = 8 + 2 + 12 * len(entries) + 4
    entries[273] = (4, start)
    rows = b"".join(
        struct.pack("<HHI", tag, kind, 1) + struct.pack("<I", value) for tag, (kind, value) in sorted(entries.items())
    )
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + rows + bytes(4) + pixels


def jpegs(picture: Image.Image) -> None:
    good = saved(picture, "JPEG", quality=80)
    progressive = saved(picture, "JPEG", quality=80, progressive=True)
    add("good.jpg", good, "jpeg", "as_is")
    add("progressive.jpg", progressive, "jpeg", "as_is")
    add("grey.jpg", saved(picture.convert("L"), "JPEG", quality=80), "jpeg", "as_is")
    add("display-p3.jpg", saved(picture, "JPEG", quality=80, icc_profile=display_p3()), "jpeg", "as_is")
    for orientation in range(1, 9):
        size = SIZE if orientation < 5 else SIZE[::-1]
        content = saved(picture, "JPEG", quality=80, exif=exif(orientation))
        add(f"orientation-{orientation}.jpg", content, "jpeg", "cleaned" if orientation == 1 else "prepared", size=size)
    p3 = saved(picture, "JPEG", quality=90, icc_profile=display_p3(), exif=exif(6))
    add("display-p3-turned.jpg", p3, "jpeg", "prepared", size=SIZE[::-1])
    add("location.jpg", saved(picture, "JPEG", quality=80, exif=exif(1, gps=True)), "jpeg", "cleaned")
    add("xmp.jpg", with_segment(good, 0xE1, b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta/>"), "jpeg", "cleaned")
    add("comment.jpg", with_segment(good, 0xFE, b"where and when"), "jpeg", "cleaned")
    add("makers-note.jpg", with_segment(good, 0xED, b"Photoshop 3.0\0" + b"8BIM" * 50), "jpeg", "cleaned")
    add("film-behind.jpg", good + b"\0\0\0\x18ftypmp42" + b"film" * 500, "jpeg", "cleaned")
    add("two-pictures.jpg", with_segment(good, 0xE2, b"MPF\0II*\0") + good, "jpeg", "cleaned")
    add("broken-exif.jpg", with_segment(good, 0xE1, b"Exif\0\0MM\0*\xff\xff\xff\xff" + b"\xff" * 40), "jpeg", "cleaned")
    add("cmyk.jpg", saved(picture.convert("CMYK"), "JPEG", quality=80), "jpeg", "prepared")
    add("ycck.jpg", ycck(picture), "jpeg", "prepared")
    add("wide.jpg", saved(scene((4500, 280)), "JPEG", quality=40), "jpeg", "prepared", size=(4500, 280))
    add("half.jpg", good[:len(good) // 2], "jpeg", says="cut short")
    add("half-progressive.jpg", progressive[:len(progressive) // 2], "jpeg", says="cut short")
    add("without-end.jpg", good[:-2], "jpeg", says="cut short")
    add("20-bytes.jpg", good[:20], "jpeg", says="cut short", size=None)
    add("foreign-marker.jpg", good[:9000] + b"\xff\xc8\0\2" + good[9004:], "jpeg", says="")
    add("12-bit.jpg", twelve_bit(), "jpeg", says="decoded", size=(32, 32))
    turned = subprocess.run(["jpegtran", "-arithmetic"], input=good, capture_output=True, check=True).stdout
    add("arithmetic.jpg", turned, "jpeg", says="decoded")
    at = good.index(b"\xff\xc0") + 5
    giant = good[:at] + struct.pack(">HH", 65_000, 65_000) + good[at + 4:]
    add("65000-square.jpg", giant, "jpeg", says="pixels", size=(65_000, 65_000))
    small = saved(picture.resize((64, 64)), "JPEG", quality=80, progressive=True)
    scans = small[:-2] + small[small.rindex(b"\xff\xda"):-2] * 150 + b"\xff\xd9"
    add("many-passes.jpg", scans, "jpeg", says="passes", size=(64, 64))


def pngs(picture: Image.Image) -> None:
    quantized = picture.quantize(64)
    good = saved(quantized, "PNG", optimize=True)
    text = PngInfo()
    text.add_text("Author", "somebody")
    text.add_itxt("XML:com.adobe.xmp", "<x:xmpmeta/>")
    flat = quantized.convert("RGB")
    clear = flat.convert("RGBA")
    clear.paste((0, 0, 0, 0), (0, 0, 60, 60))
    add("good.png", good, "png", "as_is")
    add("interlaced.png", adam7(flat), "png", "as_is")
    add("text.png", saved(quantized, "PNG", pnginfo=text, exif=exif(1, gps=True)), "png", "cleaned")
    add("turned.png", saved(quantized, "PNG", exif=exif(6)), "png", "prepared", size=SIZE[::-1])
    add("opaque-alpha.png", saved(flat.convert("RGBA"), "PNG"), "png", "as_is")
    add("transparent.png", saved(clear, "PNG"), "png", "prepared")
    add("transparent-palette.png", saved(quantized, "PNG", transparency=0), "png", "prepared")
    deep = flat.convert("L").point(lambda value: value * 257, "I").convert("I;16")
    add("16-bit.png", saved(deep, "PNG"), "png", "prepared")
    frames = [flat.resize((260, 280)), flat.resize((260, 280)).rotate(180)]
    moving = saved(frames[0], "PNG", save_all=True, append_images=frames[1:])
    add("animated.png", moving, "png", "prepared", size=(260, 280), remarks=("small",))
    add("half.png", good[:len(good) // 2], "png", says="cut short")
    add("without-end.png", good[:-12], "png", says="cut short")
    at = good.index(b"IDAT") + 100
    add("wrong-sum.png", good[:at] + bytes([good[at] ^ 1]) + good[at + 1:], "png", says="decoded")
    add("30000-square.png", png_bomb(), "png", says="pixels", size=(30_000, 30_000))
    add("no-pixels.png", png(8, 8, 8, 2, zlib.compress(b"")), "png", says="", size=(8, 8))


def others(picture: Image.Image) -> None:
    lossy = saved(picture, "WEBP", quality=60)
    clear = picture.convert("RGBA")
    clear.paste((0, 0, 0, 0), (0, 0, 60, 60))
    add("good.webp", lossy, "webp", "as_is")
    add("lossless.webp", saved(picture.quantize(16).convert("RGB"), "WEBP", lossless=True), "webp", "as_is")
    add("location.webp", saved(picture, "WEBP", quality=60, exif=exif(1, gps=True), xmp=b"<x:xmpmeta/>"), "webp", "cleaned")
    add("turned.webp", saved(picture, "WEBP", quality=60, exif=exif(6)), "webp", "prepared", size=SIZE[::-1])
    add("transparent.webp", saved(clear, "WEBP", quality=60), "webp", "prepared")
    frames = [picture.resize((260, 280)), picture.resize((260, 280)).rotate(180)]
    moving = saved(frames[0], "WEBP", save_all=True, append_images=frames[1:], quality=50)
    add("animated.webp", moving, "webp", "prepared", size=(260, 280), remarks=("small",))
    add("behind-its-end.webp", lossy[:4] + struct.pack("<I", 4) + lossy[8:], "webp", says="cut short")
    add("half.webp", lossy[:len(lossy) // 2], "webp", says="cut short")

    small = picture.quantize(16).resize((130, 140))
    bmp = saved(small, "BMP")
    add("small.bmp", bmp, "bmp", "as_is", size=(130, 140), remarks=("small",))
    add("half.bmp", bmp[:len(bmp) // 2], "bmp", says="", size=(130, 140))
    giant = bmp[:18] + struct.pack("<ii", 40_000, 40_000) + bmp[26:]
    add("40000-square.bmp", giant, "bmp", says="pixels", size=(40_000, 40_000))

    gif = saved(small, "GIF")
    add("small.gif", gif, "gif", "prepared", size=(130, 140), remarks=("small",))
    add("half.gif", gif[:len(gif) // 2], "gif", says="", size=(130, 140))
    add("65535-square.gif", gif[:6] + b"\xff\xff\xff\xff" + gif[10:], "gif", says="pixels", size=(65_535, 65_535))

    add("good.tif", saved(picture.quantize(64).convert("RGB"), "TIFF", compression="tiff_lzw"), "tiff", "prepared")
    whole = tiff({256: (4, 64), 257: (4, 64), 258: (3, 8), 259: (3, 1), 262: (3, 1), 277: (3, 1), 278: (4, 64), 279: (4, 4096)}, bytes(range(256)) * 16)
    add("small.tif", whole, "tiff", "prepared", size=(64, 64), remarks=("small",))
    giant = tiff({256: (4, 60_000), 257: (4, 60_000), 258: (3, 8), 259: (3, 1), 262: (3, 1), 277: (3, 1), 278: (4, 60_000), 279: (4, 4096)}, bytes(4096))
    add("60000-square.tif", giant, "tiff", says="pixels", size=(60_000, 60_000))


def phones(picture: Image.Image) -> None:
    import pillow_heif

    def heif(picture: Image.Image, **options: object) -> bytes:
        file = io.BytesIO()
        pillow_heif.from_pillow(picture).save(file, **options)
        return file.getvalue()

    size, says = (256, 288), "most compatible"
    small = picture.resize(size)
    decoded = {"plan": "prepared", "says": None, "remarks": ["small"]}
    content = heif(small, quality=60)
    add("good.heic", content, "heic", says=says, size=size, heic=decoded)
    # EXIF and the container say the same: it is turned once.
    add("turned.heic", heif(small, quality=60, exif=exif(6)), "heic", says=says, size=size[::-1], heic=decoded)
    add("half.heic", content[:len(content) // 2], "heic", says=says, size=size, heic={"says": "decoded"})
    add("some.avif", saved(small, "AVIF", quality=40), "avif", says="convert it to JPEG", size=size)
    add("some.jxl", b"\xff\x0a" + bytes(40), "jpeg_xl", says="convert it to JPEG", size=(1, 1))


def no_pictures() -> None:
    add("empty.jpg", b"", None, says="is empty", size=None)
    add("text.jpg", b"no picture", None, says="no picture", size=None)
    add("page.jpg", b"<html><img src=a.jpg></html>", None, says="no picture", size=None)


def looks(picture: Image.Image) -> None:
    add("black.png", saved(Image.new("1", SIZE), "PNG"), "png", "as_is", remarks=("dark",))
    add("white.png", saved(Image.new("1", SIZE, 1), "PNG"), "png", "as_is", remarks=("bright",))
    add("dark.jpg", saved(picture.point(lambda value: value // 7), "JPEG", quality=70), "jpeg", "as_is", remarks=("dark",))
    add("bright.jpg", saved(picture.point(lambda value: 210 + value // 7), "JPEG", quality=70), "jpeg", "as_is", remarks=("bright",))
    add("blurred.jpg", saved(picture.filter(ImageFilter.GaussianBlur(6)), "JPEG", quality=70), "jpeg", "as_is", remarks=("blurred",))
    add("strip.jpg", saved(picture.crop((0, 0, 520, 200)), "JPEG", quality=70), "jpeg", "as_is", size=(520, 200), remarks=("small",))
    noise = Image.effect_noise((520, 520), 90).convert("1").convert("L")
    add("noise.jpg", saved(noise.resize(SIZE), "JPEG", quality=20), "jpeg", "as_is")
    add("mirrored.jpg", saved(picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT), "JPEG", quality=60), "jpeg", "as_is")
    add("another.jpg", saved(scene(seed=77), "JPEG", quality=60), "jpeg", "as_is")


def seeds() -> dict[str, bytes]:
    picture = scene((40, 48), seed=5)
    good = saved(picture, "JPEG", quality=70)
    clear = picture.convert("RGBA")
    clear.paste((0, 0, 0, 0), (0, 0, 9, 9))
    palette = picture.quantize(16)
    flat = palette.convert("RGB")
    text = PngInfo()
    text.add_text("Author", "somebody")
    frames = [flat, flat.rotate(180)]
    moving = {"save_all": True, "append_images": frames[1:]}
    jpegs = {
        "good": good,
        "grey": saved(picture.convert("L"), "JPEG", quality=70),
        "coarse": saved(picture, "JPEG", quality=70, subsampling="4:1:1", restart_marker_blocks=2),
        "progressive": saved(picture, "JPEG", quality=70, progressive=True),
        "profile": saved(picture, "JPEG", quality=70, icc_profile=display_p3()),
        "profile-turned": saved(picture, "JPEG", quality=70, icc_profile=display_p3(), exif=exif(6)),
        "location": saved(picture, "JPEG", quality=70, exif=exif(1, gps=True)),
        "mirrored": saved(picture, "JPEG", quality=70, exif=exif(5)),
        "segments": with_segment(with_segment(good, 0xFE, b"where"), 0xED, b"Photoshop 3.0\0" + b"8BIM" * 5) + b"film" * 9,
        "cmyk": saved(picture.convert("CMYK"), "JPEG", quality=70),
        "ycck": ycck(picture),
        "12-bit": twelve_bit(),
    }
    pngs = {
        "good": saved(palette, "PNG"),
        "interlaced": adam7(flat),
        "text": saved(palette, "PNG", pnginfo=text, exif=exif(1, gps=True)),
        "turned": saved(palette, "PNG", exif=exif(6)),
        "profile": saved(flat, "PNG", icc_profile=display_p3(), exif=exif(3)),
        "transparent": saved(clear, "PNG"),
        "16-bit": saved(flat.convert("L").point(lambda value: value * 257, "I").convert("I;16"), "PNG"),
        "animated": saved(flat, "PNG", **moving),
    }
    webps = {
        "good": saved(picture, "WEBP", quality=60),
        "lossless": saved(flat, "WEBP", lossless=True),
        "location": saved(picture, "WEBP", quality=60, exif=exif(1, gps=True), xmp=b"<x:xmpmeta/>"),
        "turned": saved(picture, "WEBP", quality=60, exif=exif(6), icc_profile=display_p3()),
        "transparent": saved(clear, "WEBP", quality=60),
        "animated": saved(flat, "WEBP", quality=50, **moving),
    }
    others = {
        "good.bmp": saved(palette, "BMP"),
        "true.bmp": saved(picture, "BMP"),
        "good.gif": saved(palette, "GIF"),
        "animated.gif": saved(palette, "GIF", save_all=True, append_images=[palette.rotate(180)]),
        "lzw.tif": saved(palette, "TIFF", compression="tiff_lzw"),
        "deflated.tif": saved(picture, "TIFF", compression="tiff_adobe_deflate", exif=exif(6)),
        "packed.tif": saved(picture.convert("CMYK"), "TIFF", compression="packbits"),
        "jpeg.tif": saved(picture, "TIFF", compression="jpeg"),
    }
    named = [(jpegs, ".jpg"), (pngs, ".png"), (webps, ".webp"), (others, "")]
    return {name + ending: content for some, ending in named for name, content in some.items()}


def adam7(picture: Image.Image) -> bytes:
    """Seven passes, which Pillow reads and doesn't write."""
    raw = b""
    for x, y, dx, dy in [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]:
        for row in range(y, picture.height, dy):
            raw += b"\0" + b"".join(bytes(picture.getpixel((column, row))) for column in range(x, picture.width, dx))
    content = png(*picture.size, 8, 2, zlib.compress(raw))
    # The last byte of the header says that it is interlaced.
    header = content[12:28] + b"\1"
    return content[:12] + header + struct.pack(">I", zlib.crc32(header)) + content[33:]


def emptied(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        old.unlink()


def main() -> None:
    emptied(CORPUS)
    emptied(SEEDS)
    for name, content in seeds().items():
        (SEEDS / name).write_bytes(content)
    picture = scene()
    jpegs(picture)
    pngs(picture)
    others(picture)
    phones(picture)
    no_pictures()
    looks(picture)
    lines = [f"  {json.dumps(name)}: {json.dumps(found)}" for name, found in EXPECTED.items()]
    (HERE / "expected.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")
    print(len(EXPECTED), "pictures,", sum(path.stat().st_size for path in CORPUS.iterdir()) // 1024, "KiB")


if __name__ == "__main__":
    main()
