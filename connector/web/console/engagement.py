"""
What was watched: all campaigns, one campaign, and one video with each of its sessions.

Only views by verified people count; what was filtered is shown with its reasons. A session whose
browser asked not to be tracked is part of its campaign's sums and of nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any

from flask import abort, render_template, request
from markupsafe import Markup
from sqlalchemy import Connection

from connector.decide.schema import MAIN
from connector.measure import curves as rules
from connector.measure.curves import Finding, Interval, Placed, Spread
from connector.measure.engagement import percent
from connector.measure.sums import NOTHING, Contribution, contribution
from connector.measure.tracking import IDENTIFIED
from connector.store import curves, records, sessions, tracking, watching
from connector.store.calls import CallSum
from connector.store.clock import moment
from connector.store.curves import Curve, SceneSum
from connector.store.sessions import SessionRow
from connector.store.videos import VideoRow
from connector.store.watching import Funnel, Totals
from connector.web.charts import curve_chart, heat_strip
from connector.web.console import cards, verdicts
from connector.web.console.calls import calls_of
from connector.web.console.door import LOCAL, Page, blueprint
from connector.web.console.pages import video_or_404
from connector.web.desk import desk
from renderers.errors import RenderError
from renderers.template import find_template

MOST_SESSIONS = 200
NAMES_SOMEBODY = re.compile(r"(first|last|full|given|family)_?name|mail|phone")


@dataclass(frozen=True)
class Rate:
    """A count, what it is a part of, and the share with its interval."""

    part: int
    whole: int

    @property
    def interval(self) -> Interval | None:
        """The share with its bounds, or None of nothing."""
        return rules.share(self.part, self.whole)


@dataclass(frozen=True)
class _Step:
    """A step in videos, as parts of those sent and those played; and in views, of all of them."""

    words: str
    videos: int
    of_sent: Rate | None = None
    of_played: Rate | None = None
    of_views: Rate | None = None


@blueprint.get("/engagement")
def engagement_home() -> Page:
    """List the campaigns with what their views come to."""
    with desk().store.read() as tx:
        rows = watching.totals(tx)
    return render_template("console/engagement.html", rows=rows, rate=Rate, said=said)


@blueprint.get("/engagement/<campaign>")
def engagement_campaign(campaign: str) -> Page:
    """Show how far a campaign's views come, scene by scene."""
    with desk().store.read() as tx:
        total = next(iter(watching.totals(tx, campaign)), None) or abort(404)
        curve = curves.of_campaign(tx, campaign)
        scenes = curves.scenes_of_campaign(tx, campaign)
        placed = rules.mean_places(watching.manifests(tx, campaign))
        templates, variants = watching.makes(tx, campaign)
        by_variant = _by_variant(tx, campaign, variants)
        offered = watching.few_valued(tx, campaign, _open_slots(templates))
        slot = _chosen(offered)
        values = watching.by_value(tx, campaign, slot) if slot else []
        funnel = watching.funnel(tx, campaign)
        filtered = watching.filtered(tx, campaign)
        crowd = watching.crowd(tx, campaign)
        called = calls_of(tx, campaign)
    return render_template(
        "console/engagement_campaign.html",
        **_curve(curve, placed),
        total=total,
        crowd=crowd,
        scenes=[_scene(one) for one in scenes],
        variants=variants,
        by_variant=_across(scenes, by_variant),
        slots=offered,
        slot=slot,
        values=_values(values),
        funnel=_steps(funnel, total),
        calls=[_call(one) for one in called],
        filtered=[verdicts.left_out(one) for one in filtered],
        rate=Rate,
        said=said,
    )


@blueprint.get("/engagement/videos/<video_id>")
def engagement_video(video_id: str) -> Page:
    """Show who watched what of one video, session by session."""
    here = desk()
    with here.store.read() as tx:
        video = video_or_404(tx, video_id)
        # where people are not told apart, one video's viewer is nobody's to look at
        told = tracking.mode_of_video(tx, here.settings.tracking, video) == IDENTIFIED
        rows = watching.newest_sessions(tx, video.id, MOST_SESSIONS) if told else []
        clicked = sessions.clicks(tx, [row.id for row in rows])
        viewer = _viewer(tx, video)
    receipt: Mapping[str, Any] = video.receipt or {}
    scenes = receipt.get("scenes") or ()
    placed = rules.mean_places([(scenes, float(receipt.get("duration") or 0))])
    curve: Contribution = reduce(add, (contribution(row, scenes) for row in rows), NOTHING)
    return render_template(
        "console/engagement_video.html",
        **_curve(curve, placed),
        video=video,
        viewer=viewer,
        told=told,
        most=MOST_SESSIONS,
        rows=[_session(n, row, len(clicked.get(row.id, ()))) for n, row in enumerate(rows)],
        said=said,
    )


def said(name: str) -> str:
    """Write the name of a campaign, a scene or a slot as a person would."""
    return name.replace("_", " ").capitalize()


def _viewer(tx: Connection, video: VideoRow) -> str:
    contact = video.contact_id or ""
    found = records.get(tx, LOCAL, "contact", contact) if video.connection_id == LOCAL else None
    return cards.name_of(found.id, found.fields) if found else contact


