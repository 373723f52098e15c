"""What stands on a template's shelf: encoded scenes, backdrops and soundtracks, and their keys.

A key is made of everything that decides the bytes, never of the bytes; the shelf's own folder
stands for what all pieces have in common (reference: docs/decisions/0011).
"""

import dataclasses
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from renderers import fonts, recipe
from renderers.compose import Placed
from renderers.palette import Palette, common_scene, palette_of
from renderers.planes import Planes
from renderers.quality.findings import Finding, findings_from_json, findings_to_json
from renderers.segments import ParameterSets, Segment
from renderers.shelf import Meta, Shelf, Sink
from renderers.soundtrack import Soundtrack
from renderers.storyboard import Scene, Storyboard

_SOURCES = Path(__file__).parent


def open_shelf(root: Path, board: Storyboard) -> Shelf:
    """Find the shelf of a storyboard's template version, brand, format, size and encoder."""
    facts = {
        "template": board.template,
        "version": board.template_version,
        "brand": _digest(board.brand.model_dump(mode="json")),
        "format": board.format,
        "width": board.width,
        "height": board.height,
        "fps": board.fps,
        **today(),
    }
    side = min(board.width, board.height)
    shape = board.format.replace(":", "x")
    return _shelf(root / f"{board.template}-{shape}-{side}p-{_digest(facts)[:12]}", _text(facts))


def today() -> dict[str, str]:
    """Identify what draws and encodes; pieces that others made are not used."""
    return {
        "encoder": recipe.fingerprint(),
        "renderer": _renderer(),
        "fonts": fonts.fingerprint(),
    }


@lru_cache(maxsize=32)
def _shelf(folder: Path, facts: str) -> Shelf:
    return Shelf(folder, json.loads(facts))


def scene_key(scene: Scene, board: Storyboard) -> str:
    """Identify what a scene looks like."""
    return _look([scene.frames, scene.background, _parts(scene.layers)], board)


def backdrop_key(scene: Scene, board: Storyboard, layers: Sequence[Placed]) -> str:
    """Identify what lies under the layers that move."""
    parts = [layer.part for layer in layers]
    # without layers a backdrop is one colour, however long the scene is
    frames = scene.frames if parts else 0
    return _look([frames, scene.background, _parts(parts)], board)


def sound_key(board: Storyboard) -> str:
    """Identify a plan of sounds: what is heard, when, and how loud."""
    heard = [
        (scene.start_frame, _parts([part for part in scene.layers if part.kind == "audio"]))
        for scene in board.scenes
    ]
    music = board.music and dataclasses.replace(board.music, path=Path())
    return _digest([board.frames, music and dataclasses.asdict(music), heard])[:24]


def stored_segment(shelf: Shelf, key: str, make: Callable[[], Segment]) -> Segment:
    """Find an encoded scene, or encode it now."""

    def write(sink: Sink) -> Meta:
        made = make()
        sink(made.payload)
        sink(made.sizes.astype("<u4").tobytes())
        sets = [made.sets.sps.hex(), made.sets.pps.hex()]
        return {"frames": made.frames, "sync": list(made.sync), "sets": sets}

    piece = shelf.fetch(f"scene-{key}", write)
    cut = len(piece.content) - 4 * piece.meta["frames"]
    sps, pps = map(bytes.fromhex, piece.meta["sets"])
    sizes = np.frombuffer(piece.content[cut:], "<u4").astype(np.uint32)
    return Segment(ParameterSets(sps, pps), piece.content[:cut], sizes, tuple(piece.meta["sync"]))


def stored_backdrop(
    shelf: Shelf, key: str, board: Storyboard, paint: Callable[[], Iterator[Planes]]
) -> list[Planes]:
    """Find the pictures of a backdrop as views of the mapped file, or paint them now."""

    def write(sink: Sink) -> Meta:
        for planes in paint():
            for plane in (planes.y, planes.u, planes.v):
                sink(plane.tobytes())
        return {}

    content = np.frombuffer(shelf.fetch(f"backdrop-{key}", write).content, np.uint8)
    width, height = board.width, board.height
    luma, chroma = width * height, width * height // 4
    half = (height // 2, width // 2)
    return [
        Planes(
            picture[:luma].reshape(height, width),
            picture[luma : luma + chroma].reshape(half),
            picture[luma + chroma :].reshape(half),
        )
        for picture in content.reshape(-1, luma + 2 * chroma)
    ]


def stored_sound(shelf: Shelf, key: str, make: Callable[[], Soundtrack]) -> Soundtrack:
    """Find the encoded sound of a plan, or mix and encode it now."""

    def write(sink: Sink) -> Meta:
        made = make()
        sink(made.payload)
        sink(made.sizes.astype("<u4").tobytes())
        facts = {name: getattr(made, name) for name in ("priming", "length", "peak", "rms")}
        return {"packets": len(made.sizes), "config": made.config.hex(), **facts}

    piece = shelf.fetch(f"sound-{key}", write)
    meta = dict(piece.meta)
    cut = len(piece.content) - 4 * meta.pop("packets")
    sizes = np.frombuffer(piece.content[cut:], "<u4").astype(np.uint32)
    config = bytes.fromhex(meta.pop("config"))
    return Soundtrack(piece.content[:cut], sizes, config, **meta)


def stored_findings(
    shelf: Shelf, scene: Scene, board: Storyboard, glance: Callable[[], list[Finding]]
) -> list[Finding]:
    """Find what was noticed about a shared scene, or look at it now."""

    def write(sink: Sink) -> Meta:
        sink(json.dumps(findings_to_json(glance()), ensure_ascii=False).encode())
        return {}

    # the caption's words and the scene's name are in the sentences
    key = _digest([scene_key(scene, board), scene.name, bool(scene.narration)])[:24]
    piece = shelf.fetch(f"glance-{key}", write)
    return findings_from_json(json.loads(bytes(piece.content)))


def stored_palette(shelf: Shelf, board: Storyboard) -> Palette:
    """Find the colours that the GIFs of a template share, or choose them now."""
    scene = common_scene(board)

    def write(sink: Sink) -> Meta:
        sink(palette_of(board).to_bytes())
        return {}

    piece = shelf.fetch(f"palette-{scene_key(scene, board)}", write)
    return Palette.from_bytes(bytes(piece.content))


def _look(facts: list[Any], board: Storyboard) -> str:
    """Key what is seen; of the locale only what matters for its texts."""
    return _digest([facts, fonts.tongue(_text(facts), board.locale)])[:24]


def _parts(parts: Sequence[Any]) -> list[Any]:
    """List what decides the pixels of parts; a path differs between machines, a name does not."""
    return [
        {"kind": part.kind, **{k: v for k, v in dataclasses.asdict(part).items() if k != "path"}}
        for part in parts
    ]


def _digest(facts: Any) -> str:
    return hashlib.sha256(_text(facts).encode()).hexdigest()


def _text(facts: Any) -> str:
    return json.dumps(facts, sort_keys=True, ensure_ascii=False, default=lambda _: None)


@lru_cache(maxsize=1)
def _renderer() -> str:
    """Identify the code that draws: another release may draw other pixels."""
    digest = hashlib.sha256()
    for path in sorted(_SOURCES.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
