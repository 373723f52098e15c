"""Where each path of the published client is found in the version that we call."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.crm.hubspot.versions import ASSOCIATIONS, MOVED, MOVED_IN, dated

VERSIONS = ("2026-03", "2026-09")
# hubspot.md §1.2, row by row
ROWS = [
    ("/crm/v3/objects/contacts", "/crm/objects/V/contacts"),
    ("/crm/v3/objects/0-142/17", "/crm/objects/V/0-142/17"),
    *(
        (f"/crm/v3/objects/deals/batch/{what}", f"/crm/objects/V/deals/batch/{what}")
        for what in ("create", "read", "update", "upsert", "archive")
    ),
    ("/crm/v3/objects/contacts/search", "/crm/objects/V/contacts/search"),
    ("/crm/v3/objects/contacts/gdpr-delete", "/crm/objects/V/contacts/gdpr-delete"),
    ("/crm/v3/objects/contacts/merge", "/crm/objects/V/contacts/merge"),
    ("/crm/v3/properties/contacts", "/crm/properties/V/contacts"),
    ("/crm/v3/properties/contacts/groups", "/crm/properties/V/contacts/groups"),
    *(
        (f"/crm/v4/associations/0-3/0-1/batch/{what}", f"/crm/associations/V/0-3/0-1/batch/{what}")
        for what in ("read", "create", "associate/default", "archive", "labels/archive")
    ),
    ("/crm/v4/objects/deals/9/associations/0-1", "/crm/objects/V/deals/9/associations/0-1"),
    ("/crm/v4/objects/deals/9/associations/0-1/4", "/crm/objects/V/deals/9/associations/0-1/4"),
    (
        "/crm/v4/objects/notes/9/associations/default/contacts/4",
        "/crm/objects/V/notes/9/associations/default/contacts/4",
    ),
    ("/crm/v3/lists/", "/crm/lists/V"),
    ("/crm/v3/lists/7/memberships/add", "/crm/lists/V/7/memberships/add"),
    ("/crm/v3/owners/", "/crm/owners/V"),
    ("/crm/v3/owners/55", "/crm/owners/V/55"),
    ("/oauth/v1/token", "/oauth/V/token"),
    ("/automation/v4/actions/31", "/automation/actions/V/31"),
    ("/automation/v4/actions/31/5/revisions", "/automation/actions/V/31/5/revisions"),
    (
        "/automation/v4/actions/callbacks/ap-1/complete",
        "/automation/actions/callbacks/V/ap-1/complete",
    ),
    ("/automation/v4/actions/callbacks/complete", "/automation/actions/callbacks/V/complete"),
    ("/automation/v4/sequences/enrollments", "/automation/sequences/V/enrollments"),
    ("/communication-preferences/v4/definitions", "/communication-preferences/V/definitions"),
    ("/events/v3/send", "/events/V/send"),
    ("/events/v3/send/batch", "/events/V/send/batch"),
    ("/events/v3/event-definitions", "/events/V/event-definitions"),
    ("/events/v3/events", "/events/event-occurrences/V"),
    ("/integrators/timeline/v3/events", "/integrators/timeline/V/events"),
    ("/media-bridge/v1/31/events/media-played", "/media-bridge/V/31/events/media-played"),
    ("/marketing/marketing-events/v3/events", "/marketing/marketing-events/V/events"),
    ("/marketing/v3/marketing-events/events", "/marketing/marketing-events/V/events"),
    ("/marketing/v3/campaigns", "/marketing/campaigns/V"),
    ("/account-info/v3/details", "/account-info/V/details"),
]
LEFT = [
    "/oauth/V/token/introspect",
    "/appinstalls/2026-03/external-install",
    "/meta/network-origins/2026-03/ip-ranges",
    "/communication-preferences/v3/status/email/a%40b.c",
    "/crm/v4/associations/contacts/companies/labels",
    "/crm/v3/objectsandmore",
    "/crm/v3/pipelines/deals",
    "",
]
ROOTS = tuple(old for old, _ in (*MOVED, *(row for rows in MOVED_IN.values() for row in rows)))


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(("old", "new"), ROWS)
def test_every_row_has_its_dated_address(old: str, new: str, version: str) -> None:
    """Both versions know all rows that both have."""
    assert dated(old, version) == new.replace("V", version)


@pytest.mark.parametrize(
    ("old", "version", "new"),
    [
        ("/webhooks/v3/31/settings", "2026-03", "/webhooks/2026-03/31/settings"),
        ("/webhooks/v3/31/settings", "2026-09", "/app-webhooks/2026-09/31/settings"),
        ("/automation/v4/flows", "2026-03", "/automation/v4/flows"),
        ("/automation/v4/flows/8", "2026-09", "/automation/2026-09-beta/flows/8"),
    ],
)
def test_some_rows_differ_between_the_versions(old: str, version: str, new: str) -> None:
    """Webhook settings moved twice, and flows only lately."""
    assert dated(old, version) == new


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("path", LEFT)
def test_what_no_row_names_stays_as_it_is(path: str, version: str) -> None:
    """A dated path, an API that has not moved, or a longer word."""
    assert dated(path, version) == path


@pytest.mark.parametrize("version", VERSIONS)
@given(path=st.text(st.sampled_from("/abcmrv3450-{}%."), max_size=40).map("/".__add__))
def test_unknown_paths_stay_as_they_are(version: str, path: str) -> None:
    """Nothing is guessed."""
    if not path.startswith((*ROOTS, ASSOCIATIONS)):
        assert dated(path, version) == path


@pytest.mark.parametrize("version", VERSIONS)
@given(root=st.sampled_from(ROOTS), rest=st.text(st.sampled_from("abV3/-%"), max_size=20))
def test_a_path_is_dated_once_and_for_all(version: str, root: str, rest: str) -> None:
    """What was rewritten is not rewritten again, and the record's id survives it."""
    once = dated(f"{root}/{rest}", version)

    assert dated(once, version) == once
    assert once.rstrip("/").endswith(rest.rstrip("/"))
