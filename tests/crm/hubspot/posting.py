"""What HubSpot posts to us, signed as it signs, and the surroundings that it comes into."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from connector.crm import Surroundings
from connector.decide.campaigns import load_campaigns
from connector.decide.dictionary import load_dictionary
from connector.limits import Limits
from connector.model import Delivery
from connector.secrets import Keyring
from connector.settings import Settings
from connector.store import Store, campaigns, connections
from tests.fakes.hubspot.signing import sign_v1, sign_v2, sign_v3

FIXTURES = Path(__file__).parents[2] / "fixtures" / "hubspot"
SECRET = "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy"
OLD_SECRET = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"
HOOK_SECRET = "a-long-random-text-of-ours"
PORTAL = "62515"
BASE = "https://video.example.com"
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def payload(name: str) -> bytes:
    """Return a fixture as HubSpot posts it."""
    return (FIXTURES / f"{name}.json").read_bytes().rstrip(b"\n")


def signed(
    body: bytes, path: str, version: str = "v3", *, secret: str = SECRET, at: datetime = NOW
) -> Delivery:
    """Return a delivery of *body* to *path* that is signed and received at *at*."""
    return plain(body, path, signature(body, path, version, secret=secret, at=at), at)


def signature(
    body: bytes, path: str, version: str, *, secret: str, at: datetime, base: str = BASE
) -> dict[str, str]:
    """Return the headers that prove *body*, posted to *path*, by that version of the signature."""
    url = base + path
    signed_by = {
        "v1": lambda: sign_v1(secret, body),
        "v2": lambda: sign_v2(secret, "POST", url, body),
        "v3": lambda: sign_v3(secret, "POST", url, body, int(at.timestamp() * 1000)),
    }
    return signed_by[version]()


def plain(body: bytes, path: str, headers: dict[str, str], at: datetime = NOW) -> Delivery:
    """Return a delivery with just these headers."""
    return Delivery("", "POST", BASE + path, headers, body, at)


def with_app(settings: Settings) -> Settings:
    """Return settings of an installation whose HubSpot app has two secrets, one on its way out."""
    secrets = f"{SECRET}, {OLD_SECRET}"
    known = {"hubspot_client_id": "client-1", "hubspot_client_secret": secrets}
    return settings.model_copy(update={**known, "public_base_url": BASE})


def surroundings_of(settings: Settings, store: Store, keyring: Keyring) -> Surroundings:
    """Return what the app may reach for, with the packaged campaigns installed."""
    with store.write() as tx:
        for campaign in load_campaigns(()).values():
            campaigns.install(tx, campaign.name, campaign.version, campaign.text)
    dictionary = load_dictionary("hubspot", ())
    return Surroundings(with_app(settings), store, dictionary, keyring, Limits(None))


def connect(store: Store, keyring: Keyring, portal: str = PORTAL, state: str = "active") -> str:
    """Connect a portal; return the connection's id."""
    connection_id = f"hubspot-{portal}"
    with store.write() as tx:
        connections.add(
            tx,
            keyring,
            connection_id=connection_id,
            crm="hubspot",
            title=f"Portal {portal}",
            secrets={"kind": "static", "access": "pat-1", "hook_secret": HOOK_SECRET},
            config={"portal": portal},
        )
        connections.set_state(tx, connection_id, state)
    return connection_id
