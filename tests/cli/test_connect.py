"""`cuereel crm connect`, `list`, `check` and `disconnect`, as an operator types them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from connector.cli.crm import crm
from connector.crm import APPS, CONNECTORS, LEAVERS
from connector.crm.hubspot.doors import OPTIONAL_SCOPES, REQUIRED_SCOPES
from connector.errors import (
    CredentialError,
    MappingError,
    NotFoundError,
    PayloadError,
    SettingError,
)
from connector.jobs.station import make_station
from connector.secrets import new_key
from connector.settings import load_settings
from connector.signing import new_secret
from connector.store import Store, changes, connections, leases
from connector.store.connections import ConnectionRow
from tests.fakes.hubspot import FakeHubSpot, serving
from tests.fakes.local import connect_local


@pytest.fixture
def fake(sqlite_store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHubSpot]:
    """A portal at which this installation's calls arrive."""
    with serving(FakeHubSpot()) as served:
        monkeypatch.setenv("CUEREEL_HUBSPOT_API", served.url)
        monkeypatch.setenv("CUEREEL_HUBSPOT_SITE", served.url)
        connect_local(sqlite_store, make_station(load_settings()).keyring, "local", [new_secret()])
        yield served


@pytest.fixture
def token(fake: FakeHubSpot, tmp_path: Path) -> Path:
    """A file with the portal's own token."""
    path = tmp_path / "token.txt"
    path.write_text(f"{fake.static_token}\n")
    return path


def run(*words: str | Path, typed: str = "") -> Result:
    return CliRunner().invoke(crm, [str(word) for word in words], input=typed)


def row_of(store: Store, fake: FakeHubSpot) -> ConnectionRow:
    with store.read() as tx:
        row = connections.get(tx, make_station(load_settings()).keyring, f"hubspot-{fake.portal}")
    assert row is not None
    return row


def test_help_leads_an_admin_through() -> None:
    """Steps, every scope, the tiers, and where the whole of it stands."""
    text = run("connect", "--help").stdout

    for scope in {*REQUIRED_SCOPES, *OPTIONAL_SCOPES} - {"oauth", "crm.lists.write"}:
        assert scope in text, scope
    for word in ("hs project upload", "--token-file", "Professional", "hubspot/install.md"):
        assert word in text


def test_a_token_connects_a_portal_and_makes_its_fields(
    fake: FakeHubSpot, token: Path, sqlite_store: Store
) -> None:
    """The token is nowhere in what is printed, and stored encrypted."""
    result = run("connect", "hubspot", "--token-file", token)

    assert result.exit_code == 0, result.exception
    assert f"is connected as hubspot-{fake.portal}" in result.stdout
    assert "22 fields made" in result.stdout
    assert fake.static_token not in result.output
    assert row_of(sqlite_store, fake).secrets["access"] == fake.static_token
    with sqlite_store.read() as tx:
        stored = tx.exec_driver_sql("SELECT secrets FROM connections").scalars().all()
    assert not any(fake.static_token in text for text in stored)


def test_without_a_file_the_token_is_asked_for_and_not_shown(fake: FakeHubSpot) -> None:
    """Nothing that is typed appears."""
    result = run("connect", "hubspot", "--token", typed=f"{fake.static_token}\n")

    assert "is connected as" in result.stdout
    assert fake.static_token not in result.output


def test_a_token_may_come_from_another_program(fake: FakeHubSpot) -> None:
    """By a dash, from standard input."""
    result = run("connect", "hubspot", "--token-file", "-", typed=fake.static_token)

    assert "is connected as" in result.stdout


@pytest.mark.parametrize("text", ["", "  \n", "two words", "ключ", "x" * 5000])
def test_what_cannot_be_a_token_is_refused_at_home(
    fake: FakeHubSpot, tmp_path: Path, text: str
) -> None:
    """HubSpot is not asked."""
    path = tmp_path / "token.txt"
    path.write_text(text)

    assert isinstance(run("connect", "hubspot", "--token-file", path).exception, PayloadError)
    assert fake.calls == []


def test_a_token_that_opens_nothing_is_told(fake: FakeHubSpot, tmp_path: Path) -> None:
    """Nothing is stored."""
    path = tmp_path / "token.txt"
    path.write_text("pat-eu1-wrong")

    assert isinstance(run("connect", "hubspot", "--token-file", path).exception, CredentialError)
    assert "hubspot" not in run("list").stdout


