"""What sources may draw on: the fields of a record, and what came with the trigger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from connector.decide.cleaning import LONGEST, is_name, usable_text
from connector.decide.expressions import evaluate, nested
from connector.decide.schema import Source, own_currency

NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Facts:
    """Fields by word, names for expressions, and the language to write in."""

    fields: Mapping[str, Any]
    names: Mapping[str, Any]
    locale: str

    def raw(self, source: Source) -> Any:
        """Find what a source says, as it stands in the record."""
        return self.word(source.from_) if source.from_ else self.filled(source.value)

    def filled(self, text: Any) -> Any:
        """Fill a text that has expressions; anything else is already what it says."""
        return evaluate(text, self.names) if has_expressions(text) else text

    def word(self, word: str) -> Any:
        """Find a word among the fields, or among the facts that came with the trigger."""
        if word in self.fields:
            return self.fields[word]
        kind, _, name = word.partition(".")
        given = self.names.get(kind)
        return given.get(name) if isinstance(given, Mapping) else (None if name else given)

    def currency(self, source: Source) -> str | None:
        """Find the currency of a source: fixed, by word, or that of the same record."""
        if source.currency and source.currency.isupper():
            return source.currency
        word = source.currency or (own_currency(source.from_) if source.from_ else "")
        return self.word(word) if word else None


def facts_of(fields: Mapping[str, Any], context: Mapping[str, Any], locale: str) -> Facts:
    """Gather what sources may draw on; in expressions junk such as NULL counts as nothing."""
    clean = {word: _clean(word, value) for word, value in fields.items()}
    return Facts(fields, {**nested(clean), **context}, locale)


def _clean(word: str, value: Any) -> Any:
    # a text beyond all measure stays as it is, so that it is refused and not quietly replaced
    short = isinstance(value, str) and len(value) <= LONGEST
    return usable_text(value, name=is_name(word)) if short else value


def has_expressions(text: Any) -> bool:
    """Tell whether something written by an admin has to be filled."""
    return isinstance(text, str) and "{{" in text
