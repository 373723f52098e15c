"""
Contacts: the list, and one contact with its videos, views, carts and accounts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flask import Response, abort, redirect, render_template, request, url_for
from sqlalchemy import Connection

from connector.crm.local.csv_export import export_csv
from connector.crm.local.watched import percent_by_video
from connector.decide.dictionary import Dictionary, load_dictionary
from connector.model import JSON
from connector.store import audit, decisions, record_rows, records
from connector.store.record_rows import RecordRow
from connector.store.records import StoredRecord
from connector.store.users import Role
from connector.web.console import cards
from connector.web.console.door import LOCAL, Page, blueprint, needs, signed_in
from connector.web.console.forms import inputs_of
from connector.web.console.pages import page_number, pages
from connector.web.desk import desk

PER_PAGE = 25
LOOKS = 20
DECISIONS = 20
# the other kinds of record that name a contact, in the order of the page
LINKED = ("account", "cart")


@dataclass(frozen=True)
class _Surroundings:
    """All that stands around a contact on its page."""

    contact: StoredRecord
    rows: list[RecordRow]
    linked: Mapping[str, tuple[StoredRecord, ...]]


@blueprint.get("/")
def home() -> Page:
    """Lead to the contacts."""
    return redirect(url_for("console.contacts"))


@blueprint.get("/contacts")
def contacts() -> Page:
    """List contacts, by search and by the status of their video."""
    dictionary = _dictionary()
    status_field = dictionary.write_fields["video_status"].name
    text, status = request.args.get("q", "").strip()[:200], request.args.get("status", "")
    number = page_number()
    with desk().store.read() as tx:
        found = records.search(
            tx,
            LOCAL,
            "contact",
            text=text,
            where={status_field: status} if status else None,
            limit=PER_PAGE,
            offset=(number - 1) * PER_PAGE,
        )
        counts = records.count_by(tx, LOCAL, "contact", status_field)
    return render_template(
        "console/contacts.html",
        lines=[cards.line_of(row.id, row.fields, dictionary) for row in found.rows],
        total=found.total,
        everyone=sum(counts.values()),
        chips=_filters(counts),
        text=text,
        status=status,
        pages=pages(found.total, PER_PAGE, number),
    )


@blueprint.get("/contacts.csv")
@needs(Role.REP)
def contacts_csv() -> Page:
    """Give all contacts as a file."""
    with desk().store.write() as tx:
        found = list(records.each(tx, LOCAL, "contact"))
        audit.record(tx, signed_in().email, "export", "contacts", {"rows": len(found)})
    return Response(
        export_csv(found),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": "attachment; filename=contacts.csv"},
    )


def contact_page(tx: Connection, contact: StoredRecord, part: str) -> str:
    """Return the page of one contact, or only its videos for a page that refreshes itself."""
    around = _look_around(tx, contact)
    dictionary = _dictionary()
    base_url = desk().settings.base_url
    watched = percent_by_video(around.rows, contact.fields, dictionary)
    videos = cards.cards_of(around.rows, watched, base_url)
    looks = looks_left()
    return render_template(
        "console/videos.html" if part == "videos" else "console/contact.html",
        decided=[
            cards.decided_of(row) for row in decisions.of_contact(tx, LOCAL, contact.id, DECISIONS)
        ],
        record=contact,
        kind="contact",
        name=cards.name_of(contact.id, contact.fields),
        line=cards.line_of(contact.id, contact.fields, dictionary),
        inputs=inputs_of("contact", contact.fields),
        videos=videos,
        refused=_refusal(contact.fields, dictionary),
        looks=looks - 1,
        waiting=looks > 0 or any(card.status in cards.WAITING for card in videos),
        ours=_written(contact.fields, dictionary, base_url),
        views=[_view(row) for row in around.rows if row.kind == "view"],
        linked=around.linked,
    )


def looks_left() -> int:
    """Return how often the page still looks by itself for what comes of a trigger."""
    text = request.args.get("fired", "0")
    return min(LOOKS, int(text)) if text.isdecimal() and len(text) < 4 and text.isascii() else 0


def _refusal(fields: Mapping[str, JSON], dictionary: Dictionary) -> str:
    """Return why the last trigger made no video; a video that was made speaks for itself."""
    ours = cards.our_values(fields, dictionary)
    status = str(ours.get("video_status") or "")
    chip = cards.chip_of(status)
    if chip is None or not status.startswith(("blocked_", "delayed")):
        return ""
    return str(ours.get("video_status_reason") or f"{chip.label}.")


def _look_around(tx: Connection, contact: StoredRecord) -> _Surroundings:
    return _Surroundings(
        contact,
        record_rows.of_contact(tx, LOCAL, contact.id),
        {
            kind: records.search(tx, LOCAL, kind, where={"contact_id": contact.id}).rows
            for kind in LINKED
        },
    )


def _written(
    fields: Mapping[str, JSON], dictionary: Dictionary, base_url: str
) -> list[dict[str, JSON]]:
    values = cards.our_values(fields, dictionary)
    return [
        {
            "label": dictionary.write_fields[word].label,
            "description": dictionary.write_fields[word].description,
            "value": value,
            "time": cards.time_of(value) if word.endswith("_at") else None,
            "chip": cards.chip_of(str(value)) if word == "video_status" else None,
            "link": cards.own_link(value, base_url) if word.endswith("_url") else "",
        }
        for word, value in values.items()
    ]


def _view(row: RecordRow) -> dict[str, JSON]:
    values = row.values
    return {
        "when": cards.time_of(values.get("viewed_at")) or row.updated_at,
        "percent": values.get("percent_watched"),
        "seconds": values.get("seconds_watched"),
        "clicks": values.get("clicks"),
    }


def _filters(counts: Mapping[str, int]) -> list[dict[str, JSON]]:
    known = [status for status in cards.STATUSES if counts.get(status)]
    return [
        {"status": status, "chip": cards.chip_of(status), "count": counts[status]}
        for status in known
    ]


def _dictionary() -> Dictionary:
    return load_dictionary("local", desk().settings.mapping_folders)


def found_or_404(tx: Connection, kind: str, record_id: str) -> StoredRecord:
    """Return a record, or answer that there is none."""
    record = records.get(tx, LOCAL, kind, record_id)
    return record if record is not None else abort(404)
