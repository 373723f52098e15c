"""Makes ahead what all videos of a template share, so that no first viewer waits for it."""

import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from renderers.compose import Composer, set_up_scene
from renderers.errors import RenderError, in_scene
from renderers.footage import vet_film
from renderers.look import scene_findings
from renderers.order import Order
from renderers.parts import ImagePart, VideoPart
from renderers.pictures import load_picture
from renderers.quality.findings import Finding
from renderers.shelf import MANIFEST, Shelf
from renderers.shelved import open_shelf, stored_palette, today
from renderers.sound import mix
from renderers.stand_ins import fillings
from renderers.stitch import Stitcher
from renderers.stitched import soundtrack
from renderers.storyboard import Scene, Storyboard, assemble
from renderers.template import Template
from renderers.values import SlotValue

Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class SceneCost:
    """What a scene costs in each video: `drawn` of its `frames` are drawn and encoded."""

    name: str
    personal: bool
    frames: int
    drawn: int


@dataclass(frozen=True)
class Compiled:
    """A template made ready in one format."""

    template: str
    version: str
    format: str
    height: int
    folder: Path
    scenes: tuple[SceneCost, ...]
    pieces: int
    bytes: int
    seconds: float
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class ShelfFacts:
    """What lies in one folder of compiled pieces; `current` says that today's code would use it."""

    folder: Path
    template: str
    version: str
    format: str
    height: int
    pieces: int
    bytes: int
    current: bool


def compile_template(
    template: Template,
    *,
    compiled: Path,
    formats: Sequence[str] | None = None,
    height: int = 720,
    locales: Sequence[str] = ("en",),
    slots: Mapping[str, SlotValue] | None = None,
    asset_root: Path | None = None,
    progress: Progress | None = None,
) -> list[Compiled]:
    """Encode every shared scene and prepare every personal one, in each format.

    `slots` are values that all videos have in common; errors name the scene and the file.
    """
    wanted = formats or template.formats
    made = []
    for number, format in enumerate(wanted):
        with _boards(template, format, height, locales, slots or {}, asset_root) as boards:

            def tell(share: float, name: str, number: int = number, format: str = format) -> None:
                if progress:
                    done = (number + share) / len(wanted)
                    progress(done, f"{template.name} {format}: {name}")

            made.append(_compiled(boards, compiled, height, tell))
    if progress:
        progress(1.0, template.name)
    return made


def vet_template(template: Template) -> list[RenderError]:
    """Open every picture, film and sound that a template names; list what is wrong with them."""
    wrong: dict[str, RenderError] = {}
    for format in template.formats:
        try:
            with _boards(template, format, 36, ("en",), {}, None) as boards:
                for board in boards:
                    _open_all(board, wrong)
        except RenderError as error:
            wrong.setdefault(str(error), error)
    return list(wrong.values())


def compiled_shelves(compiled: Path) -> list[ShelfFacts]:
    """List the folders of compiled pieces."""
    manifests = sorted(compiled.glob(f"*/{MANIFEST}")) if compiled.is_dir() else []
    return [facts for path in manifests if (facts := _read(path))]


def check_compiled(compiled: Path) -> list[str]:
    """Read every piece and name those that are not what they were when they were made."""
    return [
        f"{shelf.folder.name}/{piece}"
        for shelf in compiled_shelves(compiled)
        for piece in Shelf(shelf.folder, {}).broken()
    ]


def clean_compiled(compiled: Path, *, everything: bool = False) -> list[ShelfFacts]:
    """Delete folders that today's code would not use, or all; return what was deleted."""
    unused = [facts for facts in compiled_shelves(compiled) if everything or not facts.current]
    for facts in unused:
        shutil.rmtree(facts.folder, ignore_errors=True)
    return unused


@contextmanager
def _boards(
    template: Template,
    format: str,
    height: int,
    locales: Sequence[str],
    given: Mapping[str, SlotValue],
    asset_root: Path | None,
) -> Iterator[list[Storyboard]]:
    """Assemble the storyboards that between them show all shared scenes."""
    with tempfile.TemporaryDirectory(prefix="cuereel-stand-ins-") as folder:
        root = Path(folder)
        for path in asset_root.glob("*") if asset_root and given else ():
            (root / path.name).symlink_to(path.resolve())
        boards = [
            assemble(template, slots, locale=locale, format=format, height=height, asset_root=root)
            for locale in locales
            for slots in fillings(template, given, root)
        ]
        yield list({board.key(): board for board in boards}.values())


def _compiled(
    boards: Sequence[Storyboard], compiled: Path, height: int, tell: Progress
) -> Compiled:
    begun = time.monotonic()
    shelf = open_shelf(compiled, boards[0])
    costs: dict[str, SceneCost] = {}
    found: dict[Finding, None] = {}
    for number, board in enumerate(boards):
        order = Order(Composer(board), shelf.folder, shelf)
        stitcher = Stitcher(order.composer, shelf, reuse=True)
        for index, scene in enumerate(board.scenes):
            tell((number + index / len(board.scenes)) / len(boards), scene.name)
            costs[scene.name] = _prepare(order, stitcher, index, found)
        soundtrack(order)
        stored_palette(shelf, board)
    facts = _facts(shelf.folder)
    return Compiled(
        template=boards[0].template,
        version=boards[0].template_version,
        format=boards[0].format,
        height=height,
        folder=shelf.folder,
        scenes=tuple(costs.values()),
        pieces=facts.pieces,
        bytes=facts.bytes,
        seconds=time.monotonic() - begun,
        findings=tuple(found),
    )


def _prepare(order: Order, stitcher: Stitcher, index: int, found: dict[Finding, None]) -> SceneCost:
    """Encode a scene if everybody sees the same, else only its backdrop."""
    scene = order.board.scenes[index]
    if not scene.shared:
        scenery = stitcher.scenery(index)
        return SceneCost(scene.name, True, scene.frames, scenery.changes())
    for _ in stitcher.segments(index):
        pass
    found.update(dict.fromkeys(scene_findings(order, index)))
    return SceneCost(scene.name, False, scene.frames, 0)


def _open_all(board: Storyboard, wrong: dict[str, RenderError]) -> None:
    """Set up every scene by itself, and decode its footage and sounds."""
    for scene in board.scenes:
        try:
            with in_scene(scene.name):
                _vet(scene, board)
        except RenderError as error:
            wrong.setdefault(str(error), error)
    try:
        mix(board)
    except RenderError as error:
        wrong.setdefault(str(error), error)


def _vet(scene: Scene, board: Storyboard) -> None:
    set_up_scene(scene, board)
    for part in scene.layers:
        if isinstance(part, ImagePart):
            load_picture(part.path, slots=part.slots, name=part.source)
        if isinstance(part, VideoPart):
            seconds = (part.timing.last - part.timing.first) / board.fps
            vet_film(part.path, part.source, seconds=seconds, skip=part.skip)


def _read(manifest: Path) -> ShelfFacts | None:
    try:
        return _facts(manifest.parent)
    except (OSError, ValueError, LookupError, TypeError):
        return None


def _facts(folder: Path) -> ShelfFacts:
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    facts, pieces = manifest["facts"], manifest["pieces"]
    return ShelfFacts(
        folder=folder,
        template=facts["template"],
        version=facts["version"],
        format=facts["format"],
        height=min(facts["width"], facts["height"]),
        pieces=len(pieces),
        bytes=sum(piece["bytes"] for piece in pieces.values()),
        current=all(facts[name] == value for name, value in today().items()),
    )
