"""An MP4 file holds what was encoded, byte for byte and tick for tick, with its index in front."""

import os
import resource
import struct
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from renderers.errors import EncodeError
from renderers.mux import Film, index, write_mp4
from renderers.segments import Segment
from renderers.soundtrack import PACKET, RATE, Soundtrack, encode_sound
from tests.renderers.reels import (
    FPS,
    HEIGHT,
    WIDTH,
    boxes,
    by_ffmpeg,
    by_mp4box,
    chords,
    decode,
    encode,
    moving,
    numbers,
    places,
)

VIDEO, SOUND = 1, 2
LONGEST = 2**32 - 1
STBL = "/moov/trak{}/mdia/minf/stbl/{}"


@pytest.fixture(scope="module")
def film() -> Film:
    """Join four real segments of different quality, one of them a single frame."""
    lengths = ((10, 23), (33, 30), (1, 18), (16, 23))
    segments = [encode(moving(frames, crf), crf) for frames, crf in lengths]
    return Film(segments, WIDTH, HEIGHT, FPS)


@pytest.fixture(scope="module")
def sound() -> Soundtrack:
    """Encode the two seconds of sound that belong to the film."""
    return encode_sound(chords(2 * RATE))


@pytest.fixture
def video(film: Film, sound: Soundtrack, tmp_path: Path) -> Path:
    """Write the film with its sound."""
    file = tmp_path / "video.mp4"
    assert write_mp4(file, film, sound) == file.stat().st_size
    return file


def made_up(film: Film, frames: int, seed: int = 0) -> Segment:
    """Fill a segment with bytes that are no video."""
    draw = np.random.default_rng(seed)
    sizes = draw.integers(1, 60, frames).astype(np.uint32)
    return Segment(film.segments[0].sets, draw.bytes(int(sizes.sum())), sizes, (0,))


def samples(parts: Sequence[Segment | Soundtrack]) -> list[bytes]:
    """Cut payloads into what they are made of."""
    found = []
    for part in parts:
        ends = np.cumsum(part.sizes, dtype=np.int64).tolist()
        found += [bytes(part.payload[a:b]) for a, b in zip([0, *ends], ends, strict=False)]
    return found


def stored(content: bytes, track: int) -> list[bytes]:
    """Read the samples of a track through the tables of the index."""
    return [content[at : at + size] for at, size in places(content, track)]


def test_every_frame_is_what_its_segment_decodes_to(film: Film, video: Path) -> None:
    """Two decoders find all frames without an error, and no pixel differs."""
    alone = [picture for segment in film.segments for picture in decode(segment)]
    assert len(alone) == film.frames == 60
    with av.open(str(video)) as file:
        together = list(file.decode(video=0))
    times = [picture.time for picture in together]
    assert times == [number / FPS for number in range(60)]
    for picture, wanted in zip(together, alone, strict=True):
        assert np.array_equal(picture.to_ndarray(), wanted)
    raw = by_ffmpeg(video, "-map", "0:v", "-fps_mode", "passthrough", "-f", "rawvideo")
    assert raw == b"".join(wanted.tobytes() for wanted in alone)


def test_the_sound_is_heard_from_the_first_sample_to_the_last(video: Path) -> None:
    """The encoder's own samples are cut off, nothing is shifted, and the length is exact."""
    played = np.frombuffer(by_ffmpeg(video, "-map", "0:a", "-f", "f32le"), dtype="<f4")
    wanted = chords(2 * RATE)
    assert played.size == wanted.size
    assert np.abs(played.reshape(-1, 2) - wanted).max() < 0.1
    with av.open(str(video)) as file:
        assert next(file.decode(audio=0)).pts == 0


@pytest.mark.parametrize("length", [2 * RATE - 1000, 2 * RATE + 1000, 777])
def test_sound_that_ends_before_or_after_the_pictures_keeps_its_length(
    film: Film, tmp_path: Path, length: int
) -> None:
    """No sample is invented, none is lost, and the longer track decides how long the film is."""
    file = tmp_path / "video.mp4"
    write_mp4(file, film, encode_sound(chords(length)))
    assert len(by_ffmpeg(file, "-map", "0:a", "-f", "f32le")) == length * 8
    with av.open(str(file)) as opened:
        assert opened.streams.audio[0].duration == length
        assert opened.duration == round(max(2 * RATE, length) / RATE * 1_000_000)
    duration = struct.unpack_from(">I", boxes(file.read_bytes())["/moov/mvhd"][1], 16)
    assert duration == (round(max(2 * RATE, length) * 90_000 / RATE),)


