"""What is made once per template is kept whole, found again, and made anew when it is damaged."""

from pathlib import Path

import pytest

from renderers.errors import EncodeError
from renderers.shelf import MANIFEST, Meta, Shelf, Sink


class Maker:
    """Makes a piece and counts how often it was asked."""

    def __init__(self, content: bytes = b"content") -> None:
        self.content = content
        self.asked = 0

    def __call__(self, sink: Sink) -> Meta:
        self.asked += 1
        sink(self.content[:3])
        sink(self.content[3:])
        return {"asked": self.asked}


def test_a_piece_is_made_once_and_found_by_others(tmp_path: Path) -> None:
    """Also by another process, which reads the manifest."""
    make = Maker()
    first = Shelf(tmp_path / "s", {"of": "template"})
    assert bytes(first.fetch("one", make).content) == b"content"
    assert first.fetch("one", make).meta == {"asked": 1}
    assert bytes(Shelf(tmp_path / "s", {}).fetch("one", make).content) == b"content"
    assert make.asked == 1
    assert first.names() == ["one"]
    assert '"of": "template"' in (tmp_path / "s" / MANIFEST).read_text()


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "one").write_bytes(b"contenT"),
        lambda folder: (folder / "one").write_bytes(b"cont"),
        lambda folder: (folder / "one").unlink(),
        lambda folder: (folder / MANIFEST).write_text("{"),
        lambda folder: (folder / MANIFEST).unlink(),
        lambda folder: (folder / ".one.4711.tmp").write_bytes(b"half"),
    ],
)
def test_what_is_damaged_is_made_again(tmp_path: Path, damage: object) -> None:
    """Changed, cut, deleted, or with a manifest that nobody can read."""
    Shelf(tmp_path, {}).fetch("one", Maker())
    damage(tmp_path)  # type: ignore[operator]
    assert bytes(Shelf(tmp_path, {}).fetch("one", Maker()).content) == b"content"
    assert Shelf(tmp_path, {}).broken() == []


def test_a_maker_that_fails_leaves_nothing(tmp_path: Path) -> None:
    """Neither a piece nor a half-written file; the next one makes it."""

    def fail(sink: Sink) -> Meta:
        sink(b"half")
        raise ValueError("no")

    shelf = Shelf(tmp_path, {})
    with pytest.raises(ValueError, match="no"):
        shelf.fetch("one", fail)
    assert [path.name for path in tmp_path.iterdir() if not path.name.endswith(".lock")] == []
    assert bytes(shelf.fetch("one", Maker()).content) == b"content"


def test_a_full_disk_is_said_plainly(tmp_path: Path) -> None:
    """Temporary, with what to do."""

    def full(_: Sink) -> Meta:
        raise OSError(28, "No space left on device")

    with pytest.raises(EncodeError, match="free space") as caught:
        Shelf(tmp_path, {}).fetch("one", full)
    assert caught.value.temporary
