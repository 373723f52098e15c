"""Pictures are converted and layers are blended as the formulae of bt709 say, to the nearest level."""

from typing import Any

import numpy as np
import skia
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from renderers.planes import Area, Planes, area_of, blank, cut_out, lay, to_planes

Pixels = NDArray[np.uint8]
KR, KG, KB = 0.2126, 0.7152, 0.0722  # ITU-R BT.709-6, item 3.2


def ideal(pixels: NDArray[Any]) -> tuple[NDArray[np.float64], ...]:
    """Convert by the formula: limited range, chroma beside the left sample and between rows."""
    red, green, blue = (pixels[..., n].astype(float) for n in range(3))
    luma = KR * red + KG * green + KB * blue
    blues = 128 + 224 / 255 * (blue - luma) / (2 - 2 * KB)
    reds = 128 + 224 / 255 * (red - luma) / (2 - 2 * KR)
    return 16 + 219 / 255 * luma, sited(blues), sited(reds)


def sited(plane: NDArray[np.float64]) -> NDArray[np.float64]:
    """Take chroma samples with weights 1 2 1 across and 1 1 down; the left edge goes on."""
    wide = np.concatenate([plane[:, :1], plane, plane[:, -1:]], axis=1)
    across = (wide[:, 0:-2:2] + 2 * wide[:, 1:-1:2] + wide[:, 2::2]) / 4
    halved: NDArray[np.float64] = (across[0::2] + across[1::2]) / 2
    return halved


def noise(seed: int, *shape: int) -> Pixels:
    """Make pixels of every kind."""
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


@given(st.integers(0, 10_000), st.integers(1, 12), st.integers(1, 12))
def test_any_picture_is_converted_to_the_nearest_levels(seed: int, tall: int, wide: int) -> None:
    """Never more than a level and a half from the formula in floating point."""
    pixels = noise(seed, 2 * tall, 2 * wide, 3)
    made = to_planes(pixels)
    for plane, wanted in zip((made.y, made.u, made.v), ideal(pixels), strict=True):
        assert plane.shape == wanted.shape
        assert np.abs(plane - wanted).max() < 1.5


def test_black_white_and_grey_have_no_colour_and_exact_luma() -> None:
    """16, 235 and what is between; chroma is 128."""
    for grey in range(256):
        made = to_planes(np.full((2, 2, 3), grey, np.uint8))
        assert abs(int(made.y[0, 0]) - (16 + 219 * grey / 255)) < 0.7
        assert (made.u[0, 0], made.v[0, 0]) == (128, 128)
    assert to_planes(np.zeros((2, 2, 3), np.uint8)).y[0, 0] == 16
    assert to_planes(np.full((2, 2, 3), 255, np.uint8)).y[0, 0] == 235


def blot(width: int, height: int, seed: int) -> Pixels:
    """Draw something colourful with soft edges on a transparent canvas."""
    pixels = np.zeros((height, width, 4), np.uint8)
    surface = skia.Surface(pixels, skia.kRGBA_8888_ColorType, skia.kPremul_AlphaType)
    colour = skia.Color(*(int(n) for n in noise(seed, 3)), 40 + seed % 216)
    paint = skia.Paint(Color=colour, AntiAlias=True)
    surface.getCanvas().drawCircle(width * 0.45, height * 0.5, min(width, height) * 0.3, paint)
    surface.flushAndSubmit()
    return pixels


@given(
    st.integers(0, 500),
    st.integers(-20, 20),
    st.integers(-20, 20),
    st.integers(0, 255),
    st.tuples(st.integers(0, 255), st.integers(0, 255), st.integers(0, 255)),
)
def test_laying_a_sprite_equals_blending_in_rgb(
    seed: int, dx: int, dy: int, opacity: int, under: tuple[int, int, int]
) -> None:
    """Wherever it is shifted and however faint, also over the picture's edge."""
    over = blot(24, 16, seed)
    below = np.empty((32, 40, 3), np.uint8)
    below[...] = under
    picture = to_planes(below)
    sprite = cut_out(over, 8, 8)
    assert sprite is not None
    lay(picture, sprite, dx, dy, opacity)
    wanted = ideal_blend(below, over, 8 + dx, 8 + dy, opacity)
    # the first chroma column sees what is beyond the edge, where the formula repeats the edge
    for plane, exact in zip((picture.y, picture.u[:, 1:], picture.v[:, 1:]), wanted, strict=True):
        assert np.abs(plane - exact[:, -plane.shape[1] :]).max() < 3
        assert np.abs(plane - exact[:, -plane.shape[1] :]).mean() < 0.9


