"""Sound has exactly the length of the pictures, without clicks, silence or overload."""

import io

import av
import numpy as np
import pytest

from renderers.errors import AssetError
from renderers.layers.audio import RATE
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


def test_a_broken_sound_is_named(write_template: WriteTemplate) -> None:
    """A song that is cut off before its index cannot be used."""
    toml = HELLO.replace("\n[[scenes]]", MUSIC)
    template = write_template(toml, {"music.m4a": tone(1.0)[:80]})
    with pytest.raises(AssetError, match=r"music\.m4a"):
        mix(assemble(template, {"first_name": SlotValue("Ada")}))
