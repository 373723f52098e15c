"""Scenes and files as a glance sees them, all in order until a test changes one thing."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from renderers.brand import load_brand
from renderers.layers.stage import Lettering, PictureUse
from renderers.parts import AudioPart, Box, ImagePart, ShapePart, TextPart, Timing
from renderers.quality.seen import FileSeen, LayerSeen, SceneSeen, SoundSeen
from renderers.storyboard import Scene, Storyboard

BRAND = load_brand()
INK = BRAND.colours.ink
TIMING = Timing(0, 20)


TEXT = TextPart(
    kind="text",
    box=Box(40, 80, 240, 60),
    timing=TIMING,
    opacity=1.0,
    slots=("first_name",),
    text="Hi Ada",
    largest=24,
    smallest=9,
    lines=2,
    bold=True,
    colour=INK,
    align="start",
    valign="top",
    leading=1.2,
    tracking=0.0,
    plate=None,
)
BOX = Box(100, 60, 100, 50)


def a_scene(name: str = "hello", start: int = 0, **changes: Any) -> Scene:
    """Make a scene of two seconds that says something."""
    return replace(Scene(name, name, start, 20, BRAND.colours.bg, (), "Hello there."), **changes)


def a_board(**changes: Any) -> Storyboard:
    """Make a storyboard of two scenes at 320x180 and 10 frames a second: a quarter of 720p."""
    scenes = (a_scene(), a_scene("bye", 20))
    board = Storyboard("small", "1", "en", "16:9", 10, 320, 180, scenes, 0, None, BRAND)
    return replace(board, **changes)


def a_text(**changes: Any) -> Lettering:
    """Make a text in the brand's ink, large, whole and well inside."""
    ink = Box(40, 80, 160, 24)
    return replace(Lettering("Hi Ada", 20, 24, 9, INK, True, ink), **changes)


def a_picture(**changes: Any) -> PictureUse:
    """Make a picture that is drawn at its own size."""
    return replace(PictureUse("bag.png", 100, 50, 100.0, 50.0), **changes)


def on(colour: str, count: int = 40) -> Any:
    """Make samples of one colour."""
    return np.tile(np.frombuffer(bytes.fromhex(colour[1:]), dtype=np.uint8), (count, 1))


def texts(*letterings: Lettering, under: str = "#ffffff", **changes: Any) -> LayerSeen:
    """Make a text layer that shows some texts."""
    return LayerSeen(replace(TEXT, **changes), letterings, (), (on(under),) * len(letterings))


def image(*pictures: PictureUse, **changes: Any) -> LayerSeen:
    """Make an image layer that shows some pictures."""
    part = ImagePart("image", BOX, TIMING, 1.0, (), "bag.png", Path("bag.png"), "contain", 0.0)
    return LayerSeen(replace(part, **changes), (), pictures)


def logo(*, box: Box = BOX, **changes: Any) -> LayerSeen:
    """Make an image layer that shows the brand's logo."""
    return image(a_picture(**changes), source="brand:logo", box=box)


def shape(colour: str) -> LayerSeen:
    """Make a shape layer of one colour."""
    return LayerSeen(
        ShapePart("shape", Box(0, 0, 9, 9), TIMING, 1.0, (), "rect", colour, None, 0.0, 6.0)
    )


def a_sound() -> AudioPart:
    """Make a sound layer."""
    return AudioPart("audio", Box(0, 0, 0, 0), TIMING, 1.0, (), "a.m4a", Path("a.m4a"), 0.0)


def seen(*layers: LayerSeen) -> SceneSeen:
    """Make the first scene from its layers."""
    return SceneSeen("hello", layers)


def a_file(**changes: Any) -> FileSeen:
    """Make the probe of a file that is as the storyboard says."""
    return replace(FileSeen(40, 4.0, 320, 180, True, SoundSeen(0.5, -20.0, 4.0)), **changes)