def ideal_blend(
    below: Pixels, over: Pixels, left: int, top: int, opacity: int
) -> tuple[NDArray[np.float64], ...]:
    """Blend premultiplied pixels in floating point, then convert."""
    tall, wide = below.shape[:2]
    room = np.zeros((tall + 160, wide + 160, 4))
    room[80 + top : 80 + top + over.shape[0], 80 + left : 80 + left + over.shape[1]] = over
    laid = room[80 : 80 + tall, 80 : 80 + wide] * (opacity / 255)
    mixed = below * (1 - laid[..., 3:] / 255) + laid[..., :3]
    return ideal(mixed)


@given(st.integers(0, 100), st.integers(-30, 30), st.integers(-30, 30))
def test_a_sprite_touches_nothing_outside_of_its_area(seed: int, dx: int, dy: int) -> None:
    """What has to be painted again is known exactly, in luma and in chroma."""
    sprite = cut_out(blot(20, 20, seed), 10, 6)
    assert sprite is not None
    before, after = to_planes(noise(1, 32, 40, 3)), to_planes(noise(1, 32, 40, 3))
    lay(after, sprite, dx, dy)
    area = area_of(after, sprite, dx, dy)
    touched = np.zeros((32, 40), bool)
    touched[max(area.top, 0) : max(area.bottom, 0), max(area.left, 0) : max(area.right, 0)] = True
    assert not (before.y != after.y)[~touched].any()
    for one, other in ((before.u, after.u), (before.v, after.v)):
        assert not (one != other)[~touched[::2, ::2]].any()


def test_painting_again_inside_of_a_clip_changes_nothing_else() -> None:
    """A restored area and a clipped sprite give the same picture as painting it all."""
    sprite = cut_out(blot(24, 16, 3), 6, 5)
    assert sprite is not None
    below, whole = to_planes(noise(2, 32, 40, 3)), to_planes(noise(2, 32, 40, 3))
    lay(whole, sprite)
    again = Planes(whole.y.copy(), whole.u.copy(), whole.v.copy())
    clip = Area(10, 6, 20, 14)
    again.copy_from(below, clip)
    lay(again, sprite, clip=clip)
    for name in ("y", "u", "v"):
        assert np.array_equal(getattr(again, name), getattr(whole, name))


def test_nothing_to_see_is_no_sprite() -> None:
    """An empty drawing costs nothing later."""
    assert cut_out(np.zeros((4, 4, 4), np.uint8)) is None


def test_an_area_can_be_taken_over_from_another_picture() -> None:
    """Luma and the chroma under it, and nothing beside."""
    picture, other = blank(8, 4), to_planes(noise(5, 4, 8, 3))
    picture.copy_from(other)
    assert np.array_equal(picture.u, other.u)
    third = to_planes(noise(6, 4, 8, 3))
    picture.copy_from(third, Area(2, 0, 6, 2))
    assert np.array_equal(picture.y[0:2, 2:6], third.y[0:2, 2:6])
    assert np.array_equal(picture.y[2:], other.y[2:])
    assert np.array_equal(picture.v[0, 1:3], third.v[0, 1:3])


def test_areas_know_what_they_have_in_common() -> None:
    """Edges that only touch do not meet."""
    one = Area(0, 0, 4, 4)
    assert one.meets(Area(2, 2, 6, 6))
    assert not one.meets(Area(4, 0, 6, 4))
    assert one.joined(Area(6, 2, 8, 8)) == Area(0, 0, 8, 8)
