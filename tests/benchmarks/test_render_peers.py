"""The benchmark compares like with like, and says so when it does not."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from benchmarks.reel import board_of, personal_scenes
from benchmarks.reel.footage import write_footage
from benchmarks.reel.music import write_music
from benchmarks.reel.pictures import write_picture
from benchmarks.render_peers import with_ffmpeg
from benchmarks.render_peers.bare_encoder import encode, unique_frames
from benchmarks.render_peers.likeness import SAME_DB, likeness
from benchmarks.render_peers.processes import BenchmarkError, run, run_module
from benchmarks.render_peers.report import markdown, missed
from renderers.render import render

HEIGHT, PERSON = 180, 3
FILM = """
title = "Two short scenes"
formats = ["16:9"]
fps = 30
music = { source = "music.m4a" }
slots.first_name = { kind = "text" }
slots.balance = { kind = "money" }

[[scenes]]
name = "hello"
seconds = 1.0
[[scenes.layers]]
kind = "image"
source = "still.jpg"
[[scenes.layers]]
kind = "text"
text = "Hello {{ first_name }}"
weight = "bold"
largest = 160
colour = "bg"
enter = "fade"
at = [64, 200, 1152, 256]

[[scenes]]
name = "balance"
seconds = 1.0
[[scenes.layers]]
kind = "video"
source = "film.mp4"
[[scenes.layers]]
kind = "shape"
at = [64, 480, 480, 104]
[[scenes.layers]]
kind = "text"
text = "{{ balance }}"
weight = "bold"
largest = 160
colour = "bg"
enter = "rise"
at = [64, 200, 1152, 256]
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A template of two seconds with one still and one film."""
    folder = tmp_path_factory.mktemp("reel") / "short"
    folder.mkdir()
    write_picture(folder / "still.jpg", seed=1, size=(640, 360))
    write_footage(folder / "film.mp4", seed=1, seconds=0.5, size=(320, 180))
    write_music(folder / "music.m4a")
    (folder / "template.toml").write_text(FILM, encoding="utf-8")
    return folder


def test_every_contestant_shows_the_same_film(folder: Path, tmp_path: Path) -> None:
    """In the middle of each scene the others' pictures are like ours."""
    board = board_of(folder, PERSON, height=HEIGHT)
    ours = render(board, tmp_path / "ours", compiled=tmp_path / "compiled").video
    films = {way: tmp_path / f"{way}.mp4" for way in ("usual", "careful", "ffmpeg", "looped")}
    for way in ("usual", "careful"):
        run_module("with_moviepy", folder, PERSON, HEIGHT, films[way], way, home=tmp_path)
    run(with_ffmpeg.command(board, tmp_path, films["ffmpeg"], careful=False))
    run(with_ffmpeg.command(board, tmp_path, films["looped"], careful=True))
    found = {way: likeness(board, ours, film) for way, film in films.items()}
    unlike = {way: scenes for way, scenes in found.items() if min(scenes.values()) < SAME_DB}
    assert unlike == {}


def test_another_persons_film_is_not_taken_for_the_same(folder: Path, tmp_path: Path) -> None:
    """What the benchmark looks at tells two names apart."""
    board = board_of(folder, PERSON, height=HEIGHT)
    films = [
        render(board_of(folder, number, height=HEIGHT), tmp_path / str(number)).video
        for number in (PERSON, PERSON + 7)
    ]
    assert max(likeness(board, *films).values()) < SAME_DB


def test_the_bare_encoder_is_given_each_different_frame_once(folder: Path) -> None:
    """A fade of 14 frames and its end are 15 at most, and so are those of half a second."""
    board = board_of(folder, PERSON, height=HEIGHT)
    assert personal_scenes(board, folder) == [0, 1]
    frames = list(unique_frames(board, folder))
    drawn = [bytes(memoryview(frame.planes[0])) for frame in frames]
    assert all(one != next_one for one, next_one in pairwise(drawn))
    assert 2 < len(frames) <= 15 + 15 < board.frames
    assert encode(board, frames) > 1000


def test_a_contestant_that_fails_is_quoted(tmp_path: Path) -> None:
    """There are no figures of a run that broke, but its last words."""
    with pytest.raises(BenchmarkError, match="No such file"):
        run_module("bare_encoder", tmp_path / "nowhere", PERSON, HEIGHT, home=tmp_path)


def test_a_missed_bar_is_told_in_a_sentence() -> None:
    """Whoever reads the output need not know the bars."""
    result = figures()
    assert missed(result) == []
    result["cards"]["vs_moviepy"] = 150.0
    result["footage"]["extras_s"] = 0.9
    assert missed(result) == [
        "over stills, MoviePy's cost in ours is 150, at least 200 is wanted",
        "footage: poster, GIF, captions and glance cost 90%, at most 25 % is wanted",
    ]


def test_the_table_has_a_column_for_each_case() -> None:
    """What is printed can be put into the documentation as it is."""
    rows = [line for line in markdown(figures()).splitlines() if line.startswith("|")]
    assert {line.count("|") for line in rows} == {4}
    assert "| **MoviePy ÷ Cuereel** | **300** | **30** |" in rows


def figures() -> dict[str, Any]:
    """Figures that pass every bar."""
    case = {
        "cpu_s": 0.1, "cold_s": 9.0, "extras_s": 0.02, "vs_moviepy": 300.0, "vs_ffmpeg": 90.0,
        "vs_encoder": 1.1, "psnr_db": 43.0, "bytes_ratio": 1.0,
    }  # fmt: skip
    spent = ("moviepy", "moviepy_careful", "ffmpeg", "ffmpeg_careful", "encoder")
    peers = {
        "cpu_s": dict.fromkeys(spent, 1.0), "whole_psnr_db": 43.2,
        "vs_moviepy_careful": 100.0, "vs_ffmpeg_careful": 50.0,
    }  # fmt: skip
    machine = ("cpu", "cores", "system", "python", "moviepy", "av", "ffmpeg")
    return {
        "cards": dict(case),
        "footage": {**case, "cpu_s": 1.0, "extras_s": 0.2, "vs_moviepy": 30.0},
        "peers": {"cards": peers, "footage": peers},
        "rss_mb": 300.0,
        "rss_growth_mb_per_1000": 1.0,
        "machine": dict.fromkeys(machine, "x"),
    }
