"""Pictures come from anybody's record: what is broken, huge or something else is refused."""

import contextlib
import io
import random
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
import skia
from numpy.typing import NDArray
from PIL import Image, ImageOps

from renderers.errors import AssetError
from renderers.media import sniff
from renderers.pictures import MOST_PIXELS, load_picture


def encoded(format: str, mode: str = "RGB", **options: object) -> bytes:
    """Encode a small picture with a recognisable left half."""
    pixels = np.zeros((20, 30, 3), dtype=np.uint8)
    pixels[:, :15] = (255, 0, 0)
    noise = np.random.default_rng(7).integers(0, 60, pixels.shape, dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels | noise).convert(mode).save(buffer, format, **options)
    return buffer.getvalue()


GOOD = {
    "png": encoded("PNG"),
    "palette.png": encoded("PNG", "P"),
    "grey.png": encoded("PNG", "L"),
    "alpha.png": encoded("PNG", "RGBA"),
    "jpg": encoded("JPEG"),
    "cmyk.jpg": encoded("JPEG", "CMYK"),
    "progressive.jpg": encoded("JPEG", progressive=True),
    "webp": encoded("WEBP"),
    "gif": encoded("GIF"),
}


@pytest.mark.parametrize("name", GOOD)
def test_usual_pictures_are_decoded(tmp_path: Path, name: str) -> None:
    """Also grey ones, palettes, CMYK and progressive JPEG."""
    path = tmp_path / f"x.{name}"
    path.write_bytes(GOOD[name])
    picture = load_picture(path)
    assert (picture.width(), picture.height()) == (30, 20)


def test_an_animated_picture_shows_its_first_frame(tmp_path: Path) -> None:
    """A GIF from a shop does not move inside of the video."""
    frames = [Image.new("RGB", (10, 10), colour) for colour in ("#ff0000", "#0000ff")]
    path = tmp_path / "x.gif"
    frames[0].save(path, save_all=True, append_images=frames[1:])
    pixels = load_picture(path).toarray()
    assert abs(int(pixels[5, 5, 0]) - int(pixels[5, 5, 2])) > 200


def test_a_turned_photograph_is_set_upright(tmp_path: Path) -> None:
    """Telephones store pictures lying on their side and say so in EXIF."""
    exif = Image.Exif()
    exif[0x0112] = 6
    path = tmp_path / "x.jpg"
    path.write_bytes(encoded("JPEG", exif=exif))
    picture = load_picture(path)
    assert (picture.width(), picture.height()) == (20, 30)


def seen(path: Path) -> NDArray[np.int64]:
    """Read a picture's rows of red, green and blue."""
    pixels = load_picture(path).toarray(colorType=skia.kRGBA_8888_ColorType)
    return np.asarray(pixels[..., :3], dtype=np.int64)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_way_to_hold_a_camera_is_known(tmp_path: Path, orientation: int) -> None:
    """Turned and mirrored as another reader does it."""
    path = tmp_path / "x.jpg"
    exif = Image.Exif()
    exif[0x0112] = orientation
    corners = Image.new("RGB", (48, 32), (30, 60, 90))
    for place, colour in (
        ((0, 0), (250, 10, 10)),
        ((24, 0), (10, 200, 10)),
        ((0, 16), (9, 9, 250)),
    ):
        corners.paste(colour, (*place, place[0] + 24, place[1] + 16))
    corners.save(path, exif=exif, quality=95, subsampling=0)
    with Image.open(path) as stored:
        upright = np.array(ImageOps.exif_transpose(stored), dtype=np.int64)
    assert seen(path).shape == upright.shape
    assert np.abs(seen(path) - upright).max() <= 4


