"""Films come from anybody's camera: they are shown as they were meant, or refused by name."""

import struct
import tempfile
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.container import OutputContainer
from numpy.typing import NDArray

from renderers.compose import Composer
from renderers.errors import AssetError
from renderers.footage import MOST_SECONDS, Film, open_film, read_pictures, vet_film
from renderers.layers.video import Footage
from renderers.storyboard import assemble
from tests.renderers.samples import WriteTemplate, picture_bytes

Picture = NDArray[np.uint8]
Open = Callable[..., Film]

BARS = ((255, 255, 255), (255, 255, 0), (0, 255, 255), (0, 255, 0),
        (255, 0, 255), (255, 0, 0), (0, 0, 255), (40, 90, 140))  # fmt: skip
CORNERS = ((220, 30, 30), (30, 200, 30), (30, 30, 220), (200, 200, 30))
NO_LOSS = {"crf": "0", "preset": "ultrafast"}
BT601, BT709, BT2020 = (0.299, 0.114), (0.2126, 0.0722), (0.2627, 0.0593)  # of red, of blue
LIMITED, FULL = 1, 2


def bars(width: int = 128, height: int = 72) -> Picture:
    """Draw eight upright bars."""
    picture = np.zeros((height, width, 3), dtype=np.uint8)
    for number, colour in enumerate(BARS):
        picture[:, number * width // 8 : (number + 1) * width // 8] = colour
    return picture


def corners(width: int = 64, height: int = 36) -> Picture:
    """Draw a quarter of each colour: upper left, upper right, lower left, lower right."""
    picture = np.zeros((height, width, 3), dtype=np.uint8)
    for number, colour in enumerate(CORNERS):
        down, across = divmod(number, 2)
        rows = slice(down * (height // 2), height if down else height // 2)
        picture[rows, width // 2 * across : width if across else width // 2] = colour
    return picture


def steps(count: int) -> list[Picture]:
    """Draw frames that tell their number by their grey."""
    return [np.full((36, 64, 3), 20 + 8 * number, dtype=np.uint8) for number in range(count)]


def stored(picture: Picture, shares: tuple[float, float], span: int) -> av.VideoFrame:
    """Turn a picture into luma and colour differences, by the book."""
    red, green, blue = (picture[..., n].astype(float) for n in range(3))
    of_red, of_blue = shares
    luma = of_red * red + (1 - of_red - of_blue) * green + of_blue * blue
    planes = [luma, (blue - luma) / (2 - 2 * of_blue), (red - luma) / (2 - 2 * of_red)]
    if span == LIMITED:
        planes = [16 + luma * 219 / 255, *(plane * 224 / 255 for plane in planes[1:])]
    planes[1:] = [plane + 128 for plane in planes[1:]]
    values = np.clip(np.rint(planes), 0, 255).astype(np.uint8)
    return av.VideoFrame.from_ndarray(values, format="yuv444p")


def pictures_of(
    file: OutputContainer, codec: str, rate: int, options: dict[str, str]
) -> av.VideoStream:
    """Add a stream of pictures to a file."""
    stream = file.add_stream(codec, rate=rate, options=options)
    assert isinstance(stream, av.VideoStream)
    return stream


def film(
    pictures: Sequence[Picture],
    *,
    times: Sequence[int] | None = None,
    rate: int = 10,
    codec: str = "libx264",
    container: str = "mp4",
    pixels: str = "yuv444p",
    colours: tuple[tuple[float, float], int] = (BT601, LIMITED),
    tags: Mapping[str, int] | None = None,
    options: Mapping[str, str] | None = None,
    aspect: Fraction | None = None,
    held: Mapping[str, Any] | None = None,
    sound: bool = False,
) -> bytes:
    """Encode a film; `colours` are matrix and range as used, `tags` what it says of them."""
    whole = {"movflags": "faststart"} if container == "mp4" else {}
    with (
        tempfile.NamedTemporaryFile() as target,
        av.open(target.name, "w", format=container, options=whole) as file,
    ):
        stream = pictures_of(file, codec, rate, dict(options or NO_LOSS))
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = pixels
        # a fine clock, so that any time can be written
        stream.codec_context.time_base = Fraction(1, 1000)
        if aspect:
            stream.codec_context.sample_aspect_ratio = aspect
        if held:
            stream.set_display_rotation(**held)
        for name, number in (tags or {}).items():
            setattr(stream.codec_context, name, number)
        heard = file.add_stream("aac", rate=48_000, layout="mono") if sound else None
        for number, picture in enumerate(pictures):
            frame = stored(picture, *colours).reformat(format=pixels)
            for name, tag in (tags or {}).items():
                setattr(frame, name, tag)
            frame.pts = times[number] if times else number * 1000 // rate
            frame.time_base = Fraction(1, 1000)
            file.mux(stream.encode(frame))
        if heard:
            tone = av.AudioFrame.from_ndarray(np.zeros((1, 4800), np.float32), "fltp", "mono")
            tone.sample_rate = 48_000
            file.mux(heard.encode(tone))
            file.mux(heard.encode(None))
        file.mux(stream.encode(None))
        file.close()
        return Path(target.name).read_bytes()


@pytest.fixture
def opened(tmp_path: Path) -> Open:
    """Write a film and open it."""

    def write(content: bytes, name: str = "film.mp4", seconds: float = 2.0) -> Film:
        path = tmp_path / name
        path.write_bytes(content)
        vet_film(path, name, seconds=seconds)
        return open_film(path, name, seconds=seconds)

    return write


def refusal(tmp_path: Path, content: bytes, name: str = "film.mp4", **need: float) -> str:
    """Tell what is said of a film that cannot be used."""
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(AssetError) as caught:
        vet_film(path, name, **{"seconds": 2.0, **need})
    assert caught.value.reason == "asset_invalid"
    assert name in str(caught.value)
    assert str(tmp_path) not in str(caught.value)
    return str(caught.value)


def greys(footage: Footage, times: Sequence[float]) -> list[int]:
    """Read the numbers that steps() wrote."""
    return [round((int(footage.at(time)[18, 32, 0]) - 20) / 8) for time in times]


def seen_bars(picture: Picture) -> NDArray[np.int64]:
    """Read the colours in the middle of each bar."""
    height, width = picture.shape[:2]
    return np.array([picture[height // 2, width * (2 * n + 1) // 16, :3] for n in range(8)], int)


@pytest.mark.parametrize(
    ("colours", "tags"),
    [
        ((BT601, LIMITED), {"colorspace": 6, "color_range": 1}),
        ((BT709, LIMITED), {"colorspace": 1, "color_range": 1}),
        ((BT709, FULL), {"colorspace": 1, "color_range": 2}),
        ((BT601, FULL), {"colorspace": 5, "color_range": 2}),
        ((BT601, LIMITED), {}),
    ],
    ids=["601", "709", "709 full range", "601 full range", "small and silent about it"],
)
@pytest.mark.parametrize("pixels", ["yuv420p", "yuv420p10le"])
def test_colours_are_those_that_were_filmed(
    opened: Open, colours: tuple[tuple[float, float], int], tags: dict[str, int], pixels: str
) -> None:
    """The same bars look the same however they are stored, also with ten bits."""
    content = film([bars()], colours=colours, tags=tags, pixels=pixels)
    seen = seen_bars(Footage(opened(content)).at(0))
    assert np.abs(seen - np.array(BARS)).max() <= 3


def test_a_silent_film_in_hd_means_rec_709(opened: Open) -> None:
    """From 720 lines on, as every player has it."""
    content = film([bars(1280, 720)], pixels="yuv420p", colours=(BT709, LIMITED))
    assert np.abs(seen_bars(Footage(opened(content)).at(0)) - np.array(BARS)).max() <= 3


@pytest.mark.parametrize("size", [(128, 72), (127, 71)])
def test_a_wide_gamut_film_is_brought_into_rec_709(opened: Open, size: tuple[int, int]) -> None:
    """Rec. 2020 in standard range: greys stay, and strong colours are not washed out."""
    soft = bars(*size) // 2 + 60
    curved = soft / 255.0
    light = np.where(curved < 0.081, curved / 4.5, ((curved + 0.099) / 1.099) ** (1 / 0.45))
    # linear light of Rec. 709's primaries, as Rec. 2020 sees it (ITU-R BT.2087)
    light = light @ np.array([[627, 69, 16], [329, 920, 88], [43, 11, 896]]) / 1000
    curved = np.where(light < 0.018, light * 4.5, 1.099 * light**0.45 - 0.099)
    tags = {"colorspace": 9, "color_primaries": 9, "color_trc": 14, "color_range": LIMITED}
    content = film([np.rint(curved * 255).astype(np.uint8)], pixels="yuv444p10le",
                   colours=(BT2020, LIMITED), tags=tags)  # fmt: skip
    seen = seen_bars(Footage(opened(content)).at(0))
    assert np.abs(seen - seen_bars(soft)).max() <= 4


@pytest.mark.parametrize(("codec", "pixels"), [("png", "rgb24"), ("libx264rgb", "rgb24")])
def test_a_film_of_red_green_and_blue_is_shown_as_it_is(
    tmp_path: Path, codec: str, pixels: str
) -> None:
    """Screen recordings have no luma at all."""
    path = tmp_path / "screen.mov"
    with av.open(path, "w", format="mov") as file:
        stream = pictures_of(file, codec, 10, {"crf": "0"} if codec != "png" else {})
        stream.width, stream.height, stream.pix_fmt = 128, 72, pixels
        file.mux(stream.encode(av.VideoFrame.from_ndarray(bars())))
        file.mux(stream.encode(None))
    seen = seen_bars(Footage(open_film(path, "screen.mov", seconds=1)).at(0))
    assert np.abs(seen - np.array(BARS)).max() <= 1


@pytest.mark.parametrize(("transfer", "word"), [(16, "PQ"), (18, "HLG")])
def test_a_film_in_hdr_is_refused(tmp_path: Path, transfer: int, word: str) -> None:
    """Without tone mapping it would look grey and flat."""
    tags = {"colorspace": 9, "color_primaries": 9, "color_trc": transfer, "color_range": LIMITED}
    content = film([bars()], pixels="yuv420p10le", colours=(BT2020, LIMITED), tags=tags)
    assert f"is HDR ({word}): export it as SDR" in refusal(tmp_path, content)


HELD: list[tuple[dict[str, Any], list[int]]] = [
    ({"degrees": 90}, [1, 3, 0, 2]),
    ({"degrees": -90}, [2, 0, 3, 1]),
    ({"degrees": 180}, [3, 2, 1, 0]),
    ({"degrees": 0, "hflip": True}, [1, 0, 3, 2]),
    ({"degrees": 0, "vflip": True}, [2, 3, 0, 1]),
]


@pytest.mark.parametrize(("held", "order"), HELD)
def test_a_film_is_upright_however_the_camera_was_held(
    opened: Open, held: dict[str, Any], order: list[int]
) -> None:
    """Telephones store what the sensor saw and say how to turn it (anticlockwise) or flip it."""
    seen = Footage(opened(film([corners()], held=held))).at(0)
    assert seen.shape[:2] == ((64, 36) if abs(held["degrees"]) == 90 else (36, 64))
    height, width = seen.shape[:2]
    for place, number in enumerate(order):
        down, across = divmod(place, 2)
        colour = seen[height * (1 + 2 * down) // 4, width * (1 + 2 * across) // 4, :3]
        assert np.abs(colour.astype(int) - CORNERS[number]).max() <= 4


def test_wide_pixels_are_made_square(opened: Open) -> None:
    """A camcorder's 16:9 in 4:3 storage is 16:9 again; nothing is made smaller."""
    wide = Footage(opened(film([corners()], aspect=Fraction(64, 45)))).at(0)
    assert wide.shape[:2] == (36, 91)
    high = Footage(opened(film([corners()], aspect=Fraction(1, 2)), "high.mp4")).at(0)
    assert high.shape[:2] == (72, 64)


def test_absurd_pixels_are_refused(tmp_path: Path) -> None:
    """A film that claims needle-shaped pixels is damaged."""
    content = film([corners()], aspect=Fraction(9, 1))
    assert "export it with square pixels" in refusal(tmp_path, content)


def test_odd_sizes_keep_every_pixel(opened: Open) -> None:
    """Screen recordings are seldom even."""
    for pixels in ("yuv444p", "yuv420p"):
        content = film([corners(63, 35)], codec="libvpx-vp9", container="webm", pixels=pixels,
                       options={"lossless": "1", "cpu-used": "8"})  # fmt: skip
        seen = Footage(opened(content, f"{pixels}.webm")).at(0)
        assert seen.shape == (35, 63, 4)
        assert np.abs(seen[33, 61, :3].astype(int) - CORNERS[3]).max() <= 6


def test_interlaced_films_have_no_combs(tmp_path: Path) -> None:
    """A bar that moves between the two halves of a frame has no teeth afterwards."""
    pictures = []
    for number in range(8):
        picture = np.full((48, 64, 3), 40, dtype=np.uint8)
        picture[0::2, 4 * number : 4 * number + 16] = 220
        picture[1::2, 4 * number + 2 : 4 * number + 18] = 220
        pictures.append(picture)
    options = {**NO_LOSS, "x264-params": "interlaced=1:tff=1", "flags": "+ilme+ildct"}
    path = tmp_path / "camcorder.mp4"
    path.write_bytes(film(pictures, options=options))
    film_ = open_film(path, "camcorder.mp4", seconds=1)
    footage = Footage(film_)
    assert [footage.number(n / 10) for n in range(8)] == list(range(8))
    seen = footage.at(0.4)[8:40, :, 0].astype(int)
    teeth = np.abs(seen[1:-1] - (seen[:-2] + seen[2:]) / 2).mean()
    assert teeth < 4


def test_pictures_come_at_their_time(opened: Open) -> None:
    """A telephone changes its rate as it likes, and may begin anywhere."""
    times = [500, 540, 900, 1000, 1700]
    footage = Footage(opened(film(steps(5), times=times)))
    assert greys(footage, [0, 0.03, 0.04, 0.39, 0.4, 0.5, 1.19, 1.2, 9]) == [
        0, 0, 1, 1, 2, 3, 3, 4, 4]  # fmt: skip
    assert greys(footage, [0.45, 0.1, 0]) == [2, 1, 0]


def test_rounded_times_drop_no_picture(opened: Open) -> None:
    """WebM rounds to milliseconds: 30 pictures a second are still shown one by one."""
    options = {"lossless": "1", "cpu-used": "8"}
    content = film(steps(12), rate=30, codec="libvpx-vp9", container="webm", options=options)
    footage = Footage(opened(content, "film.webm"))
    assert greys(footage, [number / 30 for number in range(12)]) == list(range(12))


def test_a_camera_that_is_no_exact_clock_does_not_judder(opened: Open) -> None:
    """Pictures that come a little early or late are still shown one by one."""
    late = [0, 2, -3, 1, 4, -2, 3, 0, 1, -4, 2, 4]
    times = [round(number * 1000 / 30) + off for number, off in enumerate(late)]
    footage = Footage(opened(film(steps(12), times=times)))
    assert greys(footage, [number / 30 for number in range(12)]) == list(range(12))


def test_a_film_may_begin_before_zero(tmp_path: Path) -> None:
    """Negative times count from the first picture too."""
    path = tmp_path / "early.webm"
    options = {"lossless": "1", "cpu-used": "8"}
    path.write_bytes(film(steps(4), times=[-300, -200, -100, 0], codec="libvpx-vp9",
                          container="webm", options=options))  # fmt: skip
    footage = Footage(open_film(path, "early.webm", seconds=1))
    assert greys(footage, [0, 0.1, 0.2, 0.3]) == [0, 1, 2, 3]


def test_reading_begins_at_the_nearest_key_picture(opened: Open) -> None:
    """What lies before the part that is shown is not decoded, also with open groups of pictures."""
    options = {**NO_LOSS, "x264-params": "keyint=5:min-keyint=5:open-gop=1:bframes=3:scenecut=0",
               "preset": "medium"}  # fmt: skip
    film_ = opened(film(steps(20), options=options))
    assert film_.keys[1] == 5
    numbers = [number for number, _ in read_pictures(film_, 12)]
    assert (numbers[0], numbers[-1]) == (10, 19)
    assert greys(Footage(film_), [1.2, 1.9, 0.7, 0]) == [12, 19, 7, 0]


def test_only_what_a_scene_needs_is_looked_at(opened: Open) -> None:
    """Of a long film, the times behind the scene are not even listed."""
    content = film(steps(20), rate=2, options={**NO_LOSS, "tune": "zerolatency"})
    film_ = opened(content, seconds=2.0)
    assert len(film_.starts) < 10
    assert greys(Footage(film_), [0, 2.0]) == [0, 4]


def test_sound_in_a_film_does_no_harm(opened: Open) -> None:
    """With sound or without, the pictures are the same."""
    silent, loud = (
        Footage(opened(film(steps(3), sound=heard), f"{heard}.mp4")).at(0.2)
        for heard in (False, True)
    )
    assert np.array_equal(silent, loud)


@pytest.mark.parametrize(
    ("name", "holds"), [("a.mp4", "png"), ("b.mp4", "webm"), ("c.webm", "mp4"), ("d.mov", "no")]
)
def test_a_wrong_name_is_told(tmp_path: Path, name: str, holds: str) -> None:
    """What the bytes are decides."""
    options = {"cpu-used": "8"}
    contents = {
        "a.mp4": picture_bytes(),
        "b.mp4": film(steps(2), codec="libvpx-vp9", container="webm", options=options),
        "c.webm": film(steps(2)),
        "d.mov": b"Dear customer, " * 9,
    }
    assert f"is not what its name says: it holds {holds}" in refusal(tmp_path, contents[name], name)


def test_an_absent_film_has_its_own_reason(tmp_path: Path) -> None:
    """Missing and broken are told apart."""
    with pytest.raises(AssetError, match="'gone' is not there") as caught:
        open_film(tmp_path / "gone.mp4", "gone", seconds=1)
    assert caught.value.reason == "asset_missing"


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("container", ["mp4", "webm"])
def test_a_film_that_is_cut_off_is_refused(tmp_path: Path, container: str, share: float) -> None:
    """Its last picture never stands for the rest, even when the scene ends before the cut."""
    noise = np.random.default_rng(3).integers(0, 255, (40, 36, 64, 3), dtype=np.uint8)
    codec, options = ("libx264", NO_LOSS) if container == "mp4" else (
        "libvpx-vp9", {"cpu-used": "8", "crf": "10", "b": "0"})  # fmt: skip
    content = film(list(noise), codec=codec, container=container, options=options)
    name = f"film.{container}"
    said = refusal(tmp_path, content[: int(len(content) * share)], name)
    assert "cut off" in said


def test_a_film_without_its_index_is_refused(tmp_path: Path) -> None:
    """A recording that was stopped by a flat battery."""
    content = film(steps(3))
    start = content.index(b"moov") - 4
    end = start + int.from_bytes(content[start : start + 4], "big")
    assert "cut off or damaged" in refusal(tmp_path, content[:start] + content[end:])


def test_damage_in_the_middle_is_told_with_its_place(tmp_path: Path) -> None:
    """A decoder would paint over it with smears."""
    noise = np.random.default_rng(3).integers(0, 255, (20, 36, 64, 3), dtype=np.uint8)
    content = bytearray(film(list(noise), options={"crf": "20", "preset": "ultrafast"}))
    middle = len(content) // 2
    content[middle : middle + 300] = bytes(300)
    assert "export it again" in refusal(tmp_path, bytes(content))


def test_damage_never_crashes(tmp_path: Path) -> None:
    """Whatever arrives is shown or is an AssetError."""
    rng = np.random.default_rng(5)
    whole = {"film.mp4": film(steps(6)), "film.webm": film(
        steps(6), codec="libvpx-vp9", container="webm", options={"cpu-used": "8"})}  # fmt: skip
    refused = 0
    for number in range(60):
        name = list(whole)[number % 2]
        content = bytearray(whole[name])
        for place in rng.integers(len(content) // 2 if number % 3 else 0, len(content), 4):
            content[place] = rng.integers(256)
        path = tmp_path / f"{number}{name}"
        path.write_bytes(content)
        try:
            vet_film(path, name, seconds=1.0)
        except AssetError:
            refused += 1
    assert 0 < refused < 60


def test_two_hours_are_refused_before_they_are_read(tmp_path: Path) -> None:
    """Three pictures over two hours: a film for a scene is short."""
    content = film(steps(3), times=[0, 3_600_000, 7_200_000])
    assert f"{MOST_SECONDS // 60} are allowed" in refusal(tmp_path, content)


def test_huge_pictures_are_refused(tmp_path: Path) -> None:
    """Thirty megapixels in a few kilobytes."""
    path = tmp_path / "huge.mov"
    with av.open(path, "w", format="mov") as file:
        stream = file.add_stream("mjpeg", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 36, "yuvj420p"
        file.mux(stream.encode(av.VideoFrame.from_ndarray(corners())))
        file.mux(stream.encode(None))
    content = bytearray(path.read_bytes())
    frame, entry = content.index(b"\xff\xc0"), content.index(b"jpeg")
    content[frame + 5 : frame + 9] = struct.pack(">HH", 5008, 6000)
    content[entry + 28 : entry + 32] = struct.pack(">HH", 6000, 5008)
    assert "export it smaller" in refusal(tmp_path, bytes(content), "huge.mov")


def test_sound_alone_is_no_film(tmp_path: Path) -> None:
    """Also when it carries the picture of an album's cover."""
    path = tmp_path / "song.mp4"
    with av.open(path, "w", format="mp4") as file:
        stream = file.add_stream("aac", rate=48_000, layout="mono")
        tone = av.AudioFrame.from_ndarray(np.zeros((1, 48_000), np.float32), "fltp", "mono")
        tone.sample_rate = 48_000
        file.mux(stream.encode(tone))
        file.mux(stream.encode(None))
    assert "holds only sound, no film" in refusal(tmp_path, path.read_bytes(), "song.mp4")


def test_a_cover_is_no_film(tmp_path: Path) -> None:
    """A podcast's picture does not move."""
    path = tmp_path / "podcast.mp4"
    with av.open(path, "w", format="mp4") as file:
        cover = file.add_stream("png", rate=1)
        cover.width, cover.height, cover.pix_fmt = 64, 36, "rgb24"
        cover.disposition = av.stream.Disposition.attached_pic
        file.mux(cover.encode(av.VideoFrame.from_ndarray(corners())))
        file.mux(cover.encode(None))
    assert "no film" in refusal(tmp_path, path.read_bytes(), "podcast.mp4")


def test_skipping_everything_is_refused(tmp_path: Path) -> None:
    """Nothing would be left to show."""
    assert "skip less" in refusal(tmp_path, film(steps(5)), skip=1.5)


LAYER = """
title = "Film"
fps = 30

[[scenes]]
name = "plays"
seconds = 1.0

[[scenes.layers]]
kind = "video"
source = "film.mp4"
"""


def test_equal_pictures_have_equal_states(write_template: WriteTemplate) -> None:
    """Of a film with 15 pictures a second every second frame is new; a held end is one picture."""
    template = write_template(LAYER, {"film.mp4": film(steps(9), rate=15)})
    scene = Composer(assemble(template, {}, height=36)).scene(0)
    states = [scene.state(number) for number in range(30)]
    assert [states[n] == states[n - 1] for n in range(1, 17)] == [True, False] * 8
    assert len(set(states[16:])) == 1
    for number in range(1, 30):
        same = np.array_equal(scene.frame(number - 1).copy(), scene.frame(number))
        assert same == (states[number] == states[number - 1])


def test_an_unusable_film_is_told_with_its_scene(write_template: WriteTemplate) -> None:
    """Whoever reads the message knows which file and where it is used."""
    template = write_template(LAYER, {"film.mp4": film(steps(9))[:-300]})
    with pytest.raises(AssetError, match=r"film\.mp4.*cut off") as caught:
        Composer(assemble(template, {}, height=36)).rehearse()
    assert caught.value.scene == "plays"
