"""
Turns a planned video into a file that viewers can reach.

The file is rendered into a folder of its own, looked at, moved to where files are published, and only
then, in one transaction and only by the holder of the newest fence, does the video become ready.

What is stale is read anew by the same job under the same lease: nothing is stored between reading and
publishing, so a crash leaves the earlier film, and a viewer who waits changes queues only once.
"""

from __future__ import annotations

import random
import shutil
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import structlog
from rq.timeouts import BaseTimeoutException

from connector.decide.stored import from_json
from connector.errors import ConnectorError, LeaseLostError, PermanentError, TemporaryError
from connector.fetch import bring_in
from connector.jobs.looked_at import Standing, kept, standing_of
from connector.jobs.published import (
    delete_earlier,
    discard,
    finish,
    finish_unchanged,
    given_up,
    is_passing,
    keep,
    refuse,
)
from connector.jobs.refreshed import refilled, says_the_same
from connector.jobs.station import Station, open_station
from connector.jobs.tries import renewing, take, working
from connector.model import PLAYABLE, Decision, VideoStatus
from connector.publish import open_files
from connector.queues import QUEUES, RENDER_QUEUES
from connector.store import leases, videos
from connector.store.leases import Claim
from connector.store.opening import has_film
from connector.store.videos import VideoRow
from connector.store.waiting import fair, untried
from renderers.errors import RenderError
from renderers.render import Rendered, render
from renderers.storyboard import Storyboard, assemble
from renderers.template import find_template

ATTEMPTS = 5
WARM_SECONDS = 10.0  # for which a process goes on by itself; a new one costs as much as a video
LOOK_AT, REACH = 200, 16  # due videos to choose from, and how near the front
UNEXPECTED = "something unexpected went wrong; the log has the details"
log = structlog.get_logger(__name__)


def render_video(ids: list[str]) -> None:
    """Render the videos of *ids* that are due, then others of their queue while this is warm."""
    station = open_station()
    begun = time.monotonic()
    for video_id in ids:
        # claimed one by one, so that a lease never waits for another video
        _render_those(station, take(station, "videos", [video_id], buried=given_up))
    queue = _queue_of(station, ids)
    while queue and time.monotonic() - begun < WARM_SECONDS and not _urgent(station, queue):
        claims = _next(station, queue)
        if not claims:
            break
        _render_those(station, claims)
    _pass_on(station, queue)


def _render_those(station: Station, claims: Sequence[Claim]) -> None:
    for claim in claims:
        with working(station, claim, attempts=ATTEMPTS, buried=given_up):
            _make(station, claim)


def _queue_of(station: Station, ids: Sequence[str]) -> str:
    with station.store.read() as tx:
        found = (videos.get(tx, video_id) for video_id in ids)
        return next((video.queue for video in found if video), "")


def _urgent(station: Station, queue: str) -> bool:
    """Tell whether videos wait that go before those of *queue*."""
    before = QUEUES[: QUEUES.index(queue)]
    return any(station.doorbell.waiting(name) for name in before if name in RENDER_QUEUES)


def _next(station: Station, queue: str) -> list[Claim]:
    """Claim one of the videos whose turn it is: not all workers reach for the same."""
    with station.store.read() as tx:
        turn = fair(untried(tx, "videos", LOOK_AT, queue))[:REACH]
    random.shuffle(turn)
    taken = (take(station, "videos", [row.id], buried=given_up) for row in turn)
    return next(filter(None, taken), [])


def _pass_on(station: Station, queue: str) -> None:
    """Ring for the next video, since it may be that nobody else has been rung for."""
    with station.store.read() as tx:
        left = [row.id for row in untried(tx, "videos", 1, queue)]
    station.doorbell.ring("render_video", left, queue)


def _make(station: Station, claim: Claim) -> None:
    video = _begin(station, claim)
    if video.status != VideoStatus.STALE:
        changes = _render(station, claim, video)
    elif has_film(video):
        changes = _refresh(station, claim, video)
    else:
        changes = _fill_and_render(station, claim, video)
    station.doorbell.ring("write_back", changes)


def _begin(station: Station, claim: Claim) -> VideoRow:
    with station.store.write() as tx:
        video = videos.get(tx, claim.id)
        if video is None or video.status in (VideoStatus.ERASED, VideoStatus.EXPIRED):
            raise PermanentError("the video was erased or expired before it was rendered")
        if video.status != VideoStatus.STALE:
            # a stale one stays as it is, whatever happens to this process
            _enough_room(station)
            videos.change(tx, claim.id, status=VideoStatus.RENDERING)
    return video


def _refresh(station: Station, claim: Claim, video: VideoRow) -> list[str]:
    """Make a film afresh that is too old; whatever keeps us from it, it is shown on."""
    try:
        with renewing(station, claim):
            found = refilled(station, video)
        if isinstance(found, Decision):
            why = found.sentence.removeprefix("Not sent: ")
            return keep(station, claim, why, again_soon=False)
        if says_the_same(station, video, found):
            return finish_unchanged(station, claim, found)
        return _render(station, claim, found)
    except LeaseLostError:
        raise
    except Exception as error:
        why = error.sentence if isinstance(error, ConnectorError) else UNEXPECTED
        log.warning("earlier film kept", id=video.id, reason=why, exc_info=why == UNEXPECTED)
        changes = keep(station, claim, why, again_soon=is_passing(error))
        if isinstance(error, BaseTimeoutException):
            raise
        return changes


