"""`cuereel crm connect salesforce`, as an operator types it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from connector.cli.crm import crm
from connector.errors import CredentialError, PayloadError, SettingError
from connector.jobs.station import make_station
from connector.model import InstallReport
from connector.settings import load_settings
from connector.store import Store, connections
from connector.store.connections import ConnectionRow

if TYPE_CHECKING:
    from tests.fakes.salesforce import FakeOrg

DOMAIN = "acme.my.salesforce.com"


@pytest.fixture
def org(sqlite_store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeOrg]:
    """An org at which this installation's calls arrive."""
    from tests.fakes.salesforce import FakeOrg, serving

    monkeypatch.setattr("connector.crm.salesforce.metadata.FIRST_NAP", 0.01)
    with serving(FakeOrg()) as served:
        monkeypatch.setenv("CUEREEL_SALESFORCE_API", served.url)
        yield served


@pytest.fixture
def secret(org: FakeOrg, tmp_path: Path) -> Path:
    """A file with the secret of the org's app."""
    path = tmp_path / "secret.txt"
    path.write_text(f"{org.secrets('client_credentials')['consumer_secret']}\n")
    return path


@pytest.fixture
def nothing_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the package, for tests of what comes before it."""
    report = InstallReport((), ())
    monkeypatch.setattr("connector.cli.connect.install_fields", lambda *_: report)


def run(*words: str | Path, typed: str = "") -> Result:
    return CliRunner().invoke(crm, ["connect", *(str(word) for word in words)], input=typed)


def by_secret(org: FakeOrg) -> list[str]:
    key = org.secrets("client_credentials")["consumer_key"]
    return ["salesforce", "--domain", DOMAIN, "--key", key]


def row_of(store: Store, org: FakeOrg) -> ConnectionRow:
    with store.read() as tx:
        row = connections.get(tx, make_station(load_settings()).keyring, f"salesforce-{org.org_id}")
    assert row is not None
    return row


def test_help_fits_a_terminal_and_names_both_ways() -> None:
    """Salesforce's beside HubSpot's."""
    text = run("--help").stdout

    assert max(map(len, text.splitlines())) <= 80
    for word in ("--domain", "--secret-file", "--private-key", "CUEREEL_SALESFORCE_CLIENT_ID"):
        assert word in text


def test_without_options_the_steps_are_told(clean_environment: None) -> None:
    """Each with the menus of Setup, and the address that the app must know."""
    result = run("salesforce")

    assert result.exit_code == 0, result.exception
    for word in (
        "External Client App Manager > New External Client App",
        "Enable Client Credentials Flow",
        "Run As",
        "Enable JWT Bearer Flow",
        "Require Proof Key for Code Exchange (PKCE)",
        "http://127.0.0.1:8400/oauth/salesforce/callback",
        "http://127.0.0.1:8400/console/connections/salesforce",
        "cuereel crm check salesforce",
    ):
        assert word in result.stdout, word
    assert max(map(len, result.stdout.splitlines())) <= 101


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["hubspot", "--domain", DOMAIN], "HubSpot takes no --domain"),
        (["salesforce", "--token"], "Salesforce takes no --token"),
        (["salesforce", "--domain", DOMAIN, "--key", "k"], "what proves that it is you"),
        (["salesforce", "--secret", "--key", "k"], "--domain must be given too"),
        (["salesforce", "--secret", "--domain", DOMAIN], "--key must be given too"),
        (["salesforce", "--secret"], "--domain and --key must be given too"),
        (["salesforce", "--username", "u", "--key", "k"], "--private-key must be given too"),
        (["salesforce", "--key", "k", "--username", "u", "--secret"], "not by both"),
        (
            ["salesforce", "--key", "k", "--domain", "d", "--secret", "--secret-file", "-"],
            "not both",
        ),
    ],
)
def test_options_that_do_not_go_together_are_told(words: list[str], told: str) -> None:
    """Before anything is read or called."""
    result = run(*words)

    assert result.exit_code == 2
    assert told in " ".join(result.stderr.split())


@pytest.mark.parametrize("text", ["", " \n", "two words", "ключ", "x" * 5000])
def test_what_cannot_be_a_secret_is_refused_at_home(
    clean_environment: None, tmp_path: Path, text: str
) -> None:
    """Salesforce is not asked."""
    path = tmp_path / "secret.txt"
    path.write_text(text)
    result = run("salesforce", "--domain", DOMAIN, "--key", "key-1", "--secret-file", path)

    assert isinstance(result.exception, PayloadError)
    assert "consumer secret" in result.exception.sentence


@pytest.mark.parametrize("text", ["", "-----BEGIN CERTIFICATE-----\nAAAA\n", "x" * 20_000])
def test_what_cannot_be_a_key_is_refused_at_home(
    clean_environment: None, tmp_path: Path, text: str
) -> None:
    """Such as the certificate, which goes to Salesforce."""
    path = tmp_path / "cuereel.key"
    path.write_text(text)
    result = run("salesforce", "--key", "key-1", "--username", "u", "--private-key", path)

    assert isinstance(result.exception, PayloadError)
    assert "BEGIN PRIVATE KEY" in result.exception.sentence


def test_an_address_that_salesforce_cannot_reach_is_refused(
    clean_environment: None, sqlite_store: Store
) -> None:
    """In a plain sentence that says what to set; nothing is called."""
    result = run("salesforce", "--domain", DOMAIN, "--key", "key-1", "--secret", typed="s\n")

    assert isinstance(result.exception, SettingError)
    assert "Salesforce cannot reach http://127.0.0.1:8400" in result.exception.sentence


def test_a_secret_connects_an_org_and_installs_the_package(
    org: FakeOrg, secret: Path, sqlite_store: Store
) -> None:
    """The secret is nowhere in what is printed, and stored encrypted."""
    result = run(*by_secret(org), "--secret-file", secret)

    assert result.exit_code == 0, result.exception
    assert f"is connected as salesforce-{org.org_id}" in result.stdout
    assert "made," in result.stdout
    assert f"cuereel crm check salesforce-{org.org_id}" in result.stdout
    text = secret.read_text().strip()
    assert text not in result.output
    assert row_of(sqlite_store, org).secrets["consumer_secret"] == text
    with sqlite_store.read() as tx:
        stored = tx.exec_driver_sql("SELECT secrets FROM connections").scalars().all()
    assert not any(text in sealed for sealed in stored)


@pytest.mark.usefixtures("nothing_installed")
def test_without_a_file_the_secret_is_asked_for_and_not_shown(org: FakeOrg, secret: Path) -> None:
    """Nothing that is typed appears."""
    result = run(*by_secret(org), "--secret", typed=secret.read_text())

    assert "is connected as" in result.stdout
    assert secret.read_text().strip() not in result.output


@pytest.mark.usefixtures("nothing_installed")
def test_a_private_key_connects_an_org(org: FakeOrg, tmp_path: Path, sqlite_store: Store) -> None:
    """No secret is shared."""
    held = org.secrets("jwt_bearer")
    path = tmp_path / "cuereel.key"
    path.write_text(held["private_key"])
    words = ["--key", held["consumer_key"], "--username", held["username"]]
    result = run("salesforce", *words, "--private-key", path)

    assert "is connected as" in result.stdout, result.exception
    assert row_of(sqlite_store, org).secrets["kind"] == "jwt_bearer"
    assert "PRIVATE KEY" not in result.output


@pytest.mark.usefixtures("nothing_installed")
def test_connecting_again_keeps_the_addresses_of_flows(
    org: FakeOrg, secret: Path, sqlite_store: Store
) -> None:
    """What an admin has put into the org goes on working."""
    run(*by_secret(org), "--secret-file", secret)
    before = row_of(sqlite_store, org).secrets["hook_secret"]
    result = run(*by_secret(org), "--secret-file", secret)

    assert "is connected again" in result.stdout
    assert row_of(sqlite_store, org).secrets["hook_secret"] == before


def test_a_secret_that_opens_nothing_is_told(
    org: FakeOrg, tmp_path: Path, sqlite_store: Store
) -> None:
    """With the page on which the right one stands; nothing is stored."""
    path = tmp_path / "secret.txt"
    path.write_text("wrong")
    result = run(*by_secret(org), "--secret-file", path)

    assert isinstance(result.exception, CredentialError)
    assert "Consumer Key and Secret" in result.exception.sentence
    with sqlite_store.read() as tx:
        assert connections.ids(tx) == []
