"""Settings: one reader of the environment, and a sentence for each wrong value."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import get_args

import pytest

from connector.errors import SettingError, SignatureError
from connector.secrets import Keyring, new_key, new_token, open_keyring
from connector.settings import Settings, load_settings
from renderers.render import RENDERERS


def test_the_defaults_need_no_variable_and_no_server(settings: Settings) -> None:
    """A newcomer's installation is SQLite, files in the home, and no Redis of somebody else."""
    assert settings.database == f"sqlite:///{settings.folder / 'cuereel.db'}"
    assert settings.files == (settings.folder / "files").as_uri()
    assert settings.redis_url == ""
    assert not settings.production


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("PORT", "http", "PORT: "),
        ("PORT", "70000", "PORT: "),
        ("DATABASE_URL", "mysql://x", "must begin with sqlite:/// or postgresql://"),
        ("REDIS_URL", "localhost", "must begin with redis://, rediss:// or unix://"),
        ("PUBLIC_BASE_URL", "video.example.com", "must be a web address"),
        ("CUEREEL_VIDEO_HEIGHT", "361", "must be even"),
        ("CUEREEL_LEASE_SECONDS", "-1", "CUEREEL_LEASE_SECONDS: "),
        ("CUEREEL_TRACKING", "everything", "CUEREEL_TRACKING: "),
        ("CUEREEL_RENDERER", "quick", "'stitching' or 'reference'"),
        ("CUEREEL_REUSE", "always", "'none' or 'template'"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_expected(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, expected: str
) -> None:
    """The message names the variable and what it should be."""
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingError) as caught:
        load_settings()
    assert variable in caught.value.sentence
    assert expected in caught.value.sentence


def test_every_renderer_that_can_be_chosen_is_there() -> None:
    """The words that an operator may set are the names that the renderer knows."""
    assert set(get_args(Settings.model_fields["renderer"].annotation)) == set(RENDERERS)


def test_all_wrong_values_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """An operator mends everything in one go."""
    monkeypatch.setenv("PORT", "0")
    monkeypatch.setenv("CUEREEL_ATTEMPTS", "none")
    with pytest.raises(SettingError) as caught:
        load_settings()
    assert len(caught.value.sentence.splitlines()) == 2


def test_production_wants_explicit_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """With an https address a generated key file is not enough."""
    monkeypatch.setenv("PUBLIC_BASE_URL", "https://video.example.com/")
    with pytest.raises(SettingError, match="CUEREEL_SECRET_KEYS must be set"):
        load_settings()
    monkeypatch.setenv("CUEREEL_SECRET_KEYS", new_key())
    assert load_settings().base_url == "https://video.example.com"


@pytest.mark.parametrize("given", ["postgres://u@h/d", "postgresql://u@h/d"])
def test_a_postgresql_address_is_given_our_driver(
    monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    """Hosting platforms write the address in several ways."""
    monkeypatch.setenv("DATABASE_URL", given)
    assert load_settings().database == "postgresql+psycopg://u@h/d"


def test_settings_cannot_be_changed(settings: Settings) -> None:
    """What was read is what holds."""
    with pytest.raises(ValueError, match="frozen"):
        settings.port = 1  # type: ignore[misc]


def test_the_key_file_is_made_once_and_is_ours_alone(settings: Settings) -> None:
    """Two starts share one key, which nobody else can read."""
    sealed = open_keyring(settings).encrypt("secret")
    assert open_keyring(settings).decrypt(sealed) == "secret"
    path: Path = settings.folder / "key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_key_is_rotated_without_losing_what_the_old_one_sealed() -> None:
    """The new key stands in front, the old one still reads, until all is rotated."""
    old, new = new_key(), new_key()
    sealed = Keyring([old]).encrypt("secret")
    both = Keyring([new, old])
    assert both.decrypt(sealed) == "secret"
    assert Keyring([new]).decrypt(both.rotate(sealed)) == "secret"
    with pytest.raises(SettingError, match="put the old key back"):
        Keyring([new]).decrypt(sealed)


def test_a_signed_token_serves_one_purpose() -> None:
    """A token for beacons does not sign anybody in."""
    keyring = Keyring([new_key()])
    token = keyring.sign({"v": "1"}, "beacon")
    assert keyring.verify(token, "beacon") == {"v": "1"}
    with pytest.raises(SignatureError):
        keyring.verify(token, "login")
    with pytest.raises(SignatureError):
        keyring.verify(token[:-2], "beacon")


def test_a_key_that_is_none_is_refused_in_words() -> None:
    """A typo in the key is a sentence, not a trace."""
    with pytest.raises(SettingError, match="32 bytes"):
        Keyring(["short"])


def test_watch_tokens_have_144_bits_and_never_repeat() -> None:
    """Links cannot be guessed."""
    tokens = {new_token() for _ in range(1000)}
    assert len(tokens) == 1000
    assert {len(token) for token in tokens} == {24}
