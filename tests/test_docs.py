"""What is documented is what there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from connector.cli import COMMANDS
from connector.crm import CRMS
from connector.decide.reasons import REASONS
from connector.measure.fields import ENGAGEMENT_WORDS
from connector.queues import QUEUES
from connector.settings import Settings
from renderers.layers import LAYERS
from renderers.quality.reasons import SEVERITY
from renderers.template import list_templates

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
OPERATE = (ROOT / "docs" / "operate.md").read_text()
CAMPAIGNS = (ROOT / "docs" / "campaigns.md").read_text()
TEMPLATES = (ROOT / "docs" / "template-guide.md").read_text()


def variable(name: str) -> str:
    alias = Settings.model_fields[name].validation_alias
    return alias if isinstance(alias, str) else f"CUEREEL_{name.upper()}"


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_every_setting_stands_in_the_operators_guide(name: str) -> None:
    """With its variable and its default."""
    row = next((line for line in OPERATE.splitlines() if f"`{variable(name)}`" in line), "")
    assert row, f"{variable(name)} is not in docs/operate.md"
    assert str(Settings.model_fields[name].description) in row


def test_every_queue_has_a_process_in_guide_and_procfile() -> None:
    """Nothing can be queued that nobody serves."""
    procfile = (ROOT / "Procfile").read_text()
    for queue in QUEUES:
        assert f"work {queue}" in OPERATE
        assert re.search(rf"^{queue}: .*work {queue}$", procfile, re.M)


def test_every_reason_of_a_decision_is_explained() -> None:
    """An admin can look up each code."""
    assert [reason for reason in REASONS if f"`{reason}`" not in CAMPAIGNS] == []


def test_everything_that_can_be_noticed_about_a_video_is_explained() -> None:
    """An operator can look up why a video was kept back or failed."""
    words = {"note": "shown", "review": "needs_review", "fail": "failed"}
    rows = [f"| `{reason}` | {words[severity]} |" for reason, severity in SEVERITY.items()]
    assert [row for row in rows if row not in OPERATE] == []


def test_every_layer_kind_and_template_is_in_the_template_guide() -> None:
    """A template author finds each kind."""
    assert [kind for kind in LAYERS if f"`{kind}`" not in TEMPLATES] == []
    assert [name for name in list_templates(()) if name not in TEMPLATES] == []


def test_every_metric_is_described_where_it_is_written() -> None:
    """The description of each field says how it is counted."""
    for crm in CRMS:
        text = (ROOT / "mappings" / "crm" / f"{crm}.toml").read_text()
        for word in ENGAGEMENT_WORDS:
            entry = text.partition(f"[write.{word}]")[2].partition("[write.")[0]
            assert "description" in entry, word


@pytest.mark.parametrize("path", re.findall(r"\]\(([^)#:]+)\)", README))
def test_every_link_of_the_readme_leads_somewhere(path: str) -> None:
    """Pictures and guides are there."""
    assert (ROOT / path).exists()


def test_the_commands_of_the_readme_exist() -> None:
    """A newcomer can type what they read."""
    used = set(re.findall(r"cuereel (\w+)", README)) - {"check"}
    assert used <= set(COMMANDS)
