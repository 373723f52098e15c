"""Sound becomes one AAC stream that begins on its first sample, covers the last, and never varies."""

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from renderers.errors import EncodeError
from renderers.soundtrack import PACKET, QUIETEST, RATE, Soundtrack, encode_sound
from tests.renderers.reels import chords


def heard(sound: Soundtrack) -> NDArray[np.float32]:
    """Decode the packets by themselves and cut the encoder's own samples off."""
    decoder = av.CodecContext.create("aac", "r")
    decoder.extradata = sound.config
    parts, at = [], 0
    for size in sound.sizes.tolist():
        packet, at = av.Packet(bytes(sound.payload[at : at + size])), at + size
        parts += [frame.to_ndarray() for frame in decoder.decode(packet)]
    parts += [frame.to_ndarray() for frame in decoder.decode(None)]
    return np.asarray(np.concatenate(parts, axis=1).T[sound.priming :], dtype=np.float32)


@pytest.mark.parametrize("length", [1, 1023, 1024, 1025, RATE])
def test_the_packets_cover_the_sound_and_what_the_encoder_puts_before_it(length: int) -> None:
    """Nothing is missing at the end, and no packet is there in vain."""
    sound = encode_sound(chords(length))
    assert sound.length == length
    assert sound.priming == PACKET
    assert len(sound.sizes) == -(-(sound.priming + length) // PACKET)
    assert len(sound.payload) == sound.sizes.sum()
    assert len(heard(sound)) >= length


def test_the_sound_comes_back_as_it_was_and_where_it_was() -> None:
    """What is decoded lies on the samples without a shift, and the error is small."""
    samples = chords(RATE)
    back = heard(encode_sound(samples))[:RATE]
    alike = {shift: np.vdot(np.roll(back, shift, axis=0), samples) for shift in range(-50, 51)}
    assert max(alike, key=lambda shift: float(alike[shift])) == 0
    error = np.square(back - samples).mean() / np.square(samples).mean()
    assert 10 * np.log10(error) < -25


def test_the_stream_says_what_it_is_in_the_bit_rate_asked_for() -> None:
    """AAC-LC, 48 kHz, stereo, and at most about 128 kbit/s."""
    sound = encode_sound(chords(RATE))
    kind, rate, channels = sound.config[0] >> 3, sound.config[:2].hex(), sound.config[1] >> 3 & 15
    assert (kind, rate, channels) == (2, "1190", 2)
    assert 60_000 < len(sound.payload) * 8 < 150_000


def test_the_same_sound_gives_the_same_bytes() -> None:
    """Nothing of the moment or of the encoder's version is in the stream."""
    one, other = encode_sound(chords(5000)), encode_sound(chords(5000))
    assert one.payload == other.payload
    assert b"Lavc" not in one.payload


def test_loudness_is_measured_on_the_samples() -> None:
    """A full square wave is 0 dBFS, half of it is 6 dB less, silence is very quiet."""
    square = np.where(np.arange(2 * RATE + 7) % 100 < 50, 1, -1).repeat(2).reshape(-1, 2)
    full = encode_sound(square.astype(np.float32))
    half = encode_sound((square * 0.5).astype(np.float32))
    silent = encode_sound(np.zeros((3000, 2), dtype=np.float32))
    assert [full.peak, half.peak, silent.peak] == [1.0, 0.5, 0.0]
    assert [full.rms, half.rms, silent.rms] == pytest.approx([0.0, -6.0206, QUIETEST], abs=1e-3)


@pytest.mark.parametrize(
    "samples", [np.zeros((0, 2)), np.full((2000, 2), np.nan), np.full((2000, 2), np.inf)]
)
def test_what_is_no_sound_is_refused(samples: NDArray[np.float64]) -> None:
    """No samples, or samples that are not numbers, stop with a reason."""
    with pytest.raises(EncodeError) as refused:
        encode_sound(samples.astype(np.float32))
    assert refused.value.reason == "sound_invalid"
    assert not refused.value.temporary
