"""
A record as a form: which fields are offered, and what was changed in one that comes back.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

from connector.crm.local.columns import STRUCTURED, read_fields
from connector.crm.local.triggers import OWN_PREFIX
from connector.errors import PayloadError
from connector.model import JSON

# name, label, kind of input; other columns of a record follow below these
OFFERED: dict[str, tuple[tuple[str, str, str], ...]] = {
    "contact": (
        ("first_name", "First name", "text"),
        ("last_name", "Last name", "text"),
        ("email", "E-mail", "email"),
        ("job_title", "Job title", "text"),
        ("company_id", "Company id", "text"),
        ("plan", "Plan", "text"),
        ("lifecycle_stage", "Lifecycle stage", "text"),
        ("start_date", "Start date", "date"),
        ("owner_name", "Owner", "text"),
        ("owner_email", "Owner’s e-mail", "email"),
        ("locale", "Language", "text"),
        ("time_zone", "Time zone", "text"),
        ("country", "Country", "text"),
        ("email_opt_out", "Wants no e-mail", "choice"),
    ),
    "company": (
        ("name", "Name", "text"),
        ("industry", "Industry", "text"),
        ("website", "Website", "url"),
        ("size", "Size", "text"),
    ),
    "cart": (
        ("contact_id", "Contact id", "text"),
        ("total", "Total", "text"),
        ("currency", "Currency", "text"),
        ("status", "Status", "text"),
        ("checkout_url", "Checkout address", "url"),
        ("abandoned_at", "Abandoned at", "text"),
        ("items", "Items (JSON)", "json"),
    ),
    "account": (
        ("name", "Name", "text"),
        ("contact_id", "Contact id", "text"),
        ("plan", "Plan", "text"),
        ("period", "Period", "text"),
        ("usage_change", "Change in usage", "text"),
        ("savings", "Savings", "text"),
        ("currency", "Currency", "text"),
        ("seats_used", "Seats used", "text"),
        ("seats_total", "Seats in all", "text"),
        ("renewal_date", "Renewal date", "date"),
        ("owner_name", "Owner", "text"),
        ("usage", "Usage (JSON)", "json"),
    ),
}


@dataclass(frozen=True)
class Input:
    """One field as it stands in the form."""

    name: str
    label: str
    type: str
    text: str

    def with_text(self, text: str) -> Input:
        """Return the same input as somebody has filled it in."""
        return replace(self, text=text)


def inputs_of(kind: str, fields: Mapping[str, JSON]) -> list[Input]:
    """Return the inputs of a record: those of its kind, then its further columns."""
    offered = OFFERED.get(kind, ())
    known = {name for name, _, _ in offered}
    more = sorted(name for name in fields if name not in known and not _ours(name))
    return [
        *(Input(name, label, type_, as_text(fields.get(name))) for name, label, type_ in offered),
        *(Input(name, _label(name), _type(fields[name]), as_text(fields[name])) for name in more),
    ]


def changes_in(kind: str, old: Mapping[str, JSON], form: Mapping[str, str]) -> dict[str, JSON]:
    """Return the fields that a form changes; what was left as it was shown is not touched."""
    allowed = {item.name: item for item in inputs_of(kind, old)}
    changed: dict[str, JSON] = {}
    for name, item in allowed.items():
        text = form.get(f"field.{name}")
        if text is not None and _same(text) != _same(form.get(f"was.{name}", item.text)):
            changed |= _read(name, text, item.type)
    return changed | _added(form)


def as_text(value: JSON) -> str:
    """Return a value as an input shows it."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, indent=2 if isinstance(value, list) else None)


def _read(name: str, text: str, type_: str) -> dict[str, JSON]:
    if not text.strip():
        return {name: None}
    if type_ == "json" and name not in STRUCTURED:
        raise PayloadError(f"{name} holds JSON of its own; change it by import or by the API")
    return read_fields({name: text})


def _added(form: Mapping[str, str]) -> dict[str, JSON]:
    name = form.get("new.name", "").strip()
    if not name:
        return {}
    if _ours(name):
        raise PayloadError(f"fields that begin with {OWN_PREFIX} are written by Cuereel alone")
    return read_fields({name: form.get("new.value", "")})


def _ours(name: str) -> bool:
    return name.startswith(OWN_PREFIX)


def _same(text: str) -> str:
    # browsers send line ends of their own
    return text.replace("\r\n", "\n").strip()


def _label(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _type(value: JSON) -> str:
    return "json" if isinstance(value, list | dict) else "text"
