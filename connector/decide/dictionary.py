"""Translates between our words and a CRM's field names, in both directions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from connector.decide.campaigns import complaints, packaged, place, read_text, read_toml
from connector.decide.lines import line_of
from connector.errors import MappingError

FOLDER = "crm"
Type = Literal["text", "long_text", "url", "number", "datetime"]
# in order of priority: where a CRM limits custom fields, the first ones are made
WRITE_WORDS = (
    "video_url", "thumbnail_url", "video_status", "video_status_reason", "percent_watched",
    "views", "last_viewed_at", "engagement_score", "last_cta", "video_expires_at",
    "video_template", "video_variant", "video_fallback_slots", "video_ready_at",
    "first_viewed_at", "furthest_percent", "seconds_watched", "rewatches", "drop_off_scene",
    "cta_clicks", "engagement_tier", "tracking_consent",
)  # fmt: skip


@dataclass(frozen=True)
class FieldSpec:
    """One field that we write: what the CRM calls it, and what it tells a reader."""

    name: str
    label: str
    type: str
    description: str


@dataclass(frozen=True)
class Dictionary:
    """
    Our words in one CRM: *read* maps `contact.first_name` to its field, *write_fields* ours.

    *events* maps what happens there, as this CRM's folder describes it, to our kinds of trigger.
    *objects* says which of the CRM's objects a kind of record is, where it has own ones; *rows*, by
    kind of change, what a second layer's rows are called: `object`, `key` and our words.
    """

    crm: str
    read: Mapping[str, str]
    write_fields: Mapping[str, FieldSpec]
    events: Mapping[str, str] = field(default_factory=dict)
    objects: Mapping[str, str] = field(default_factory=dict)
    rows: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def words(self) -> frozenset[str]:
        """Every word that can be read."""
        return frozenset(self.read)

    @property
    def kinds(self) -> frozenset[str]:
        """Every kind of record that has words."""
        return frozenset(word.partition(".")[0] for word in self.read)

    def field(self, word: str) -> str | None:
        """Find what the CRM calls a word such as `contact.first_name`."""
        return self.read.get(word)

    def word(self, kind: str, field: str) -> str | None:
        """Find our word for a field of a kind of record."""
        found = (w for w, name in self.read.items() if name == field)
        return next((w for w in found if w.partition(".")[0] == kind), None)

    def write_field(self, word: str) -> str | None:
        """Find what the CRM calls a word that we write, such as `video_url`."""
        spec = self.write_fields.get(word)
        return spec.name if spec else None

    def write_word(self, field: str) -> str | None:
        """Find our word for a field that we wrote."""
        return next((w for w, spec in self.write_fields.items() if spec.name == field), None)


class _Written(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    field: str
    label: str
    type: Type
    description: str


class _Words(BaseModel):
    # every other table is a kind of record, also one that only this company has
    model_config = ConfigDict(extra="allow", frozen=True)
    __pydantic_extra__: dict[str, dict[str, str]]

    contact: dict[str, str]
    write: dict[str, _Written]
    events: dict[str, Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]] = {}
    objects: dict[str, str] = {}
    rows: dict[Literal["video_row", "view_row"], dict[str, str]] = {}


@lru_cache(maxsize=64)
def parse_dictionary(text: str, crm: str) -> Dictionary:
    """Read a dictionary; MappingError lists every mistake with its line."""
    file = f"{crm}.toml"
    raw = read_toml(text, file)
    try:
        words = _Words.model_validate(raw)
    except ValidationError as error:
        raise MappingError("\n".join(complaints(error, text, file, _Words))) from None
    _whole(words, text, file)
    read = {
        f"{kind}.{name}": field
        for kind, fields in {"contact": words.contact, **words.__pydantic_extra__}.items()
        for name, field in fields.items()
    }
    written = {
        w: FieldSpec(s.field, s.label, s.type, s.description) for w, s in words.write.items()
    }
    ordered = {word: written[word] for word in WRITE_WORDS}
    return Dictionary(
        crm,
        MappingProxyType(read),
        MappingProxyType(ordered),
        MappingProxyType(dict(words.events)),
        MappingProxyType(dict(words.objects)),
        MappingProxyType({str(kind): names for kind, names in words.rows.items()}),
    )


def _whole(words: _Words, text: str, file: str) -> None:
    missing = [w for w in WRITE_WORDS if w not in words.write]
    strange = [w for w in words.write if w not in WRITE_WORDS]
    mistakes = [f"{file}: [write.{word}] is missing." for word in missing]
    mistakes += [
        f"{place(file, line_of(text, ('write', w)))}: we write no word {w!r}." for w in strange
    ]
    names = [spec.field for spec in words.write.values()]
    mistakes += [
        f"{file}: two words are written to {n!r}." for n in {n for n in names if names.count(n) > 1}
    ]
    if mistakes:
        raise MappingError("\n".join(mistakes))


def load_dictionary(crm: str, folders: Sequence[Path]) -> Dictionary:
    """Read the dictionary of a CRM; one in an own folder wins over the packaged one."""
    for path in (folder / FOLDER / f"{crm}.toml" for folder in (*folders, packaged())):
        if crm.isidentifier() and path.is_file():
            return parse_dictionary(read_text(path), crm)
    known = sorted(path.stem for path in (packaged() / FOLDER).glob("*.toml"))
    raise MappingError(f"No dictionary for {crm!r}; there are: {', '.join(known) or 'none'}.")
