"""Signed webhooks out: what is sent, and what each answer means."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from connector.errors import PermanentError, TemporaryError
from connector.notify.webhooks import post
from connector.signing import new_secret, verify
from tests.notify.receiver import Receiver, receiving

SECRET = new_secret()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Somebody who listens."""
    with receiving() as found:
        yield found


def send(receiver: Receiver) -> None:
    post(f"{receiver.url}/hooks", identity="msg-1", body=b'{"a":1}', secret=SECRET)


def test_what_is_sent_is_signed(receiver: Receiver) -> None:
    """The receiver can prove id, time and body with the shared secret."""
    send(receiver)

    [(path, headers, body)] = receiver.arrived
    assert (path, body, headers["content-type"]) == ("/hooks", b'{"a":1}', "application/json")
    assert verify([SECRET], headers, body, at=datetime.now(UTC), window=60) == "msg-1"


@pytest.mark.parametrize("status", [200, 202, 204])
def test_any_success_is_taken(receiver: Receiver, status: int) -> None:
    """Every 2xx means that it was taken."""
    receiver.status = status
    send(receiver)


def test_gone_is_for_ever(receiver: Receiver) -> None:
    """A 410 is not tried again."""
    receiver.status = 410
    with pytest.raises(PermanentError):
        send(receiver)


@pytest.mark.parametrize(
    ("status", "header", "after"),
    [
        (500, None, None),
        (404, None, None),
        (401, None, None),
        (429, "7", 7.0),
        (503, "999999", 3600.0),
        (503, "Wed, 21 Oct 2026 07:28:00 GMT", None),
        (500, "7", None),
    ],
)
def test_anything_else_is_tried_again(
    receiver: Receiver, status: int, header: str | None, after: float | None
) -> None:
    """Errors are temporary; one that asks for a pause gets it, within bounds."""
    receiver.status = status
    receiver.headers = {"Retry-After": header} if header else {}
    with pytest.raises(TemporaryError) as caught:
        send(receiver)

    assert (caught.value.reason, caught.value.after) == (f"status_{status}", after)


def test_redirects_are_not_followed(receiver: Receiver) -> None:
    """A redirect is a failure, so that nobody can send us elsewhere."""
    receiver.status, receiver.headers = 302, {"Location": f"{receiver.url}/elsewhere"}
    with pytest.raises(TemporaryError):
        send(receiver)

    assert [path for path, _, _ in receiver.arrived] == ["/hooks"]


def test_nobody_there_is_temporary(receiver: Receiver) -> None:
    """A port where nobody listens is tried again later."""
    with receiving() as other:
        gone = other.url
    with pytest.raises(TemporaryError) as caught:
        post(f"{gone}/hooks", identity="msg-1", body=b"{}", secret=SECRET)

    assert caught.value.reason == "no_answer"


def test_a_proxy_of_the_machine_does_not_see_it(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Webhooks go straight to their address, whatever the environment says."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    send(receiver)
    assert len(receiver.arrived) == 1
