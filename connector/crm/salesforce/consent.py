"""
Whether a person may be written to: the opt-out field, the Individual, and the Consent API if allowed.

Whoever says no is heard, and whatever cannot be read is never a yes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from connector.crm.salesforce.gateway import Gateway, Row
from connector.crm.salesforce.ids import CONTACT, object_of
from connector.crm.salesforce.items import askable, at
from connector.crm.salesforce.people import PEOPLE, asked_again, fetch, ids
from connector.crm.salesforce.refusals import RefusedError
from connector.crm.salesforce.soql import chunks
from connector.decide.dictionary import Dictionary
from connector.model import JSON, Consent

OPTED_OUT = "HasOptedOutOfEmail"
# who only wishes not to be tracked may still be written to
INDIVIDUAL = (
    "Individual.HasOptedOutSolicit",
    "Individual.HasOptedOutProcessing",
    "Individual.ShouldForget",
)
API = "consent/action/email"
FORBIDDEN = frozenset(
    {"INVALID_FIELD", "INVALID_TYPE", "INSUFFICIENT_ACCESS", "INSUFFICIENT_ACCESS_OR_READONLY",
     "FUNCTIONALITY_NOT_ENABLED"}
)  # fmt: skip
ANSWERS = {
    "": Consent.UNKNOWN,
    **dict.fromkeys(("true", "yes", "1"), Consent.DENIED),
    **dict.fromkeys(("false", "no", "0"), Consent.GRANTED),
}

Said = dict[str, Consent]


@dataclass(frozen=True)
class _Asked:
    """The field that must be readable, and those that may say no besides."""

    field: str
    others: Sequence[str]


def consent(
    gateway: Gateway, dictionary: Dictionary, contacts: Sequence[str], *, asks_api: bool = False
) -> dict[str, Consent]:
    """Say what is known of each contact and lead; of one that is gone nothing is."""
    known = ids(contacts)
    found: Said = {}
    for name in sorted(PEOPLE):
        asked = [one for one in known.values() if object_of(one) == name]
        if asked:
            found |= _of_fields(gateway, dictionary, name, asked)
    if asks_api:
        may = [one for one, said in found.items() if said is not Consent.DENIED]
        found |= {one: said for one, said in _of_api(gateway, may).items() if said is not None}
    return {one: found.get(known.get(one, ""), Consent.UNKNOWN) for one in contacts}


def _of_fields(gateway: Gateway, dictionary: Dictionary, name: str, asked: Sequence[str]) -> Said:
    def ask(hidden: Collection[str]) -> Said:
        may = askable(gateway, hidden)
        field = _field(dictionary, name)
        if not may(name, [field]):
            return dict.fromkeys(asked, Consent.UNREADABLE)
        others = may(name, [one for one in (OPTED_OUT, *INDIVIDUAL) if one != field])
        rows = fetch(gateway, name, asked, [field, *others])
        return {one: _said(row, _Asked(field, others)) for one, row in rows.items()}

    try:
        return asked_again(gateway, ask)
    except RefusedError as error:
        if error.code not in FORBIDDEN:
            raise
        return dict.fromkeys(asked, Consent.UNREADABLE)


def _field(dictionary: Dictionary, name: str) -> str:
    kind = "contact" if name == CONTACT else "lead"
    return dictionary.field(f"{kind}.email_opt_out") or OPTED_OUT


def _said(row: Row, asked: _Asked) -> Consent:
    """Return the strictest answer; of the others only a no counts, or what nobody understands."""
    first = _answer(at(row, asked.field))
    heard = {first, *(_answer(at(row, path)) for path in asked.others)}
    strict = (one for one in (Consent.DENIED, Consent.UNREADABLE) if one in heard)
    return next(strict, first)


def _answer(value: JSON) -> Consent:
    if value is False:
        # nobody ever ticked it, which is no yes: a checkbox cannot be empty
        return Consent.UNKNOWN
    text = "" if value is None else str(value).strip().casefold()
    return ANSWERS.get(text.removesuffix(".0"), Consent.UNREADABLE)


def _of_api(gateway: Gateway, contacts: Iterable[str]) -> dict[str, Consent | None]:
    """Return a no or what cannot be read by contact, None where Salesforce sees nothing against it."""
    found: dict[str, Consent | None] = {}
    for some in chunks(contacts):
        try:
            told = gateway.call("GET", API, query={"ids": ",".join(some)})
        except RefusedError as error:
            if error.code not in FORBIDDEN:
                raise
            told = None
        found |= {one: _proceed(told, one) for one in some}
    return found


def _proceed(told: JSON, contact: str) -> Consent | None:
    entry = (at(told, contact) or at(told, contact[:15])) if isinstance(told, Mapping) else None
    if at(entry, "result") != "Success" or at(entry, "proceed.emailResult") != "Success":
        return Consent.UNREADABLE
    may = str(at(entry, "proceed.email")).casefold()
    return {"true": None, "false": Consent.DENIED}.get(may, Consent.UNREADABLE)
