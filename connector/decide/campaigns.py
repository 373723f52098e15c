"""
Reads campaign files: which trigger leads to which video, for whom, how often and with what.

A mistake is named by file, line and slot, with the nearest word that would have been right.
"""

from __future__ import annotations

import difflib
import hashlib
import tomllib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from connector.decide.expressions import names_in_condition
from connector.decide.lines import line_of, line_of_syntax
from connector.decide.schema import GIVEN, Source, Words
from connector.errors import MappingError
from connector.model import Trigger

FOLDER = "campaigns"


class Campaign(Words):
    """One campaign as installed: what its file says, with its name and version."""

    name: str
    version: str
    text: str

    def words(self) -> frozenset[str]:
        """Return every word that must be read from the CRM; nothing else is read."""
        found = set(self._used())
        if self.limits.quiet:
            found.add("contact.time_zone")
        return frozenset(w for w in found if "." in w and w.partition(".")[0] not in GIVEN)

    def names(self) -> frozenset[str]:
        """Return everything that sources and conditions name, given names included."""
        return frozenset(self._used())

    def _used(self) -> Iterator[str]:
        for source in (*self.slots.values(), self.deliver.locale, *self._addresses()):
            yield from source.words()
        for step in self.steps:
            yield from names_in_condition(step.when) if step.when else ()
        for action in self.actions:
            yield from action.words()

    def _addresses(self) -> tuple[Source, ...]:
        return (self.call_to_action.url,) if self.call_to_action else ()

    def answers(self, trigger: Trigger) -> bool:
        """Tell whether a trigger starts this campaign."""
        return self.trigger == trigger.kind

    def line(self, *path: str | int) -> int | None:
        """Find the line on which a part of the campaign is written."""
        return line_of(self.text, path)


@lru_cache(maxsize=256)
def parse_campaign(text: str, name: str) -> Campaign:
    """Read one campaign; MappingError lists every mistake with its line."""
    words = read_toml(text, f"{name}.toml")
    version = hashlib.sha256(text.encode()).hexdigest()[:16]
    try:
        Words.model_validate(words)
        return Campaign.model_validate({**words, "name": name, "version": version, "text": text})
    except ValidationError as error:
        raise MappingError("\n".join(complaints(error, text, f"{name}.toml", Words))) from None


@dataclass(frozen=True)
class Reading:
    """The campaigns whose files can be read, and by name what is wrong with the others."""

    campaigns: Mapping[str, Campaign]
    mistakes: Mapping[str, str]


def read_campaigns(folders: Sequence[Path]) -> Reading:
    """Read all campaigns; one in an own folder wins over the packaged one of the same name."""
    found: dict[str, Campaign] = {}
    mistakes: dict[str, str] = {}
    for path in _files(folders):
        try:
            found[path.stem] = parse_campaign(read_text(path), path.stem)
        except MappingError as error:
            mistakes[path.stem] = error.sentence
    return Reading(dict(sorted(found.items())), dict(sorted(mistakes.items())))


def load_campaigns(folders: Sequence[Path]) -> dict[str, Campaign]:
    """Read all campaigns, or raise MappingError with the mistakes of every file."""
    reading = read_campaigns(folders)
    if reading.mistakes:
        raise MappingError("\n".join(reading.mistakes.values()))
    return dict(reading.campaigns)


def _files(folders: Sequence[Path]) -> Iterator[Path]:
    taken: set[str] = set()
    for folder in (*folders, packaged()):
        for path in sorted((folder / FOLDER).glob("*.toml")):
            if path.stem not in taken:
                taken.add(path.stem)
                yield path


def packaged() -> Path:
    """Locate the mappings that come with us."""
    with as_file(files("mappings")) as folder:
        return Path(folder)


def read_text(path: Path) -> str:
    """Read a mapping file, or say plainly why it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise MappingError(f"{path.name} is not UTF-8 text; save it as UTF-8.") from None
    except OSError as error:
        raise MappingError(f"{path.name} cannot be read: {error.strerror}.") from error


def read_toml(text: str, file: str) -> dict[str, Any]:
    """Read TOML, or name the file and line that is not."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        where = place(file, line_of_syntax(str(error)))
        raise MappingError(f"{where}: not valid TOML: {str(error).split(' (at')[0]}.") from None


def place(file: str, line: int | None, slot: str | None = None) -> str:
    """Write where something stands: file, line and slot."""
    where = file + (f", line {line}" if line else "")
    return f"{where}, slot {slot!r}" if slot else where


def nearest(word: str, known: Collection[str]) -> str:
    """Write a suggestion: the nearest known word, or what there is to choose from."""
    close = difflib.get_close_matches(word, sorted(known), n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"known are: {', '.join(sorted(known))}." if known else "none are known."


def complaints(
    error: ValidationError, text: str, file: str, model: type[BaseModel]
) -> Iterator[str]:
    """Turn each finding of a validation into one sentence with its place."""
    for item in _telling(error):
        path = [part for part in item["loc"] if part not in _NOISE]
        slot = str(path[1]) if len(path) > 1 and path[0] == "slots" else None
        where = place(file, line_of(text, path), slot)
        yield f"{where}: {_sentence(item, path, model)}"


# what pydantic adds to a path for members of a union
_NOISE = frozenset({"str", "bool", "int", "float", "date", "list[dict[str,any]]", "[key]"})


def _telling(error: ValidationError) -> list[ErrorDetails]:
    # a list whose only member is wrong is also called too short, which tells nobody anything
    items = error.errors()
    deeper = {item["loc"][: len(item["loc"]) - 1] for item in items}
    deeper |= {item["loc"][:1] for item in items if len(item["loc"]) > 1}
    return [i for i in items if i["type"] != "too_short" or i["loc"] not in deeper]


def _sentence(item: ErrorDetails, path: Sequence[str | int], model: type[BaseModel]) -> str:
    name = str(path[-1]) if path else ""
    message = str(item["msg"]).removeprefix("Value error, ")
    if item["type"] == "extra_forbidden":
        return f"unknown word {name!r}; {nearest(name, _siblings(path, model))}"
    if item["type"] == "missing":
        return f"{name!r} is missing."
    return f"{'.'.join(str(p) for p in path)}: {message}."


def _siblings(path: Sequence[str | int], model: type[BaseModel]) -> Collection[str]:
    table: type[BaseModel] | None = model
    for part in path[:-1]:
        inner = table.model_fields.get(str(part)) if table else None
        table = _table(inner.annotation) if inner else table
    return [f.alias or name for name, f in table.model_fields.items()] if table else ()


def _table(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_table, getattr(annotation, "__args__", ()))), None)
