"""
Since when a field has held its value, as far as an org keeps a history of it.

Opportunities always have one of their stage. Of other fields there is one where an admin has turned on
field history tracking (Salesforce: Setup > Object Manager > the object > Fields & Relationships > Set
History Tracking).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from connector.crm.salesforce.gateway import Gateway, Row
from connector.crm.salesforce.kept import described
from connector.crm.salesforce.recent import time_of
from connector.crm.salesforce.soql import any_of, quoted, select

OPPORTUNITY, STAGES = "Opportunity", "OpportunityHistory"
STAGE = "StageName"
# all of these follow from the stage
STAGED = frozenset({STAGE, "IsWon", "IsClosed"})


@dataclass(frozen=True)
class Moment:
    """When a record's field came to what it holds, and the id of the entry that says so."""

    at: datetime
    entry: str


@dataclass(frozen=True)
class History:
    """Where the entries about a field are: *parent* is the field with the record's id."""

    object: str
    parent: str
    field: str = ""


def history_of(gateway: Gateway, name: str, field: str) -> History | None:
    """Return where the org keeps what a field held; None where it does not, or not for us."""
    if name == OPPORTUNITY and field in STAGED:
        wanted = History(STAGES, "OpportunityId")
    elif "." in field:
        return None
    elif name.endswith("__c"):
        wanted = History(f"{name.removesuffix('__c')}__History", "ParentId", field)
    elif name == OPPORTUNITY:
        wanted = History("OpportunityFieldHistory", "OpportunityId", field)
    else:
        wanted = History(f"{name}History", f"{name}Id", field)
    return wanted if wanted.parent in described(gateway, wanted.object).fields else None


def moments(gateway: Gateway, history: History, ids: Sequence[str]) -> dict[str, Moment]:
    """Return since when each record's field holds its value; one without an entry is absent."""
    where = any_of(history.parent, ids)
    if history.field:
        where += f" AND Field = {quoted(history.field)}"
        fields = ["Id", history.parent, "CreatedDate"]
    else:
        fields = ["Id", history.parent, STAGE, "CreatedDate"]
    order = f"ORDER BY {history.parent}, CreatedDate, Id"
    held: dict[str, tuple[object, Moment]] = {}
    for row in gateway.query(select(fields, history.object, where, order)):
        record = str(row.get(history.parent))
        # an opportunity's entry may be about its amount, and then its stage is the one before
        value = row.get("Id" if history.field else STAGE)
        if record not in held or held[record][0] != value:
            held[record] = (value, _moment(row))
    return {record: moment for record, (_, moment) in held.items()}


def _moment(row: Row) -> Moment:
    return Moment(time_of(row.get("CreatedDate")), str(row.get("Id")))
