"""
What an admin of an org has to mend: our access, our fields, what we may see, messages, calls of the day.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from connector.crm import Connection, Surroundings
from connector.crm.salesforce.bundle import bundles, fingerprint
from connector.crm.salesforce.gateway import Gateway
from connector.crm.salesforce.ids import is_id
from connector.crm.salesforce.install import CARTS, filling, known_package, missing
from connector.crm.salesforce.kept import described, forget, readable
from connector.crm.salesforce.permission import ADMIN, assigned, permission_sets
from connector.crm.salesforce.records import constant
from connector.crm.salesforce.refusals import RefusedError
from connector.crm.salesforce.soql import select
from connector.decide.campaigns import parse_campaign
from connector.decide.dictionary import Dictionary
from connector.errors import ConnectorError, CRMBusyError, NotFoundError
from connector.model import Finding
from connector.store import campaigns

AGAIN = "run `cuereel crm install {}`"
OPT_OUTS = {"Contact": "contact.email_opt_out", "Lead": "lead.email_opt_out"}
STATES = {
    "needs_reauth": "the org no longer lets Cuereel in; connect it again",
    "disabled": "the org is disconnected; connect it again",
}
NEARLY = 0.8


def check(gateway: Gateway, connection: Connection, surroundings: Surroundings) -> list[Finding]:
    """Return what is well and what is not, each with what to do; asks the org a dozen times."""
    if connection.state != "active":
        sentence = STATES.get(connection.state, f"the connection is {connection.state}")
        return [Finding("error", "access", sentence)]
    access = list(_answered("access", lambda: _access(gateway, connection)))
    if any(finding.level == "error" for finding in access):
        # whatever else would be asked meets the same refusal
        return access
    forget(gateway)
    dictionary = surroundings.dictionary
    return [
        *access,
        *_answered("fields", lambda: _fields(gateway, dictionary, connection)),
        *_answered("permissions", lambda: _permissions(gateway, connection)),
        *_answered("consent", lambda: _consent(gateway, dictionary, connection)),
        *_answered("mapping", lambda: _mapping(gateway, dictionary, _named(surroundings))),
        *_answered("messages", lambda: _messages(gateway, connection, surroundings)),
        *_answered("flows", lambda: _flows(gateway)),
    ]


def _answered(subject: str, look: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    """Yield what *look* finds; an answer that does not come is a finding too."""
    try:
        yield from look()
    except CRMBusyError as error:
        yield Finding("warning", subject, error.sentence)
    except ConnectorError as error:
        yield Finding("error", subject, error.sentence)


def _access(gateway: Gateway, connection: Connection) -> Iterator[Finding]:
    told = gateway.call("GET", "limits")
    kind = "a sandbox" if connection.config.get("sandbox") else "a production org"
    yield Finding("ok", "access", f"org {gateway.org} lets us in; it is {kind}")
    daily = (told or {}).get("DailyApiRequests") if isinstance(told, Mapping) else None
    if not isinstance(daily, Mapping) or not daily.get("Max"):
        return
    left, most = int(daily.get("Remaining") or 0), int(daily["Max"])
    sentence = f"{left:,} of {most:,} calls in 24 hours are left"
    if left > most * (1 - NEARLY):
        yield Finding("ok", "limits", sentence)
    else:
        yield Finding(
            "warning",
            "limits",
            f"{sentence}; until there are more, only links are written. Salesforce: Setup > Company "
            "Information shows who uses them",
        )


def _fields(gateway: Gateway, dictionary: Dictionary, connection: Connection) -> Iterator[Finding]:
    lost = missing(gateway, dictionary)
    if lost:
        shown = ", ".join(lost[:5]) + (f" and {len(lost) - 5} more" if len(lost) > 5 else "")
        yield Finding(
            "error",
            "fields",
            f"{len(lost)} are missing or hidden from our user ({shown}); {AGAIN.format(connection.id)}",
        )
    else:
        count = len(dictionary.write_fields)
        yield Finding(
            "ok", "fields", f"{count} fields are on contacts and leads, with both objects"
        )


def _permissions(gateway: Gateway, connection: Connection) -> Iterator[Finding]:
    held, user = permission_sets(gateway), str(connection.config.get("user") or "")
    if ADMIN not in held:
        return  # the missing fields have their own finding
    if is_id(user) and assigned(gateway, user, held[ADMIN]):
        yield Finding("ok", "permissions", 'our user has the permission set "Cuereel admin"')
    else:
        yield Finding(
            "error",
            "permissions",
            'our user has not the permission set "Cuereel admin"; '
            f"{AGAIN.format(connection.id)}, or give it under Setup > Permission Sets",
        )


def _consent(gateway: Gateway, dictionary: Dictionary, connection: Connection) -> Iterator[Finding]:
    for person, word in OPT_OUTS.items():
        field = dictionary.field(word)
        if field and not readable(gateway, person, [field]):
            yield Finding(
                "error",
                "consent",
                f"our user may not read {person}.{field}, so nobody there gets a video; allow it under "
                "Setup > Object Manager > the field > Set Field-Level Security, or name another field in "
                "mappings/crm/salesforce.toml",
            )
    if connection.config.get("consent_api"):
        yield Finding("ok", "consent", "the Consent API is asked as well")


def _named(surroundings: Surroundings) -> dict[str, list[str]]:
    """Return the words that installed campaigns name, each with their names."""
    with surroundings.store.read() as tx:
        installed = [parse_campaign(row.body, row.name) for row in campaigns.active(tx)]
    found: dict[str, list[str]] = {}
    for campaign in installed:
        for word in campaign.words():
            found.setdefault(word, []).append(campaign.name)
    return found


def _mapping(
    gateway: Gateway, dictionary: Dictionary, named: Mapping[str, list[str]]
) -> Iterator[Finding]:
    for kind, way in dictionary.objects.items():
        name = way.partition(".")[0]
        if not described(gateway, name).known:
            yield Finding("ok", "mapping", f"the org has no {name}, so no {kind} starts anything")
            continue
        lacking = {
            word: field
            for word, field in dictionary.read.items()
            if word in named
            and word.partition(".")[0] == kind
            and _lacks(gateway, name, word, field)
        }
        if lacking:
            fields = ", ".join(f"{field} ({word})" for word, field in sorted(lacking.items()))
            users = ", ".join(sorted({one for word in lacking for one in named[word]}))
            yield Finding(
                "warning",
                "mapping",
                f"{name} has no field {fields} that our user may see, so {users} shows what stands "
                "in `otherwise`; make the fields, or name others in mappings/crm/salesforce.toml",
            )


def _lacks(gateway: Gateway, name: str, word: str, field: str) -> bool:
    # a child relation is no field, and a hidden opt-out has its own finding
    if word.endswith(".items") or word in OPT_OUTS.values() or constant(field):
        return False
    return not readable(gateway, name, [field])


def _messages(
    gateway: Gateway, connection: Connection, surroundings: Surroundings
) -> Iterator[Finding]:
    if not surroundings.settings.production:
        yield Finding(
            "warning",
            "messages",
            "Salesforce reaches only https addresses, so no message comes; set PUBLIC_BASE_URL to one. "
            "Until then the org is asked every few minutes",
        )
    stages = bundles(filling(connection, surroundings), commerce=described(gateway, CARTS).known)
    known = known_package(connection, surroundings)
    if known and fingerprint(stages) != known:
        yield Finding(
            "warning",
            "messages",
            "the org has an older package, or our address, its secret or the campaigns have changed; "
            f"{AGAIN.format(connection.id)}",
        )


def _flows(gateway: Gateway) -> Iterator[Finding]:
    soql = select(["ApiName", "IsActive"], "FlowDefinitionView", "ApiName LIKE 'Cuereel\\_%'")
    try:
        rows = list(gateway.query(soql))
    except (RefusedError, NotFoundError):
        return  # our user may not see them, which is no fault
    for row in rows:
        name = row.get("ApiName")
        if row.get("IsActive"):
            yield Finding("ok", "flows", f"{name} is active")
        else:
            yield Finding(
                "warning", "flows", f"{name} is off; look at it under Setup > Flows and activate it"
            )
