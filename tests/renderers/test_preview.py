"""Posters and GIF stand for a video in mails: complete at once, and small."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import skia
from numpy.typing import NDArray
from PIL import Image

from renderers.compose import Composer
from renderers.palette import Palette, own_palette, palette_of
from renderers.preview import GIF_BYTES, GIF_SECONDS, GIF_SIDE, Previews, draw_previews
from renderers.storyboard import SlotValue, Storyboard, assemble
from renderers.template import find_template
from tests.renderers.samples import HELLO, WriteTemplate, ink
from tests.renderers.test_packaged_templates import FORMATS, OPTIONAL

Picture = NDArray[np.float64]
RISING = HELLO.replace("largest = 200", 'largest = 120\nenter = "rise"')
PICTURE = """
[[scenes.layers]]
kind = "image"
source = "{source}"
{more}
"""


def pixels(path: Path) -> Picture:
    """Read a picture, or the first one of a GIF, as red, green and blue."""
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"), dtype=np.float64)


def frames(path: Path) -> list[tuple[Picture, float]]:
    """Read all pictures of a GIF with their seconds, as a viewer sees them."""
    found = []
    with Image.open(path) as image:
        for number in range(getattr(image, "n_frames", 1)):
            image.seek(number)
            shown = np.asarray(image.convert("RGB"), dtype=np.float64)
            found.append((shown, image.info["duration"] / 1000))
    return found


def reduced(path: Path, like: Picture) -> Picture:
    """Scale a poster down to the size of a GIF."""
    with Image.open(path) as image:
        size = (like.shape[1], like.shape[0])
        small = image.convert("RGB").resize(size, Image.Resampling.LANCZOS)
        return np.asarray(small, dtype=np.float64)


def psnr(one: Picture, other: Picture) -> float:
    """Compare two pictures; 30 dB is alike to the eye."""
    return float(10 * np.log10(255**2 / max(((one - other) ** 2).mean(), 1e-9)))


def colour_bands(width: int, height: int) -> bytes:
    """Make a PNG of smooth colours that no brand has."""
    across, down = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    planes = [across, 255 - down, (across + down) / 2, np.full_like(across, 255)]
    image = skia.Image.fromarray(
        np.dstack(planes).astype(np.uint8), colorType=skia.kRGBA_8888_ColorType
    )
    return bytes(image.encodeToData(skia.kPNG, 100))


@pytest.fixture
def previews(write_template: WriteTemplate, tmp_path: Path) -> Callable[..., Previews]:
    """Draw the previews of a small template for a name."""

    def draw(toml: str = RISING, name: str = "Ada", height: int = 180, **assets: bytes) -> Previews:
        template = write_template(toml, {f"{key}.png": value for key, value in assets.items()})
        board = assemble(template, {"first_name": SlotValue(name)}, height=height)
        folder = tmp_path / "made" / name
        folder.mkdir(parents=True, exist_ok=True)
        return draw_previews(board, folder)

    return draw


def test_the_poster_is_a_complete_frame(
    hello_board: Callable[..., Storyboard], tmp_path: Path
) -> None:
    """JPEG, of the video's size and colours, with the text on it."""
    board = hello_board(height=180)
    path = draw_previews(board, tmp_path).poster
    with Image.open(path) as image:
        assert (image.format, image.size) == ("JPEG", (320, 180))
        assert ink(np.asarray(image)) > 500
    assert psnr(pixels(path), Composer(board).frame(board.poster_frame).astype(float)) > 35


def test_the_play_button_is_in_a_file_of_its_own(previews: Callable[..., Previews]) -> None:
    """Mails show the one with the button, the player the one without."""
    made = previews()
    assert (made.poster.name, made.poster_play.name) == ("poster.jpg", "poster-play.jpg")
    changed = (pixels(made.poster) - pixels(made.poster_play)) > 60
    assert 300 < changed.any(axis=-1).sum() < 320 * 180 / 10