def test_connecting_again_renews_the_token_and_wakes_what_waits(
    fake: FakeHubSpot, token: Path, sqlite_store: Store
) -> None:
    """The webhook's secret stays."""
    run("connect", "hubspot", "--token-file", token)
    before = row_of(sqlite_store, fake)
    with sqlite_store.write() as tx:
        connections.set_state(tx, before.id, "needs_reauth")
        change = changes.owe(
            tx,
            connection_id=before.id,
            kind="property",
            contact_id="1",
            key="1",
            values={"views": 1},
        )
        [claim] = leases.claim(tx, "changes", [change], 60)
        leases.put_back(tx, claim, "needs_reauth", "connect it again", after=3600)
    fake.static_token = "pat-eu1-renewed"
    token.write_text(fake.static_token)
    result = run("connect", "hubspot", "--token-file", token)
    after = row_of(sqlite_store, fake)

    assert "is connected again" in result.stdout
    assert "0 fields made, 22 were there already" in result.stdout
    assert (after.state, after.secrets["access"]) == ("active", "pat-eu1-renewed")
    assert after.secrets["hook_secret"] == before.secrets["hook_secret"]
    with sqlite_store.read() as tx:
        assert leases.due(tx, "changes", ring_again=-1, limit=10) == [change]


def test_what_had_no_room_is_shown_and_remembered(
    fake: FakeHubSpot, token: Path, sqlite_store: Store
) -> None:
    """The writes leave those fields out."""
    fake.property_limit = 10
    result = run("connect", "hubspot", "--token-file", token)

    assert "10 fields made" in result.stdout
    assert "left out cuereel_tracking_consent: the account has no room" in result.stdout
    assert len(row_of(sqlite_store, fake).config["left_out"]) == 12


