"""A stitched file is whole: any decoder reads it, and nothing that went wrong gets into it."""

import json
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import av
import imageio_ffmpeg  # type: ignore[import-untyped]
import numpy as np
import pytest

from renderers import h264
from renderers.planes import Planes
from renderers.segments import require_alike
from renderers.shelf import MANIFEST
from renderers.shelved import open_shelf
from renderers.storyboard import Storyboard
from tests.renderers import frames
from tests.renderers.apart import board_of
from tests.renderers.reels import places
from tests.renderers.samples import REEL
from tests.renderers.test_sound import tone

HERE = Path(__file__).parents[2]
SETTLING = 8  # frames after which a hold has become as sharp as it gets


@dataclass(frozen=True)
class Reel:
    """A storyboard, its film, and the shelf that was filled on the way."""

    template: Path
    board: Storyboard
    video: Path
    shelf: Path
    shown: Sequence[Planes]

    def holds(self) -> Iterator[tuple[int, int]]:
        """Find the frames between which nothing moves: the first one, and the one after."""
        stage = frames.stitcher(self.board, self.shelf)
        for index, scene in enumerate(self.board.scenes):
            scenery, start = (
                stage.scenery(index),
                scene.transition.frames if scene.transition else 0,
            )
            for frame in range(start + 1, scene.frames + 1):
                if frame == scene.frames or scenery.state(frame) != scenery.state(start):
                    yield scene.start_frame + start, scene.start_frame + frame
                    start = frame


@pytest.fixture(scope="module")
def reel(tmp_path_factory: pytest.TempPathFactory) -> Reel:
    """A film of 27 seconds at 160×90, rendered with an empty shelf."""
    folder = tmp_path_factory.mktemp("reel")
    template = folder / "template"
    template.mkdir()
    (template / "template.toml").write_text(REEL, encoding="utf-8")
    (template / "music.m4a").write_bytes(tone(2.0))
    board = board_of(template)
    video = frames.stitched(board, folder / "out", folder / "shelf")
    return Reel(template, board, video, folder / "shelf", frames.decoded(video))


def by_ffmpeg(video: Path, *output: str) -> str:
    """Decode with the ffmpeg program; whatever it complains of is fatal."""
    strict = ["-v", "error", "-xerror", "-err_detect", "explode"]
    command = [imageio_ffmpeg.get_ffmpeg_exe(), *strict, "-i", str(video), *output, "-"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_two_decoders_find_every_frame_in_its_time(reel: Reel) -> None:
    """PyAV and ffmpeg decode pictures and sound to the end; no frame is early, late or missing."""
    with av.open(str(reel.video)) as film:
        tick = (film.streams.video[0].time_base or 0) * reel.board.fps
        times = [packet.pts for packet in film.demux(video=0) if packet.size]
        assert [(time or 0) * tick for time in times] == list(range(reel.board.frames))
    assert len(reel.shown) == reel.board.frames
    rows = by_ffmpeg(reel.video, "-map", "0:v", "-f", "framemd5").splitlines()
    found = [row.split(",") for row in rows if not row.startswith("#")]
    lengths = {int(row[3]) for row in found}
    assert len(found) == reel.board.frames
    assert [int(row[2]) for row in found] == [n * min(lengths) for n in range(len(found))]
    assert len(lengths) == 1
    by_ffmpeg(reel.video, "-map", "0:a", "-f", "null")


def test_both_decoders_see_the_same_pictures(reel: Reel) -> None:
    """What is shown does not depend on who decodes."""
    raw = ["-map", "0:v", "-f", "rawvideo", "-pix_fmt", "yuv420p"]
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(reel.video), *raw, "-"]
    seen = subprocess.run(command, capture_output=True, check=True, timeout=60).stdout
    ours = b"".join(p.tobytes() for shown in reel.shown for p in (shown.y, shown.u, shown.v))
    assert seen == ours


