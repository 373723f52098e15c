"""The encoded form of a stretch of video, in which it is kept, joined and later put into a file.

A segment is a run of H.264 access units, one per frame, each NAL unit behind its length in four
bytes (AVCC), the first one an IDR picture. It carries no parameter sets: those belong to the
profile, are compared on every join, and stand once in the file's index. Progressive and fragmented
MP4 can both be made from it without encoding again.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from renderers.errors import EncodeError


@dataclass(frozen=True)
class ParameterSets:
    """The sequence and picture parameter sets (NAL units without start codes or lengths)."""

    sps: bytes
    pps: bytes


@dataclass(frozen=True)
class Segment:
    """Encoded frames: `sizes` in bytes, one per access unit; `sync` are the IDR frames."""

    sets: ParameterSets
    payload: bytes | memoryview
    sizes: NDArray[np.uint32]
    sync: tuple[int, ...]

    @property
    def frames(self) -> int:
        """Count the frames."""
        return len(self.sizes)


def require_alike(segments: Sequence[Segment]) -> ParameterSets:
    """Return the one pair of parameter sets that all segments share, or raise EncodeError."""
    found = {segment.sets for segment in segments}
    if len(found) != 1:
        raise EncodeError(
            "Scenes were encoded with different parameter sets and cannot be joined: "
            "compile the template again with `cuereel template compile`.",
            reason="parameter_sets_differ",
            temporary=False,
        )
    return found.pop()
