"""What a renderer is asked for, and what it gives back."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from renderers.compose import Composer
from renderers.quality.seen import FileSeen
from renderers.shelf import Shelf
from renderers.storyboard import Storyboard

VIDEO = "video.mp4"


@dataclass(frozen=True)
class Order:
    """One video to be made: its frames, where it goes, and what may be used again."""

    composer: Composer
    folder: Path
    shelf: Shelf
    reuse: bool = True
    progress: Callable[[float], None] | None = None

    @property
    def board(self) -> Storyboard:
        """Return the storyboard."""
        return self.composer.board

    def tell(self, share: float) -> None:
        """Tell how much is done, from 0 to 1."""
        if self.progress:
            self.progress(share)


@dataclass(frozen=True)
class Made:
    """A finished file, and what its maker knows of it."""

    video: Path
    seen: FileSeen


Renderer = Callable[[Order], Made]
