"""The bars, the machine, and the table for the documentation."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import imageio_ffmpeg  # type: ignore[import-untyped]


@dataclass(frozen=True)
class Bar:
    """What a figure has to reach; `path` leads to it in the result."""

    path: tuple[str, ...]
    limit: float
    least: bool
    words: str

    def missed(self, result: dict[str, Any]) -> str | None:
        """Say how it was missed, or return None."""
        value: Any = result
        for name in self.path:
            value = value[name]
        if value >= self.limit if self.least else value <= self.limit:
            return None
        wanted = f"at {'least' if self.least else 'most'} {self.limit:g}"
        return f"{self.words} is {value:g}, {wanted} is wanted"


BARS = (
    Bar(("cards", "vs_moviepy"), 200, True, "over stills, MoviePy's cost in ours"),
    Bar(("cards", "vs_ffmpeg"), 60, True, "over stills, an ffmpeg pass in ours"),
    Bar(("cards", "vs_encoder"), 1.3, False, "over stills, our cost in a bare encode"),
    Bar(("footage", "vs_moviepy"), 25, True, "over films, MoviePy's cost in ours"),
    Bar(("footage", "vs_ffmpeg"), 8, True, "over films, an ffmpeg pass in ours"),
    Bar(("footage", "bytes_ratio"), 1.3, False, "over films, our bytes in those of an ffmpeg pass"),
    Bar(("rss_mb",), 400, False, "a worker's anonymous memory in MB"),
    Bar(("rss_growth_mb_per_1000",), 10, False, "its growth in MB over 1,000 videos"),
)
EXTRAS_SHARE = 0.25
WORST_LOSS_DB = 1.0  # against a whole encode of the same frames by the peers' recipe


def missed(result: dict[str, Any]) -> list[str]:
    """List the bars that were missed, a sentence each."""
    found = [sentence for bar in BARS if (sentence := bar.missed(result))]
    return found + [sentence for case in ("cards", "footage") for sentence in _shares(result, case)]


def _shares(result: dict[str, Any], case: str) -> Iterator[str]:
    figures, whole = result[case], result["peers"][case]["whole_psnr_db"]
    if figures["extras_s"] > EXTRAS_SHARE * figures["cpu_s"]:
        share = figures["extras_s"] / figures["cpu_s"]
        yield f"{case}: poster, GIF, captions and glance cost {share:.0%}, at most 25 % is wanted"
    if figures["psnr_db"] < whole - WORST_LOSS_DB:
        yield (
            f"{case}: our film has {figures['psnr_db']:.2f} dB, a whole encode {whole:.2f}; "
            f"at most {WORST_LOSS_DB:g} dB less is wanted"
        )


def machine() -> dict[str, str | int]:
    """Describe where the figures come from."""
    cores = [line for line in _cpuinfo() if line.startswith("model name")]
    return {
        "cpu": cores[0].partition(":")[2].strip() if cores else platform.machine(),
        "cores": len(cores) or 1,
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "moviepy": version("moviepy"),
        "av": version("av"),
        "ffmpeg": imageio_ffmpeg.get_ffmpeg_version(),
    }


def markdown(result: dict[str, Any]) -> str:
    """Write the table of docs/benchmarks.md."""
    rows = ["| | cards | footage |", "|---|---:|---:|"]
    for words, form, *path in _ROWS:
        cells = [_cell(result, form, [step.format(case=case) for step in path]) for case in _CASES]
        rows.append(f"| {words} | {cells[0]} | {cells[1]} |")
    memory = (
        f"A worker's anonymous memory: {result['rss_mb']:.0f} MB at most, growing by "
        f"{result['rss_growth_mb_per_1000']:.1f} MB over 1,000 videos."
    )
    facts = result["machine"]
    where = (
        f"{facts['cpu']}, {facts['cores']} cores, {facts['system']}, Python {facts['python']}, "
        f"MoviePy {facts['moviepy']}, PyAV {facts['av']}, ffmpeg {facts['ffmpeg']}."
    )
    return "\n".join([*rows, "", memory, "", where])


def _cell(result: dict[str, Any], form: str, path: list[str]) -> str:
    value: Any = result
    for step in path:
        value = value[step]
    return form.format(value)


def _cpuinfo() -> list[str]:
    try:
        return Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return []


_CASES = ("cards", "footage")
_PEER = ("peers", "{case}", "cpu_s")
_ROWS: tuple[tuple[str, ...], ...] = (
    ("Cuereel, CPU s per video", "{:.3f}", "{case}", "cpu_s"),
    ("with poster, GIF, captions, glance: more", "{:.3f}", "{case}", "extras_s"),
    ("first video in a fresh process, all compiled anew, CPU s", "{:.1f}", "{case}", "cold_s"),
    ("MoviePy as its guide shows, CPU s", "{:.1f}", *_PEER, "moviepy"),
    ("MoviePy, careful", "{:.1f}", *_PEER, "moviepy_careful"),
    ("one ffmpeg pass with `-loop 1`, CPU s", "{:.1f}", *_PEER, "ffmpeg"),
    ("one ffmpeg pass, careful", "{:.1f}", *_PEER, "ffmpeg_careful"),
    ("bare encode of the unique frames, CPU s", "{:.3f}", *_PEER, "encoder"),
    ("**MoviePy ÷ Cuereel**", "**{:.0f}**", "{case}", "vs_moviepy"),
    ("MoviePy, careful ÷ Cuereel", "{:.0f}", "peers", "{case}", "vs_moviepy_careful"),
    ("**ffmpeg ÷ Cuereel**", "**{:.0f}**", "{case}", "vs_ffmpeg"),
    ("ffmpeg, careful ÷ Cuereel", "{:.0f}", "peers", "{case}", "vs_ffmpeg_careful"),
    ("**Cuereel ÷ bare encode**", "**{:.2f}**", "{case}", "vs_encoder"),
    ("luma PSNR against the drawn frames, dB", "{:.1f}", "{case}", "psnr_db"),
    ("the same of one whole encode, dB", "{:.1f}", "peers", "{case}", "whole_psnr_db"),
    ("bytes ÷ those of the ffmpeg pass", "{:.2f}", "{case}", "bytes_ratio"),
)
