"""Draw the pictures of docs/template-guide.md from small templates, the same every time.

Run by hand (`python -m tools.draw_guide_pictures`, with names to draw only some) when the look or
the guide changes; what it writes is committed. A picture that follows lines of a template in the
guide is drawn from those very lines.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import get_args

from PIL import Image

from renderers.compose import Composer
from renderers.schema import Entrance, Fit, TransitionKind
from renderers.storyboard import Storyboard, assemble
from renderers.template import load_template
from renderers.transitions import mix
from tools import guide_scenes as scenes
from tools.guide_scenery import landscape, write_film
from tools.guide_sheet import Cell, Frame, Row, save, sheet

DOCS = Path(__file__).resolve().parent.parent / "docs"
GUIDE, PICTURES = DOCS / "template-guide.md", DOCS / "images" / "guide"
ASSETS: dict[str, Callable[[Path], object]] = {
    "lake.png": lambda path: landscape(1920, 1080).save(str(path)),
    "shore.png": lambda path: landscape(1200, 500).save(str(path)),
    "valley.png": lambda path: landscape(300, 500, sun=0.5).save(str(path)),
    "morning.mp4": write_film,
}


class Studio:
    """A folder of templates with the landscape as picture and film."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._made = folder, 0

    def board(
        self, toml: str, *, format: str = "16:9", height: int = 720, locale: str = "en"
    ) -> Storyboard:
        """Assemble a template from its text, with every slot at its fallback."""
        self._made += 1
        home = self._folder / f"t{self._made}"
        home.mkdir()
        for name in ASSETS:
            if name in toml:
                (home / name).hardlink_to(self._asset(name))
        (home / "template.toml").write_text(toml, encoding="utf-8")
        return assemble(load_template(home), {}, format=format, height=height, locale=locale)

    def still(self, toml: str, *, format: str = "16:9", locale: str = "en") -> Frame:
        """Draw the moment when the first scene is complete."""
        board = self.board(toml, format=format, locale=locale)
        return Composer(board).frame(board.poster_frame)

    def _asset(self, name: str) -> Path:
        path = self._folder / name
        if not path.exists():
            ASSETS[name](path)
        return path


def snippets() -> Iterator[tuple[str, str]]:
    """List the pictures of the guide that follow lines of a template, with those lines."""
    blocks = GUIDE.read_text(encoding="utf-8").split("```toml\n")[1:]
    for block in blocks:
        toml, _, rest = block.partition("```\n")
        after = rest.lstrip().splitlines()[:1]
        if "[[scenes.layers]]" in toml and after and "](images/guide/" in after[0]:
            yield Path(after[0].rpartition("](")[2].rstrip(")")).stem, toml


def draw_snippet(studio: Studio, toml: str) -> Image.Image:
    """Draw lines of the guide: whole scenes side by side, layers as one scene."""
    if "[[scenes]]\n" not in toml:
        return sheet([Row([Cell(studio.still(scenes.scene(toml)))])], width=800)
    board = studio.board(scenes.filled(toml))
    tall = studio.board(scenes.filled(toml), format="9:16")
    cells = [Cell(*_settled(board, index)) for index in range(len(board.scenes))]
    cells += [Cell(_settled(tall, 0)[0], "9:16")]
    return sheet([Row(cells)])


