"""The measuring client by itself: its own tests under node's runner, and what it weighs."""

from __future__ import annotations

import gzip
import re
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
CLIENT = ROOT / "connector" / "web" / "static" / "player.js"
HEAVIEST = 4096  # bytes over the wire


def test_it_measures_what_is_played() -> None:
    """Every test of tests/web/client passes, and there are some."""
    assert shutil.which("node"), "install Node.js; the films' checks need it as well"
    files = sorted(str(path) for path in (ROOT / "tests/web/client").glob("*.test.mjs"))
    run = subprocess.run(
        ["node", "--test", "--test-reporter=tap", *files],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    passed = re.search(r"^# pass (\d+)$", run.stdout, re.M)
    assert passed
    assert int(passed[1]) > len(files)


def test_it_weighs_little() -> None:
    """Under four kilobytes as a web server sends it, comments and all."""
    assert len(gzip.compress(CLIENT.read_bytes(), mtime=0)) < HEAVIEST


def test_it_depends_on_nothing() -> None:
    """It brings no other script along and asks nobody but the address that its page names."""
    text = CLIENT.read_text(encoding="utf-8")
    assert not re.search(r"\bimport\b|\brequire\(|https?://", text)
    assert re.findall(r"(?:fetch|sendBeacon)\((\w+)", text) == ["to", "to"]