def test_a_file_says_what_is_in_it(video: Path, film: Film) -> None:
    """Size, rate, durations, colours and codecs are those of the film; both tracks begin at 0."""
    with av.open(str(video)) as file:
        picture, sound = file.streams.video[0], file.streams.audio[0]
        assert (picture.width, picture.height) == (WIDTH, HEIGHT)
        assert picture.average_rate == FPS
        assert (picture.frames, picture.duration, picture.start_time) == (60, 180_000, 0)
        assert (sound.sample_rate, sound.layout.name, sound.profile) == (RATE, "stereo", "LC")
        assert (sound.start_time, sound.duration, file.duration) == (0, 2 * RATE, 2_000_000)
        decoder = picture.codec_context
        assert (decoder.color_primaries, decoder.color_trc, decoder.colorspace) == (1, 1, 1)
        assert (decoder.profile, decoder.pix_fmt, decoder.color_range) == ("High", "yuv420p", 1)
    entry = boxes(video.read_bytes())[STBL.format(VIDEO, "stsd")][1]
    assert b"avcC\x01" + film.segments[0].sets.sps[1:4] + b"\xff\xe1" in entry
    assert film.segments[0].sets.pps + b"\xfd\xf8\xf8\x00" in entry
    assert b"colrnclx" + struct.pack(">HHHB", 1, 1, 1, 0) in entry
    assert b"pasp" + struct.pack(">II", 1, 1) in entry


def test_small_print_is_there(video: Path) -> None:
    """What most players skip is right too: names, language, numbers, and the run-up of AAC."""
    found = boxes(video.read_bytes())
    assert found["/moov/mvhd"][1].endswith(struct.pack(">I", 3))  # the next track's number
    for track, kind in ((VIDEO, b"vide"), (SOUND, b"soun")):
        media = f"/moov/trak{track}/mdia"
        assert found[f"{media}/mdhd"][1].endswith(b"\x55\xc4\0\0")  # "und"
        assert found[f"{media}/hdlr"][1] == bytes(8) + kind + bytes(12) + b"Cuereel\0"
        assert struct.unpack_from(">I", found[f"/moov/trak{track}/tkhd"][1], 12) == (track,)
    stream = found[STBL.format(SOUND, "stsd")][1]
    assert stream.endswith(b"\x06\x01\x02")  # sync layer as MP4 files have it
    groups = found[STBL.format(SOUND, "sgpd")][1], found[STBL.format(SOUND, "sbgp")][1]
    assert groups[0][4:] == struct.pack(">4sIIh", b"roll", 2, 1, -1)
    assert groups[1][4:] == struct.pack(
        ">4sIII", b"roll", 1, len(stored(video.read_bytes(), SOUND)), 1
    )


def test_a_film_without_sound_has_one_track(film: Film, tmp_path: Path) -> None:
    """Pictures alone make a file that plays."""
    file = tmp_path / "video.mp4"
    write_mp4(file, film, None)
    frame = WIDTH * HEIGHT * 3 // 2
    assert len(by_ffmpeg(file, "-f", "rawvideo")) == film.frames * frame
    found = by_mp4box(file)
    assert found["complaints"] == []
    assert [track["type"] for track in found["tracks"]] == ["video"]


def test_the_index_stands_before_the_media(video: Path, film: Film, sound: Soundtrack) -> None:
    """A player can begin with the first bytes; picture and sound take turns in half seconds."""
    content = video.read_bytes()
    assert [path for path in boxes(content) if path.count("/") == 1] == ["/ftyp", "/moov", "/mdat"]
    front = index(film, sound)
    assert content.startswith(front)
    data = sum(len(sample) for sample in samples([*film.segments, sound]))
    assert len(content) == len(front) + data
    turns = sorted(
        (offset, track)
        for track in (VIDEO, SOUND)
        for offset in numbers(boxes(content)[STBL.format(track, "stco")][1])
    )
    assert [track for _, track in turns] == [VIDEO, SOUND] * 4
    assert turns[0][0] == len(front)


