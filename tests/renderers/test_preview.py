"""Poster and GIF stand for a video in mails: complete at once, and small."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from renderers.preview import GIF_BYTES, GIF_SIDE, write_gif, write_poster
from renderers.storyboard import SlotValue, Storyboard, assemble
from renderers.template import find_template
from tests.renderers.samples import HELLO, WriteTemplate, ink


def test_the_poster_is_a_complete_frame(
    hello_board: Callable[..., Storyboard], tmp_path: Path
) -> None:
    """JPEG, of the video's size, with the text on it."""
    path = write_poster(hello_board(height=180), tmp_path)
    with Image.open(path) as image:
        assert (image.format, image.size) == ("JPEG", (320, 180))
        assert ink(np.asarray(image)) > 500


def test_the_play_button_is_in_a_file_of_its_own(
    hello_board: Callable[..., Storyboard], tmp_path: Path
) -> None:
    """Mails show the one with the button, the player the one without."""
    board = hello_board(height=180)
    plain, play = write_poster(board, tmp_path), write_poster(board, tmp_path, play=True)
    assert plain.name == "poster.jpg"
    assert play.name == "poster-play.jpg"
    with Image.open(plain) as one, Image.open(play) as other:
        changed = (np.asarray(one).astype(int) - np.asarray(other)) > 60
        assert 300 < changed.any(axis=-1).sum() < 320 * 180 / 10


def test_the_poster_shows_the_scene_that_the_template_names(write_template: WriteTemplate) -> None:
    """Not the first scene, when the author chose another."""
    scene = "[[scenes]]" + HELLO.split("[[scenes]]")[1].replace('"hello"', '"end"')
    toml = HELLO.replace("fps = 10", 'fps = 10\nposter = "end"') + scene
    board = assemble(write_template(toml), {"first_name": SlotValue("Ada")})
    assert board.poster_frame == 19


def test_the_gif_begins_complete_and_stays_small(tmp_path: Path) -> None:
    """Outlook shows only the first frame, and mail servers dislike large pictures."""
    slots = {"first_name": SlotValue("Nguyễn"), "company": SlotValue("Acme")}
    board = assemble(find_template("onboarding"), slots, height=360)
    gif = write_gif(board, tmp_path)
    poster = write_poster(board, tmp_path)
    assert gif.stat().st_size <= GIF_BYTES
    with Image.open(gif) as moving, Image.open(poster) as still:
        first = np.asarray(moving.convert("RGB")).astype(int)
        expected = np.asarray(still.convert("RGB").resize(moving.size)).astype(int)
        assert moving.size == (GIF_SIDE, 270)
        assert abs(first - expected).mean() < 8
        seconds = 0.0
        for number in range(moving.n_frames):
            moving.seek(number)
            seconds += moving.info["duration"] / 1000
        assert moving.n_frames > 3
        assert 2.5 <= seconds <= 3.5
        assert moving.info["loop"] == 0


def test_a_gif_of_noise_is_made_to_fit(write_template: WriteTemplate, tmp_path: Path) -> None:
    """The worst picture there is still stays below the limit."""
    noise = np.random.default_rng(3).integers(0, 255, (180, 320, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.png")
    toml = HELLO + '\n[[scenes.layers]]\nkind = "image"\nsource = "noise.png"\nenter = "slide"\n'
    template = write_template(toml, {"noise.png": (tmp_path / "noise.png").read_bytes()})
    board = assemble(template, {"first_name": SlotValue("Ada")}, height=180)
    assert write_gif(board, tmp_path).stat().st_size <= GIF_BYTES
