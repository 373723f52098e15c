"""`cuereel crm`: import, export, install, check and secrets, as an operator types them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from connector.cli.crm import crm
from connector.errors import NotFoundError, PayloadError
from connector.jobs.station import make_station
from connector.settings import Settings
from connector.signing import new_secret
from connector.store import Store, audit, connections
from tests.fakes.local import connect_local


@pytest.fixture(autouse=True)
def connected(sqlite_store: Store, settings: Settings) -> None:
    """The home folder's database has the local CRM connected."""
    connect_local(sqlite_store, make_station(settings).keyring, "local", [new_secret()])


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(crm, [str(word) for word in words])


@pytest.fixture
def contacts(tmp_path: Path) -> Path:
    """A small file with one bad row."""
    path = tmp_path / "contacts.csv"
    path.write_text("id,first_name\n1,Ana\n2,Ben\n1,Again\n")
    return path


def test_an_import_tells_what_came_of_it(contacts: Path, sqlite_store: Store) -> None:
    """Counts go to the output, bad rows by line to the errors, and the log has it."""
    result = run("import", contacts)

    assert result.exit_code == 0
    assert "2 created" in result.stdout
    assert "line 4: the id 1 was already on line 2" in result.stderr
    with sqlite_store.read() as tx:
        assert [entry.action for entry in audit.entries(tx)] == ["import"]


def test_a_program_reads_the_counts_as_json(contacts: Path) -> None:
    """With --json there is one object and nothing else."""
    result = run("import", contacts, "--announce", "contact.onboarding", "--json")

    assert json.loads(result.stdout) == {
        "encoding": "utf-8",
        "created": 2,
        "updated": 0,
        "unchanged": 0,
        "refused": 1,
        "announced": 2,
        "rows": 3,
        "complaints": [{"line": 4, "sentence": "the id 1 was already on line 2"}],
    }


def test_a_file_of_bad_rows_fails(tmp_path: Path) -> None:
    """When no row can be used the command says so and fails."""
    path = tmp_path / "bad.csv"
    path.write_text("id,items\n1,[\n2,[\n")

    assert isinstance(run("import", path, "--kind", "cart").exception, PayloadError)


def test_an_unknown_connection_is_named(contacts: Path) -> None:
    """A connection that does not exist is told together with those that do."""
    result = run("import", contacts, "--connection", "nowhere")

    assert isinstance(result.exception, NotFoundError)
    assert "local" in result.exception.sentence


def test_an_export_is_a_file_for_a_spreadsheet(contacts: Path, tmp_path: Path) -> None:
    """Export writes a header and the rows."""
    run("import", contacts)
    out = tmp_path / "out.csv"
    assert run("export", "--out", out).exit_code == 0

    assert out.read_text() == "id,first_name\n1,Ana\n2,Ben\n"


def test_install_then_check(sqlite_store: Store) -> None:
    """Before the install the check fails and says what to do; after it all is well."""
    before, made, again, after = run("check"), run("install"), run("install"), run("check")

    assert (before.exit_code, after.exit_code) == (1, 0)
    assert "cuereel crm install" in before.stdout
    assert "22 fields made" in made.stdout
    assert "0 fields made, 22 were there" in again.stdout


def test_a_secret_is_rotated_in_two_steps(sqlite_store: Store, settings: Settings) -> None:
    """The new secret comes in front of the old one, which holds until it is retired."""
    made = run("secret").stdout.strip()
    assert len(secrets(sqlite_store, settings)) == 2
    run("secret", "--retire")

    assert secrets(sqlite_store, settings) == [made]


def secrets(store: Store, settings: Settings) -> list[str]:
    with store.read() as tx:
        row = connections.get(tx, make_station(settings).keyring, "local")
    assert row is not None
    return list(row.secrets["signing"])


def test_an_operator_chooses_how_watching_is_remembered(
    sqlite_store: Store, settings: Settings
) -> None:
    """For one connection, with a line in the log; a mode that there is not is refused."""
    assert run("tracking", "local", "aggregate").exit_code == 0
    assert run("tracking", "local", "sometimes").exit_code == 2
    with sqlite_store.read() as tx:
        row = connections.get(tx, make_station(settings).keyring, "local")
        [entry] = audit.entries(tx)
    assert row is not None
    assert row.config["tracking"] == "aggregate"
    assert (entry.action, entry.facts) == ("tracking_set", {"mode": "aggregate"})
