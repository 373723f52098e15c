"""Sound has exactly the length of the pictures, without clicks, silence or overload."""

import io
import wave
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from renderers.errors import AssetError
from renderers.layers.audio import RATE, Samples, read_sound
from renderers.media import complaint
from renderers.sound import mix
from renderers.storyboard import SlotValue, Storyboard, assemble
from tests.renderers.samples import HELLO, WriteTemplate

MUSIC = '\n[music]\nsource = "music.m4a"\nfade_in = 0.0\nfade_out = 0.2\n\n[[scenes]]'
CHIME = '\n[[scenes.layers]]\nkind = "audio"\nsource = "chime.wav"\nstart = 0.5\n'


def tone(seconds: float, format: str = "ipod", rate: int = RATE, level: float = 0.4) -> bytes:
    """Encode a sine."""
    wave = np.sin(2 * np.pi * 440 * np.arange(round(seconds * rate)) / rate) * level
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=format) as file:
        stream = file.add_stream("aac" if format == "ipod" else "pcm_s16le", rate=rate)
        stream.layout = "mono"
        kind, samples = ("fltp", wave.astype(np.float32)) if format == "ipod" else (
            "s16", (wave * 32767).astype(np.int16))  # fmt: skip
        frame = av.AudioFrame.from_ndarray(samples[None, :], format=kind, layout="mono")
        frame.sample_rate = rate
        for packet in (*stream.encode(frame), *stream.encode(None)):
            file.mux(packet)
    return buffer.getvalue()


def board_of(write_template: WriteTemplate, toml: str, seconds: float = 1.0) -> Storyboard:
    """Assemble a template with sounds of a length."""
    assets = {"music.m4a": tone(seconds), "chime.wav": tone(0.2, "wav", 8000)}
    return assemble(write_template(toml, assets), {"first_name": SlotValue("Ada")}, height=36)


@pytest.mark.parametrize("seconds", [0.3, 0.97, 5.0])
def test_music_is_looped_or_trimmed_to_the_frame(
    write_template: WriteTemplate, seconds: float
) -> None:
    """A short loop and a long song both end with the last frame, faded out."""
    sound = mix(board_of(write_template, HELLO.replace("\n[[scenes]]", MUSIC), seconds))
    assert sound is not None
    assert sound.shape == (RATE, 2)
    loudness = [float(np.abs(part).max()) for part in np.array_split(sound, 10)]
    assert all(level > 0.1 for level in loudness[1:8])
    assert abs(sound[-1]).max() < 0.001


def test_a_loop_has_no_click(write_template: WriteTemplate) -> None:
    """Where end and beginning meet, samples change no faster than elsewhere."""
    sound = mix(board_of(write_template, HELLO.replace("\n[[scenes]]", MUSIC), 0.3))
    assert sound is not None
    steepest = 2 * np.pi * 440 / RATE * 0.4
    assert np.abs(np.diff(sound[2000:-12000, 0])).max() < steepest * 2.2