def linear_profile() -> bytes:
    """Write a colour profile (ICC) with the primaries of sRGB and linear light."""

    def numbers(*values: float) -> bytes:
        return b"".join(struct.pack(">i", round(value * 65536)) for value in values)

    columns = [(0.4361, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141)]
    curve = (b"curv" + bytes(8)).ljust(16, b"\0")
    tags = {b"wtpt": b"XYZ " + bytes(4) + numbers(0.9642, 1.0, 0.8249)}
    for name, column in zip("rgb", columns, strict=True):
        tags[f"{name}XYZ".encode()] = b"XYZ " + bytes(4) + numbers(*column)
        tags[f"{name}TRC".encode()] = curve
    table, data, start = struct.pack(">I", len(tags)), b"", 132 + 12 * len(tags)
    for tag, content in tags.items():
        table += tag + struct.pack(">II", start + len(data), len(content))
        data += content.ljust(-(-len(content) // 4) * 4, b"\0")
    head = bytes(4) + b"none" + b"\x02\x10\0\0" + b"mntrRGB XYZ " + bytes(12) + b"acsp"
    head = head.ljust(68, b"\0") + numbers(0.9642, 1.0, 0.8249)
    whole = head.ljust(128, b"\0") + table + data
    return struct.pack(">I", len(whole)) + whole[4:]


@pytest.mark.parametrize("orientation", [1, 6])
def test_colour_profiles_are_converted(tmp_path: Path, orientation: int) -> None:
    """A middle grey in linear light is a light grey on screens, also in a turned picture."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "x.jpg"
    grey = Image.new("RGB", (8, 6), (128, 128, 128))
    grey.save(path, icc_profile=linear_profile(), exif=exif)
    assert np.abs(seen(path) - 188).max() <= 2


def test_printers_colours_become_those_of_screens(tmp_path: Path) -> None:
    """A JPEG from a print shop (CMYK) shows its red, not a negative."""
    path = tmp_path / "x.jpg"
    Image.new("CMYK", (16, 16), (0, 180, 200, 20)).save(path, quality=95)
    assert np.abs(seen(path) - [235, 69, 51]).max() <= 4


def test_sixteen_bits_are_rounded_to_eight(tmp_path: Path) -> None:
    """A picture from a scanner."""
    path = tmp_path / "x.png"
    Image.fromarray(np.full((6, 8), 40_000, dtype=np.uint16)).save(path)
    assert np.abs(seen(path) - 156).max() <= 1


@pytest.mark.parametrize("format", ["PNG", "JPEG"])
def test_a_very_wide_picture_is_only_a_question_of_pixels(tmp_path: Path, format: str) -> None:
    """A panorama of 20,000 pixels is fine as long as it is low."""
    path = tmp_path / "panorama"
    Image.new("RGB", (20_000, 100), (200, 60, 30)).save(path, format)
    assert np.abs(seen(path)[50, ::5000] - [200, 60, 30]).max() <= 2


@pytest.mark.parametrize("name", ["png", "jpg", "webp"])
@pytest.mark.parametrize("share", [0.05, 0.3, 0.6, 0.9])
def test_a_picture_that_is_cut_off_is_refused(tmp_path: Path, name: str, share: float) -> None:
    """Half a product picture is worse than none."""
    path = tmp_path / f"x.{name}"
    path.write_bytes(GOOD[name][: int(len(GOOD[name]) * share)])
    with pytest.raises(AssetError) as caught:
        load_picture(path, slots=["items"], name="x")
    assert (caught.value.reason, caught.value.slot) == ("asset_invalid", "items")


def test_flipped_bytes_never_crash(tmp_path: Path) -> None:
    """Whatever arrives is a picture or an AssetError."""
    rng = random.Random(11)
    for number in range(200):
        content = bytearray(GOOD[rng.choice(["png", "jpg", "webp", "gif"])])
        for _ in range(rng.randint(1, 6)):
            content[rng.randrange(len(content))] = rng.randrange(256)
        path = tmp_path / f"{number}.bin"
        path.write_bytes(content)
        with contextlib.suppress(AssetError):
            assert load_picture(path).width() > 0


def bomb(side: int) -> bytes:
    """Write a tiny PNG that claims to be huge and is: one colour, well compressed."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        crc = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc)

    rows = zlib.compressobj(9)
    packed = b"".join(rows.compress(bytes(1 + side // 8)) for _ in range(side)) + rows.flush()
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")
    )


def test_a_bomb_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    """A few kilobytes that would become a hundred megapixels."""
    path = tmp_path / "bomb.png"
    path.write_bytes(bomb(10_400))
    assert path.stat().st_size < 100_000
    with pytest.raises(AssetError, match="10400x10400 pixels") as caught:
        load_picture(path)
    assert caught.value.reason == "asset_invalid"
    path.write_bytes(bomb(800))
    assert load_picture(path).width() * load_picture(path).height() < MOST_PIXELS


def test_a_bomb_takes_no_memory(tmp_path: Path) -> None:
    """400 megapixels would be 1.6 GB: refused in a process that has not got them."""
    path = tmp_path / "bomb.png"
    path.write_bytes(bomb(20_000))
    script = (
        "import resource, sys; from pathlib import Path\n"
        "from renderers.errors import AssetError; from renderers.pictures import load_picture\n"
        "used = int(Path('/proc/self/statm').read_text().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (used + (64 << 20),) * 2)\n"
        "try: load_picture(Path(sys.argv[1]))\n"
        "except AssetError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True)
    assert "20000x20000 pixels" in done.stdout, done.stderr


@pytest.mark.parametrize(
    "content",
    [b"", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"#EXTM3U\nhttp://x/", b"BM" * 99],
)
def test_other_formats_are_refused(tmp_path: Path, content: bytes) -> None:
    """Vector pictures, playlists and exotic formats are not pictures here."""
    path = tmp_path / "x.png"
    path.write_bytes(content)
    with pytest.raises(AssetError):
        load_picture(path)


def test_an_absent_picture_has_its_own_reason(tmp_path: Path) -> None:
    """Missing and broken are told apart."""
    with pytest.raises(AssetError) as caught:
        load_picture(tmp_path / "none.png")
    assert caught.value.reason == "asset_missing"


def test_formats_are_told_by_their_first_bytes() -> None:
    """The sniffer knows what the codecs know."""
    assert [sniff(GOOD[name]) for name in ("png", "jpg", "webp", "gif")] == [
        "png",
        "jpeg",
        "webp",
        "gif",
    ]
    assert sniff(b"") is None
