"""Encodes the sound of a whole video as one continuous AAC stream."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

import av
import numpy as np
from av.codec.context import Flags
from numpy.typing import NDArray

from renderers.errors import EncodeError

RATE = 48_000
PACKET = 1024  # samples
QUIETEST = -120.0  # dBFS: silence has no logarithm
_BIT_RATE = 128_000


@dataclass(frozen=True)
class Soundtrack:
    """AAC packets of 1,024 samples each; `config` is the AudioSpecificConfig.

    `priming` samples at the beginning are the encoder's own and are cut off by the edit list;
    `length` samples are heard. Peak is linear (1.0 = full scale), rms in dBFS.
    """

    payload: bytes | memoryview
    sizes: NDArray[np.uint32]
    config: bytes
    priming: int
    length: int
    peak: float
    rms: float


def encode_sound(samples: NDArray[np.float32]) -> Soundtrack:
    """Encode stereo sound at 48 kHz, a row per sample, without a break."""
    peak, rms = loudness(samples)
    if not len(samples) or not math.isfinite(peak):
        raise EncodeError(
            "The sound of the video is empty or holds numbers that are none: "
            "encode the template's sound files again.",
            reason="sound_invalid",
            temporary=False,
        )
    encoder = _encoder()
    packets, priming = _packets(encoder, samples)
    return Soundtrack(
        payload=b"".join(packets),
        sizes=np.array([len(packet) for packet in packets], dtype=np.uint32),
        config=bytes(encoder.extradata or b""),
        priming=priming,
        length=len(samples),
        peak=peak,
        rms=rms,
    )


def _encoder() -> av.AudioCodecContext:
    encoder = av.CodecContext.create("aac", "w")
    encoder.sample_rate = RATE
    encoder.layout = "stereo"
    encoder.format = "fltp"
    encoder.bit_rate = _BIT_RATE
    encoder.thread_count = 1
    # on our music 15 dB nearer to what was mixed than the default coder, in fewer bytes
    encoder.options = {"aac_coder": "fast"}
    encoder.flags |= Flags.bitexact  # no name of a version in the first packet
    return encoder


def _packets(
    encoder: av.AudioCodecContext, samples: NDArray[np.float32]
) -> tuple[list[bytes], int]:
    """Encode, and say how many samples stand before the first one that was given."""
    packets: list[bytes] = []
    priming = 0
    for frame in chain(_frames(samples), [None]):
        for packet in encoder.encode(frame):
            if not packets:
                priming = -(packet.pts or 0)
            packets.append(bytes(packet))
    return packets, priming


def _frames(samples: NDArray[np.float32]) -> Iterator[av.AudioFrame]:
    for start in range(0, len(samples), PACKET):
        planes = np.ascontiguousarray(samples[start : start + PACKET].T)
        frame = av.AudioFrame.from_ndarray(planes, format="fltp", layout="stereo")
        frame.sample_rate = RATE
        frame.pts = start
        yield frame


def loudness(samples: NDArray[np.float32]) -> tuple[float, float]:
    """Measure peak and root mean square, a second at a time to stay small."""
    peak = power = 0.0
    for start in range(0, len(samples), RATE):
        part = np.asarray(samples[start : start + RATE], dtype=np.float64)
        peak = float(np.maximum(peak, np.abs(part).max()))  # keeps what is not a number
        power += float(np.square(part).sum())
    mean = power / max(samples.size, 1)
    return peak, max(10 * math.log10(mean), QUIETEST) if mean > 0 else QUIETEST
