"""Who sent a delivery: HubSpot's signatures, their golden vectors, and everything that is none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.crm.hubspot import signatures
from connector.crm.hubspot.signatures import verify, verify_v1, verify_v2, verify_v3
from connector.errors import SignatureError
from connector.model import Delivery
from connector.settings import Settings
from tests.crm.hubspot.posting import OLD_SECRET, SECRET, payload, signed

URL = "https://www.example.com/webhook_uri"
SENT = datetime(2019, 7, 26, 4, 0, tzinfo=UTC)  # 1564113600000
EVENTS = payload("contact.creation")
WINDOW = 300.0


def older(version: str, signature: str, body: bytes, method: str = "POST") -> Delivery:
    headers = {"x-hubspot-signature": signature, "x-hubspot-signature-version": version}
    return Delivery("", method, URL, headers, body, SENT)


# published by HubSpot, but for v3, which is computed from its description
V1 = older("v1", "232db2615f3d666fe21a8ec971ac7b5402d33b9a925784df3ca654d05f4817de", EVENTS)
V2_GET = older("v2", "eee2dddcc73c94d699f5e395f4b9d454a069a6855fbfa152e91e88823087200e", b"", "GET")
V2_POST = older(
    "v2",
    "9569219f8ba981ffa6f6f16aa0f48637d35d728c7e4d93d0d52efaa512af7900",
    b'{"example_field":"example_value"}',
)
V3 = Delivery(
    "",
    "POST",
    URL,
    {
        "x-hubspot-signature-v3": "DxmVAjFNa2xfF3YgQjdZP6TNcok9k1oaH7UXombPtvw=",
        "x-hubspot-request-timestamp": "1564113600000",
    },
    EVENTS,
    SENT,
)


def fresh(secrets: list[str], delivery: Delivery) -> None:
    verify_v3(secrets, delivery, WINDOW)


GOLDEN = [
    pytest.param(verify_v1, V1, id="v1"),
    pytest.param(verify_v2, V2_GET, id="v2 of a GET"),
    pytest.param(verify_v2, V2_POST, id="v2 of a POST"),
    pytest.param(fresh, V3, id="v3"),
]
Verification = Callable[[list[str], Delivery], None]


@pytest.mark.parametrize(("verification", "delivery"), GOLDEN)
def test_what_hubspot_signed_is_accepted(verification: Verification, delivery: Delivery) -> None:
    """The golden vectors are proven, with the newest or any other secret of the app."""
    verification([SECRET], delivery)
    verification([OLD_SECRET, SECRET], delivery)
    with pytest.raises(SignatureError):
        verification([OLD_SECRET], delivery)


@pytest.mark.parametrize(("verification", "delivery"), GOLDEN)
def test_each_flipped_byte_of_the_body_is_refused(
    verification: Verification, delivery: Delivery
) -> None:
    """Whichever byte of the body is changed, left out or added, nothing is proven."""
    for place in range(len(delivery.body)):
        body = bytearray(delivery.body)
        body[place] ^= 1
        with pytest.raises(SignatureError):
            verification([SECRET], replace(delivery, body=bytes(body)))
    for body in (delivery.body + b" ", delivery.body[:-1] or b"x"):
        with pytest.raises(SignatureError):
            verification([SECRET], replace(delivery, body=body))


@pytest.mark.parametrize(("verification", "delivery"), GOLDEN)
def test_each_changed_character_of_a_header_is_refused(
    verification: Verification, delivery: Delivery
) -> None:
    """Whichever character of whichever header is changed, nothing is proven."""
    for name, value in delivery.headers.items():
        for place, character in enumerate(value):
            other = "1" if character != "1" else "2"
            changed = value[:place] + other + value[place + 1 :]
            with pytest.raises(SignatureError):
                verification([SECRET], with_header(delivery, name, changed))


@pytest.mark.parametrize(
    ("verification", "delivery"),
    [(verify_v2, V2_POST), (fresh, V3)],
    ids=["v2", "v3"],
)
def test_method_and_address_are_signed_too(verification: Verification, delivery: Delivery) -> None:
    """What was signed for one address opens no other one."""
    for place in range(len(URL)):
        url = URL[:place] + "_" + URL[place + 1 :] if URL[place] != "_" else URL + "?"
        with pytest.raises(SignatureError):
            verification([SECRET], replace(delivery, url=url))
    with pytest.raises(SignatureError):
        verification([SECRET], replace(delivery, method="PUT"))


@pytest.mark.parametrize(("seconds", "accepted"), [(-301, 0), (-299, 1), (299, 1), (301, 0)])
def test_v3_is_fresh_for_five_minutes_both_ways(seconds: int, accepted: int) -> None:
    """A right signature from long ago, or from the future, is a replay."""
    late = replace(V3, received_at=SENT + timedelta(seconds=seconds))
    if accepted:
        fresh([SECRET], late)
    else:
        with pytest.raises(SignatureError, match="clock"):
            fresh([SECRET], late)


@pytest.mark.parametrize(("encoded", "character"), signatures.DECODED.items())
def test_v3_signs_some_characters_of_the_address_as_they_are_meant(
    encoded: str, character: str
) -> None:
    """The address that reaches us may be encoded where the signed one was not, in either case."""
    good = signed(EVENTS, f"/hooks?back={character}here")
    for spelling in (encoded, encoded.lower()):
        fresh([SECRET], replace(good, url=good.url.replace(f"={character}", f"={spelling}")))


def test_v3_signs_all_other_characters_as_they_are_written() -> None:
    """A space, an umlaut or a percent sign stays encoded; nothing is decoded twice."""
    path = "/hooks?name=M%C3%BCller%20%26%20Co%253A"
    assert signatures.decoded(path) == path
    fresh([SECRET], signed(EVENTS, path))


def test_a_wrong_v3_is_not_made_good_by_an_older_signature() -> None:
    """Where v3 is there it must be right, though the same request carries a right v1."""
    both = replace(V3, headers={**V1.headers, **V3.headers})
    verify([SECRET], both, WINDOW, verify_v1)
    for wrong in ("", "x", V3.headers["x-hubspot-signature-v3"].swapcase()):
        with pytest.raises(SignatureError):
            verify([SECRET], with_header(both, "x-hubspot-signature-v3", wrong), WINDOW, verify_v1)


def test_without_v3_the_older_signature_of_that_door_counts() -> None:
    """A door takes the older version that HubSpot sends there, and no other."""
    verify([SECRET], V1, WINDOW, verify_v1)
    verify([SECRET], V2_POST, WINDOW, verify_v2)
    for delivery, verification in ((V1, verify_v2), (V2_POST, verify_v1)):
        with pytest.raises(SignatureError):
            verify([SECRET], delivery, WINDOW, verification)


@pytest.mark.parametrize("name", ["x-hubspot-signature-v3", "x-hubspot-request-timestamp"])
@pytest.mark.parametrize(
    "value", ["", " ", "é" * 44, "\udcff", "A" * 1_000_000, "9" * 400, "-1", "1e3", "\u0661\u0662"]
)
def test_a_malformed_header_is_a_refusal(name: str, value: str) -> None:
    """Non-ASCII, empty or huge headers are refused like any forgery."""
    with pytest.raises(SignatureError):
        fresh([SECRET], with_header(V3, name, value))


@given(
    headers=st.dictionaries(
        st.sampled_from([*V3.headers, *V1.headers]), st.text(max_size=80), max_size=4
    ),
    url=st.text(max_size=40),
    body=st.binary(max_size=80),
)
def test_whatever_comes_the_answer_is_a_refusal(
    headers: dict[str, str], url: str, body: bytes
) -> None:
    """No header, address or body causes another error."""
    delivery = Delivery("", "POST", url, headers, body, SENT)
    for verification in (verify_v1, verify_v2, fresh):
        with pytest.raises(SignatureError):
            verification([SECRET], delivery)


def test_without_a_client_secret_nothing_is_accepted_and_the_setting_is_named(
    settings: Settings,
) -> None:
    """An installation without a HubSpot app says what to set, and lets nobody in."""
    for empty in ("", " , "):
        with pytest.raises(SignatureError, match="CUEREEL_HUBSPOT_CLIENT_SECRET"):
            signatures.client_secrets(settings.model_copy(update={"hubspot_client_secret": empty}))
    two = settings.model_copy(update={"hubspot_client_secret": " new,old "})
    assert signatures.client_secrets(two) == ("new", "old")


def with_header(delivery: Delivery, name: str, value: str) -> Delivery:
    return replace(delivery, headers={**delivery.headers, name: value})