def test_a_hold_shows_one_picture_however_long_it_is(reel: Reel) -> None:
    """Past every counter of the encoder the picture is the same to the last pixel, and sharp."""
    holds = [(first, end) for first, end in reel.holds() if end - first > SETTLING]
    assert max(end - first for first, end in holds) > 600
    assert sum(16 < end - first <= 600 for first, end in holds) >= 2
    drawn = frames.drawn(frames.stitcher(reel.board, reel.shelf))
    for first, end in holds:
        still = reel.shown[first + SETTLING]
        for shown in reel.shown[first + SETTLING : end]:
            assert np.array_equal(shown.y, still.y)
            assert np.array_equal(shown.u, still.u)
            assert np.array_equal(shown.v, still.v)
        assert frames.decibels(still.y, drawn[end - 1].y) >= 36


def test_pictures_after_a_hold_are_as_good_as_before_it(reel: Reel) -> None:
    """What moves out after 600 copied frames is decoded from the right picture."""
    drawn = frames.drawn(frames.stitcher(reel.board, reel.shelf))
    longest = max(reel.holds(), key=lambda hold: hold[1] - hold[0])
    leaving = range(longest[1], longest[1] + 5)
    assert all(not np.array_equal(drawn[n].y, drawn[n - 1].y) for n in leaving)
    assert min(frames.decibels(reel.shown[n].y, drawn[n].y) for n in leaving) >= 35


def test_all_segments_are_joined_under_one_pair_of_parameter_sets(reel: Reel) -> None:
    """They stand in the index alone; each frame of the file is one slice."""
    stage = frames.stitcher(reel.board, reel.shelf)
    segments = [one for n in range(len(reel.board.scenes)) for one in stage.segments(n)]
    sets = require_alike(segments)
    content = reel.video.read_bytes()
    index = content[: content.index(b"mdat")]
    assert sets.sps in index
    assert sets.pps in index
    for at, size in places(content, 1):
        assert int.from_bytes(content[at : at + 4], "big") == size - 4
        assert h264.kind(content[at + 4 : at + size]) in (h264.SLICE, h264.IDR)


def test_a_warm_shelf_changes_no_byte(reel: Reel, tmp_path: Path) -> None:
    """Nor does a shelf that may not be used: then nothing of a scene is kept."""
    cold = reel.video.read_bytes()
    warm = frames.stitched(reel.board, tmp_path / "warm", reel.shelf)
    alone = frames.stitched(reel.board, tmp_path / "alone", tmp_path / "shelf", reuse=False)
    assert warm.read_bytes() == cold
    assert alone.read_bytes() == cold
    kept = Counter(
        name.split("-")[0] for name in open_shelf(tmp_path / "shelf", reel.board).names()
    )
    assert set(kept) <= {"backdrop"}
    used = Counter(name.split("-")[0] for name in open_shelf(reel.shelf, reel.board).names())
    # opening, shared, the change between them, between; the personal ones are nobody else's
    assert (used["scene"], used["sound"]) == (4, 1)