def test_the_poster_shows_the_scene_that_the_template_names(write_template: WriteTemplate) -> None:
    """Not the first scene, when the author chose another."""
    scene = "[[scenes]]" + HELLO.split("[[scenes]]")[1].replace('"hello"', '"end"')
    toml = HELLO.replace("fps = 10", 'fps = 10\nposter = "end"') + scene
    board = assemble(write_template(toml), {"first_name": SlotValue("Ada")})
    assert board.poster_frame == 19


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("name", OPTIONAL)
def test_the_gif_begins_complete_and_stays_small(name: str, format: str, tmp_path: Path) -> None:
    """Outlook shows only the first frame, and mail servers dislike large pictures."""
    always, optional = OPTIONAL[name]
    board = assemble(find_template(name), {**always, **optional}, format=format)
    made = draw_previews(board, tmp_path)
    assert made.gif.stat().st_size <= GIF_BYTES
    assert made.poster.stat().st_size <= 150_000
    first = pixels(made.gif)
    assert max(first.shape) == GIF_SIDE
    assert psnr(first, reduced(made.poster, first)) > 29


def test_the_gif_holds_the_poster_then_replays_its_entrance(
    previews: Callable[..., Previews],
) -> None:
    """Three seconds without end: complete, hardly there, coming in, and complete as at first."""
    shown = frames(previews().gif)
    assert len(shown) > 4
    assert shown[0][1] == pytest.approx(1.4)
    assert sum(seconds for _, seconds in shown) == pytest.approx(GIF_SECONDS)
    darkness = [float((255 - picture).sum()) for picture, _ in shown]
    assert darkness[1:] == sorted(darkness[1:])
    assert darkness[0] > 1.1 * darkness[1]
    assert np.array_equal(shown[0][0], shown[-1][0])


def test_the_gif_is_played_without_end(previews: Callable[..., Previews]) -> None:
    """Nobody has to open the mail again."""
    with Image.open(previews().gif) as image:
        assert image.info["loop"] == 0


def test_a_poster_without_motion_is_one_picture(previews: Callable[..., Previews]) -> None:
    """Nothing is written twice that does not move."""
    shown = frames(previews(HELLO).gif)
    assert [seconds for _, seconds in shown] == [GIF_SECONDS]


def test_a_long_entrance_is_cut_where_the_gif_begins_again(
    previews: Callable[..., Previews],
) -> None:
    """The loop returns to the complete picture in time."""
    late = RISING.replace("seconds = 1.0", "seconds = 4.0").replace('"rise"', '"rise"\nstart = 1.5')
    shown = frames(previews(late).gif)
    assert sum(seconds for _, seconds in shown) == pytest.approx(GIF_SECONDS)
    assert not np.array_equal(shown[0][0], shown[-1][0])


def test_changed_rectangles_add_up_to_the_frames_of_the_video(
    write_template: WriteTemplate, tmp_path: Path
) -> None:
    """Each picture of the GIF is what the video shows at that moment."""
    board = assemble(write_template(RISING), {"first_name": SlotValue("Ada")}, height=180)
    composer = Composer(board)
    shown = frames(draw_previews(board, tmp_path, composer).gif)
    # ten frames a second: what is shown after the poster are the scene's first frames
    for number, (picture, _) in enumerate(shown[1:]):
        assert psnr(picture, composer.frame(number).astype(float)) > 36


def test_all_videos_of_a_template_share_their_colours(write_template: WriteTemplate) -> None:
    """Whoever comes first: names do not decide the palette."""
    template = write_template(RISING)
    boards = [assemble(template, {"first_name": SlotValue(name)}) for name in ("Ada", "Ольга")]
    first, second = (palette_of(board) for board in boards)
    assert first is second


def test_a_stored_palette_finds_the_same_colours(write_template: WriteTemplate) -> None:
    """What a template's compiled form keeps is as good as new."""
    board = assemble(write_template(RISING), {"first_name": SlotValue("Ada")}, height=180)
    palette = palette_of(board)
    noise = np.random.default_rng(5).integers(0, 255, (64, 64, 4), dtype=np.uint8)
    stored = Palette.from_bytes(palette.to_bytes())
    assert np.array_equal(stored.numbers(noise), palette.numbers(noise))
    assert 0 not in palette.numbers(noise)
    assert Palette.from_bytes(palette.to_bytes()) is stored


