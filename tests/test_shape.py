"""The house rules that a machine can check."""

from __future__ import annotations

import ast
import importlib
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from connector.cli import COMMANDS
from connector.crm import CRMS
from connector.queues import JOBS, NOUNS, QUEUES
from connector.store.tables import WORK

ROOT = Path(__file__).parent.parent
SAY_NOTHING = re.compile(r"(manager|handler|helper|service|util|utils|common|base|misc)s?$", re.I)
LONGEST_MODULE, LONGEST_FUNCTION = 300, 50


def modules() -> Iterator[Path]:
    for package in ("connector", "renderers", "mappings"):
        yield from (ROOT / package).rglob("*.py")


def functions() -> Iterator[tuple[Path, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for path in modules():
        if "migrations" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield path, node


def test_no_module_has_outgrown_one_purpose() -> None:
    """A module has at most 300 lines."""
    long = {
        str(path.relative_to(ROOT)): count
        for path in modules()
        if "migrations" not in path.parts
        and (count := len(path.read_text().splitlines())) > LONGEST_MODULE
    }
    assert long == {}


def test_no_function_is_longer_than_a_screen() -> None:
    """A function has at most 50 lines."""
    long = [
        f"{path.name}:{node.name}"
        for path, node in functions()
        if (node.end_lineno or 0) - node.lineno + 1 > LONGEST_FUNCTION
    ]
    assert long == []


def test_names_say_what_a_thing_is() -> None:
    """No class or file is called after nothing."""
    classes = [
        node.name
        for path in modules()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef)
    ]
    names = [*classes, *(path.stem for path in modules())]
    assert [name for name in names if SAY_NOTHING.search(name)] == []


def test_every_module_says_why_it_exists() -> None:
    """The first statement of every module is its docstring."""
    silent = [
        str(path.relative_to(ROOT))
        for path in modules()
        if not ast.get_docstring(ast.parse(path.read_text()))
    ]
    assert silent == []


def test_inheritance_is_one_level() -> None:
    """No class of ours has a grandparent among ours; errors, protocols and model settings aside."""
    parents: dict[str, set[str]] = {}
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                bases = {b.id for b in node.bases if isinstance(b, ast.Name)}
                parents[node.name] = bases - {"Strict", "_Strict"}
    deep = [
        name
        for name, bases in parents.items()
        if not name.endswith("Error") and "Protocol" not in bases
        for base in bases
        if parents.get(base, set()) & set(parents)
    ]
    assert deep == []


@pytest.mark.parametrize("name", sorted(JOBS))
def test_every_job_leads_to_a_function(name: str) -> None:
    """The table of jobs names functions that exist, on queues that exist."""
    module, function = JOBS[name].path.rsplit(".", 1)
    assert callable(getattr(importlib.import_module(module), function))
    assert JOBS[name].queue in QUEUES


def test_every_noun_of_work_has_a_station() -> None:
    """Whatever can be due has a job that does it."""
    assert set(NOUNS) == set(WORK)
    # asking what was missed has no row: a connection is asked again by itself
    assert {*NOUNS.values(), "reconcile"} == set(JOBS)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_can_be_loaded(name: str) -> None:
    """The table of commands names commands that exist."""
    module, attribute = COMMANDS[name].split(":")
    assert getattr(importlib.import_module(module), attribute).help


def test_every_crm_has_a_folder_a_dictionary_and_an_install_guide() -> None:
    """A CRM is one folder and one dictionary."""
    for name in CRMS:
        assert (ROOT / "mappings" / "crm" / f"{name}.toml").exists()
        assert (ROOT / "connector" / "crm" / name / "install.md").exists()


def test_lock_files_name_no_registry() -> None:
    """A mirror serves as well as the public index."""
    app = "connector/crm/hubspot/app/package-lock.json"
    for name in ("requirements.lock", "package-lock.json", app):
        text = (ROOT / name).read_text()
        assert not re.search(r"https?://[^\"\s]*(pypi|pythonhosted|npmjs)", text), name


def test_every_core_dependency_is_locked_with_hashes() -> None:
    """What is installed is what was resolved."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    locked = dict(
        re.findall(
            r"^([a-z0-9._-]+)==\S+(.*?)(?=^\S|\Z)",
            (ROOT / "requirements.lock").read_text(),
            re.M | re.S,
        )
    )
    for requirement in project["dependencies"]:
        name = re.split(r"[<>=!~\[; ]", requirement)[0].lower()
        assert "--hash=sha256:" in locked[name], name
