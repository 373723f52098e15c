"""What can go wrong between a template and a video, each with a reason a program can read."""

from collections.abc import Iterator
from contextlib import contextmanager


class RenderError(Exception):
    """Say why a video cannot be made, in one sentence that tells what to do."""

    def __init__(
        self, message: str, *, reason: str, slot: str | None = None, scene: str | None = None
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.slot = slot
        self.scene = scene

    @property
    def temporary(self) -> bool:
        """Tell whether the same render may succeed later without a change."""
        return False


@contextmanager
def in_scene(name: str) -> Iterator[None]:
    """Say of every error in which scene it happened."""
    try:
        yield
    except RenderError as error:
        error.scene = error.scene or name
        raise


class TemplateError(RenderError):
    """Refuse a template: its author has to change the file that the message names."""

    def __init__(
        self,
        message: str,
        *,
        reason: str = "template_invalid",
        slot: str | None = None,
        scene: str | None = None,
    ) -> None:
        super().__init__(message, reason=reason, slot=slot, scene=scene)


class SlotError(RenderError):
    """Refuse a slot's value: the record, the mapping or the fallback has to change."""


class AssetError(RenderError):
    """Refuse a picture, sound or film that is absent or is not what it claims to be."""


class TextError(RenderError):
    """Refuse a text that cannot be shown whole: a glyph is missing or the box is too small."""


class EncodeError(RenderError):
    """Report that encoding failed; `temporary` says whether trying again can help."""

    def __init__(self, message: str, *, reason: str = "encode_failed", temporary: bool) -> None:
        super().__init__(message, reason=reason)
        self._temporary = temporary

    @property
    def temporary(self) -> bool:
        """Tell whether the same render may succeed later without a change."""
        return self._temporary
