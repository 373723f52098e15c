"""Where finished files live: whole or not at all, in a folder and in an object store."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto.server import ThreadedMotoServer

from connector.errors import PermanentError, SettingError
from connector.publish import Files, media_type, open_files
from connector.settings import Settings

KEY = "local/01JD0000000000000000000000/01JD0000000000000000000001/video.mp4"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Make a finished file."""
    path = tmp_path / "made.mp4"
    path.write_bytes(bytes(range(256)) * 40)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Name the folder for files."""
    return tmp_path / "my files"


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    """Run an S3 server on the loopback address and make a bucket in it."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    keys = {"aws_access_key_id": "here", "aws_secret_access_key": "there"}
    boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1", **keys).create_bucket(
        Bucket="reels"
    )
    yield endpoint
    server.stop()


@pytest.fixture(params=["folder", "s3"])
def files(request: pytest.FixtureRequest, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Files:
    """Open each kind of place."""
    if request.param == "folder":
        return open_files(Settings(PUBLISH_URL=folder.as_uri()))
    monkeypatch.setenv("AWS_ENDPOINT_URL", request.getfixturevalue("bucket"))
    monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "here")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "there")
    return open_files(Settings(PUBLISH_URL=f"s3://reels/{os.urandom(4).hex()}"))


def test_a_file_comes_back_as_it_went_in(files: Files, source: Path) -> None:
    """What is put under a key can be read in parts and has the right size."""
    files.put(KEY, source)
    stored = files.stat(KEY)
    assert stored is not None
    assert stored.size == 10_240
    assert stored.etag
    assert abs(stored.modified - time.time()) < 60
    assert files.read(KEY, 250, 10) == source.read_bytes()[250:260]
    assert files.exists(KEY)


def test_finished_files_are_moved_in_together(files: Files, source: Path, tmp_path: Path) -> None:
    """What was made is there under its keys afterwards, and no more where it was made."""
    poster = tmp_path / "poster.jpg"
    poster.write_bytes(b"picture")
    content = source.read_bytes()
    files.take_over({KEY: source, KEY.replace("video.mp4", "poster.jpg"): poster})
    assert files.read(KEY, 0, 20_000) == content
    assert files.read(KEY.replace("video.mp4", "poster.jpg"), 0, 10) == b"picture"
    assert not source.exists()
    assert not poster.exists()


