"""Webhook signatures, against the published vector and against forgery."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from connector.errors import SettingError, SignatureError
from connector.signing import new_secret, signed_headers, signing_key, verify

# the example of the Standard Webhooks specification
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = b'{"test": 2432232314}'
AT = datetime.fromtimestamp(1614265330, UTC)


def test_the_published_example_is_signed_alike() -> None:
    """Our signature of the specification's example is the specification's signature."""
    headers = signed_headers(SECRET, "msg_p5jXN8AQM9LWM0D4loKWxJek", BODY, AT)

    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_one_right_signature_among_others_is_enough() -> None:
    """A sender that rotates its secret sends several signatures; unknown versions are passed over."""
    headers = signed_headers(SECRET, "msg-1", BODY, AT)
    other = signed_headers(new_secret(), "msg-1", BODY, AT)["webhook-signature"]
    several = f"v1a,AAAA {other} nonsense v1,*** {headers['webhook-signature']}"

    found = verify([SECRET], {**headers, "webhook-signature": several}, BODY, at=AT, window=300)
    assert found == "msg-1"


def test_without_secrets_nothing_is_accepted() -> None:
    """A connection that has lost its secrets accepts nobody."""
    headers = signed_headers(SECRET, "msg-1", BODY, AT)
    with pytest.raises(SignatureError):
        verify([], headers, BODY, at=AT, window=300)


def test_id_time_and_body_cannot_be_shifted() -> None:
    """The same signed bytes, cut at another dot, are refused."""
    headers = signed_headers(SECRET, "msg", b"1614265330.{}", AT)
    shifted = {**headers, "webhook-id": f"msg.{int(AT.timestamp())}"}
    with pytest.raises(SignatureError):
        verify([SECRET], shifted, b"{}", at=AT, window=300)


@pytest.mark.parametrize(
    "secret", ["", "whsec_", "whsec_c2hvcnQ=", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]
)
def test_a_weak_or_broken_secret_is_named(secret: str) -> None:
    """A secret that is too short or not in its form is a setting to mend."""
    with pytest.raises(SettingError):
        signing_key(secret)


def test_new_secrets_are_strong_and_differ() -> None:
    """Every new secret has 32 random bytes."""
    made = {new_secret() for _ in range(5)}

    assert len(made) == 5
    assert {32} == {len(signing_key(secret)) for secret in made}
