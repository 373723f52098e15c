"""Looks at a scene and at a finished file by what is known of them, without drawing anything."""

from collections.abc import Sequence

from renderers.captions import Cue
from renderers.quality.film import judge_film, judge_sound
from renderers.quality.findings import Finding
from renderers.quality.looks import judge_colours, judge_logo, judge_pictures, judge_place
from renderers.quality.reading import judge_captions
from renderers.quality.reasons import found
from renderers.quality.seen import FileSeen, LayerSeen, SceneSeen
from renderers.quality.texts import judge_texts
from renderers.storyboard import Storyboard

_LAYER = (judge_texts, judge_pictures, judge_logo, judge_place, judge_colours)
_FILE = (judge_film, judge_sound)


def glance_scene(seen: SceneSeen, board: Storyboard) -> list[Finding]:
    """List what there is to say about a scene; each thing is said once."""
    found_here = [finding for layer in seen.layers for finding in _layer(layer, seen.name, board)]
    scene = next((scene for scene in board.scenes if scene.name == seen.name), None)
    if scene and not scene.narration:
        sentence = "The scene has no narration, so that captions and transcript leave it out."
        found_here.append(found("narration_missing", sentence, scene=seen.name))
    return list(dict.fromkeys(found_here))


def glance_file(seen: FileSeen, board: Storyboard, captions: Sequence[Cue]) -> list[Finding]:
    """List what there is to say about a finished file and its captions."""
    said = [found(*words) for judge in _FILE for words in judge(seen, board)]
    timed = [
        found(reason, sentence, scene=_scene_at(cue.start, board))
        for reason, sentence, cue in judge_captions(captions, board)
    ]
    return said + timed


def _layer(layer: LayerSeen, scene: str, board: Storyboard) -> list[Finding]:
    slot = next(iter(layer.part.slots), None)
    return [
        found(reason, sentence, scene=scene, slot=slot)
        for judge in _LAYER
        for reason, sentence in judge(layer, board)
    ]


def _scene_at(seconds: float, board: Storyboard) -> str:
    frame = round(seconds * board.fps)
    begun = [scene for scene in board.scenes if scene.start_frame <= frame]
    return (begun[-1] if begun else board.scenes[0]).name
