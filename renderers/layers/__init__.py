"""One kind of layer a file: each is set up once per scene, then asked to draw single frames.

A drawing says by `state(frame)` which frames look alike: equal states draw equal pixels. Whoever
composes may therefore reuse a frame, and a renderer may encode only those that differ.
"""

from collections.abc import Callable
from typing import Any

from renderers.layers import audio, chart, image, list, shape, text, video
from renderers.layers.stage import Drawing, Stage

__all__ = ["LAYERS", "Drawing", "Stage", "audio"]

# kind -> what sets it up for drawing; sound is heard, not drawn (see renderers/sound.py)
LAYERS: dict[str, Callable[[Any, Stage], Drawing]] = {
    "text": text.set_up,
    "image": image.set_up,
    "video": video.set_up,
    "shape": shape.set_up,
    "chart": chart.set_up,
    "list": list.set_up,
}
