"""
`python -m renderers.vet IN OUT`: looks at a picture from outside, in a process of its own.

Decoders are where hostile files do harm, so this runs with limits on memory, time and file size,
and what it hands on is a fresh PNG of bounded size. Exit code 1 and one sentence where it refuses.
"""

from __future__ import annotations

import resource
import sys
from pathlib import Path

LONGEST_SIDE = 2048
MEMORY_BYTES, CPU_SECONDS, FILE_BYTES = 2 << 30, 20, 64 << 20


def vet(source: Path, target: Path) -> None:
    """Write the picture in *source* to *target* as PNG, no side longer than 2048 px."""
    import skia

    from renderers.pictures import load_picture

    image = load_picture(source)
    scale = min(1.0, LONGEST_SIDE / max(image.width(), image.height()))
    if scale < 1:
        width, height = round(image.width() * scale), round(image.height() * scale)
        image = image.resize(
            max(1, width), max(1, height), skia.SamplingOptions(skia.CubicResampler.Mitchell())
        )
    target.write_bytes(bytes(image.encodeToData(skia.EncodedImageFormat.kPNG, 100)))


def main(source: str, target: str) -> int:
    """Set the limits, vet, and say what is wrong where something is."""
    from renderers.errors import RenderError

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_BYTES, FILE_BYTES))
    try:
        vet(Path(source), Path(target))
    except RenderError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
