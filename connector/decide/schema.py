"""The words of a campaign file, typed; everything else is refused by name."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from connector.decide.expressions import ExpressionError, names_in_condition, names_in_text
from connector.decide.spans import Caps, Quiet, Span

Word = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)?$")]
Currency = Annotated[
    str, StringConstraints(pattern=r"^([A-Z]{3}|[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)?)$")
]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Form = Literal["text", "number", "money", "percent", "fraction", "date", "url"]
Shape = Literal["16:9", "9:16", "1:1"]
# names in expressions that come with the trigger and are never read from the CRM
GIVEN = frozenset({"variant", "trigger", "subject", "slots"})
# the key of the button under the video, which no further call to action may have
MAIN = "main"


def _condition(text: str) -> str:
    names_in_condition(text)
    return text


def _text(value: Any) -> Any:
    if isinstance(value, str):
        names_in_text(value)
    return value


def _listed(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


Condition = Annotated[str, AfterValidator(_condition)]
Value = Annotated[str | bool | int | float | date | list[dict[str, Any]], AfterValidator(_text)]


class Strict(BaseModel):
    """A table of the file in which every unknown key is refused by name."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Source(Strict):
    """Where a slot's value comes from, how it is written, and what stands in when it is missing."""

    from_: Word | None = Field(None, alias="from", description="a word, such as cart.total")
    value: Value | None = Field(None, description="a text with {{ expressions }}, or a constant")
    when: Condition | None = Field(None, description="the slot stays empty unless this holds")
    format: Form | None = Field(None, description="how a text slot writes a value")
    currency: Currency | None = Field(None, description="EUR, or a word such as cart.currency")
    otherwise: Value | None = Field(None, description="used when the record has nothing usable")
    items: dict[Name, Source] = Field(default_factory=dict, description="fields of a list's rows")

    @model_validator(mode="before")
    @classmethod
    def _constant(cls, given: Any) -> Any:
        return given if isinstance(given, dict | Source) else {"value": given}

    @model_validator(mode="after")
    def _one_origin(self) -> Source:
        if self.from_ is not None and self.value is not None:
            raise ValueError("write either from or value, not both")
        if self.from_ is None and self.value is None and self.otherwise is None:
            raise ValueError("write from, value or otherwise")
        return self

    def words(self) -> Iterator[str]:
        """Yield every word that this source reads, also those inside expressions."""
        for text in (self.value, self.otherwise):
            if isinstance(text, str):
                yield from names_in_text(text)
        if self.when:
            yield from names_in_condition(self.when)
        if self.from_:
            yield self.from_
        yield from self._currencies()
        for source in self.items.values():  # fields of rows are not words of the record
            yield from (word for word in source.words() if "." in word)

    def _currencies(self) -> Iterator[str]:
        if self.currency and not self.currency.isupper():
            yield self.currency
        elif self.wants_currency() and not self.currency and "." in (self.from_ or ""):
            yield own_currency(self.from_ or "")

    def wants_currency(self) -> bool:
        """Tell whether money is written from this source or from its rows."""
        return self.format == "money" or any(s.wants_currency() for s in self.items.values())


def own_currency(word: str) -> str:
    """Name the word that holds the currency of the record that a word belongs to."""
    return f"{word.partition('.')[0]}.currency"


class Step(Strict):
    """One video of a campaign, and how long after the trigger it is made."""

    template: Name
    after: Span = timedelta(0)
    when: Condition | None = None


class Limits(Strict):
    """How often, when, and with what permission."""

    per_contact: Caps = Field((), description="1 per 7 days, or a list of such limits")
    repeat: Span | None = Field(None, description="the same campaign again for the same subject")
    quiet: Quiet | None = Field(None, description="20:00-08:00, in the contact's time zone")
    consent: Literal["explicit", "implied"] | None = Field(
        None, description="explicit: only contacts who said yes; implied: all who did not say no"
    )


class Experiment(Strict):
    """Who gets nothing, and who gets which variant, so that the effect can be shown."""

    holdout: float = Field(0.0, ge=0, le=0.9)
    variants: dict[Name, Annotated[float, Field(ge=0, le=1)]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _shares_add_up(self) -> Experiment:
        total = sum(self.variants.values())
        if self.variants and abs(total - 1) > 1e-9:
            raise ValueError(f"the shares of the variants add up to {total:g}; they must make 1")
        return self


class Deliver(Strict):
    """When a video is rendered, for how long it holds, and in which shape and language."""

    render: Literal["on_trigger", "on_open"] = "on_trigger"
    fresh_for: Span | None = None
    expires: Span | None = timedelta(days=60)
    formats: Annotated[tuple[Shape, ...], BeforeValidator(_listed), Field(min_length=1)] = ("16:9",)
    locale: Source = Source.model_validate({"from": "contact.locale", "otherwise": "en"})

    @property
    def format(self) -> Shape:
        """The shape that the watch page shows."""
        return self.formats[0]


class Tell(Strict):
    """What people are told in the CRM beside the contact's fields, where the CRM has a place for it."""

    note: bool = False
    task: bool = False
    on_list: Annotated[str, Field(max_length=40)] = ""
    when: Literal["warm", "hot"] = "hot"


def _fixed_host(source: Source) -> Source:
    # the host is fixed by the admin, never computed: a value must not choose where viewers go
    for text in (source.value, source.otherwise):
        host = str(text).removeprefix("https://").split("/")[0]
        if text is not None and not (str(text).startswith("https://") and _is_host(host)):
            raise ValueError(f"{text!r} is no address; it must begin with https:// and a host")
    return source


def _is_host(host: str) -> bool:
    return bool(host) and not set(host) & set("{}@\\ ")


class CallToAction(Strict):
    """Where the button under the video leads; its label is a slot of the template."""

    url: Annotated[Source, AfterValidator(_fixed_host)]
    label_slot: Name = "cta_label"


def _own_name(name: str) -> str:
    if name == MAIN:
        raise ValueError(f"{MAIN!r} is the button of [call_to_action]; choose another name")
    return name


class Action(Strict):
    """
    A further call to action, of which a video gets the text and address that fit its viewer.

    Entries of one name are alternatives: the first whose condition holds is taken.
    """

    name: Annotated[Name, AfterValidator(_own_name)]
    kind: Literal["link", "calendar", "form", "group"] = "link"
    text: Source
    url: Annotated[Source, AfterValidator(_fixed_host)]
    scenes: Annotated[tuple[Name, ...], BeforeValidator(_listed)] = ()
    when: Condition | None = None

    def words(self) -> Iterator[str]:
        """Yield every word that it reads."""
        yield from self.text.words()
        yield from self.url.words()
        yield from names_in_condition(self.when) if self.when else ()


class Words(Strict):
    """A whole campaign file."""

    title: str = Field(min_length=1, max_length=120)
    owner: str = ""
    stage: Literal["acquisition", "retention", "expansion"]
    purpose: Literal["video_marketing", "video_service"]
    trigger: Name
    steps: tuple[Step, ...] = Field(min_length=1, max_length=20)
    slots: dict[Name, Source] = Field(default_factory=dict)
    limits: Limits = Limits.model_validate({})
    experiment: Experiment = Experiment.model_validate({})
    deliver: Deliver = Deliver.model_validate({})
    tell: Tell = Tell()
    call_to_action: CallToAction | None = None
    actions: tuple[Action, ...] = Field((), max_length=60)


__all__ = [
    "GIVEN", "MAIN", "Action", "CallToAction", "Deliver", "Experiment", "ExpressionError", "Limits",
    "Source", "Step", "Tell", "Words", "own_currency",
]  # fmt: skip
