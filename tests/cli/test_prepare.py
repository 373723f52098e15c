"""An installation is brought into order as often as one likes, and one mistake stops nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from connector.cli import cuereel
from connector.cli.prepare import Prepared, install_campaigns, prepare
from connector.decide.campaigns import packaged
from connector.model import Finding
from connector.settings import Settings
from connector.store import Store, campaigns
from connector.store.tables import metadata

PACKAGED = ["abandoned_cart", "account_review", "onboarding"]


@pytest.fixture
def prepared(settings: Settings) -> Iterator[Prepared]:
    """A home that was prepared once."""
    found = prepare(settings)
    yield found
    found.store.close()


def own(settings: Settings, name: str) -> Path:
    """An own copy of a packaged campaign, under any name."""
    folder = settings.folder / "mappings" / "campaigns"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.toml"
    source = name if name in PACKAGED else "onboarding"
    path.write_text((packaged() / "campaigns" / f"{source}.toml").read_text())
    return path


def active(store: Store) -> dict[str, str]:
    with store.read() as tx:
        return {row.name: row.version for row in campaigns.active(tx)}


def everything(store: Store) -> dict[str, list[Any]]:
    with store.read() as tx:
        return {
            table.name: sorted(map(repr, tx.execute(select(table))))
            for table in metadata.sorted_tables
        }


def errors(findings: list[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.level == "error"]


def test_a_fresh_home_has_its_crm_and_the_packaged_campaigns(prepared: Prepared) -> None:
    """Nothing is wrong with what we ship."""
    assert errors(list(prepared.findings)) == []
    assert prepared.copy is None
    assert sorted(active(prepared.store)) == PACKAGED


def test_preparing_a_home_again_changes_nothing(prepared: Prepared, settings: Settings) -> None:
    """No row, no secret, no second version."""
    before = everything(prepared.store)
    again = prepare(settings)
    try:
        assert everything(again.store) == before
        assert again.findings == prepared.findings
    finally:
        again.store.close()


def test_a_changed_file_becomes_the_next_version(prepared: Prepared, settings: Settings) -> None:
    """The old one is kept, but no longer answers."""
    before = active(prepared.store)["onboarding"]
    path = own(settings, "onboarding")
    path.write_text(path.read_text() + "\n# changed\n")
    assert errors(install_campaigns(settings, prepared.store)) == []
    assert active(prepared.store)["onboarding"] != before


BROKEN: dict[str, bytes] = {
    "no TOML": b"title = ",
    "no text": b"title = '\xff\xfe'",
    "unknown words": b"title = 3\nowned = 'x'\n",
    "empty": b"",
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_keeps_its_last_version_and_does_not_stop_the_others(
    name: str, prepared: Prepared, settings: Settings
) -> None:
    """Each mistake is named; the campaign that was installed goes on; a new one comes in."""
    before = active(prepared.store)
    own(settings, "onboarding").write_bytes(BROKEN[name])
    own(settings, "welcome_back")
    found = errors(install_campaigns(settings, prepared.store))
    assert {finding.subject for finding in found} == {"campaign onboarding"}
    assert all("onboarding.toml" in finding.sentence for finding in found)
    assert all("\n" not in finding.sentence for finding in found)
    now = active(prepared.store)
    assert {name: now[name] for name in before} == before
    assert set(now) == {*before, "welcome_back"}


def test_a_campaign_that_names_no_template_keeps_its_last_version(
    prepared: Prepared, settings: Settings
) -> None:
    """A file that can be read may still be wrong."""
    before = active(prepared.store)
    path = own(settings, "onboarding")
    path.write_text(path.read_text().replace('template = "onboarding"', 'template = "onbording"'))
    found = errors(install_campaigns(settings, prepared.store))
    assert found
    assert {finding.subject for finding in found} == {"campaign onboarding"}
    assert active(prepared.store) == before


def test_a_removed_file_retires_its_campaign(prepared: Prepared, settings: Settings) -> None:
    """And it comes back with its file."""
    path = own(settings, "welcome_back")
    install_campaigns(settings, prepared.store)
    assert "welcome_back" in active(prepared.store)
    text = path.read_text()
    path.unlink()
    install_campaigns(settings, prepared.store)
    assert sorted(active(prepared.store)) == PACKAGED
    path.write_text(text)
    install_campaigns(settings, prepared.store)
    assert "welcome_back" in active(prepared.store)


def test_check_shows_all_mistakes_of_all_campaigns(prepared: Prepared, settings: Settings) -> None:
    """Two broken files, one good one: nothing hides anything."""
    own(settings, "onboarding").write_text("title = 3\nowned = 'x'\n")
    own(settings, "abandoned_cart").write_text("title = ")
    done = CliRunner().invoke(cuereel, ["check", "--json"])
    findings = [Finding(**one) for one in json.loads(done.stdout)["findings"]]
    of = [f for f in findings if f.subject.startswith("campaign ")]
    subjects = [f.subject for f in errors(of)]
    assert done.exit_code == 1
    assert set(subjects) == {"campaign onboarding", "campaign abandoned_cart"}
    assert subjects.count("campaign onboarding") > 1
    assert (
        Finding("ok", "campaign account_review", "every slot is filled from a field that exists")
        in of
    )