def test_samples_lie_where_the_index_says(video: Path, film: Film, sound: Soundtrack) -> None:
    """Read back through the tables, every frame and packet has its bytes."""
    content = video.read_bytes()
    assert stored(content, VIDEO) == samples(film.segments)
    assert stored(content, SOUND) == samples([sound])


def test_a_strict_reader_has_nothing_to_complain_about(
    video: Path, film: Film, sound: Soundtrack
) -> None:
    """MP4Box.js agrees with every box, and finds every sample at its place and time."""
    found = by_mp4box(video)
    assert found["complaints"] == []
    content = video.read_bytes()
    assert found["boxes"][-1][1] + found["boxes"][-1][2] == len(content)
    pictures, packets = found["tracks"]
    assert (pictures["codec"], packets["codec"]) == ("avc1.64001f", "mp4a.40.2")
    assert [s[:2] for s in pictures["samples"]] == [list(p) for p in places(content, VIDEO)]
    assert [s[:2] for s in packets["samples"]] == [list(p) for p in places(content, SOUND)]
    assert [s[2:5] for s in pictures["samples"]] == [[n * 3000, n * 3000, 3000] for n in range(60)]
    assert [n for n, s in enumerate(pictures["samples"]) if s[5]] == [0, 10, 43, 44]
    assert {s[4] for s in packets["samples"]} == {PACKET}
    assert pictures["edits"] == []
    assert [(e["media_time"], e["segment_duration"]) for e in packets["edits"]] == [
        (sound.priming, 180_000)
    ]


@pytest.mark.parametrize("name", ["mvhd", "tkhd", "avcC", "esds", "elst", "stsc", "stco", "sgpd"])
def test_a_strict_reader_would_have_complained(video: Path, name: str) -> None:
    """One bit more in the length of a box does not go unnoticed."""
    content = bytearray(video.read_bytes())
    content[content.index(name.encode()) - 1] ^= 1
    video.write_bytes(content)
    assert by_mp4box(video)["complaints"] != []


@given(
    lengths=st.lists(st.integers(1, 40), min_size=1, max_size=5),
    fps=st.integers(10, 60),
    packets=st.integers(0, 90),
)
def test_any_film_is_indexed_as_it_is_made(
    film: Film,
    tmp_path_factory: pytest.TempPathFactory,
    lengths: list[int],
    fps: int,
    packets: int,
) -> None:
    """Durations, sizes, key frames and places agree with the segments, whatever their lengths."""
    segments = [made_up(film, frames, seed) for seed, frames in enumerate(lengths)]
    talk = made_up(film, packets, 99)
    sound = Soundtrack(talk.payload, talk.sizes, b"\x11\x90", 1024, packets * 1024 - 1030, 1, 0)
    heard = sound if packets > 1 else None
    file = tmp_path_factory.mktemp("any") / "video.mp4"
    write_mp4(file, Film(segments, WIDTH, HEIGHT, fps), heard)
    content = file.read_bytes()
    found = boxes(content)
    assert stored(content, VIDEO) == samples(segments)
    assert not heard or stored(content, SOUND) == samples([heard])
    frames, delta = numbers(found[STBL.format(VIDEO, "stts")][1])
    (scale,) = struct.unpack_from(">I", found["/moov/trak1/mdia/mdhd"][1], 12)
    assert (frames, delta * fps) == (sum(lengths), scale)
    starts = [1 + sum(lengths[:number]) for number in range(len(lengths))]
    assert numbers(found[STBL.format(VIDEO, "stss")][1]) == starts
    if heard:
        kept, cut = struct.unpack_from(">Ii", found["/moov/trak2/edts/elst"][1], 8)
        assert (round(kept * RATE / scale), cut) == (heard.length, 1024)


@given(frames=st.integers(1, 40))
def test_key_frames_inside_a_segment_are_listed(film: Film, frames: int) -> None:
    """A segment may begin again at any frame."""
    whole = made_up(film, frames)
    again = replace(whole, sync=tuple(range(0, frames, 7)))
    found = boxes(index(Film([whole, again], WIDTH, HEIGHT, FPS), None)[:-8])
    listed = numbers(found[STBL.format(VIDEO, "stss")][1])
    assert listed == [1, *(frames + 1 + at for at in again.sync)]