def test_without_a_token_the_steps_of_the_app_are_told(
    fake: FakeHubSpot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the address to open."""
    monkeypatch.setenv("PUBLIC_BASE_URL", "https://video.example.com")
    monkeypatch.setenv("CUEREEL_SECRET_KEYS", new_key())
    result = run("connect", "hubspot")

    assert result.exit_code == 0
    assert "https://video.example.com/oauth/hubspot/start" in result.stdout
    assert [line[0] for line in result.stdout.splitlines() if line[0].isdigit()] == list("1234")


def test_an_address_that_hubspot_cannot_reach_is_refused(
    fake: FakeHubSpot, token: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a plain sentence that says what to set, by app and by token; nothing is called."""
    monkeypatch.delenv("CUEREEL_HUBSPOT_API")
    for words in (("hubspot",), ("hubspot", "--token-file", token)):
        error = run("connect", *words).exception
        assert isinstance(error, SettingError)
        assert "HubSpot cannot reach http://127.0.0.1:8400" in error.sentence
        assert "PUBLIC_BASE_URL" in error.sentence
    assert fake.calls == []


def test_what_cannot_be_connected_is_told_with_what_can(fake: FakeHubSpot) -> None:
    """The built-in CRM connects itself."""
    for name in ("local", "nowhere"):
        error = run("connect", name).exception
        assert isinstance(error, MappingError)
        assert "hubspot" in error.sentence


def test_the_tables_of_comings_and_goings_name_functions_that_exist() -> None:
    """A row that leads nowhere would show only at a customer's."""
    for target in [*APPS.values(), *CONNECTORS.values(), *LEAVERS.values()]:
        module, name = target.split(":")
        assert callable(getattr(import_module(module), name))


def test_accounts_are_listed_with_what_waits(
    fake: FakeHubSpot, token: Path, sqlite_store: Store
) -> None:
    """For people, and as JSON for programs."""
    run("connect", "hubspot", "--token-file", token)
    with sqlite_store.write() as tx:
        changes.owe(
            tx,
            connection_id=f"hubspot-{fake.portal}",
            kind="property",
            contact_id="1",
            key="1",
            values={"views": 1},
        )
    told = {row["id"]: row for row in json.loads(run("list", "--json").stdout)}

    assert told[f"hubspot-{fake.portal}"] == {
        "id": f"hubspot-{fake.portal}",
        "crm": "hubspot",
        "title": told[f"hubspot-{fake.portal}"]["title"],
        "state": "active",
        "last_written": None,
        "waiting": 1,
    }
    assert "1 changes wait" in run("list").stdout
    assert "local" in told


def test_a_check_takes_the_crms_name_while_there_is_one_account(
    fake: FakeHubSpot, token: Path, sqlite_store: Store
) -> None:
    """It lists access, fields and limits, and how writing went."""
    run("connect", "hubspot", "--token-file", token)
    with sqlite_store.write() as tx:
        change = changes.owe(
            tx,
            connection_id=f"hubspot-{fake.portal}",
            kind="property",
            contact_id="1",
            key="1",
            values={"views": 1},
        )
        [claim] = leases.claim(tx, "changes", [change], 60)
        leases.bury(tx, claim, "validation_error", "a rule of the portal forbids it")
    result = run("check", "hubspot")

    assert result.exit_code == 0, result.output
    assert "22 of 22 are there" in result.stdout
    assert "HubSpot allows" in result.stdout
    assert "refused           1  validation_error: a rule of the portal forbids it" in result.stdout


def test_a_check_for_programs_is_one_object(fake: FakeHubSpot, token: Path) -> None:
    """Findings and states of writing."""
    run("connect", "hubspot", "--token-file", token)
    told = json.loads(run("check", "hubspot", "--json").stdout)

    assert told["connection"] == f"hubspot-{fake.portal}"
    assert {"access", "fields", "limits", "mapping"} <= {f["subject"] for f in told["findings"]}
    assert told["sync"] == []


def test_a_check_that_finds_errors_fails(fake: FakeHubSpot, token: Path) -> None:
    """So a script notices."""
    run("connect", "hubspot", "--token-file", token)
    fake.properties["contacts"]["cuereel_views"]["archived"] = True
    result = run("check", "hubspot")

    assert result.exit_code == 1
    assert "1 are missing (cuereel_views)" in result.stdout


def test_two_accounts_of_a_crm_must_be_told_apart(
    fake: FakeHubSpot, token: Path, sqlite_store: Store
) -> None:
    """The error names both; a disconnected one is not meant."""
    run("connect", "hubspot", "--token-file", token)
    with sqlite_store.write() as tx:
        connections.add(
            tx,
            make_station(load_settings()).keyring,
            connection_id="hubspot-2",
            crm="hubspot",
            title="Second",
            secrets={},
        )
    error = run("check", "hubspot").exception
    assert isinstance(error, NotFoundError)
    assert f"hubspot-2, hubspot-{fake.portal}" in error.sentence
    with sqlite_store.write() as tx:
        connections.set_state(tx, "hubspot-2", "disabled")

    assert run("check", "hubspot").exit_code == 0


def test_nobody_connected_is_told(fake: FakeHubSpot) -> None:
    """With what there is."""
    error = run("check", "hubspot").exception

    assert isinstance(error, NotFoundError)
    assert "there are: local" in error.sentence


def test_disconnecting_asks_first(fake: FakeHubSpot, token: Path, sqlite_store: Store) -> None:
    """No is no."""
    run("connect", "hubspot", "--token-file", token)
    result = run("disconnect", "hubspot", typed="n\n")

    assert result.exit_code == 1
    assert row_of(sqlite_store, fake).state == "active"


def test_disconnecting_leaves_the_fields(
    fake: FakeHubSpot, token: Path, sqlite_store: Store
) -> None:
    """What was written stays for the portal's reports; the token is forgotten."""
    run("connect", "hubspot", "--token-file", token)
    result = run("disconnect", "hubspot", "--yes")

    assert f"hubspot-{fake.portal}) is disconnected" in result.stdout
    assert row_of(sqlite_store, fake).state == "disabled"
    assert fake.static_token not in str(row_of(sqlite_store, fake).secrets)
    assert not fake.properties["contacts"]["cuereel_views"]["archived"]


def test_a_disconnected_account_is_asked_nothing(fake: FakeHubSpot, token: Path) -> None:
    """Neither fields nor a second goodbye; a check says what to do."""
    run("connect", "hubspot", "--token-file", token)
    run("disconnect", "hubspot", "--yes")
    fake.calls.clear()
    for words in (("install", "hubspot"), ("disconnect", "hubspot", "--yes")):
        error = run(*words).exception
        assert isinstance(error, CredentialError)
        assert "connect it again" in error.sentence

    assert "connect it again" in run("check", "hubspot").stdout
    assert fake.calls == []


def test_fields_of_an_account_that_lets_us_in_no_more_cannot_go(
    fake: FakeHubSpot, token: Path, sqlite_store: Store
) -> None:
    """It stays connected, so that nobody takes the fields for removed."""
    run("connect", "hubspot", "--token-file", token)
    fake.static_token = "pat-eu1-other"

    error = run("disconnect", "hubspot", "--remove-fields", "--yes").exception
    assert isinstance(error, CredentialError)
    assert row_of(sqlite_store, fake).state == "active"


def test_fields_are_removed_when_told(fake: FakeHubSpot, token: Path) -> None:
    """Each is named."""
    run("connect", "hubspot", "--token-file", token)
    result = run("disconnect", "hubspot", "--remove-fields", "--yes")

    assert "cuereel_video_url: removed" in result.stdout
    assert fake.properties["contacts"]["cuereel_views"]["archived"]


def test_secrets_and_records_of_others_are_not_ours_to_touch(
    fake: FakeHubSpot, token: Path, tmp_path: Path
) -> None:
    """Import, export and signing secrets are of the built-in CRM."""
    run("connect", "hubspot", "--token-file", token)
    rows = tmp_path / "rows.csv"
    rows.write_text("id,first_name\n1,Ana\n")

    for words in (("secret",), ("export",), ("import", rows)):
        assert isinstance(run(*words, "--connection", "hubspot").exception, PayloadError)
