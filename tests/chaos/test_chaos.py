"""
Under fire nothing is lost and nothing is doubled (reference: reliability §4.5, Q1–Q6, Q13, G1–G4).

The seed is printed; CHAOS_SEED repeats a schedule. Longer, harder, or on PostgreSQL:
`python -m tests.chaos --help`.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from sqlalchemy import delete, select, update

from connector.publish import open_files
from connector.store import records
from connector.store.tables import record_rows, videos
from tests.chaos.events import Posted
from tests.chaos.ledger import balance
from tests.chaos.run import Plan, run
from tests.chaos.stack import LOCAL, Stack

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(420)]


def test_every_acknowledged_event_has_one_video_and_one_link(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Twenty seconds of SIGKILLs and one FLUSHALL, while events arrive up to three times each."""
    seed = int(os.environ.get("CHAOS_SEED", "") or os.getpid())
    plan = Plan(seed=seed, seconds=20, events=60, patience=240)

    report = run(plan, tmp_path / "home", the_checker_would_notice)

    with capsys.disabled():
        print(f"\nchaos: {json.dumps(report.facts())}")
    print("\n".join(report.schedule))
    assert report.ledger.balanced, report.facts()
    assert report.ledger.acknowledged == plan.events
    assert report.shots["flush"] == 1
    assert sum(report.shots.values()) >= 15


def the_checker_would_notice(stack: Stack, posted: Posted) -> None:
    """A checker that cannot fail proves nothing: each kind of damage shows in the ledger."""
    emptied, untold, doubled, robbed, mixed_up = sorted(posted.acknowledged)[:5]
    assert balance(stack, posted).balanced

    with stack.store.write() as tx:
        stranger = records.get(tx, LOCAL, "contact", emptied)
        assert stranger is not None
        url = stranger.fields["cuereel_video_url"]
        records.put(tx, LOCAL, "contact", mixed_up, {"cuereel_video_url": url})
        records.put(tx, LOCAL, "contact", emptied, {"cuereel_video_url": None})
        tx.execute(delete(record_rows).where(record_rows.c.contact_id == untold))
        video = tx.execute(select(videos).where(videos.c.contact_id == robbed)).one()
        tx.execute(update(videos).where(videos.c.id == video.id).values(contact_id=doubled))
    open_files(stack.settings).delete(video.receipt["files"]["poster.jpg"])
    ledger = balance(stack, Posted(posted.attempted - {untold}, posted.acknowledged))

    assert {emptied, untold, robbed} <= set(ledger.lost)
    assert ledger.doubled == [doubled]
    assert ledger.unexpected == [untold]
    assert f"{mixed_up}: somebody else's link" in ledger.wrong
    assert f"{video.id}: poster.jpg is missing or not whole" in ledger.wrong


def test_three_sweeps_at_once_double_nothing(tmp_path: Path) -> None:
    """Deploying one too many is harmless: they ring twice, and a row is claimed once."""
    plan = Plan(seed=3, seconds=3, events=20, sweeps=3, fire=False, patience=240)

    report = run(plan, tmp_path / "home")

    assert report.ledger.balanced, report.facts()
    assert report.ledger.ready == plan.events