def test_places_beyond_four_gigabytes_take_64_bits(film: Film, sound: Soundtrack) -> None:
    """Only a file that is longer than 32 bits can count is written with the wider tables."""
    large = replace(film.segments[0], sizes=np.full(1000, 5_000_000, np.uint32))
    found = boxes(index(Film([large], WIDTH, HEIGHT, FPS), sound))
    wide = numbers(found[STBL.format(VIDEO, "co64")][1], ">u8")
    assert wide[-1] > LONGEST
    assert STBL.format(VIDEO, "stco") not in found
    assert len(found["/mdat"][1]) == 0
    usual = boxes(index(film, sound)[:-8])
    assert STBL.format(VIDEO, "stco") in usual
    assert STBL.format(SOUND, "co64") not in usual


def test_the_wider_tables_lead_to_the_same_samples(
    video: Path, film: Film, sound: Soundtrack
) -> None:
    """With a threshold of a few bytes, a small file is written as a huge one would be."""
    content = video.read_bytes()
    data = content[len(index(film, sound)) :]
    edge = len(content)
    assert index(film, sound, narrow=edge) == index(film, sound)
    video.write_bytes(index(film, sound, narrow=edge - 1) + data)
    assert stored(video.read_bytes(), VIDEO) == samples(film.segments)
    assert stored(video.read_bytes(), SOUND) == samples([sound])
    assert by_mp4box(video)["complaints"] == []
    assert len(by_ffmpeg(video, "-map", "0:a", "-f", "f32le")) == 2 * RATE * 8


def test_two_writes_give_identical_bytes(video: Path, film: Film, sound: Soundtrack) -> None:
    """No time, name or number of the machine is in a file."""
    other = video.with_name("other.mp4")
    write_mp4(other, film, sound)
    assert other.read_bytes() == video.read_bytes()
    times = [
        boxes(video.read_bytes())[path][1][4:12] for path in ("/moov/mvhd", "/moov/trak1/tkhd")
    ]
    assert times == [bytes(8)] * 2


def test_many_pieces_are_taken_in_parts(
    film: Film, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More pieces than one call takes, and calls that take less than offered, lose no byte."""
    many = Film([made_up(film, 1, seed) for seed in range(2500)], WIDTH, HEIGHT, FPS)
    write_mp4(tmp_path / "whole.mp4", many, None)
    monkeypatch.setattr(os, "writev", lambda file, parts: os.write(file, b"".join(parts)[:4567]))
    write_mp4(tmp_path / "parts.mp4", many, None)
    whole = (tmp_path / "whole.mp4").read_bytes()
    assert stored(whole, VIDEO) == samples(many.segments)
    assert (tmp_path / "parts.mp4").read_bytes() == whole


def test_a_full_disk_is_an_error(film: Film, sound: Soundtrack) -> None:
    """A device without room raises at once."""
    with pytest.raises(OSError, match="No space left"):
        write_mp4(Path("/dev/full"), film, sound)


def test_a_limit_on_the_size_of_files_is_an_error(
    film: Film, sound: Soundtrack, tmp_path: Path
) -> None:
    """A file that may not grow raises in the middle of being written."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            write_mp4(tmp_path / "video.mp4", film, sound)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_segments_of_different_encoders_are_not_joined(film: Film, tmp_path: Path) -> None:
    """A decoder set up for one would show rubbish for the other: nothing is written."""
    other = encode(moving(2), level=40)
    with pytest.raises(EncodeError) as refused:
        write_mp4(tmp_path / "video.mp4", replace(film, segments=[*film.segments, other]), None)
    assert refused.value.reason == "parameter_sets_differ"
    assert not (tmp_path / "video.mp4").exists()


@pytest.mark.parametrize("broken", [VIDEO, SOUND])
def test_a_part_that_has_lost_bytes_is_not_written(
    film: Film, sound: Soundtrack, tmp_path: Path, broken: int
) -> None:
    """Sizes and payload must agree, or every place behind them would be wrong."""
    first = film.segments[0]
    short = replace(first if broken == VIDEO else sound, payload=b"short")
    segments = [short if isinstance(short, Segment) else first, *film.segments[1:]]
    with pytest.raises(EncodeError) as refused:
        write_mp4(
            tmp_path / "video.mp4",
            replace(film, segments=segments),
            short if isinstance(short, Soundtrack) else sound,
        )
    assert refused.value.reason == "segment_damaged"
    assert not (tmp_path / "video.mp4").exists()
