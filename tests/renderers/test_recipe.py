"""Pictures of the locked recipe can be held, numbered and joined; decoders see what was drawn."""

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from renderers import h264
from renderers.errors import EncodeError
from renderers.planes import to_planes
from renderers.recipe import Coder, fingerprint, level, timescale
from renderers.segments import Segment, require_alike

WIDTH, HEIGHT = 64, 48


def pattern(number: int) -> NDArray[np.uint8]:
    """Draw a picture that differs clearly from the others."""
    picture = np.full((HEIGHT, WIDTH, 3), 40, np.uint8)
    picture[8:40, 4 + 3 * number % 40 : 20 + 3 * number % 40] = (200, 60 + 10 * number % 150, 90)
    return picture


def encoded(holds: list[int], *, moving: bool = False) -> Segment:
    """Encode as many patterns, each held for so many more frames."""
    coder = Coder(WIDTH, HEIGHT, 30, moving=moving)
    for number, hold in enumerate(holds):
        coder.picture.copy_from(to_planes(pattern(number)))
        coder.add()
        coder.hold(hold)
    return coder.finish()


def units(segment: Segment) -> list[bytes]:
    """Take the NAL units out of a segment."""
    ends = np.cumsum(segment.sizes)
    return [
        bytes(segment.payload[int(e - s) + 4 : int(e)])
        for s, e in zip(segment.sizes, ends, strict=True)
    ]


def decoded(segments: list[Segment]) -> list[NDArray[np.uint8]]:
    """Decode the luma of segments joined, with every damage an error."""
    sets = require_alike(segments)
    decoder = av.CodecContext.create("h264", "r")
    decoder.options = {"err_detect": "explode"}
    start = b"\0\0\0\1"
    head = start + sets.sps + start + sets.pps
    frames = []
    for unit in [unit for segment in segments for unit in units(segment)]:
        frames += decoder.decode(av.Packet(head + start + unit))
        head = b""
    frames += decoder.decode(None)
    return [np.asarray(frame.to_ndarray()[:HEIGHT, :WIDTH], np.uint8) for frame in frames]


@settings(max_examples=15)
@given(st.lists(st.integers(0, 40), min_size=1, max_size=5), st.booleans())
def test_a_hold_shows_the_same_picture_to_the_last_pixel(holds: list[int], moving: bool) -> None:
    """However long, and whatever comes after it: numbers go on and nothing is lost."""
    frames = decoded([encoded(holds, moving=moving)])
    assert len(frames) == len(holds) + sum(holds)
    first = 0
    for number, hold in enumerate(holds):
        wanted = to_planes(pattern(number)).y
        for frame in frames[first : first + 1 + hold]:
            assert np.array_equal(frame, frames[first])
        error = np.square(frames[first].astype(float) - wanted).mean()
        assert error < 12  # above 37 dB
        first += 1 + hold


def test_segments_of_every_kind_have_the_same_parameter_sets_and_join() -> None:
    """Still and moving, long and short; each begins with a picture of its own."""
    parts = [encoded([20, 3]), encoded([0, 0, 0], moving=True), encoded([700])]
    assert all(part.sync == (0,) for part in parts)
    frames = decoded(parts)
    assert len(frames) == 25 + 3 + 701
    assert np.array_equal(frames[-1], frames[28])


def test_a_hold_costs_bytes_not_pictures() -> None:
    """Each held frame is a few bytes, and tells the decoder its place."""
    segment = encoded([100])
    sizes = segment.sizes[1:]
    assert int(sizes.max()) < 40
    counting = h264.numbering(segment.sets)
    assert [counting.number(unit) for unit in units(segment)[1:20]] == [
        n % 16 for n in range(1, 20)
    ]


def test_the_same_pictures_give_the_same_bytes() -> None:
    """Nothing of an earlier encode is left in a later one."""
    one, other = encoded([3, 5]), encoded([3, 5])
    assert bytes(one.payload) == bytes(other.payload)
    assert b"x264" not in bytes(one.payload)


def test_segments_of_different_sizes_cannot_be_joined() -> None:
    """The message says what to do."""
    small = Coder(32, 32, 30)
    small.add()
    with pytest.raises(EncodeError, match="compile") as caught:
        require_alike([small.finish(), encoded([0])])
    assert caught.value.reason == "parameter_sets_differ"


@pytest.mark.parametrize(
    ("width", "height", "fps", "wanted"),
    [(1280, 720, 30, 31), (1280, 720, 60, 32), (1920, 1080, 30, 40), (1920, 1080, 60, 42),
     (64, 36, 10, 31), (3840, 2160, 30, 51), (3840, 2160, 60, 52)],
)  # fmt: skip
def test_the_level_follows_from_size_and_rate(
    width: int, height: int, fps: int, wanted: int
) -> None:
    """ITU-T H.264 table A-1."""
    assert level(width, height, fps) == wanted


def test_a_size_that_no_player_takes_is_refused() -> None:
    """Before anything is drawn."""
    with pytest.raises(EncodeError, match="CUEREEL_VIDEO_HEIGHT"):
        level(7680, 4320, 60)


def test_a_frame_lasts_a_whole_number_of_ticks() -> None:
    """At any rate that a template may have."""
    assert all(timescale(fps) % fps == 0 for fps in range(10, 61))


def test_the_fingerprint_is_stable_within_one_build() -> None:
    """It keys what is kept on disk."""
    assert fingerprint() == fingerprint()
    assert len(fingerprint()) == 16


@given(st.integers(0, 15), st.binary(min_size=1, max_size=40))
def test_a_picture_keeps_everything_but_its_number(number: int, rest: bytes) -> None:
    """Also where escapes stand in the way (00 00 03), which are taken out and put in again."""
    counting = h264.Numbering(4)
    plain = bytes([0x41, 0x9A, 0x20]) + rest + b"\x80"
    unit = h264._escaped(plain)
    renumbered = counting.renumber(unit, number)
    assert counting.number(renumbered) == number
    assert b"\0\0\0" not in renumbered
    assert b"\0\0\1" not in renumbered
    back = h264._unescaped(counting.renumber(renumbered, counting.number(unit)))
    assert back == plain


def test_streams_that_cannot_be_joined_are_refused() -> None:
    """More than one slice, or no parameter sets."""
    with pytest.raises(EncodeError, match="slice"):
        h264.Numbering(4).number(bytes([0x41, 0x4A, 0x20, 0, 1, 2, 3]))
    with pytest.raises(EncodeError, match="parameter sets"):
        h264.read_sets(b"\0\0\0\1\x67\x64")
