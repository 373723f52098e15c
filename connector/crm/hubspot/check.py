"""
What an admin of a portal has to mend: our access, its scopes, our properties, the mapped ones, limits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta

from connector.crm import Connection, Surroundings
from connector.crm.hubspot.gateway import Gateway
from connector.crm.hubspot.goods import LINE_ITEMS
from connector.crm.hubspot.install import held_properties, misfit
from connector.crm.hubspot.properties import OBJECTS, definitions
from connector.crm.hubspot.refusals import RefusedError
from connector.crm.hubspot.scopes import check_scopes, granted
from connector.crm.hubspot.transport import Request
from connector.decide.dictionary import Dictionary
from connector.errors import ConnectorError, CRMBusyError
from connector.model import JSON, Finding

DETAILS = "/account-info/v3/details"
AGAIN = "run `cuereel crm install {}`"
STATES = {
    "needs_reauth": "the portal no longer lets us in; connect it again and all that waits goes on",
    "disabled": "the portal is disconnected; connect it again to go on",
}
KINDS = {
    "STANDARD": "a standard account",
    "DEVELOPER_TEST": "a developer test account",
    "SANDBOX": "a sandbox",
    "APP_DEVELOPER": "an app developer account, which has no contacts of its own",
}
# the calls that an account's own tokens have a day, by the tier of the account (hubspot.md §7.1)
TIERS = {250_000: "Free or Starter", 625_000: "Professional", 650_000: "Professional",
         1_000_000: "Enterprise"}  # fmt: skip


def check(
    gateway: Gateway, dictionary: Dictionary, connection: Connection, surroundings: Surroundings
) -> list[Finding]:
    """Return what is well and what is not, each with what to do; asks the portal a handful of times."""
    here = [*_address(connection, surroundings), *_resting(gateway, surroundings)]
    if connection.state != "active":
        sentence = STATES.get(connection.state, f"the connection is {connection.state}")
        return [Finding("error", "access", sentence), *here]
    access = list(_answered("access", lambda: _account(gateway)))
    if any(finding.level != "ok" for finding in access):
        # whatever else would be asked meets the same refusal
        return [*access, *here]
    return [
        *access,
        *_answered("scopes", lambda: check_scopes(granted(connection, surroundings))),
        *_answered("fields", lambda: _ours(gateway, dictionary, connection)),
        *_answered("mapping", lambda: _mapped(gateway, dictionary)),
        *here,
    ]


def _answered(subject: str, look: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    """Yield what *look* finds; an answer that does not come is a finding too."""
    try:
        yield from look()
    except CRMBusyError as error:
        yield Finding("warning", subject, f"{error.sentence}{_until(error.after)}")
    except ConnectorError as error:
        yield Finding("error", subject, error.sentence)


def _account(gateway: Gateway) -> Iterator[Finding]:
    reply = gateway.send(Request("GET", DETAILS))
    told = reply.json()
    details = told if isinstance(told, dict) else {}
    kind = str(details.get("accountType") or "")
    shown = KINDS.get(kind, kind or "an account of a kind that HubSpot does not tell")
    yield Finding("ok", "access", f"portal {gateway.portal} lets us in; it is {shown}")
    if limit := _limit(reply.headers):
        yield Finding("ok", "limits", limit)


def _limit(headers: Mapping[str, str]) -> str:
    most = headers.get("X-HubSpot-RateLimit-Max", "")
    window = headers.get("X-HubSpot-RateLimit-Interval-Milliseconds", "")
    parts = []
    if most.isdecimal() and window.isdecimal():
        parts.append(f"{most} calls in {int(window) / 1000:g} s")
    parts += _daily(headers)
    return f"HubSpot allows {', '.join(parts)}" if parts else ""


def _daily(headers: Mapping[str, str]) -> list[str]:
    daily = headers.get("X-HubSpot-RateLimit-Daily", "")
    if not daily.isdecimal():
        return []
    left = headers.get("X-HubSpot-RateLimit-Daily-Remaining", "")
    tier = TIERS.get(int(daily))
    return [
        f"{int(daily):,} a day"
        + (f" of which {int(left):,} are left" if left.isdecimal() else "")
        + (f" (as {tier} accounts have)" if tier else "")
    ]


def _ours(gateway: Gateway, dictionary: Dictionary, connection: Connection) -> Iterator[Finding]:
    held = held_properties(gateway)
    no_room = connection.config.get("left_out") or ()
    wanted = dictionary.write_fields.values()
    wrong = {spec.name: why for spec in wanted if (why := misfit(spec, held.get(spec.name)))}
    missing = [spec.name for spec in wanted if spec.name not in held]
    for name, why in wrong.items():
        yield Finding("error", "fields", f"{name} {why}")
    if lost := [name for name in missing if name not in no_room]:
        todo = AGAIN.format(connection.id)
        yield Finding("error", "fields", f"{len(lost)} are missing ({', '.join(lost)}); {todo}")
    if left := [name for name in missing if name in no_room]:
        yield Finding(
            "warning", "fields", f"{len(left)} were left out by the install ({', '.join(left)})"
        )
    count = len(dictionary.write_fields)
    yield Finding("ok", "fields", f"{count - len(missing) - len(wrong)} of {count} are there")


def _mapped(gateway: Gateway, dictionary: Dictionary) -> Iterator[Finding]:
    for kind in sorted(dictionary.kinds & OBJECTS.keys()):
        try:
            known = definitions(gateway, OBJECTS[kind])
        except RefusedError as error:
            if error.status != 403:
                raise
            # the missing scope has its own finding
            continue
        lacking = [
            f"{_base(name)} ({word})"
            for word, name in dictionary.read.items()
            if word.partition(".")[0] == kind and _lacks(known, name)
        ]
        if lacking:
            yield Finding(
                "warning",
                "mapping",
                f"{OBJECTS[kind]} of this portal have no property {', '.join(lacking)}; make what "
                "your campaigns need, or name others in mappings/crm/hubspot.toml",
            )


def _lacks(known: Mapping[str, JSON], name: str) -> bool:
    return name != LINE_ITEMS and _base(name) not in known


def _base(name: str) -> str:
    # behind a dot stands what is read of the owner
    return name.partition(".")[0]


def _address(connection: Connection, surroundings: Surroundings) -> Iterator[Finding]:
    settings = surroundings.settings
    if not settings.production:
        yield Finding(
            "warning",
            "hooks",
            "HubSpot reaches only https addresses, so no event comes; set PUBLIC_BASE_URL to one",
        )
    if connection.secrets.get("kind") == "oauth" and not settings.hubspot_client_secret:
        yield Finding(
            "error",
            "hooks",
            "CUEREEL_HUBSPOT_CLIENT_SECRET is not set, so every event of HubSpot's is refused",
        )
    if not connection.secrets.get("hook_secret"):
        yield Finding(
            "warning",
            "hooks",
            'there is no secret for "Send a webhook"; make one on the connection\'s page',
        )
    else:
        address = f"{settings.base_url}/hooks/hubspot/{connection.id}"
        yield Finding("ok", "hooks", f'"Send a webhook" goes to {address} with its secret')


def _resting(gateway: Gateway, surroundings: Surroundings) -> Iterator[Finding]:
    for key, what in (("hubspot", "calls"), ("hubspot-search", "searches")):
        seconds = surroundings.limits.resting(f"{key}:{gateway.portal}")
        if seconds > 1:
            sentence = f"HubSpot asked us to rest: no {what}{_until(seconds)}"
            yield Finding("warning", "limits", f"{sentence}; it goes on by itself")


def _until(seconds: float | None) -> str:
    if not seconds:
        return ""
    return f" until {datetime.now(UTC) + timedelta(seconds=seconds):%Y-%m-%d %H:%M:%S} UTC"
