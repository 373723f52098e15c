"""
A video is minted: its row, its link, and what to ring for once that is committed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from connector.decide import Filled, names_for
from connector.decide.campaigns import Campaign
from connector.decide.experiments import Assignment
from connector.jobs.filled import content_of
from connector.jobs.owed import owe_video
from connector.jobs.station import Station
from connector.model import Consent, Record
from connector.queues import Doorbell
from connector.secrets import new_token, token_hash
from connector.store import sessions, videos
from connector.store.triggers import TriggerRow
from connector.store.videos import NewVideo
from renderers.template import Template

FOREVER_DAYS = 3650


@dataclass
class Bells:
    """What to ring for once the transaction is committed."""

    videos: dict[str, list[str]] = field(default_factory=dict)
    changes: list[str] = field(default_factory=list)
    webhooks: list[str] = field(default_factory=list)

    def add(self, other: Bells) -> None:
        """Take over what another one would ring for."""
        for queue, ids in other.videos.items():
            self.videos.setdefault(queue, []).extend(ids)
        self.changes.extend(other.changes)
        self.webhooks.extend(other.webhooks)

    def ring(self, doorbell: Doorbell) -> None:
        """Ring; what is not heard is rung for again by the sweep."""
        for queue, ids in self.videos.items():
            doorbell.ring("render_video", ids, queue)
        if self.changes:
            doorbell.ring("write_back", self.changes)
        if self.webhooks:
            doorbell.ring("send_webhooks", self.webhooks)


@dataclass(frozen=True)
class Case:
    """One campaign's turn at one trigger."""

    campaign: Campaign
    row: TriggerRow
    record: Record | None
    consent: Consent
    campaigns: Mapping[str, Campaign]

    @property
    def contact_id(self) -> str | None:
        """Who would watch."""
        return self.record.contact_id if self.record else None


def mint(
    tx: Connection,
    station: Station,
    case: Case,
    assignment: Assignment | None,
    template: Template,
    filled: Filled,
) -> Bells:
    """Mint the video that was decided on; a second time nothing happens."""
    token = new_token()
    video = _new_video(station, case, assignment, template, filled)
    video_id = videos.mint(tx, video, token_hash(token), station.keyring.encrypt(token))
    if video_id is None:
        return Bells()
    changes = owe_video(tx, station, video_id)
    contact = case.contact_id
    if contact and videos.count_of_contact(tx, case.row.connection_id, contact) > 1:
        # what the contact watched of an older video does not describe this one
        sessions.owe_measure(tx, [video_id], 0)
    due = {} if video.on_open else {video.queue: [video_id]}
    return Bells(videos=due, changes=changes)


def _new_video(
    station: Station,
    case: Case,
    assignment: Assignment | None,
    template: Template,
    filled: Filled,
) -> NewVideo:
    row, deliver = case.row, case.campaign.deliver
    fields: Mapping[str, Any] = case.record.fields if case.record else {}
    context = names_for(row.trigger, assignment)
    expires = deliver.expires.total_seconds() if deliver.expires else FOREVER_DAYS * 86_400
    return NewVideo(
        connection_id=row.connection_id,
        trigger_id=row.id,
        campaign=case.campaign.name,
        campaign_version=case.campaign.version,
        step=row.step,
        subject_kind=row.trigger.subject.kind,
        subject_id=row.trigger.subject.id,
        contact_id=case.contact_id,
        template=template.name,
        variant=assignment.variant if assignment else "",
        format=deliver.format,
        fresh_seconds=int(deliver.fresh_for.total_seconds()) if deliver.fresh_for else None,
        expires_seconds=int(min(expires, station.settings.link_days * 86_400)),
        queue=row.queue,
        on_open=deliver.render == "on_open",
        **content_of(case.campaign, filled, fields, context),
    )
