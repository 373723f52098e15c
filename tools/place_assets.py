"""Place what npm brought (fonts of the videos, scripts of the pages) where the product reads it.

`make setup` runs this after `npm ci`; the two folders are git-ignored and part of the wheel.
"""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MODULES = ROOT / "node_modules"
FONTS = ROOT / "renderers" / "fonts"
VENDOR = ROOT / "connector" / "web" / "static" / "vendor"

# package in @expo-google-fonts -> weights that the videos use
TEXT_WEIGHTS = ("400Regular", "700Bold")
FONT_PACKAGES: dict[str, tuple[str, ...]] = {
    "inter": TEXT_WEIGHTS,
    "noto-sans-arabic": TEXT_WEIGHTS,
    "noto-sans-hebrew": TEXT_WEIGHTS,
    "noto-sans-devanagari": TEXT_WEIGHTS,
    "noto-sans-bengali": TEXT_WEIGHTS,
    "noto-sans-gurmukhi": TEXT_WEIGHTS,
    "noto-sans-gujarati": TEXT_WEIGHTS,
    "noto-sans-tamil": TEXT_WEIGHTS,
    "noto-sans-telugu": TEXT_WEIGHTS,
    "noto-sans-kannada": TEXT_WEIGHTS,
    "noto-sans-malayalam": TEXT_WEIGHTS,
    "noto-sans-sinhala": TEXT_WEIGHTS,
    "noto-sans-thai": TEXT_WEIGHTS,
    "noto-sans-lao": TEXT_WEIGHTS,
    "noto-sans-khmer": TEXT_WEIGHTS,
    "noto-sans-myanmar": TEXT_WEIGHTS,
    "noto-sans-georgian": TEXT_WEIGHTS,
    "noto-sans-armenian": TEXT_WEIGHTS,
    "noto-sans-ethiopic": TEXT_WEIGHTS,
    "noto-sans-jp": TEXT_WEIGHTS,
    "noto-sans-sc": TEXT_WEIGHTS,
    "noto-sans-kr": TEXT_WEIGHTS,
    "noto-color-emoji": ("400Regular",),
}

# the player of the watch page: made of the parts of media-chrome that it uses
PLAYER = ROOT / "tools" / "player"
BUNDLE = ("--bundle", "--minify", "--format=iife", "--global-name=MediaChrome", "--target=es2022")

# file inside node_modules -> name inside static/vendor
VENDOR_FILES: dict[str, str] = {
    "media-chrome/LICENSE": "media-chrome.LICENSE",
    "htmx.org/dist/htmx.min.js": "htmx.js",
    "htmx.org/LICENSE": "htmx.LICENSE",
}


def font_files() -> Iterator[tuple[Path, Path]]:
    """List every font file and licence with the place it goes to."""
    for package, weights in FONT_PACKAGES.items():
        source = MODULES / "@expo-google-fonts" / package
        for weight in weights:
            yield (
                next((source / weight).glob("*.ttf"), source / weight),
                FONTS / (f"{package}-{weight[3:].lower()}.ttf"),
            )
        yield source / "LICENSE_FONT", FONTS / "licences" / f"{package}.txt"


def vendor_files() -> Iterator[tuple[Path, Path]]:
    """List every script, style sheet and licence with the place it goes to."""
    for source, name in VENDOR_FILES.items():
        yield MODULES / source, VENDOR / name


def make_player() -> None:
    """Write the player's script, and beside it the hashes that let its styles into the page."""
    script = VENDOR / "media-chrome.js"
    builder = MODULES / ".bin" / "esbuild"
    entry = str(PLAYER / "entry.js")
    subprocess.run(
        [builder, entry, *BUNDLE, f"--outfile={script}", "--log-level=error"], check=True
    )
    hashes = subprocess.check_output(["node", PLAYER / "styles.mjs", script], text=True)
    (VENDOR / "media-chrome.styles").write_text(hashes, encoding="utf-8")


def main() -> int:
    """Copy all files, or say which one is missing and what brings it."""
    pairs = [*font_files(), *vendor_files()]
    missing = [str(source.relative_to(ROOT)) for source, _ in pairs if not source.is_file()]
    if missing:
        print(f"Missing {', '.join(missing)}: run `npm ci` first.", file=sys.stderr)
        return 1
    for source, target in pairs:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    make_player()
    print(f"Placed {len(pairs) + 2} files in {FONTS.name}/ and {VENDOR.name}/.")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