def _fill_and_render(station: Station, claim: Claim, video: VideoRow) -> list[str]:
    """Render what nobody has seen yet as its record fills it now, or else with the values at hand."""
    try:
        with renewing(station, claim):
            found = refilled(station, video)
    except ConnectorError as error:
        log.warning("not filled anew", id=video.id, reason=error.reason, why=error.sentence)
        return _render(station, claim, video, again_soon=is_passing(error))
    if isinstance(found, Decision):
        return refuse(station, claim, found)
    return _render(station, claim, found)


def _render(
    station: Station, claim: Claim, video: VideoRow, *, again_soon: bool = False
) -> list[str]:
    folder = station.settings.folder / "work" / f"{claim.id}-{claim.fence}.tmp"
    prefix = f"{video.connection_id}/{video.id}/{claim.fence}"
    try:
        with renewing(station, claim):
            video, storyboard = _assemble(station, video)
            if has_film(video) and storyboard.key() == (video.receipt or {}).get("storyboard"):
                return finish_unchanged(station, claim, video)
            rendered = _draw(station, storyboard, folder)
            standing = _look(station, claim, video, rendered)
            files = _publish(station, rendered, prefix)
        receipt = _receipt(rendered, storyboard, files)
        changes = finish(station, claim, video, standing, receipt, again_soon=again_soon)
    except BaseException:
        discard(station, claim.id, prefix)
        raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    delete_earlier(station, video, claim.fence)
    log.info(
        "video made",
        id=video.id,
        status=standing.status,
        reason=standing.reason,
        seconds=rendered.duration,
        bytes=rendered.bytes,
    )
    return changes


def _enough_room(station: Station) -> None:
    station.settings.folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(station.settings.folder).free // 1_000_000
    if free < station.settings.free_megabytes:
        raise TemporaryError(
            f"only {free} MB are free in {station.settings.folder}; make room, rendering goes on "
            "by itself",
            reason="disk_full",
            after=30,
        )


def _assemble(station: Station, video: VideoRow) -> tuple[VideoRow, Storyboard]:
    settings = station.settings
    assets = settings.folder / "assets"
    try:
        template = find_template(video.template, settings.template_folders)
        brought = bring_in(from_json(video.slots), template, assets)
        if brought.missing:
            fallbacks = sorted({*video.fallback_slots, *brought.missing})
            video = replace(video, fallback_slots=fallbacks)
        storyboard = assemble(
            template,
            brought.slots,
            locale=video.locale,
            format=video.format,
            height=settings.video_height,
            asset_root=assets,
        )
    except RenderError as error:
        raise _said_by_renderer(error) from error
    return video, storyboard


def _draw(station: Station, storyboard: Storyboard, folder: Path) -> Rendered:
    settings = station.settings
    _enough_room(station)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        return render(
            storyboard,
            folder,
            renderer=settings.renderer,
            compiled=settings.compiled,
            reuse=settings.reuse == "template",
        )
    except RenderError as error:
        raise _said_by_renderer(error) from error


def _look(station: Station, claim: Claim, video: VideoRow, rendered: Rendered) -> Standing:
    """Decide what becomes of the video; what failed keeps its findings, for whoever asks why."""
    try:
        standing = standing_of(rendered.findings, video.fallback_slots)
    except PermanentError:
        if not has_film(video):
            with station.store.write() as tx:
                leases.renew(tx, claim, station.settings.lease_seconds)
                videos.change(tx, video.id, receipt={"findings": kept(rendered.findings)})
        raise
    if has_film(video) and standing.status not in PLAYABLE:
        # somebody waits in front of a film that can be watched
        raise PermanentError(standing.sentence, reason=standing.reason)
    return standing


def _said_by_renderer(error: RenderError) -> PermanentError | TemporaryError:
    if getattr(error, "temporary", False):
        return TemporaryError(str(error), reason=error.reason, after=30)
    return PermanentError(str(error), reason=error.reason)


def _publish(station: Station, rendered: Rendered, prefix: str) -> dict[str, str]:
    files = open_files(station.settings)
    paths = (
        rendered.video, rendered.poster, rendered.poster_play, rendered.gif, rendered.captions,
        rendered.chapters,
    )  # fmt: skip
    keys = {path.name: f"{prefix}/{path.name}" for path in paths}
    files.take_over({keys[path.name]: path for path in paths})
    return keys


def _receipt(
    rendered: Rendered, storyboard: Storyboard, files: dict[str, str]
) -> dict[str, object]:
    return {
        "template_version": storyboard.template_version,
        "storyboard": storyboard.key(),
        "duration": rendered.duration,
        "width": rendered.width,
        "height": rendered.height,
        "fps": rendered.fps,
        "scenes": list(rendered.manifest),
        "files": files,
        "bytes": rendered.bytes,
        "transcript": rendered.transcript,
        "findings": kept(rendered.findings),
    }