def test_a_scene_has_its_own_sound(write_template: WriteTemplate) -> None:
    """A telephone-quality mono chime is heard half a second in, and not before."""
    sound = mix(board_of(write_template, HELLO + CHIME))
    assert sound is not None
    assert np.abs(sound[: RATE // 2]).max() == 0
    assert np.abs(sound[RATE // 2 : RATE * 7 // 10]).max() > 0.2


def test_a_silent_storyboard_has_no_sound(write_template: WriteTemplate) -> None:
    """No empty track is made."""
    assert mix(board_of(write_template, HELLO)) is None


def test_loud_sounds_are_kept_below_the_limit(write_template: WriteTemplate) -> None:
    """Gain never clips."""
    loud = MUSIC.replace("fade_in = 0.0", "gain_db = 12")
    sound = mix(board_of(write_template, HELLO.replace("\n[[scenes]]", loud)))
    assert sound is not None
    assert np.abs(sound).max() <= 0.98


def heard(path: Path, content: bytes, seconds: float | None = None) -> Samples:
    """Write a sound and read it."""
    path.write_bytes(content)
    return read_sound(path, path.name, seconds=seconds)


def pitch(samples: Samples) -> float:
    """Find the loudest frequency."""
    return float(np.abs(np.fft.rfft(samples[:, 0])).argmax()) * RATE / len(samples)


def listing(codec: str, format: str, *, layout: str = "mono", sound: NDArray[np.float32]) -> bytes:
    """Encode samples (a row a channel) at 48 kHz."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=format) as file:
        stream = file.add_stream(codec, rate=RATE, layout=layout)
        assert isinstance(stream, av.AudioStream)
        step = stream.codec_context.frame_size or 1024
        for start in range(0, sound.shape[1], step):
            part = np.ascontiguousarray(sound[:, start : start + step])
            frame = av.AudioFrame.from_ndarray(part, format="fltp", layout=layout)
            frame.sample_rate, frame.pts = RATE, start
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return buffer.getvalue()


def sine(seconds: float, channels: int = 1) -> NDArray[np.float32]:
    """Make rows of a sine."""
    rows = np.sin(2 * np.pi * 440 * np.arange(round(seconds * RATE)) / RATE) * 0.4
    return np.tile(rows.astype(np.float32), (channels, 1))


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, RATE])
def test_every_rate_is_brought_to_48_khz(tmp_path: Path, rate: int) -> None:
    """A telephone's 8 kHz mono has the same length and pitch afterwards, on both sides."""
    samples = heard(tmp_path / "x.wav", tone(1.5, "wav", rate))
    assert abs(len(samples) - 1.5 * RATE) <= 1
    assert pitch(samples) == pytest.approx(440, abs=1)
    assert np.array_equal(samples[:, 0], samples[:, 1])


def test_no_gap_is_left_behind_an_aac_sound(tmp_path: Path) -> None:
    """What an encoder adds to fill its last packet is cut, for it would be heard in a loop."""
    samples = heard(tmp_path / "x.m4a", listing("aac", "ipod", sound=sine(1.01)))
    assert abs(len(samples) - 1.01 * RATE) <= 48
    assert np.abs(samples[-480:]).max() > 0.2


def test_surround_is_mixed_down(tmp_path: Path) -> None:
    """What is spoken in the middle is heard on both sides."""
    sound = sine(0.5, 6)
    sound[[0, 1, 3, 4, 5]] = 0
    samples = heard(tmp_path / "x.m4a", listing("aac", "ipod", layout="5.1", sound=sound))
    assert np.abs(samples[RATE // 8 : RATE // 4]).max(axis=0).min() > 0.1


def test_silence_is_a_sound(tmp_path: Path) -> None:
    """A track may be empty on purpose."""
    samples = heard(tmp_path / "x.m4a", listing("aac", "ipod", sound=sine(0.5) * 0))
    assert (len(samples), float(np.abs(samples).max())) == (RATE // 2, 0.0)


@pytest.mark.parametrize("bytes_of_art", [10, 3_000_000])
def test_a_song_is_heard_behind_its_cover(tmp_path: Path, bytes_of_art: int) -> None:
    """An MP3 may begin with megabytes of pictures, and ends where it says."""
    song = listing("libmp3lame", "mp3", sound=sine(1.0))
    size = bytes_of_art + 10
    seven = bytes(size >> shift & 127 for shift in (21, 14, 7, 0))
    field = b"PRIV" + bytes(bytes_of_art >> shift & 127 for shift in (21, 14, 7, 0)) + bytes(2)
    tagged = b"ID3\x04\0\0" + seven + field + bytes(bytes_of_art) + song
    samples = heard(tmp_path / "x.mp3", tagged)
    assert len(samples) == pytest.approx(RATE, abs=RATE / 50)
    assert pitch(samples) == pytest.approx(440, abs=2)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
@pytest.mark.parametrize("name", ["x.m4a", "x.wav", "x.mp3"])
def test_a_sound_that_is_cut_off_is_refused(tmp_path: Path, name: str, share: float) -> None:
    """Music that stops in the middle is worse than none."""
    content = {
        "x.m4a": lambda: index_first(tmp_path, tone(3.0)),
        "x.wav": lambda: tone(3.0, "wav"),
        "x.mp3": lambda: listing("libmp3lame", "mp3", sound=sine(3.0)),
    }[name]()
    with pytest.raises(AssetError, match=f"Sound '{name}' is cut off") as caught:
        heard(tmp_path / name, content[: int(len(content) * share)])
    assert caught.value.reason == "asset_invalid"


def index_first(folder: Path, content: bytes) -> bytes:
    """Move the index of an MP4 to its front, as files for the web have it."""
    path = folder / "first.m4a"
    with (
        av.open(io.BytesIO(content), "r") as old,
        av.open(path, "w", format="mp4", options={"movflags": "faststart"}) as new,
    ):
        stream = new.add_stream_from_template(old.streams.audio[0])
        for packet in old.demux(audio=0):
            if packet.dts is not None:
                packet.stream = stream
                new.mux(packet)
    return path.read_bytes()


def test_a_film_may_be_listened_to(tmp_path: Path) -> None:
    """Its pictures are left alone; a film without sound says so."""
    path = tmp_path / "film.mp4"
    with av.open(path, "w") as file:
        shown = file.add_stream("libx264", rate=10)
        shown.width, shown.height, shown.pix_fmt = 64, 36, "yuv420p"
        said = file.add_stream("aac", rate=RATE, layout="mono")
        for _ in range(10):
            picture = np.zeros((36, 64, 3), dtype=np.uint8)
            file.mux(shown.encode(av.VideoFrame.from_ndarray(picture)))
        frame = av.AudioFrame.from_ndarray(sine(0.5), format="fltp", layout="mono")
        frame.sample_rate, frame.pts = RATE, 0
        for packet in (*said.encode(frame), *said.encode(None), *shown.encode(None)):
            file.mux(packet)
    assert len(read_sound(path, "film.mp4")) == RATE // 2
    assert complaint(path, "audio") is None
    path.write_bytes(silent_film())
    with pytest.raises(AssetError, match=r"'film\.mp4' has no sound in it"):
        read_sound(path, "film.mp4")


def silent_film() -> bytes:
    """Encode one black picture."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as file:
        shown = file.add_stream("libx264", rate=10)
        shown.width, shown.height, shown.pix_fmt = 64, 36, "yuv420p"
        black = av.VideoFrame.from_ndarray(np.zeros((36, 64, 3), dtype=np.uint8))
        file.mux((*shown.encode(black), *shown.encode(None)))
    return buffer.getvalue()


def test_long_sounds_are_refused_and_their_beginning_can_be_had(tmp_path: Path) -> None:
    """An hour of music does not fill the memory."""
    path = tmp_path / "long.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 1, 8_000, 0, "NONE", "NONE"))
        file.writeframes(bytes([128]) * 8_000 * 901)
    with pytest.raises(AssetError, match=r"'long\.wav' is longer than 15 minutes: cut it"):
        read_sound(path, "long.wav")
    assert len(heard(path, tone(5.0, "wav"), seconds=2.5)) == 2.5 * RATE


def test_words_are_no_sound(tmp_path: Path) -> None:
    """A playlist names files of its own choice; it is never followed."""
    with pytest.raises(AssetError, match="cut off or damaged"):
        heard(tmp_path / "x.mp3", b"#EXTM3U\n#EXTINF:1,\n/etc/hostname\n" * 20)


def test_an_absent_sound_has_its_own_reason(tmp_path: Path) -> None:
    """Missing and broken are told apart."""
    with pytest.raises(AssetError, match="'gone' is not there") as caught:
        read_sound(tmp_path / "gone.wav", "gone")
    assert caught.value.reason == "asset_missing"


def test_a_broken_sound_is_named(write_template: WriteTemplate) -> None:
    """A song that is cut off before its index cannot be used."""
    toml = HELLO.replace("\n[[scenes]]", MUSIC)
    template = write_template(toml, {"music.m4a": tone(1.0)[:80]})
    with pytest.raises(AssetError, match=r"music\.m4a"):
        mix(assemble(template, {"first_name": SlotValue("Ada")}))
