"""
Videos of all connections: the list, and one video with what a look at it found.

What was kept back is watched here, by a person who signs in, and shown to its viewer or never.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from flask import Response, abort, flash, redirect, render_template, request, url_for
from sqlalchemy import Connection

from connector.model import PLAYABLE, VideoStatus
from connector.publish import open_files
from connector.store import records, videos
from connector.store.clock import moment
from connector.store.users import Role
from connector.store.videos import REVIEWABLE, VideoRow
from connector.web.console import cards
from connector.web.console.door import LOCAL, Page, blueprint, needs, signed_in
from connector.web.console.pages import page_number, pages, video_or_404
from connector.web.desk import desk
from connector.web.media import send_stored
from connector.web.review import review
from connector.web.screens import stored_key

PER_PAGE = 25
SEEN = (*PLAYABLE, VideoStatus.STALE, VideoStatus.NEEDS_REVIEW, VideoStatus.REJECTED)
# how grave a finding is: what it is called, and how it looks
GRAVITY = {
    "fail": cards.Chip("Not shown", "bad"),
    "review": cards.Chip("To be looked at", "warn"),
    "note": cards.Chip("Note", "quiet"),
}


@blueprint.get("/videos", endpoint="videos")
def video_list() -> Page:
    """List videos, newest first, by status."""
    wanted, number = request.args.get("status", ""), page_number()
    status = wanted if wanted in list(VideoStatus) else ""
    only = signed_in().only
    with desk().store.read() as tx:
        counts = videos.count_by_status(tx, only=only)
        rows = videos.latest(
            tx, limit=PER_PAGE, offset=(number - 1) * PER_PAGE, status=status or None, only=only
        )
        names = _names(tx, rows)
    total = counts.get(status, 0) if status else sum(counts.values())
    return render_template(
        "console/video_list.html",
        rows=[_line(row, names) for row in rows],
        chips=[
            {"status": known, "chip": cards.chip_of(known), "count": counts[known]}
            for known in cards.STATUSES
            if counts.get(known)
        ],
        everyone=sum(counts.values()),
        status=status,
        total=total,
        pages=pages(total, PER_PAGE, number),
    )


@blueprint.get("/videos/<video_id>")
def video_page(video_id: str) -> Page:
    """Show one video with what was found about it."""
    with desk().store.read() as tx:
        video = video_or_404(tx, video_id)
        names = _names(tx, [video])
    receipt: Mapping[str, Any] = video.receipt or {}
    return render_template(
        "console/video.html",
        video=video,
        line=_line(video, names),
        findings=_findings(receipt),
        facts=_facts(video, receipt),
        receipt=receipt,
        playable=video.status in SEEN and stored_key(video, "video.mp4") is not None,
        choices=_choices(video),
    )


@blueprint.get("/videos/<video_id>/<name>")
def video_file(video_id: str, name: str) -> Page:
    """Send one of a video's files to whoever is to judge it."""
    here = desk()
    with here.store.read() as tx:
        video = video_or_404(tx, video_id)
    key = stored_key(video, name) if video.status in SEEN else None
    response: Response | None = send_stored(open_files(here.settings), key) if key else None
    return response or abort(404)


@blueprint.post("/videos/<video_id>")
@needs(Role.REP)
def judge_video(video_id: str) -> Page:
    """Approve or reject, as the pressed button says."""
    action = request.form.get("action", "")
    if action not in ("approve", "reject"):
        abort(400)
    here = desk()
    with here.store.read() as tx:
        video_or_404(tx, video_id)
    judged = review(here, video_id, approved=action == "approve", actor=signed_in().email)
    if judged is None:
        flash("This video is no longer to be judged; this is how it stands now.", "error")
    elif action == "approve":
        flash("Approved. Whoever opens the link sees the video from now on.")
    else:
        flash("Rejected. Nobody sees this video.")
    return redirect(url_for("console.video_page", video_id=video_id), 303)


def _names(tx: Connection, rows: Iterable[VideoRow]) -> dict[str, str]:
    """Return the names of those viewers whose records are in the built-in CRM."""
    ids = {row.contact_id for row in rows if row.contact_id and row.connection_id == LOCAL}
    found = records.many(tx, LOCAL, "contact", sorted(ids))
    return {one.id: cards.name_of(one.id, one.fields) for one in found.values()}


def _line(row: VideoRow, names: Mapping[str, str]) -> dict[str, Any]:
    contact = row.contact_id or ""
    known = row.connection_id == LOCAL and contact in names
    return {
        "id": row.id,
        "title": row.campaign.replace("_", " ").capitalize(),
        "viewer": names.get(contact, contact) if row.connection_id == LOCAL else contact,
        "contact": contact if known else "",
        "chip": cards.chip_of(row.status),
        "sentence": row.sentence,
        "when": moment(row.ready_at or row.minted_at),
    }


def _findings(receipt: Mapping[str, Any]) -> list[dict[str, Any]]:
    stored: Sequence[Mapping[str, Any]] = receipt.get("findings") or ()
    return [{**one, "chip": GRAVITY.get(str(one.get("severity")))} for one in stored]


def _facts(video: VideoRow, receipt: Mapping[str, Any]) -> list[tuple[str, str]]:
    size = f"{receipt['width']} × {receipt['height']}" if receipt.get("width") else ""
    seconds, length = receipt.get("duration"), receipt.get("bytes")
    facts = [
        ("Template", video.template),
        ("Variant", video.variant),
        ("Language", video.locale),
        ("Format", " · ".join(part for part in (video.format, size) if part)),
        ("Length", f"{seconds:.1f} s" if seconds else ""),
        ("File", f"{length / 1e6:.1f} MB" if length else ""),
        ("Made with the fallback for", ", ".join(video.fallback_slots)),
    ]
    return [(label, value) for label, value in facts if value]


def _choices(video: VideoRow) -> list[tuple[str, str, str]]:
    """Return the buttons: what they do, what they say, how they look."""
    if video.status not in REVIEWABLE:
        return []
    approve = ("approve", "Approve", "primary")
    reject = ("reject", "Reject", "danger")
    if video.status == VideoStatus.APPROVED:
        return [reject]
    return [approve] if video.status == VideoStatus.REJECTED else [approve, reject]
