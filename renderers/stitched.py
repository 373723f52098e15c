"""Renders a storyboard by stitching: what everybody sees is copied, only the rest is encoded."""

from renderers.encode import placed, settle, verify
from renderers.mux import Film, write_mp4
from renderers.order import VIDEO, Made, Order
from renderers.parts import AudioPart
from renderers.quality.seen import FileSeen, SoundSeen
from renderers.segments import Segment
from renderers.shelved import sound_key, stored_sound
from renderers.sound import mix
from renderers.soundtrack import RATE, Soundtrack, encode_sound
from renderers.stitch import Stitcher
from renderers.storyboard import Storyboard


def render_stitched(order: Order) -> Made:
    """Encode what is personal, copy the rest, and write `folder`/video.mp4."""
    board = order.board
    order.composer.rehearse()
    stitcher = Stitcher(order.composer, order.shelf, reuse=order.reuse)
    segments: list[Segment] = []
    for index in range(len(board.scenes)):
        segments += stitcher.segments(index)
        order.tell((index + 1) / (len(board.scenes) + 1))
    for index in _drawn_again(board):
        stitcher.furnish(index)
    sound = soundtrack(order)
    film = Film(segments, board.width, board.height, board.fps)
    target = order.folder / VIDEO
    with placed(target) as work:
        write_mp4(work / VIDEO, film, sound)
        verify(work / VIDEO, board, sound=sound is not None)
        settle(work / VIDEO, target)
    order.tell(1.0)
    return Made(target, _seen(film, sound))


def _drawn_again(board: Storyboard) -> list[int]:
    """List the scenes that previews and the glance look at for each video."""
    posters = [n for n, s in enumerate(board.scenes) if s.start_frame <= board.poster_frame]
    return [n for n, s in enumerate(board.scenes) if n == posters[-1] or not s.shared]


def soundtrack(order: Order) -> Soundtrack | None:
    """Find the sound of a storyboard, or mix and encode it; None when nothing is to be heard."""
    if not has_sound(order.board):
        return None
    if not order.reuse:
        return _encoded(order.board)
    return stored_sound(order.shelf, sound_key(order.board), lambda: _encoded(order.board))


def has_sound(board: Storyboard) -> bool:
    """Tell whether anything is to be heard."""
    parts = (part for scene in board.scenes for part in scene.layers)
    return board.music is not None or any(isinstance(part, AudioPart) for part in parts)


def _encoded(board: Storyboard) -> Soundtrack:
    samples = mix(board)
    if samples is None:
        raise ValueError("a storyboard without sound has no soundtrack")
    return encode_sound(samples)


def _seen(film: Film, sound: Soundtrack | None) -> FileSeen:
    heard = SoundSeen(sound.peak, sound.rms, sound.length / RATE) if sound else None
    alike = len({segment.sets for segment in film.segments}) == 1
    seconds = film.frames / film.fps
    return FileSeen(film.frames, seconds, film.width, film.height, alike, heard)
