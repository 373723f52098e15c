"""Looks at a video when it is made: shared scenes were looked at once, when they were encoded."""

from renderers.captions import cues
from renderers.order import Made, Order
from renderers.quality.findings import Finding
from renderers.quality.gather import gather_scene
from renderers.quality.glance import glance_file, glance_scene
from renderers.shelved import stored_findings


def look(order: Order, made: Made) -> tuple[Finding, ...]:
    """List what there is to say about a video, each thing once."""
    scenes = range(len(order.board.scenes))
    found = [finding for index in scenes for finding in scene_findings(order, index)]
    found += glance_file(made.seen, order.board, cues(order.board))
    return tuple(dict.fromkeys(found))


def scene_findings(order: Order, index: int) -> list[Finding]:
    """List what there is to say about one scene."""
    scene = order.board.scenes[index]

    def glance() -> list[Finding]:
        seen = gather_scene(scene, order.board, order.composer.placed(index))
        return glance_scene(seen, order.board)

    return stored_findings(order.shelf, scene, order.board, glance) if scene.shared else glance()
