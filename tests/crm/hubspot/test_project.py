"""
The developer project that HubSpot is given: its parts fit one another, our code, and the public shapes.

The shapes are those of HubSpot's public project components for platform 2026.03.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from flask import Flask

from connector.cli.app_project import PLACEHOLDER, app
from connector.crm.hubspot.callbacks import outputs
from connector.crm.hubspot.doors import DOORS, OPTIONAL_SCOPES, REQUIRED_SCOPES
from connector.decide.dictionary import load_dictionary
from connector.decide.reasons import REASONS
from connector.errors import ConnectorError, NotFoundError, PayloadError, SettingError
from connector.model import Change
from connector.settings import Settings
from connector.web import crm_cards, hooks

PROJECT = Path(__file__).parents[3] / "connector" / "crm" / "hubspot" / "app"
LANGUAGES = {"en", "de", "fr", "es", "pt-br"}
# what each kind of component may hold, and what it must
SHAPES: dict[str, tuple[set[str], set[str]]] = {
    "app": (
        {"name", "description", "distribution", "auth", "permittedUrls", "support"},
        {"name", "description", "distribution", "auth", "permittedUrls"},
    ),
    "webhooks": ({"settings", "subscriptions"}, {"settings", "subscriptions"}),
    "workflow-action": (
        {"actionUrl", "isPublished", "supportedClients", "objectTypes", "inputFields",
         "outputFields", "executionRules", "labels"},
        {"actionUrl", "isPublished", "supportedClients", "objectTypes", "inputFields", "labels"},
    ),
    "card": ({"name", "location", "entrypoint", "objectTypes"},
             {"name", "location", "entrypoint", "objectTypes"}),
    "settings": ({"entrypoint"}, {"entrypoint"}),
}  # fmt: skip


def components() -> Iterator[tuple[Path, dict[str, Any]]]:
    """Every component of the project with the file that it stands in."""
    for path in sorted((PROJECT / "src").rglob("*-hsmeta.json")):
        yield path, json.loads(path.read_text())


def config(kind: str) -> dict[str, Any]:
    """What the one component of a kind says."""
    (found,) = [meta["config"] for _, meta in components() if meta["type"] == kind]
    return dict(found)


def addresses(value: object) -> Iterator[str]:
    """Every web address in a component."""
    yield from re.findall(r'https?://[^"\s]+', json.dumps(value))


def test_the_project_is_for_the_platform_that_it_was_checked_against() -> None:
    """Older ones are switched off, newer ones were not looked at."""
    project = json.loads((PROJECT / "hsproject.json").read_text())
    assert project == {"name": "cuereel", "srcDir": "src", "platformVersion": "2026.03"}


def test_every_component_has_its_kinds_shape_and_a_name_of_its_own() -> None:
    """An unknown word would make the whole upload fail."""
    uids = [meta["uid"] for _, meta in components()]
    assert len(set(uids)) == len(uids) == 6
    for path, meta in components():
        may, must = SHAPES[meta["type"]]
        assert set(meta) == {"uid", "type", "config"}, path
        assert must <= set(meta["config"]) <= may, path


def test_each_kind_lies_where_hubspot_looks_for_it() -> None:
    """A component in another folder is ignored without a word."""
    folders = {"app": "app", "webhooks": "webhooks", "workflow-action": "workflow-actions",
               "card": "cards", "settings": "settings"}  # fmt: skip
    for path, meta in components():
        assert path.parent.name == folders[meta["type"]], path


def test_pages_begin_in_files_that_exist() -> None:
    """With the extension point that their component names."""
    for _, meta in components():
        entry = meta["config"].get("entrypoint")
        if entry:
            text = (PROJECT / "src" / entry.lstrip("/")).read_text()
            assert f"hubspot.extend<'{meta['config'].get('location', 'settings')}'>" in text


def test_the_app_asks_for_the_scopes_that_the_install_asks_for() -> None:
    """HubSpot refuses an install whose scopes differ from the app's."""
    auth = config("app")["auth"]
    assert tuple(auth["requiredScopes"]) == REQUIRED_SCOPES
    assert tuple(auth["optionalScopes"]) == OPTIONAL_SCOPES
    assert auth["conditionallyRequiredScopes"] == []
    assert auth["type"] == "oauth"


