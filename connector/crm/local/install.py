"""
Our fields in the local CRM, and what an admin has to mend there.

A field is a record of a kind of our own, so that the contact page can name and explain each one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from sqlalchemy import Connection

from connector.crm.local.triggers import OWN_PREFIX
from connector.decide.dictionary import Dictionary
from connector.errors import SettingError
from connector.model import JSON, Finding, InstallReport
from connector.settings import Settings
from connector.signing import signing_key
from connector.store import records, webhooks
from connector.store.records import Put

FIELD = f"{OWN_PREFIX}field"


def install(tx: Connection, connection_id: str, dictionary: Dictionary) -> InstallReport:
    """Make the fields that are missing, in the order of the dictionary."""
    wanted = {
        spec.name: {
            "word": word,
            "label": spec.label,
            "type": spec.type,
            "description": spec.description,
            "place": place,
        }
        for place, (word, spec) in enumerate(dictionary.write_fields.items())
    }
    done = records.put_many(tx, connection_id, FIELD, wanted)
    return InstallReport(
        made=tuple(name for name in wanted if done[name] is Put.CREATED),
        present=tuple(name for name in wanted if done[name] is not Put.CREATED),
    )


def uninstall(tx: Connection, connection_id: str, dictionary: Dictionary) -> InstallReport:
    """Empty our fields on every contact, and forget that we had any."""
    ours = {spec.name: None for spec in dictionary.write_fields.values()}
    for contact in list(records.each(tx, connection_id, "contact")):
        if ours.keys() & contact.fields.keys():
            records.put(tx, connection_id, "contact", contact.id, ours)
    gone = list(installed(tx, connection_id))
    for name in gone:
        records.remove(tx, connection_id, FIELD, name)
    return InstallReport(made=(), present=(), left_out=dict.fromkeys(gone, "removed"))


def installed(tx: Connection, connection_id: str) -> dict[str, Mapping[str, JSON]]:
    """Return label, type and description of our fields, in their order."""
    found = sorted(
        records.each(tx, connection_id, FIELD), key=lambda field: int(field.fields["place"])
    )
    return {field.id: field.fields for field in found}


def check(
    tx: Connection,
    connection_id: str,
    secrets: tuple[str, ...],
    settings: Settings,
    dictionary: Dictionary,
) -> list[Finding]:
    """Return what is well and what is not, each with what to do."""
    return [
        *_secrets(secrets),
        *_fields(tx, connection_id, dictionary),
        *_address(settings),
        *_dead(tx, connection_id),
    ]


def _secrets(secrets: tuple[str, ...]) -> Iterator[Finding]:
    if not secrets:
        yield Finding(
            "error",
            "signing",
            "no signing secret, so every delivery is refused; run `cuereel crm install`",
        )
    for place, secret in enumerate(secrets, 1):
        try:
            signing_key(secret)
        except SettingError as error:
            yield Finding("error", "signing", f"secret {place}: {error.sentence}")
        else:
            yield Finding("ok", "signing", f"secret {place} can be used")


def _fields(tx: Connection, connection_id: str, dictionary: Dictionary) -> Iterator[Finding]:
    wanted = {spec.name for spec in dictionary.write_fields.values()}
    missing = sorted(wanted - set(installed(tx, connection_id)))
    if missing:
        yield Finding(
            "error", "fields", f"{len(missing)} fields are missing; run `cuereel crm install`"
        )
    else:
        yield Finding("ok", "fields", f"all {len(wanted)} fields are there")


def _address(settings: Settings) -> Iterator[Finding]:
    parts = urlsplit(settings.base_url)
    if parts.scheme != "https" and parts.hostname not in ("127.0.0.1", "localhost", "::1"):
        yield Finding(
            "warning",
            "hooks",
            "events travel over plain http; set PUBLIC_BASE_URL to an https address",
        )


def _dead(tx: Connection, connection_id: str) -> Iterator[Finding]:
    count = webhooks.dead_count(tx, connection_id)
    if count:
        yield Finding(
            "warning", "webhooks", f"{count} events could not be delivered; see `cuereel retry`"
        )
