"""Finds and reads templates: a folder with `template.toml`, its assets, and perhaps its brand."""

import hashlib
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from renderers import checks, lines
from renderers.brand import Brand, brand_file, load_brand
from renderers.errors import TemplateError
from renderers.schema import Music, Scene, Slot, Words

PACKAGED = Path(__file__).parent / "templates"
FILE = "template.toml"
Fingerprint = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True)
class Template:
    """One checked template, ready to be filled."""

    name: str
    version: str
    folder: Path
    brand: Brand
    words: Words

    @property
    def title(self) -> str:
        """Name it for people."""
        return self.words.title

    @property
    def slots(self) -> Mapping[str, Slot]:
        """List its holes by name."""
        return self.words.slots

    @property
    def scenes(self) -> Sequence[Scene]:
        """List its scenes in order."""
        return self.words.scenes

    @property
    def formats(self) -> Sequence[str]:
        """List the formats that it is laid out for."""
        return self.words.formats

    @property
    def fps(self) -> int:
        """Tell how many frames it shows in a second."""
        return self.words.fps

    @property
    def tags(self) -> Mapping[str, str]:
        """Tell what it is for (stage, role, industry)."""
        return self.words.tags

    @property
    def music(self) -> Music | None:
        """Name the sound bed, when there is one."""
        return self.words.music

    def asset(self, source: str) -> Path:
        """Locate an asset by the name that a layer uses."""
        return checks.locate(self.folder, self.brand, source)


def find_template(name: str, folders: Sequence[Path] = ()) -> Template:
    """Read a template by name: own folders are searched first, then the packaged ones."""
    for root in (*folders, PACKAGED):
        if name in _names(root):
            return load_template(root / name)
    known = ", ".join(list_templates(folders)) or "none"
    raise TemplateError(
        f"There is no template {name!r}; there are: {known}.", reason="template_unknown"
    )


def list_templates(folders: Sequence[Path] = ()) -> list[str]:
    """List the names of all templates that can be found."""
    return sorted({name for root in (*folders, PACKAGED) for name in _names(root)})


def template_schema() -> dict[str, Any]:
    """Describe `template.toml` as JSON Schema, for editors and for docs/template.schema.json."""
    schema = Words.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def load_template(folder: Path) -> Template:
    """Read and check one template folder; what did not change since is not read again."""
    return _load(folder, _fingerprint(folder))


@lru_cache(maxsize=64)
def _load(folder: Path, _fingerprint: Fingerprint) -> Template:
    source = _read(folder / FILE)
    words = parse_words(source, folder / FILE)
    brand = load_brand(folder)
    checks.check(words, source=source, file=folder / FILE, brand=brand)
    return Template(folder.name, _version(folder, words, brand), folder, brand, words)


def _fingerprint(folder: Path) -> Fingerprint:
    """Tell by times and sizes whether any file of a template or of the brand above it changed."""
    brand = brand_file(folder)
    paths = sorted({*folder.rglob("*"), *brand.parent.glob("brand*")})
    stats = ((path, path.stat()) for path in paths)
    return tuple((str(path), stat.st_mtime_ns, stat.st_size) for path, stat in stats)


def parse_words(source: str, file: Path) -> Words:
    """Parse the text of a `template.toml`, naming file, line and key of the first mistake."""
    try:
        return Words.model_validate(tomllib.loads(source))
    except tomllib.TOMLDecodeError as error:
        raise TemplateError(f"{file}: is not valid TOML: {error}.") from error
    except ValidationError as error:
        raise _first_mistake(error, source, file) from error


def _names(root: Path) -> list[str]:
    return sorted(path.parent.name for path in root.glob(f"*/{FILE}")) if root.is_dir() else []


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise TemplateError(f"{file}: cannot be read: {error}.") from error


def _first_mistake(error: ValidationError, source: str, file: Path) -> TemplateError:
    """Report a mistyped word first, else the first mistake; emptiness often only follows."""
    rank = {"extra_forbidden": 0, "too_short": 2}
    first = min(
        error.errors(),
        key=lambda e: (rank.get(e["type"], 1), lines.line_of(source, e["loc"]) or 0),
    )
    place = (*first["loc"], "kind") if first["type"].startswith("union_tag") else first["loc"]
    scene = lines.scene_of(source, place)
    why = "is not a word of templates" if first["type"] == "extra_forbidden" else first["msg"]
    in_scene = f"scene {scene!r}: " if scene else ""
    return TemplateError(
        f"{lines.where(file, source, place)}: {in_scene}{lines.key_of(place)}: "
        f"{why.removeprefix('Value error, ')}.",
        scene=scene,
        slot=str(place[1]) if len(place) > 1 and place[0] == "slots" else None,
    )


def _version(folder: Path, words: Words, brand: Brand) -> str:
    digest = hashlib.sha256()
    for path in _ingredients(folder, words, brand):
        content = path.read_bytes()
        digest.update(f"{path.name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:16]


def _ingredients(folder: Path, words: Words, brand: Brand) -> Iterator[Path]:
    yield folder / FILE
    yield brand_file(folder)
    if brand.logo_path:
        yield brand.logo_path
    for source in checks.sources(words):
        yield checks.locate(folder, brand, source)
