"""
What later became of contacts, read in batches: deals, tickets, meetings, forms and e-mails.

Of forms and e-mails a contact's properties tell only the latest of each sort, so of two between two
readings one is missed. What a scope is missing for is left out, with a line in the log.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime

from connector.crm.hubspot.associations import associated
from connector.crm.hubspot.gateway import Gateway
from connector.crm.hubspot.pages import Row
from connector.crm.hubspot.properties import convert, definitions
from connector.crm.hubspot.recent import (
    Moment,
    changed_at,
    created_at,
    histories,
    pages,
    since_then,
    time_of,
    while_allowed,
)
from connector.decide.dictionary import Dictionary
from connector.model import JSON, Happening

STAGE = "dealstage"
DEAL = (STAGE, "pipeline", "amount", "deal_currency_code", "closedate", "hs_is_closed_won",
        "hs_is_closed")  # fmt: skip
TICKET = ("hs_pipeline", "hs_pipeline_stage", "createdate", "closed_date")
MEETING = ("hs_meeting_start_time", "hs_timestamp", "hs_meeting_outcome")
FORM_NAME, FORM_COUNT = "recent_conversion_event_name", "num_conversion_events"
EMAIL_NAME = "hs_email_last_email_name"
# the property that says when it last happened = what happened
LATEST = {
    "recent_conversion_date": "form",
    "hs_email_last_send_date": "email_sent",
    "hs_email_last_open_date": "email_opened",
    "hs_email_last_click_date": "email_clicked",
}
LONGEST_FACT = 200


def outcomes(gateway: Gateway, dictionary: Dictionary, since: datetime) -> Iterator[Happening]:
    """
    Yield what happened since, and the present state of what was changed since.

    The key of a happening stays the same when it is read again; its amount may have changed.
    """
    for what, read in READERS.items():
        yield from while_allowed(what, read(gateway, since))


def _changed(
    gateway: Gateway, object_type: str, since: datetime, names: Sequence[str]
) -> Iterator[tuple[list[Row], Mapping[str, tuple[str, ...]]]]:
    """Yield pages of records that were changed since, with the contacts that belong to each."""
    recently = [[since_then(changed_at(object_type), since)]]
    for page in pages(gateway, object_type, recently, names):
        ids = [str(row["id"]) for row in page]
        yield page, associated(gateway, object_type, "contacts", ids)


def _deals(gateway: Gateway, since: datetime) -> Iterator[Happening]:
    for page, contacts in _changed(gateway, "deals", since, DEAL):
        held = histories(gateway, "deals", [str(row["id"]) for row in page], [STAGE])
        for row in page:
            stages = held.get(str(row["id"]), {}).get(STAGE, [])
            yield from _deal(row, _first(contacts, row), stages, since)


def _deal(
    row: Row, contact: str | None, stages: Sequence[Moment], since: datetime
) -> Iterator[Happening]:
    """Yield the stages that a deal came to since, and how it stands now."""
    values = row["properties"]
    # the newest stage again: a deal is changed because its amount was, too
    for stage in [one for one in stages[:-1] if one.at >= since] + list(stages[-1:]):
        yield _of_deal(row, contact, "deal_stage", stage)
    ended = _ending(values)
    at = stages[-1].at if stages else time_of(values.get("closedate"))
    if ended and at:
        yield _of_deal(row, contact, ended, Moment(_text(values.get(STAGE)), at))


def _ending(values: Mapping[str, JSON]) -> str:
    if convert(values.get("hs_is_closed_won"), "bool"):
        return "deal_won"
    return "deal_lost" if convert(values.get("hs_is_closed"), "bool") else ""


def _of_deal(row: Row, contact: str | None, kind: str, stage: Moment) -> Happening:
    values = row["properties"]
    amount = convert(values.get("amount"), "number")
    currency = _text(values.get("deal_currency_code")).upper()
    return Happening(
        key=_key(kind, str(row["id"]), stage.at),
        kind=kind,
        contact_id=contact,
        occurred_at=stage.at,
        amount=None if amount is None else float(amount),
        currency=currency if len(currency) == 3 else None,
        facts={
            "id": str(row["id"]),
            "stage": stage.value[:LONGEST_FACT],
            "pipeline": _text(values.get("pipeline"))[:LONGEST_FACT],
        },
    )


def _tickets(gateway: Gateway, since: datetime) -> Iterator[Happening]:
    for page, contacts in _changed(gateway, "tickets", since, TICKET):
        for row in page:
            yield from _ticket(row, _first(contacts, row))


def _ticket(row: Row, contact: str | None) -> Iterator[Happening]:
    values, record = row["properties"], str(row["id"])
    facts = {
        "id": record,
        "stage": _text(values.get("hs_pipeline_stage")),
        "pipeline": _text(values.get("hs_pipeline")),
    }
    times = {
        "ticket": time_of(values.get(created_at("tickets"))),
        "ticket_closed": time_of(values.get("closed_date")),
    }
    for kind, at in times.items():
        if at is not None:
            yield Happening(_key(kind, record, at), kind, contact, at, facts=facts)


def _meetings(gateway: Gateway, since: datetime) -> Iterator[Happening]:
    for page, contacts in _changed(gateway, "meetings", since, MEETING):
        for row in page:
            values, record = row["properties"], str(row["id"])
            at = time_of(values.get("hs_meeting_start_time")) or time_of(values.get("hs_timestamp"))
            if at is not None:
                facts = {"id": record, "outcome": _text(values.get("hs_meeting_outcome"))}
                # without its time: a meeting that is moved is still the same one
                yield Happening(
                    f"meeting:{record}", "meeting", _first(contacts, row), at, facts=facts
                )


def _of_contacts(gateway: Gateway, since: datetime) -> Iterator[Happening]:
    """Yield the latest form and e-mails of contacts; only those with news are looked at."""
    known = definitions(gateway, "contacts")
    told = {name: kind for name, kind in LATEST.items() if name in known}
    if not told:
        return
    groups = [[since_then(name, since)] for name in told]
    names = [*told, *(name for name in (FORM_NAME, FORM_COUNT, EMAIL_NAME) if name in known)]
    for page in pages(gateway, "contacts", groups, names):
        for row in page:
            yield from _latest(row, told, since)


def _latest(row: Row, told: Mapping[str, str], since: datetime) -> Iterator[Happening]:
    values, contact = row["properties"], str(row["id"])
    for name, kind in told.items():
        at = time_of(values.get(name))
        if at is not None and at >= since:
            facts = _form(values) if kind == "form" else _email(values)
            yield Happening(_key(kind, contact, at), kind, contact, at, facts=facts)


def _form(values: Mapping[str, JSON]) -> dict[str, JSON]:
    return {
        "name": _text(values.get(FORM_NAME))[:LONGEST_FACT],
        "count": convert(values.get(FORM_COUNT), "number"),
    }


def _email(values: Mapping[str, JSON]) -> dict[str, JSON]:
    return {"name": _text(values.get(EMAIL_NAME))[:LONGEST_FACT]}


def _first(contacts: Mapping[str, tuple[str, ...]], row: Row) -> str | None:
    return next(iter(contacts.get(str(row["id"]), ())), None)


def _key(kind: str, record: str, at: datetime) -> str:
    return f"{kind}:{record}:{int(at.timestamp() * 1000)}"


def _text(value: JSON) -> str:
    return "" if value is None else str(value)


READERS: Mapping[str, Callable[[Gateway, datetime], Iterator[Happening]]] = {
    "deals": _deals,
    "tickets": _tickets,
    "meetings": _meetings,
    "forms and e-mails of contacts": _of_contacts,
}