def test_brand_colours_stay_exact(write_template: WriteTemplate, tmp_path: Path) -> None:
    """A background is the same in GIF, poster and page."""
    board = assemble(write_template(RISING), {"first_name": SlotValue("Ada")}, height=180)
    first = pixels(draw_previews(board, tmp_path).gif)
    assert tuple(first[0, 0]) == tuple(bytes.fromhex(board.brand.colours.bg[1:]))
    assert tuple(bytes.fromhex(board.brand.colours.ink[1:])) in {
        tuple(colour) for colour in first.reshape(-1, 3).astype(int).tolist()
    }


def test_the_template_s_own_pictures_keep_their_plain_colours(
    write_template: WriteTemplate, tmp_path: Path
) -> None:
    """A field that is close to a shade of the brand does not become that shade."""
    board = assemble(find_template("abandoned_cart"), OPTIONAL["abandoned_cart"][0], height=360)
    made = draw_previews(board, tmp_path)
    first, poster = pixels(made.gif), pixels(made.poster)
    corner = first[3, -3] - poster[5, -5]
    assert np.abs(corner).max() <= 3


def test_a_personal_picture_gets_colours_of_its_own(
    write_template: WriteTemplate, tmp_path: Path
) -> None:
    """Colours that the template does not know are shown as they are."""
    slot = '[slots.photo]\nkind = "image"\nfallback = "plain.png"\n\n[[scenes]]'
    toml = RISING.replace("[[scenes]]", slot, 1) + PICTURE.format(source="{{ photo }}", more="")
    files = {"photo.png": colour_bands(320, 180), "plain.png": colour_bands(8, 8)}
    slots = {"first_name": SlotValue("Ada"), "photo": SlotValue("photo.png")}
    board = assemble(write_template(toml, files), slots, height=180)
    composer = Composer(board)
    truth = composer.frame(board.poster_frame).astype(float)
    first = pixels(draw_previews(board, tmp_path, composer).gif)
    assert psnr(first, truth) > 32
    assert not palette_of(board).covers(as_drawn(truth))


def test_an_own_palette_covers_what_it_was_made_from() -> None:
    """Also where there is only one colour."""
    plain = np.full((9, 9, 4), 77, dtype=np.uint8)
    palette = own_palette([plain])
    assert palette.covers(plain)
    assert palette.colours.tolist()[0] == [77, 77, 77]
    assert not palette.covers(255 - plain)


def as_drawn(picture: Picture) -> NDArray[np.uint8]:
    """Order the bytes as they are on the canvas."""
    opaque = np.full(picture.shape[:2], 255)
    return np.ascontiguousarray(np.dstack([picture[..., ::-1], opaque]).astype(np.uint8))


def test_the_same_video_gives_the_same_bytes_in_another_process(
    previews: Callable[..., Previews], tmp_path: Path
) -> None:
    """Whatever was drawn before it."""
    previews(name="Ольга")
    made = previews()
    code = (
        "import sys; from pathlib import Path\n"
        "from renderers.preview import draw_previews\n"
        "from renderers.storyboard import SlotValue, assemble\n"
        "from renderers.template import load_template\n"
        "template = load_template(Path(sys.argv[1]))\n"
        "board = assemble(template, {'first_name': SlotValue('Ada')}, height=180)\n"
        "draw_previews(board, Path(sys.argv[2]))\n"
    )
    again = tmp_path / "again"
    again.mkdir()
    template = tmp_path / "templates" / "small"
    subprocess.run([sys.executable, "-c", code, str(template), str(again)], check=True, timeout=60)
    for path in (made.poster, made.poster_play, made.gif):
        assert path.read_bytes() == (again / path.name).read_bytes()


def test_a_gif_of_noise_is_made_to_fit(previews: Callable[..., Previews]) -> None:
    """The worst picture there is stays below the limit: complete first, with fewer pictures."""
    noise = np.random.default_rng(3).integers(0, 255, (540, 960, 4), dtype=np.uint8)
    noise[..., 3] = 255
    image = skia.Image.fromarray(noise, colorType=skia.kRGBA_8888_ColorType)
    moving = RISING + PICTURE.format(source="noise.png", more='enter = "slide"')
    made = previews(moving, height=540, noise=bytes(image.encodeToData(skia.kPNG, 100)))
    assert made.gif.stat().st_size <= GIF_BYTES
    assert sum(seconds for _, seconds in frames(made.gif)) == pytest.approx(GIF_SECONDS)