def test_files_of_another_disk_are_moved_in_too(
    folder: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a file cannot change its place by name alone, it is copied."""
    replace = Path.replace

    def only_inside(self: Path, target: Path) -> Path:
        if folder not in self.parents:
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", only_inside)
    content = source.read_bytes()
    files = open_files(Settings(PUBLISH_URL=folder.as_uri()))
    files.take_over({KEY: source})
    assert files.read(KEY, 0, 20_000) == content
    assert not source.exists()


def test_a_file_is_on_the_disk_before_it_has_its_name(
    folder: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever finds a file after a loss of power finds all of it."""
    done: list[str] = []
    sync, replace = os.fsync, Path.replace

    def note_sync(descriptor: int) -> None:
        done.append(f"sync {Path(f'/proc/self/fd/{descriptor}').readlink().name}")
        sync(descriptor)

    def note_replace(self: Path, target: Path) -> Path:
        done.append(f"name {target.name}")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", note_sync)
    monkeypatch.setattr(Path, "replace", note_replace)
    open_files(Settings(PUBLISH_URL=folder.as_uri())).take_over({KEY: source})
    assert done == ["sync made.mp4", "name video.mp4", f"sync {KEY.split('/')[-2]}"]


def test_a_missing_file_is_an_ordinary_answer(files: Files) -> None:
    """Asking for what is not there is no error."""
    assert files.stat(KEY) is None
    assert files.path(KEY) is None
    assert not files.exists(KEY)
    assert files.delete("local/nobody") == 0


def test_a_second_put_replaces_the_first(files: Files, source: Path, tmp_path: Path) -> None:
    """The newer file wins, and its tag tells caches so."""
    files.put(KEY, source)
    before = files.stat(KEY)
    other = tmp_path / "other.mp4"
    other.write_bytes(b"new")
    files.put(KEY, other)
    after = files.stat(KEY)
    assert files.read(KEY, 0, 10) == b"new"
    assert before is not None
    assert after is not None
    assert before.etag != after.etag


def test_deleting_a_prefix_spares_its_namesakes(files: Files, source: Path) -> None:
    """Erasing video `a/1` takes all its renders and leaves `a/10` alone."""
    for key in ("a/1/r1/video.mp4", "a/1/r1/poster.jpg", "a/1/r2/video.mp4", "a/10/r1/video.mp4"):
        files.put(key, source)
    assert files.delete("a/1") == 3
    assert not files.exists("a/1/r1/video.mp4")
    assert files.exists("a/10/r1/video.mp4")
    assert files.delete("a/10/r1/video.mp4") == 1


@pytest.mark.parametrize(
    "key",
    ["", "/etc/passwd", "../key", "a/../../key", "a//b", "a/./b", "a/.hidden", "a\\b", "a b", "a/"],
)
def test_a_key_cannot_leave_its_place(files: Files, source: Path, key: str) -> None:
    """Keys that could mean another file are refused by every verb."""
    for verb in (files.stat, files.exists, files.delete, files.path):
        with pytest.raises(PermanentError):
            verb(key)
    with pytest.raises(PermanentError):
        files.put(key, source)


@given(st.text(max_size=30))
def test_no_key_at_all_escapes_the_folder(
    tmp_path_factory: pytest.TempPathFactory, key: str
) -> None:
    """Whatever the key, a path lies inside the folder, or the key is refused."""
    root = tmp_path_factory.getbasetemp() / "root"
    files = open_files(Settings(PUBLISH_URL=root.as_uri()))
    try:
        files.stat(key)
    except PermanentError:
        return
    assert (root / key).resolve().is_relative_to(root.resolve())


def test_nothing_half_written_remains_when_the_disk_is_full(folder: Path, source: Path) -> None:
    """A full disk is a temporary error with its reason; no file appears, no leftovers either."""
    script = """
import resource, signal, sys
from pathlib import Path
from connector.errors import TemporaryError
from connector.publish import open_files
from connector.settings import Settings
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
try:
    open_files(Settings(PUBLISH_URL=sys.argv[1])).put(sys.argv[2], Path(sys.argv[3]))
except TemporaryError as error:
    print(error.reason)
"""
    done = subprocess.run(
        [sys.executable, "-c", script, folder.as_uri(), KEY, str(source)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "disk_full"
    assert [path for path in folder.rglob("*") if path.is_file()] == []


def test_leftovers_of_killed_processes_are_cleared(folder: Path) -> None:
    """A temporary file older than an hour goes at the next start; a young one is in use."""
    incoming = folder / ".incoming"
    incoming.mkdir(parents=True)
    for name, age in (("old.tmp", 7200), ("young.tmp", 10)):
        (incoming / name).write_bytes(b"x")
        os.utime(incoming / name, (time.time() - age, time.time() - age))
    open_files(Settings(PUBLISH_URL=folder.as_uri()))
    assert [path.name for path in incoming.iterdir()] == ["young.tmp"]


@pytest.mark.parametrize("url", ["/srv/files", "file://server/files", "gopher://x/y"])
def test_a_place_that_cannot_be_is_named_plainly(url: str) -> None:
    """The error names the variable to set."""
    with pytest.raises(SettingError, match="PUBLISH_URL"):
        open_files(Settings(PUBLISH_URL=url))


def test_each_kind_of_file_has_its_type() -> None:
    """Players and browsers go by these types."""
    assert media_type(KEY) == "video/mp4"
    assert media_type("a/captions.vtt") == "text/vtt; charset=utf-8"
    assert media_type("a/poster.jpg") == "image/jpeg"
    assert media_type("a/thing") == "application/octet-stream"