def test_every_address_is_ours_and_leads_to_a_route() -> None:
    """Pages may only call what the app permits."""
    flask = Flask("routes")
    flask.register_blueprint(hooks.blueprint)
    flask.register_blueprint(crm_cards.blueprint)
    routes = flask.url_map.bind("connector.example.com")
    action, webhooks = config("workflow-action"), config("webhooks")
    called = [webhooks["settings"]["targetUrl"], *addresses(action)]
    assert len(called) == 3
    for address in called:
        path = address.removeprefix(PLACEHOLDER)
        assert routes.match(path, "POST")[1]["crm"] == "hubspot"
        assert path.rpartition("/")[2] in DOORS
    for path in ("card", "settings"):
        assert routes.match(f"/crm/hubspot/{path}", "GET")
    assert routes.match("/crm/hubspot/card/make", "POST")
    permitted = config("app")["permittedUrls"]
    assert permitted == {"fetch": [PLACEHOLDER], "iframe": [], "img": [PLACEHOLDER]}


def test_webhooks_are_what_the_dictionary_knows_and_never_what_we_write() -> None:
    """Our own writes would come back to us for ever."""
    dictionary = load_dictionary("hubspot", ())
    ours = {spec.name for spec in dictionary.write_fields.values()}
    lines = {line.partition("=")[0] for line in dictionary.events}
    subscriptions = config("webhooks")["subscriptions"]
    asked = set()
    for item in subscriptions["crmObjects"]:
        assert item["active"] is True
        assert item.get("propertyName") not in ours
        what = item["subscriptionType"].partition(".")[2]
        asked.add(f"{item['objectType']}.{item.get('propertyName', what)}")
    asked |= {item["subscriptionType"] for item in subscriptions["hubEvents"]}
    assert asked == {
        "contact.creation", "contact.lifecyclestage", "contact.deletion", "contact.merge",
        "cart.hs_external_status", "deal.dealstage", "contact.privacyDeletion",
    }  # fmt: skip
    assert asked <= lines


def test_the_action_brings_back_what_the_callback_sends() -> None:
    """An output that the action does not declare cannot be used in the workflow."""
    change = Change("1", "callback", "101", "ap-1", {"state": "done"})
    sent = set(outputs(change)) - {"hs_execution_state"}
    action = config("workflow-action")
    assert {field["typeDefinition"]["name"] for field in action["outputFields"]} == sent
    for words in action["labels"].values():
        assert set(words["outputFieldLabels"]) == sent


def test_every_reason_is_a_sentence_in_the_workflows_history() -> None:
    """In English it is the sentence that our own pages show; a workflow never learns of a holdout."""
    action = config("workflow-action")
    rules = {rule["labelName"]: rule["conditions"] for rule in action["executionRules"]}
    assert rules == {name: {"errorCode": name.upper()} for name in rules}
    assert set(REASONS) - set(rules) == {"ok", "holdout"}
    spoken = action["labels"]["en"]["executionRules"]
    for reason, (_, sentence) in REASONS.items():
        assert spoken.get(reason, sentence) == sentence


def test_the_action_says_everything_in_five_languages() -> None:
    """With the same words in each, and none left in English."""
    labels = config("workflow-action")["labels"]
    assert set(labels) == LANGUAGES
    english = labels["en"]
    assert english["actionName"] == "Create personalised video"
    assert english["inputFieldLabels"] == {"campaign": "Video"}
    for language in LANGUAGES - {"en"}:
        words = labels[language]
        assert {name: _keys(part) for name, part in words.items()} == {
            name: _keys(part) for name, part in english.items()
        }
        assert "{{campaign}}" in words["actionCardContent"]
        for reason, sentence in words["executionRules"].items():
            assert sentence
            assert sentence != english["executionRules"][reason]


def _keys(part: object) -> set[str] | None:
    return set(part) if isinstance(part, dict) else None


def test_pages_are_built_with_the_versions_that_were_tested() -> None:
    """Exact ones, and the lock names no registry."""
    tested = json.loads((PROJECT / "package.json").read_text())["devDependencies"]
    for folder in ("cards", "settings"):
        used = json.loads((PROJECT / "src/app" / folder / "package.json").read_text())
        assert used["dependencies"].items() <= tested.items()
    assert all(re.fullmatch(r"[0-9.]+", version) for version in tested.values())
    assert "http" not in re.sub(r'"url": "[^"]+"', "", (PROJECT / "package-lock.json").read_text())