def _flip(piece: Path) -> None:
    content = bytearray(piece.read_bytes())
    content[len(content) // 2] ^= 0x10
    piece.write_bytes(content)


def _cut(piece: Path) -> None:
    piece.write_bytes(piece.read_bytes()[:-100])


def _each_differently(pieces: Sequence[Path]) -> None:
    damages: list[Callable[[Path], None]] = [_flip, _cut, Path.unlink]
    for piece, damage in zip(pieces, cycle(damages), strict=False):
        damage(piece)


def _tear_manifest(pieces: Sequence[Path]) -> None:
    manifest = pieces[0].parent / MANIFEST
    manifest.write_text(manifest.read_text(encoding="utf-8")[:200], encoding="utf-8")


@pytest.mark.parametrize("damage", [_each_differently, _tear_manifest])
def test_a_damaged_shelf_never_reaches_a_video(
    reel: Reel, tmp_path: Path, damage: Callable[[Sequence[Path]], None]
) -> None:
    """A piece that is not what was written is made again."""
    root = tmp_path / "shelf"
    shutil.copytree(reel.shelf, root)
    folder = open_shelf(root, reel.board).folder
    pieces = sorted(folder.glob("[!.]*-*"))
    assert {path.name.split("-")[0] for path in pieces} >= {"scene", "backdrop", "sound"}
    damage(pieces)
    video = frames.stitched(reel.board, tmp_path / "out", root)
    assert video.read_bytes() == reel.video.read_bytes()
    assert open_shelf(root, reel.board).broken() == []


@contextmanager
def apart(mode: str, reel: Reel, out: Path, root: Path) -> Iterator[subprocess.Popen[str]]:
    """Start a process that waits for a line before it renders."""
    paths = [str(path) for path in (reel.template, out, root)]
    command = [sys.executable, "-m", "tests.renderers.apart", mode, *paths]
    with subprocess.Popen(
        command, cwd=HERE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        try:
            yield child
        finally:
            child.kill()


def together(mode: str, reel: Reel, places: Sequence[tuple[Path, Path]]) -> list[list[str]]:
    """Let processes render at the same time; return what each has said."""
    with ExitStack() as stack:
        children = [stack.enter_context(apart(mode, reel, out, root)) for out, root in places]
        for child in children:
            assert child.stdout
            assert child.stdout.readline() == "ready\n"
        for child in children:
            assert child.stdin
            child.stdin.write("go\n")
            child.stdin.flush()
        said = [child.communicate(timeout=60)[0].splitlines() for child in children]
        assert [child.returncode for child in children] == [0] * len(children)
    return said


def published(folder: Path) -> dict[str, bytes]:
    """Read everything that a render leaves in a folder."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_two_processes_make_the_same_bytes(reel: Reel, tmp_path: Path) -> None:
    """Each with an empty shelf: the video, the posters, the GIF and the captions are equal."""
    ways = [(tmp_path / name, tmp_path / f"shelf-{name}") for name in ("one", "two")]
    together("plain", reel, ways)
    one, two = (published(out) for out, _ in ways)
    assert one == two
    assert one["video.mp4"] == reel.video.read_bytes()
    assert len(one) == 6


def test_two_processes_at_one_shelf_make_each_piece_once(reel: Reel, tmp_path: Path) -> None:
    """Who comes second waits for the first, and both videos are right."""
    root = tmp_path / "shelf"
    said = together("slowly", reel, [(tmp_path / "one", root), (tmp_path / "two", root)])
    made = Counter(line for lines in said for line in lines)
    shelf = open_shelf(root, reel.board)
    assert made == Counter({f"made {name}": 1 for name in shelf.names()})
    assert shelf.broken() == []
    for name in ("one", "two"):
        assert (tmp_path / name / "video.mp4").read_bytes() == reel.video.read_bytes()


def test_a_process_that_dies_half_way_leaves_nothing_that_is_used(
    reel: Reel, tmp_path: Path
) -> None:
    """The half-written scene is no piece, nobody waits for the dead, and its rest is removed."""
    root = tmp_path / "shelf"
    with apart("half", reel, tmp_path / "killed", root) as child:
        assert child.stdin
        assert child.stdout
        child.stdin.write("go\n")
        child.stdin.flush()
        assert [child.stdout.readline() for _ in range(2)] == ["ready\n", "half\n"]
        child.send_signal(signal.SIGKILL)
        child.wait(10)
    assert published(tmp_path / "killed") == {}
    shelf = open_shelf(root, reel.board)
    assert not [name for name in shelf.names() if name.startswith("scene-")]
    assert list(shelf.folder.glob(".scene-*.tmp"))
    video = frames.stitched(reel.board, tmp_path / "out", root)
    assert video.read_bytes() == reel.video.read_bytes()
    assert shelf.broken() == []
    assert not list(shelf.folder.glob(".*.tmp"))


def test_a_full_disk_leaves_no_half_file(reel: Reel, tmp_path: Path) -> None:
    """Whether a piece or the video itself meets the limit: one reason, temporary, nothing left."""
    (said,) = together("starved", reel, [(tmp_path / "out", tmp_path / "shelf")])
    assert said == ["pieces disk_full True", "nothing rendered", "video disk_full True"]
    assert published(tmp_path / "out" / "pieces") == {}
    assert published(tmp_path / "out" / "video") == {}
    assert len(published(tmp_path / "out" / "nothing")) == 6
    shelf = open_shelf(tmp_path / "shelf", reel.board)
    assert shelf.broken() == []
    assert not list(shelf.folder.glob(".*.tmp"))
    manifest = json.loads((shelf.folder / MANIFEST).read_text(encoding="utf-8"))
    assert sorted(manifest["pieces"]) == shelf.names()
