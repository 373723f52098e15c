"""The few bits of H.264 that joining needs: NAL units, and the number that each picture carries.

Only what our own recipe produces is understood (one slice per picture, no B-frames, no fields);
anything else is refused. Sections refer to ITU-T H.264 (08/2021).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from renderers.errors import EncodeError
from renderers.segments import ParameterSets

SLICE, IDR, SEI, SPS, PPS = 1, 5, 6, 7, 8
_HIGH_PROFILES = (100, 110, 122, 244, 44, 83, 86, 118, 128)
_START = re.compile(b"\x00\x00\x00?\x01")
_HEADER = 16  # bytes: no slice header of ours is longer


def split(stream: bytes) -> list[bytes]:
    """Split a stream with start codes (Annex B) into NAL units."""
    return [unit for unit in _START.split(stream) if unit]


def kind(unit: bytes) -> int:
    """Tell the type of a NAL unit (7.4.1)."""
    return unit[0] & 31


def with_lengths(units: Sequence[bytes]) -> bytes:
    """Write NAL units behind their lengths in four bytes (ISO/IEC 14496-15, 5.3.3)."""
    return b"".join(len(unit).to_bytes(4, "big") + unit for unit in units)


def with_starts(units: Sequence[bytes]) -> bytes:
    """Write NAL units behind start codes (Annex B)."""
    return b"".join(b"\0\0\0\1" + unit for unit in units)


def read_sets(stream: bytes) -> ParameterSets:
    """Find the one SPS and the one PPS of a stream."""
    units = split(stream)
    found = [[unit for unit in units if kind(unit) == wanted] for wanted in (SPS, PPS)]
    if [len(each) for each in found] != [1, 1]:
        raise _strange("it has no single pair of parameter sets")
    return ParameterSets(found[0][0], found[1][0])


@dataclass(frozen=True)
class Numbering:
    """How pictures are numbered: `bits` of frame_num in every slice header (7.4.3)."""

    bits: int

    @property
    def numbers(self) -> int:
        """Count the numbers before they begin again."""
        return 1 << self.bits

    def renumber(self, unit: bytes, number: int) -> bytes:
        """Give a P slice another frame_num; its coded picture stays as it is."""
        head = bytearray(unit[:_HEADER])
        if b"\0\0" in head:  # an escape may stand in the header or come into it
            return _escaped(self._renumbered(bytearray(_unescaped(unit)), number))
        head = self._renumbered(head, number)
        if b"\0\0" in head:
            return _escaped(self._renumbered(bytearray(_unescaped(unit)), number))
        return bytes(head) + unit[_HEADER:]

    def number(self, unit: bytes) -> int:
        """Read the frame_num of a slice."""
        bits = _Bits(_unescaped(unit[:_HEADER]))
        self._skip(bits)
        return bits.read(self.bits)

    def _renumbered(self, unit: bytearray, number: int) -> bytearray:
        bits = _Bits(bytes(unit[:_HEADER]))
        self._skip(bits)
        for offset in range(self.bits):
            at = bits.at + offset
            mask = 0x80 >> (at & 7)
            one = (number >> (self.bits - 1 - offset)) & 1
            unit[at >> 3] = unit[at >> 3] & ~mask | (mask if one else 0)
        return unit

    def _skip(self, bits: "_Bits") -> None:
        """Skip what stands before frame_num: first_mb_in_slice, slice_type, the PPS's id."""
        bits.read(8)
        if bits.number() != 0:
            raise _strange("a picture has more than one slice")
        bits.number()
        bits.number()


def numbering(sets: ParameterSets) -> Numbering:
    """Read how a stream numbers its pictures from its SPS (7.3.2.1.1)."""
    bits = _Bits(_unescaped(sets.sps))
    bits.read(8)
    profile = bits.read(8)
    bits.read(16)
    bits.number()
    if profile in _HIGH_PROFILES and (bits.number(), bits.number(), bits.number()) != (1, 0, 0):
        raise _strange("it is not 8 bits 4:2:0")
    if profile in _HIGH_PROFILES and bits.read(2):
        raise _strange("it has scaling matrices")
    frame_num_bits = bits.number() + 4
    if bits.number() != 2:  # pic_order_cnt_type 2: order follows frame_num, so B-frames are out
        raise _strange("its order of pictures is not that of its numbers")
    bits.number()
    bits.read(1)
    bits.number(), bits.number()
    if not bits.read(1):
        raise _strange("it has fields")
    return Numbering(frame_num_bits)


class _Bits:
    """Reads bits from the front (7.2, 9.1)."""

    def __init__(self, content: bytes) -> None:
        self._value = int.from_bytes(content, "big")
        self._length = 8 * len(content)
        self.at = 0

    def read(self, count: int) -> int:
        if self.at + count > self._length:
            raise _strange("a header is cut off")
        self.at += count
        return (self._value >> (self._length - self.at)) & ((1 << count) - 1)

    def number(self) -> int:
        """Read an unsigned Exp-Golomb number."""
        zeros = 0
        while not self.read(1):
            zeros += 1
        return (1 << zeros) - 1 + self.read(zeros)


def _unescaped(unit: bytes) -> bytes:
    return unit.replace(b"\0\0\3", b"\0\0")


def _escaped(content: bytes | bytearray) -> bytes:
    """Insert emulation prevention bytes (7.4.1.1)."""
    return re.sub(b"\0\0(?=[\0-\3]|$)", b"\0\0\3", bytes(content))


def _strange(why: str) -> EncodeError:
    return EncodeError(
        f"The encoder made a stream that cannot be joined: {why}. "
        "Use another build of PyAV, or CUEREEL_RENDERER=reference.",
        reason="stream_unexpected",
        temporary=False,
    )