def _curve(curve: Curve | Contribution, placed: Sequence[Placed]) -> dict[str, Any]:
    """Return what the part about the curve shows."""
    named = [Placed(said(one.name), one.start, one.end) for one in placed]
    drops = rules.drops(curve.reach, curve.plays, named)
    peaks = rules.peaks(curve.rewatched, curve.plays, named)
    found = sorted([*drops, *peaks], key=lambda one: one.bucket)
    return {
        "curve": curve,
        "chart": _chart(curve, named, found),
        "placed": named,
        "findings": found,
        "rules": (rules.DROP_RULE, rules.PEAK_RULE),
    }


def _chart(
    curve: Curve | Contribution, named: Sequence[Placed], found: Sequence[Finding]
) -> Markup:
    return curve_chart(
        "curve",
        plays=curve.plays,
        reach=curve.reach,
        hits=curve.hits,
        rewatched=curve.rewatched,
        scenes=named,
        findings=found,
    )


def _scene(one: SceneSum) -> dict[str, Any]:
    return {
        "name": said(one.scene),
        "reached": Rate(one.reached, one.plays),
        "completed": Rate(one.completed, one.reached),
        "dropped": Rate(one.dropped, one.plays),
        "rewatched": Rate(one.rewatched, one.reached),
        "seconds": one.watched_ms / one.reached / 1000 if one.reached else None,
    }


def _by_variant(
    tx: Connection, campaign: str, variants: Iterable[str]
) -> list[dict[str, SceneSum]]:
    return [
        {one.scene: one for one in curves.scenes_of_campaign(tx, campaign, variant=variant)}
        for variant in variants
    ]


def _across(
    scenes: Sequence[SceneSum], by_variant: Sequence[Mapping[str, SceneSum]]
) -> list[tuple[str, list[Rate]]]:
    """Return for each scene how many views of each variant saw it."""
    blank = Rate(0, 0)
    return [
        (
            said(scene.scene),
            [
                Rate(sums[scene.scene].reached, sums[scene.scene].plays)
                if scene.scene in sums
                else blank
                for sums in by_variant
            ],
        )
        for scene in scenes
    ]


def _open_slots(templates: Iterable[str]) -> list[str]:
    """Return the slots whose values may be compared: those that say nothing about a person."""
    kinds: dict[str, bool] = {}
    for name in templates:
        try:
            slots = find_template(name, desk().settings.template_folders).slots
        except RenderError:
            return []  # nobody can tell any more which of its slots are personal
        for slot, spec in slots.items():
            harmless = spec.kind in ("enum", "text") and not spec.pii
            kinds[slot] = kinds.get(slot, True) and harmless and not NAMES_SOMEBODY.search(slot)
    return sorted(slot for slot, harmless in kinds.items() if harmless)


def _chosen(offered: Sequence[str]) -> str:
    wanted = request.args.get("slot", "")
    return wanted if wanted in offered else next(iter(offered), "")


def _values(spreads: Sequence[Spread]) -> list[dict[str, Any]]:
    """Return the rows by value; of a handful of viewers only their number is told."""
    return [
        {
            "label": one.label or "not given",
            "count": one.count,
            "viewers": one.viewers,
            "interval": rules.average(one) if one.viewers >= rules.FEWEST_VIEWERS else None,
        }
        for one in rules.grouped(spreads, others="others together")
    ]


def _steps(funnel: Funnel, total: Totals) -> list[_Step]:
    """Return the steps from what was sent to what was clicked."""
    sent, played = funnel.sent, funnel.played
    reached = [
        (f"Saw {mark} %", count, total.reached.get(mark, 0))
        for mark, count in sorted(funnel.reached.items())
    ]
    later = [*reached, ("Clicked the call to action", funnel.clicked, total.clicked)]
    return [
        _Step("Sent", sent),
        _Step("Played", played, Rate(played, sent)),
        *(
            _Step(words, count, Rate(count, sent), Rate(count, played), Rate(views, total.plays))
            for words, count, views in later
        ),
    ]


def _call(one: CallSum) -> dict[str, Any]:
    name = "Main button" if one.key == MAIN else said(one.key)
    return {"name": name, "shown": one.shown, "clicked": Rate(one.clicked, one.shown)}


def _session(number: int, row: SessionRow, clicks: int) -> dict[str, Any]:
    at = moment(row.first_at)
    return {
        "at": at,
        "chip": verdicts.chip_of(row.viewer),
        "counted": row.viewed and row.viewer == "human",
        "percent": percent(row.unique_ms, row.duration_ms),
        "furthest": percent(row.furthest_ms, row.duration_ms),
        "seconds": row.watch_ms / 1000,
        "again": sum(1 for count in row.counts if count > 1),
        "clicks": clicks,
        "reasons": [verdicts.said_of(reason) for reason in row.reasons],
        "strip": heat_strip(f"strip{number}", f"Watched on {at:%-d %b %Y, %H:%M}", row.counts)
        if any(row.counts)
        else None,
    }
