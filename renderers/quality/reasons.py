"""Names everything that a look at a video can find, and says how grave each of it is."""

from renderers.quality.findings import Finding, Severity

# what a template's author decided or what a value only brushes against is a note; what a person
# may find ugly or hard to read is for review; what was promised and is not there is a failure
SEVERITY: dict[str, Severity] = {
    "text_at_limit": "note",
    "text_small": "review",
    "text_cut": "note",
    "texts_overlap": "review",
    "glyph_missing": "fail",
    "font_mixed": "note",
    "contrast_low": "review",
    "text_invisible": "fail",
    "outside_margin": "note",
    "outside_safe_area": "review",
    "colour_outside_brand": "note",
    "picture_enlarged": "note",
    "picture_blurred": "review",
    "picture_tiny": "review",
    "logo_distorted": "review",
    "logo_cropped": "review",
    "logo_small": "review",
    "narration_missing": "note",
    "duration_wrong": "fail",
    "frames_wrong": "fail",
    "size_wrong": "fail",
    "parameter_sets_differ": "fail",
    "sound_missing": "fail",
    "sound_silent": "review",
    "sound_clipped": "review",
    "sound_length_wrong": "review",
    "captions_overlap": "review",
    "caption_outside": "review",
    "caption_short": "note",
    "caption_fast": "note",
}


def found(
    reason: str, sentence: str, *, scene: str | None = None, slot: str | None = None
) -> Finding:
    """Make a finding with the severity that its reason has."""
    return Finding(reason, SEVERITY[reason], sentence, scene, slot)
