"""
`cuereel trigger send`: something happened, said from the command line.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import click

from connector.errors import MappingError, NotFoundError
from connector.jobs.station import make_station
from connector.model import Subject, Trigger
from connector.settings import load_settings
from connector.store import audit, connections, triggers
from connector.store.ids import new_id


@click.group()
def trigger() -> None:
    """Start a campaign by hand."""


@trigger.command()
@click.argument("kind")
@click.argument("subject")
@click.option("--connection", default="local", show_default=True)
@click.option("--key", help="Recognises a repeat: the same key is planned once.")
@click.option("--facts", default="{}", help="A JSON object that conditions may use.")
@click.option("--now", "at_once", is_flag=True, help="Before everything else: somebody is waiting.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def send(
    kind: str,
    subject: str,
    connection: str,
    key: str | None,
    facts: str,
    at_once: bool,
    as_json: bool,
) -> None:
    """
    Send a trigger of KIND about SUBJECT.

    KIND is for example contact_onboarding; SUBJECT is kind:id, for example contact:17 or cart:A1.
    """
    made = _trigger(kind, subject, key, facts)
    station = make_station(load_settings())
    with station.store.write() as tx:
        if connection not in connections.ids(tx):
            known = ", ".join(connections.ids(tx)) or "none yet; `cuereel up` makes the local one"
            raise NotFoundError(f"there is no connection {connection!r}; there are: {known}")
        queue = "render-now" if at_once else "render"
        trigger_id = triggers.add(tx, connection, made, queue=queue)
        audit.record(tx, "command line", "trigger", connection, {"kind": kind})
    if trigger_id:
        station.doorbell.ring("plan_video", [trigger_id])
    if as_json:
        click.echo(json.dumps({"trigger": trigger_id, "repeated": trigger_id is None}))
    else:
        click.echo(f"trigger {trigger_id}" if trigger_id else "this trigger was sent before")


def _trigger(kind: str, subject: str, key: str | None, facts: str) -> Trigger:
    subject_kind, colon, subject_id = subject.partition(":")
    if not colon or not subject_kind or not subject_id:
        raise MappingError(f"{subject!r} is no subject; write kind:id, for example contact:17")
    return Trigger(
        key=f"command:{key or new_id()}",
        kind=kind,
        subject=Subject(subject_kind, subject_id),
        occurred_at=datetime.now(UTC),
        facts=_facts(facts),
    )


def _facts(text: str) -> dict[str, Any]:
    try:
        facts = json.loads(text)
    except ValueError as error:
        raise MappingError(f"--facts is not valid JSON: {error}") from error
    if not isinstance(facts, dict):
        raise MappingError("--facts must be a JSON object")
    return facts
