"""Pictures come from anybody's record: what is broken, huge or something else is refused."""

import contextlib
import io
import random
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

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
