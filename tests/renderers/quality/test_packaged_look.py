"""The packaged templates are ready to send, for ordinary and for long names, in all formats."""

import pytest

from renderers.captions import cues
from renderers.compose import set_up_scene
from renderers.quality.findings import Finding, verdict
from renderers.quality.gather import gather_scene
from renderers.quality.glance import glance_file, glance_scene
from renderers.quality.seen import FileSeen, SoundSeen
from renderers.storyboard import SlotValue, Storyboard, assemble
from renderers.template import find_template
from tests.renderers.test_packaged_templates import FORMATS, NAMES, OPTIONAL


def look(board: Storyboard) -> list[Finding]:
    """Glance at every scene and at a file as it should be."""
    sound = SoundSeen(0.6, -18.0, board.duration)
    file = FileSeen(board.frames, board.duration, board.width, board.height, True, sound)
    found = glance_file(file, board, cues(board))
    for scene in board.scenes:
        found += glance_scene(gather_scene(scene, board, set_up_scene(scene, board)), board)
    return found


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("name", OPTIONAL)
def test_a_packaged_template_is_ready_for_any_name(name: str, format: str) -> None:
    """Nothing that a person would have to look at."""
    always, optional = OPTIONAL[name]
    template = find_template(name)
    for person in ["Marta Kowalska", *NAMES]:
        slots = {**always, **optional, "first_name": SlotValue(person)}
        if "owner_name" in template.slots:
            slots["owner_name"] = SlotValue(person)
        found = look(assemble(template, slots, format=format, height=180))
        assert verdict(found) == "ready", [
            finding for finding in found if finding.severity != "note"
        ]
