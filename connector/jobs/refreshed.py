"""
Reads a stale video's record once more and fills its slots anew, for a viewer who waits.

One try, within seconds, and nothing is stored here. Whether this person may still be shown something
new is asked again; whether they get a video at all, and which variant, was decided long ago.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from typing import TypeVar

from connector.crm import CRM
from connector.decide import SubjectState, names_for, refused
from connector.decide.campaigns import Campaign, parse_campaign
from connector.decide.consent import permission, suppression
from connector.decide.experiments import Assignment
from connector.errors import NotFoundError, PermanentError, TemporaryError
from connector.jobs.filled import CONTENT, content_of, fill_template
from connector.jobs.sources import ask
from connector.jobs.station import Station
from connector.model import Consent, Decision, Record, Subject
from connector.store import campaigns, subjects, triggers
from connector.store.videos import VideoRow
from renderers.errors import RenderError
from renderers.template import Template, find_template

READ_SECONDS = 8.0
WHO = "this contact"

Answer = TypeVar("Answer")


def refilled(station: Station, video: VideoRow) -> VideoRow | Decision:
    """
    Return *video* as its record fills it now, or why this person is shown nothing newer.

    Raises ConnectorError where the record could not be read, or not within READ_SECONDS.
    """
    refusal = suppression(_state(station, video), WHO)
    if refusal is not None:
        return refusal
    campaign = _campaign(station, video)
    record, consent = in_time(
        lambda: ask(station, video.connection_id, lambda crm: _read(crm, video, campaign)),
        READ_SECONDS,
    )
    if record is None:
        return refused("subject_gone", "Not sent: the record no longer exists in the CRM.")
    if record.contact_id != video.contact_id:
        return refused(
            "no_viewer", "Not sent: the record does not belong to this contact any more."
        )
    return permission(campaign, consent, WHO) or _filled(station, video, campaign, record)


def says_the_same(station: Station, before: VideoRow, now: VideoRow) -> bool:
    """Tell whether a video that was filled anew would come out as it is."""
    shown = (before.receipt or {}).get("template_version") == _template(station, now).version
    return shown and all(getattr(before, name) == getattr(now, name) for name in CONTENT)


def in_time(read: Callable[[], Answer], seconds: float) -> Answer:
    """
    Return what *read* returns; TemporaryError where that takes longer than *seconds*.

    A CRM may take half a minute for an answer, and a token may have to be renewed first. Who reads in
    vain is left alone with it, and ends with this process at the latest.
    """
    answer: Future[Answer] = Future()

    def run() -> None:
        try:
            answer.set_result(read())
        except Exception as error:
            answer.set_exception(error)

    threading.Thread(target=run, name="reading", daemon=True).start()
    try:
        return answer.result(seconds)
    except TimeoutError:
        raise TemporaryError(
            f"the CRM did not answer within {seconds:g} s", reason="crm_slow"
        ) from None


def _state(station: Station, video: VideoRow) -> SubjectState:
    concerned = [Subject(video.subject_kind, video.subject_id)]
    if video.contact_id:
        concerned.append(Subject("contact", video.contact_id))
    with station.store.read() as tx:
        found = subjects.standing(tx, video.connection_id, *concerned)
    return SubjectState(found.suppression_reason, found.opted_out, found.erased)


def _campaign(station: Station, video: VideoRow) -> Campaign:
    """Return the campaign as it was when the video was decided on."""
    with station.store.read() as tx:
        body = campaigns.body_of(tx, video.campaign, video.campaign_version)
    if body is None:
        raise NotFoundError(f"the text of campaign {video.campaign!r} is not kept any more")
    return parse_campaign(body, video.campaign)


def _read(crm: CRM, video: VideoRow, campaign: Campaign) -> tuple[Record | None, Consent]:
    subject = Subject(video.subject_kind, video.subject_id)
    record = crm.read([subject], campaign.words()).get(subject)
    viewer = record.contact_id if record else None
    known = crm.consent([viewer]) if viewer else {}
    return record, known.get(viewer or "", Consent.UNKNOWN)


def _filled(
    station: Station, video: VideoRow, campaign: Campaign, record: Record
) -> VideoRow | Decision:
    with station.store.read() as tx:
        [row] = triggers.get(tx, [video.trigger_id])
    # the variant is the stored one, however the shares may be by now
    context = names_for(row.trigger, Assignment(video.variant, 1.0, 0))
    filled = fill_template(campaign, _template(station, video), record.fields, context)
    if filled.problems:
        sentences = "; ".join(problem.sentence for problem in filled.problems)
        return refused(filled.problems[0].reason, f"Not sent: {sentences}.")
    return replace(video, **content_of(campaign, filled, record.fields, context))


def _template(station: Station, video: VideoRow) -> Template:
    try:
        return find_template(video.template, station.settings.template_folders)
    except RenderError as error:
        raise PermanentError(str(error), reason=error.reason) from error
