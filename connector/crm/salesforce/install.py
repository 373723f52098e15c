"""
Our package in an org: checked, then deployed stage by stage, then its permission set given to our user.

Fields and objects come first and whole or not at all; a page or flow that an org does not take is
left out with its reason and leaves the rest working. Running it again changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from urllib.parse import quote

from connector.crm import Connection, Surroundings
from connector.crm.salesforce.bundle import Bundle, Filling, bundles, fingerprint
from connector.crm.salesforce.gateway import Gateway
from connector.crm.salesforce.kept import described, forget
from connector.crm.salesforce.metadata import Door, Problem, deploy
from connector.crm.salesforce.permission import assign
from connector.decide.campaigns import parse_campaign
from connector.decide.dictionary import Dictionary
from connector.errors import CredentialError, PermanentError
from connector.model import InstallReport
from connector.store import campaigns, connections

PEOPLE = ("Contact", "Lead")
CARTS = "WebCart"
PACKAGE = "package"  # in a connection's config: which package the org has
MOST_TOLD = 3


def install(gateway: Gateway, connection: Connection, surroundings: Surroundings) -> InstallReport:
    """
    Deploy what the org has not, and make it visible to our user.

    Raises PermanentError with what the org says where fields and objects cannot be deployed.
    """
    dictionary = surroundings.dictionary
    forget(gateway)
    wanted = [spec.name for spec in dictionary.write_fields.values()]
    before = seen(gateway, wanted)
    stages = bundles(filling(connection, surroundings), commerce=described(gateway, CARTS).known)
    left_out: dict[str, str] = {}
    if missing(gateway, dictionary) or fingerprint(stages) != known_package(
        connection, surroundings
    ):
        left_out = _deploy(gateway, stages)
        if not left_out:
            _remember(connection, surroundings, fingerprint(stages))
    left_out |= assign(gateway, connection)
    forget(gateway)
    return _report(wanted, before, seen(gateway, wanted), left_out)


def known_package(connection: Connection, surroundings: Surroundings) -> str:
    """Return which package the org has, as far as we know; empty where it has none."""
    with surroundings.store.read() as tx:
        row = connections.get(tx, surroundings.keyring, connection.id)
    return str(row.config.get(PACKAGE) or "") if row is not None else ""


def missing(gateway: Gateway, dictionary: Dictionary) -> list[str]:
    """Return the fields and objects of ours that the org has not, or does not show to our user."""
    wanted = [spec.name for spec in dictionary.write_fields.values()]
    found = [
        f"{person}.{name}"
        for person in PEOPLE
        for name in wanted
        if name not in described(gateway, person).fields
    ]
    for names in dictionary.rows.values():
        own = described(gateway, names.get("object", ""))
        fields = {
            name.partition(".")[0].replace("__r", "__c")
            for word, name in names.items()
            if word != "object"
        }
        found += [f"{own.name}.{name}" for name in sorted(fields) if name not in own.fields]
    return found


def seen(gateway: Gateway, wanted: Iterable[str]) -> frozenset[str]:
    """Return those of our fields that contacts and leads both have and our user may edit."""
    people = [described(gateway, person).fields for person in PEOPLE]
    return frozenset(
        name for name in wanted if all(name in one and one[name].updateable for one in people)
    )


def endpoint(base: str, connection: Connection, query: str) -> str:
    """Return the address for messages of one kind: `contact_onboarding`, or `kind&subject=AccountId`."""
    secret = str(connection.secrets.get("hook_secret") or "")
    if not secret:
        raise CredentialError(
            "this connection has no secret for messages; make one on its page in the console"
        )
    kind, _, more = query.partition("&")
    address = f"{base}/hooks/salesforce/{connection.id}/{quote(secret, safe='')}?trigger={kind}"
    return f"{address}&{more}" if more else address


def filling(connection: Connection, surroundings: Surroundings) -> Filling:
    """Return what our package's source leaves open, for this org."""
    base = surroundings.settings.base_url
    with surroundings.store.read() as tx:
        installed = [
            (row.name, parse_campaign(row.body, row.name).title) for row in campaigns.active(tx)
        ]
    return Filling(
        base=base,
        user=str(connection.config.get("username") or ""),
        endpoint=lambda query: endpoint(base, connection, query),
        campaigns=installed,
    )


def _deploy(gateway: Gateway, stages: Sequence[Bundle]) -> dict[str, str]:
    """Deploy each stage; return why others than the first were left out."""
    door = Door(gateway)
    first, *others = stages
    for check_only in (True, False):
        done = deploy(door, first.zipped(), first.title, check_only=check_only)
        if not done.well:
            raise PermanentError(
                f"the org does not take our {first.title}: {_told(done.problems)}", reason="install"
            )
    left_out = {}
    for stage in others:
        done = deploy(door, stage.zipped(), stage.title)
        if not done.well:
            left_out[stage.title] = (
                f"the org does not take them: {_told(done.problems)}; all else works without"
            )
    return left_out


def _told(problems: Sequence[Problem]) -> str:
    # these are about our own files and never about records
    told = [f"{one.file or one.kind}: {one.sentence}" for one in problems[:MOST_TOLD]]
    more = f" and {len(problems) - MOST_TOLD} more" if len(problems) > MOST_TOLD else ""
    return ("; ".join(told) or "it gives no reason, see Setup > Deployment Status") + more


def _remember(connection: Connection, surroundings: Surroundings, which: str) -> None:
    with surroundings.store.write() as tx:
        row = connections.get(tx, surroundings.keyring, connection.id)
        if row is not None:
            connections.change_config(tx, row.id, {**row.config, PACKAGE: which})


def _report(
    wanted: Sequence[str], before: frozenset[str], after: frozenset[str], left_out: dict[str, str]
) -> InstallReport:
    invisible = "it is there, but Cuereel's user may not edit it on contacts and leads; see `cuereel crm check`"
    unseen = {name: invisible for name in wanted if name not in after}
    return InstallReport(
        made=tuple(name for name in wanted if name in after - before),
        present=tuple(name for name in wanted if name in after & before),
        left_out={**unseen, **left_out},
    )