def _settled(board: Storyboard, index: int) -> tuple[Frame, str]:
    scene = board.scenes[index]
    return Composer(board).frame(scene.start_frame + scene.frames * 2 // 3), scene.title


def draw_fits(studio: Studio) -> Image.Image:
    """Draw a wide and a tall picture in square boxes by every word of fit."""
    rows = [
        [
            Cell(studio.still(scenes.fitted(source, fit), format="1:1"), word and fit)
            for fit in get_args(Fit)
        ]
        for source, word in (("shore.png", ""), ("valley.png", "named"))
    ]
    return sheet([Row(cells) for cells in rows], width=960)


def draw_entrances(studio: Studio) -> Image.Image:
    """Draw how a layer comes in, by every word, moment by moment."""
    moments = (0, 2, 4, 7, 11, 16)
    rows = []
    for word in get_args(Entrance):
        composer = Composer(studio.board(scenes.entering(word)))
        last = word == get_args(Entrance)[-1]
        cells = [
            Cell(composer.frame(n)[180:540, 320:960], _milliseconds(n) if last else "", False)
            for n in moments
        ]
        rows.append(Row(cells, word))
    return sheet(rows)


def draw_transitions(studio: Studio) -> Image.Image:
    """Draw how a scene takes over from the one before it, by every word."""
    board = studio.board(scenes.TWO)
    composer, start, steps = Composer(board), board.scenes[1].start_frame, 12
    before, rows = composer.frame(start - 1), []
    for kind in get_args(TransitionKind):
        last = kind == get_args(TransitionKind)[-1]
        cells = [Cell(before, "before" if last else "", False)]
        for step in (1, 4, 6, 9):
            mixed = mix(kind, before, composer.frame(start + step), step, steps)
            cells.append(Cell(mixed, _milliseconds(step) if last else "", False))
        cells.append(
            Cell(composer.frame(start + steps), _milliseconds(steps) if last else "", False)
        )
        rows.append(Row(cells, kind))
    return sheet(rows)


def draw_cells(found: Sequence[tuple[str, str]], columns: int) -> Callable[[Studio], Image.Image]:
    """Make a way to draw small templates as a grid, each with its words."""

    def draw(studio: Studio) -> Image.Image:
        cells = [Cell(studio.still(toml), words) for words, toml in found]
        return sheet([Row(cells[at : at + columns]) for at in range(0, len(cells), columns)])

    return draw


def draw_film(studio: Studio) -> Image.Image:
    """Draw moments of a scene with footage under its text."""
    board = studio.board(scenes.scene(dict(snippets())["video"], seconds=3))
    composer = Composer(board)
    moments = [Cell(composer.frame(n), f"{n / 30:g} s", False) for n in (0, 18, 36, 54)]
    return sheet([Row(moments)])


def draw_formats(studio: Studio) -> Image.Image:
    """Draw one template in its three formats."""
    frames = [(name, studio.still(scenes.FORMATS, format=name)) for name in ("16:9", "1:1", "9:16")]
    return sheet([Row([Cell(frame, name) for name, frame in frames])], width=1100)


def draw_directions(studio: Studio) -> Image.Image:
    """Draw one layer in scripts that run from right to left, and mixed."""
    found = [
        Cell(studio.still(scenes.greeting(text), locale=locale), words)
        for words, locale, text in scenes.DIRECTIONS
    ]
    return sheet([Row(found)])


def draw_costs(studio: Studio) -> Image.Image:
    """Draw the scenes of a template, and for each how often it has to be made."""
    board = studio.board(scenes.COSTS)
    cells = []
    for index, scene in enumerate(board.scenes):
        personal = any("first_name" in part.slots for part in scene.layers)
        cells.append(Cell(_settled(board, index)[0], scene.title, personal, marked=personal))
    return sheet([Row(cells)])


def _milliseconds(frame: int) -> str:
    return f"{round(frame / 30 * 1000)} ms"


PAINTERS: dict[str, Callable[[Studio], Image.Image]] = {
    "text-fit": draw_cells(scenes.NAMES, 3),
    "text-direction": draw_directions,
    "fit": draw_fits,
    "video": draw_film,
    "shape": draw_cells(list(scenes.SHAPES.items()), 3),
    "chart": draw_cells(list(scenes.CHARTS.items()), 2),
    "list": draw_cells(list(scenes.LISTS.items()), 2),
    "entrances": draw_entrances,
    "transitions": draw_transitions,
    "formats": draw_formats,
    "costs": draw_costs,
}


def main(names: Sequence[str]) -> int:
    """Draw all pictures of the guide, or those that are named."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as folder:
        studio = Studio(Path(folder))
        for name, toml in snippets():
            if name not in PAINTERS and (not names or name in names):
                save(draw_snippet(studio, toml), PICTURES / f"{name}.png")
        for name, paint in PAINTERS.items():
            if not names or name in names:
                save(paint(studio), PICTURES / f"{name}.png")
    for path in sorted(PICTURES.glob("*.png")):
        print(f"{path.name}: {path.stat().st_size:,} bytes", file=sys.stderr)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
