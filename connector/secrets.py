"""
Keys, encryption at rest, and signed tokens.

Keys are Fernet keys, newest first: the first encrypts, all decrypt, so a key is rotated by putting a
new one in front. They come from `CUEREEL_SECRET_KEYS`, else from a 0600 file in the home folder.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets as random_source
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from itsdangerous import BadData, URLSafeTimedSerializer

from connector.errors import SettingError, SignatureError
from connector.settings import Settings

TOKEN_BYTES = 18  # 144 random bits


class Keyring:
    """Encrypts and signs with the newest key, reads with any."""

    def __init__(self, keys: list[str]) -> None:
        try:
            self._cipher = MultiFernet([Fernet(key) for key in keys])
        except (ValueError, TypeError) as error:
            raise SettingError(
                "CUEREEL_SECRET_KEYS: each key must be 32 bytes in URL-safe base64 "
                "(`cuereel key new` prints one)"
            ) from error
        self._signing = [hashlib.sha256(b"sign" + key.encode()).hexdigest() for key in keys]

    def encrypt(self, text: str) -> str:
        """Return *text* encrypted with the newest key."""
        return self._cipher.encrypt(text.encode()).decode()

    def decrypt(self, sealed: str) -> str:
        """Return what was encrypted; SettingError where no key of ours fits."""
        try:
            return self._cipher.decrypt(sealed.encode()).decode()
        except InvalidToken as error:
            raise SettingError(
                "stored secrets were encrypted with a key that is not in CUEREEL_SECRET_KEYS "
                "or the key file; put the old key back behind the new one"
            ) from error

    def rotate(self, sealed: str) -> str:
        """Return the same secret encrypted with the newest key."""
        return self._cipher.rotate(sealed.encode()).decode()

    def sign(self, value: object, purpose: str) -> str:
        """Return *value* as a token that only serves *purpose*."""
        return self._serializer(purpose).dumps(value)

    def verify(self, token: str, purpose: str, max_age: float | None = None) -> object:
        """Return what a token holds; SignatureError where it is forged, foreign or too old."""
        try:
            return self._serializer(purpose).loads(
                token, max_age=None if max_age is None else int(max_age)
            )
        except BadData as error:
            raise SignatureError("this token is not valid, or no longer") from error

    def session_key(self) -> list[str]:
        """Return signing keys for the web framework, newest first."""
        return [hashlib.sha256(b"flask" + key.encode()).hexdigest() for key in self._signing]

    def _serializer(self, purpose: str) -> URLSafeTimedSerializer:
        # itsdangerous takes keys oldest first and signs with the last
        return URLSafeTimedSerializer(self._signing[::-1], salt=f"cuereel.{purpose}")


def open_keyring(settings: Settings) -> Keyring:
    """Return the keys of this installation, making the key file at the first start."""
    if settings.secret_keys:
        return Keyring([key.strip() for key in settings.secret_keys.split(",") if key.strip()])
    return Keyring(_key_file(settings.folder / "key").read_text().split())


def new_key() -> str:
    """Return a fresh encryption key."""
    return Fernet.generate_key().decode()


def new_token() -> str:
    """Return a fresh watch token of 144 random bits."""
    return random_source.token_urlsafe(TOKEN_BYTES)


def token_hash(token: str) -> str:
    """Return the form under which a token is found; the token itself is never stored in clear."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def same(one: bytes, other: bytes) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(one, other)


def _key_file(path: Path) -> Path:
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    own = path.with_name(f"key.{os.getpid()}.tmp")
    descriptor = os.open(own, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(new_key() + "\n")
    try:
        # a link fails where another process was first, so that all share one key
        os.link(own, path)
    except FileExistsError:
        pass
    finally:
        own.unlink()
    return path