@pytest.mark.parametrize("folder", ["cards", "settings"])
def test_the_pages_types_hold_under_hubspots_own_settings(folder: str) -> None:
    """HubSpot builds each folder by itself."""
    _run("node_modules/.bin/tsc", "-p", f"src/app/{folder}")


def test_the_pages_do_what_they_should() -> None:
    """Type-checked strictly, then rendered with the testing tools of HubSpot's own library."""
    _run("node_modules/.bin/tsc", "-p", "tsconfig.json")
    told = _run(
        "node", "--test", "--test-force-exit", "--test-reporter=tap", "node_modules/.built/tests/"
    )
    passed = re.search(r"^# pass (\d+)$", told, re.M)
    assert passed
    assert int(passed[1]) >= 16


def _run(*command: str) -> str:
    assert (PROJECT / "node_modules" / ".bin" / "tsc").exists(), "run `make setup`"
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def written(out: Path, *more: str) -> Result:
    """Run the command that writes the project."""
    return CliRunner().invoke(app, ["hubspot", "--out", str(out), *more])


@pytest.fixture
def reachable(monkeypatch: pytest.MonkeyPatch) -> None:
    """An installation that HubSpot can reach."""
    monkeypatch.setenv("PUBLIC_BASE_URL", "https://video.example.org/")
    monkeypatch.setenv("CUEREEL_SECRET_KEYS", "k" * 43 + "=")


def test_the_project_is_written_with_our_address(reachable: None, tmp_path: Path) -> None:
    """Only what HubSpot needs, and no placeholder is left."""
    out = tmp_path / "project"
    result = written(out, "--name", 'Müller "Video"', "--distribution", "marketplace")
    assert result.exit_code == 0, result.output
    files = {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}
    assert "hsproject.json" in files
    assert {name.split("/")[0] for name in files} == {"hsproject.json", "src"}
    assert len(files) == 1 + sum(path.is_file() for path in (PROJECT / "src").rglob("*"))
    texts = [(out / name).read_text() for name in files]
    assert not any(PLACEHOLDER in text for text in texts)
    meta = json.loads((out / "src/app/app-hsmeta.json").read_text())["config"]
    assert meta["name"] == 'Müller "Video"'
    assert meta["distribution"] == "marketplace"
    assert meta["auth"]["redirectUrls"] == ["https://video.example.org/oauth/hubspot/callback"]
    assert (
        "const ADDRESS = 'https://video.example.org';"
        in (out / "src/app/cards/connector.ts").read_text()
    )


def test_it_may_be_written_again_into_its_own_folder(reachable: None, tmp_path: Path) -> None:
    """After an update; what was edited there is replaced."""
    assert written(tmp_path / "project").exit_code == 0
    assert written(tmp_path / "project").exit_code == 0


@pytest.mark.parametrize(
    ("kind", "address", "crm", "folder"),
    [
        (SettingError, "", "hubspot", "new"),
        (SettingError, "http://127.0.0.1:8400", "hubspot", "new"),
        (NotFoundError, "https://video.example.org", "pipedrive", "new"),
        (PayloadError, "https://video.example.org", "hubspot", "full"),
    ],
)
def test_what_cannot_work_is_said_before_anything_is_written(
    reachable: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
    kind: type[ConnectorError], address: str, crm: str, folder: str,
) -> None:  # fmt: skip
    """HubSpot calls no address without https, and a folder of somebody's is left alone."""
    monkeypatch.setenv("PUBLIC_BASE_URL", address)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("mine")
    result = CliRunner().invoke(app, [crm, "--out", str(tmp_path / folder)])
    assert isinstance(result.exception, kind)
    assert [path.name for path in tmp_path.rglob("*.json")] == []


def test_a_running_installation_has_the_routes_of_the_pages(settings: Settings) -> None:
    """Registered, and not behind the console's form protection."""
    from connector.app import create_app

    running = create_app(settings)
    answer = running.test_client().post("/crm/hubspot/card/make", json={})
    assert answer.status_code == 401
    running.extensions["cuereel"].store.close()
