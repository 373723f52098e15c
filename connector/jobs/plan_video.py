"""
Decides what a trigger leads to: a video with a link of its own, or a reason not to.

Records are read in one batch, before any transaction; each trigger is then decided and minted in
one, so that a second run finds it done. The link is owed to the CRM in the same commit.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import structlog
from sqlalchemy import Connection

from connector.crm import CRM
from connector.decide.campaigns import Campaign, parse_campaign
from connector.errors import ConnectorError
from connector.jobs.callbacks import answer_refusals, bury_trigger
from connector.jobs.decided import decide_case, refuse
from connector.jobs.erase_contact import erase_contact
from connector.jobs.merge_contact import merge_contact
from connector.jobs.minted import Bells, Case
from connector.jobs.sources import ask
from connector.jobs.station import Station, open_station
from connector.jobs.tries import renewing, take, working
from connector.model import Consent, Record, Subject
from connector.queues import MOST_IDS
from connector.store import campaigns, leases, triggers
from connector.store.leases import Claim
from connector.store.triggers import TriggerRow
from connector.store.waiting import untried

TOGETHER = 10  # triggers decided in one transaction
DELETED, MERGED = "contact_deleted", "contact_merged"
log = structlog.get_logger(__name__)

Work = Sequence[tuple[Claim, TriggerRow]]


@dataclass(frozen=True)
class Known:
    """What was read from the CRM for one batch of triggers."""

    campaigns: Mapping[str, Campaign]
    records: Mapping[Subject, Record] = field(default_factory=dict)
    consent: Mapping[str, Consent] = field(default_factory=dict)

    def viewer(self, row: TriggerRow) -> str:
        """Return who would watch; in this order workers lock contacts, so that none waits for ever."""
        record = self.records.get(row.trigger.subject)
        return (record and record.contact_id) or ""


def plan_video(ids: list[str]) -> None:
    """Decide on the triggers of *ids*, and on what else is due: events come one by one, in crowds."""
    station = open_station()
    station.doorbell.begun("plan_video")
    while ids and _plan_batch(station, ids):
        with station.store.read() as tx:
            ids = [row.id for row in untried(tx, "triggers", MOST_IDS)]


def _plan_batch(station: Station, ids: Sequence[str]) -> bool:
    """Decide on a batch; False when nothing of it was to be had."""
    taken = take(station, "triggers", ids, buried=bury_trigger)
    claims = {claim.id: claim for claim in taken}
    with station.store.read() as tx:
        rows = triggers.get(tx, list(claims))
        installed = [parse_campaign(row.body, row.name) for row in campaigns.active(tx)]
    by_connection: dict[str, list[tuple[Claim, TriggerRow]]] = defaultdict(list)
    for row in rows:
        by_connection[row.connection_id].append((claims[row.id], row))
    known = {campaign.name: campaign for campaign in installed}
    for connection_id, work in sorted(by_connection.items()):
        _plan_connection(station, connection_id, work, known)
    return bool(claims)


def _plan_connection(
    station: Station, connection_id: str, work: Work, installed: Mapping[str, Campaign]
) -> None:
    with renewing(station, *(claim for claim, _ in work)):
        work = _tend_contacts(station, work)
        try:
            known = _known(station, connection_id, [row for _, row in work], installed)
        except ConnectorError as error:
            _all_alike(station, work, error)
            return
        bells = Bells()
        ordered = sorted(work, key=lambda pair: known.viewer(pair[1]))
        for start in range(0, len(ordered), TOGETHER):
            bells.add(_plan_some(station, ordered[start : start + TOGETHER], known))
    bells.ring(station.doorbell)


def _plan_some(station: Station, work: Work, known: Known) -> Bells:
    """Decide on a few in one transaction; where one of them breaks, on each in one of its own."""
    bells = Bells()
    try:
        with station.store.write() as tx:
            for claim, row in work:
                bells.add(_plan(tx, station, claim, row, known))
    except Exception as error:
        log.info("planned one by one", count=len(work), error=type(error).__name__)
    else:
        return bells
    bells = Bells()
    for claim, row in work:
        with working(station, claim, buried=bury_trigger):
            bells.add(_plan_alone(station, claim, row, known))
    return bells


def _plan_alone(station: Station, claim: Claim, row: TriggerRow, known: Known) -> Bells:
    with station.store.write() as tx:
        return _plan(tx, station, claim, row, known)


def _tend_contacts(station: Station, work: Work) -> Work:
    """
    Follow the CRM where contacts went or became one; return the rest of the work.

    That comes first, since whoever is decided on may be somebody else afterwards.
    """
    told = [(claim, row) for claim, row in work if row.trigger.kind in TENDING]
    # a CRM may tell of a merge and of the deletion that came with it
    for claim, row in sorted(told, key=lambda pair: pair[1].trigger.kind == DELETED):
        with working(station, claim, buried=bury_trigger):
            TENDING[row.trigger.kind](station, claim, row)
    if not told:
        return work
    rest = {claim.id: claim for claim, row in work if row.trigger.kind not in TENDING}
    with station.store.read() as tx:
        return [(rest[row.id], row) for row in triggers.get(tx, list(rest))]


def _all_alike(station: Station, work: Work, error: ConnectorError) -> None:
    """Let what kept us from reading be the fate of each trigger in the batch."""
    for claim, _ in work:
        with working(station, claim, buried=bury_trigger):
            raise error


def _known(
    station: Station,
    connection_id: str,
    rows: Sequence[TriggerRow],
    installed: Mapping[str, Campaign],
) -> Known:
    if not rows:
        return Known(installed)
    return ask(station, connection_id, lambda crm: _read(crm, rows, installed))


def _read(crm: CRM, rows: Sequence[TriggerRow], installed: Mapping[str, Campaign]) -> Known:
    """Read the words that the campaigns name, for all subjects at once."""
    answering = {campaign.name: campaign for row in rows for campaign in _answering(row, installed)}
    words = frozenset[str]().union(*(campaign.words() for campaign in answering.values()))
    if not answering:
        return Known(installed)
    records = crm.read(sorted({row.trigger.subject for row in rows}, key=str), words)
    viewers = sorted({record.contact_id for record in records.values() if record.contact_id})
    return Known(installed, records, crm.consent(viewers))


def _answering(row: TriggerRow, installed: Mapping[str, Campaign]) -> list[Campaign]:
    if row.campaign:
        return [installed[row.campaign]] if row.campaign in installed else []
    return [campaign for campaign in installed.values() if campaign.answers(row.trigger)]


def _erase(station: Station, claim: Claim, row: TriggerRow) -> None:
    erase_contact(station, row.connection_id, row.trigger.subject.id, actor="crm")
    with station.store.write() as tx:
        leases.finish(tx, claim)
        triggers.empty(tx, claim.id)


def _merge(station: Station, claim: Claim, row: TriggerRow) -> None:
    facts = row.trigger.facts
    winner = str(facts.get("into") or row.trigger.subject.id)
    losers = [str(loser) for loser in facts.get("from") or ()]
    change_ids = merge_contact(station, row.connection_id, losers, winner)
    with station.store.write() as tx:
        leases.finish(tx, claim)
    station.doorbell.ring("write_back", change_ids)


# what happens to contacts themselves, and is no reason to make a video
TENDING: Mapping[str, Callable[[Station, Claim, TriggerRow], None]] = {
    DELETED: _erase,
    MERGED: _merge,
}


def _plan(tx: Connection, station: Station, claim: Claim, row: TriggerRow, known: Known) -> Bells:
    bells, again = _decide_all(tx, station, row, known)
    if again is None:
        leases.finish(tx, claim)
    else:
        leases.put_back(tx, claim, "quiet_hours", "Waits for quiet hours to end.", again)
    return bells


def _decide_all(
    tx: Connection, station: Station, row: TriggerRow, known: Known
) -> tuple[Bells, float | None]:
    """Decide for every campaign that answers; return also the seconds to wait, if one must."""
    record = known.records.get(row.trigger.subject)
    consent = known.consent.get((record and record.contact_id) or "", Consent.UNKNOWN)
    decided = [
        decide_case(tx, station, Case(campaign, row, record, consent, known.campaigns))
        for campaign in _answering(row, known.campaigns)
    ] or [refuse(tx, row, "no_campaign", contact_id=record.contact_id if record else None)]
    bells = Bells()
    for one in decided:
        bells.add(one.bells)
    again = min((one.again for one in decided if one.again is not None), default=None)
    if again is None:
        refusals = [one.refusal for one in decided if one.refusal]
        bells.changes += answer_refusals(tx, row, record.contact_id if record else None, refusals)
    return bells, again
