"""Our package in an org: checked first, deployed in stages, made visible, and taken out again."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace

import pytest
from lxml import etree

from connector.crm import Connection, Surroundings
from connector.crm.salesforce.bundle import SPACE, Filling, bundles, fingerprint
from connector.crm.salesforce.check import check
from connector.crm.salesforce.gateway import Gateway
from connector.crm.salesforce.install import PACKAGE, endpoint, install
from connector.crm.salesforce.kept import described
from connector.crm.salesforce.uninstall import uninstall
from connector.errors import CRMDownError, PermanentError
from connector.model import Finding
from connector.store import campaigns, connections
from tests.fakes.salesforce import FakeOrg

FILLING = Filling(
    base="https://video.example.com",
    user="cuereel@acme.example",
    endpoint=lambda query: f"https://video.example.com/hooks/salesforce/x/secret?trigger={query}",
    campaigns=[("welcome_back", "Welcome <back> & more")],
)


@pytest.fixture(autouse=True)
def without_naps(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fake is done at once."""
    monkeypatch.setattr("connector.crm.salesforce.metadata.FIRST_NAP", 0.01)


def texts(xml: bytes, path: str) -> list[str]:
    found = etree.fromstring(xml).findall(
        "/".join(f"{{{SPACE}}}{part}" for part in path.split("/"))
    )
    return [one.text or "" for one in found]


def test_the_source_becomes_what_the_metadata_api_takes() -> None:
    """Each file is listed, each listed one is there, and nothing is left to be filled in."""
    stages = bundles(FILLING, commerce=True)

    assert [stage.title for stage in stages] == [
        "fields and objects", "messages", "pages and e-mail templates", "flows",
        "messages about carts", "flows about carts",
    ]  # fmt: skip
    for stage in stages:
        with zipfile.ZipFile(io.BytesIO(stage.zipped())) as archive:
            held = {name: archive.read(name) for name in archive.namelist()}
        assert b"{{base" not in b"".join(held.values())
        assert b"{{user" not in b"".join(held.values())
        assert b"{{endpoint" not in b"".join(held.values())
        assert set(texts(held["package.xml"], "types/name")) == set(stage.members)


def test_the_same_source_is_the_same_zip() -> None:
    """So that an org which has it is left alone."""
    first, second = (bundles(FILLING, commerce=False) for _ in range(2))
    other = bundles(replace(FILLING, base="https://elsewhere.example.com"), commerce=False)

    assert [one.zipped() for one in first] == [one.zipped() for one in second]
    assert fingerprint(first) == fingerprint(second)
    assert fingerprint(first) != fingerprint(other)


def test_a_rep_may_choose_from_the_campaigns_that_are_installed() -> None:
    """Their titles are text and nothing else."""
    [stage, *_] = bundles(FILLING, commerce=False)
    request = stage.files["objects/Cuereel_Request__c.object"]
    chosen = [
        field
        for field in etree.fromstring(request).findall(f"{{{SPACE}}}fields")
        if field.findtext(f"{{{SPACE}}}fullName") == "Campaign__c"
    ]
    names = chosen[0].iterfind(f".//{{{SPACE}}}value")
    assert [(one[0].text, one[2].text) for one in names] == [
        ("welcome_back", "Welcome <back> & more")
    ]


def test_fields_of_a_standard_object_come_without_the_object(gateway: Gateway) -> None:
    """Deploying Contact itself would overwrite what an admin has set there."""
    [stage, *_] = bundles(FILLING, commerce=False)
    assert "Contact" not in stage.members["CustomObject"]
    assert "Contact.Cuereel_Video_Url__c" in stage.members["CustomField"]
    assert texts(stage.files["objects/Contact.object"], "sharingModel") == []


def test_an_install_is_checked_first_and_then_made_visible(
    org: FakeOrg, gateway: Gateway, connection: Connection, surroundings: Surroundings
) -> None:
    """Fields that were deployed are hidden until our user has the permission set."""
    report = install(gateway, connection, surroundings)

    assert len(report.made) == 22
    assert dict(report.left_out) == {}
    assert [one.check_only for one in org.deploys][:2] == [True, False]
    assert described(gateway, "Lead").fields["Cuereel_Views__c"].updateable
    assert described(gateway, "Cuereel_Video__c").known
    message = org.outbound_messages["Opportunity.Cuereel_Onboarding"]
    assert message["endpointUrl"] == endpoint(
        surroundings.settings.base_url, connection, "contact_onboarding"
    )
    assert message["integrationUser"] == org.username


def test_a_second_install_deploys_nothing(
    org: FakeOrg, gateway: Gateway, connection: Connection, surroundings: Surroundings
) -> None:
    """Until our address, the secret or the campaigns change."""
    install(gateway, connection, surroundings)
    known, deployed = stored(surroundings, connection), len(org.deploys)
    again = install(gateway, known, surroundings)
    assert (len(again.made), len(again.present), len(org.deploys)) == (0, 22, deployed)

    with surroundings.store.write() as tx:
        campaigns.install(tx, "winback", "1", (
            'title = "Win back"\nowner = "sales"\nstage = "retention"\npurpose = "video_marketing"\n'
            'trigger = "churned"\n[[steps]]\ntemplate = "onboarding"\n'
        ))  # fmt: skip
    install(gateway, known, surroundings)
    assert len(org.deploys) > deployed


def test_what_an_org_does_not_take_leaves_fields_and_links_working(
    org: FakeOrg, gateway: Gateway, connection: Connection, surroundings: Surroundings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """A flow is refused; the report says which and why."""
    broken = bundles(replace(FILLING, user=org.username), commerce=False)
    flows = next(stage for stage in broken if stage.title == "flows")
    name = next(iter(flows.files))
    flows.files[name] = flows.files[name].replace(b"outboundMessage<", b"outboundMassage<")
    monkeypatch.setattr("connector.crm.salesforce.install.bundles", lambda *_, **__: broken)

    report = install(gateway, connection, surroundings)

    assert len(report.made) == 22
    assert list(report.left_out) == ["flows"]
    assert name.rpartition("/")[2].partition(".")[0] in report.left_out["flows"]
    assert PACKAGE not in stored(surroundings, connection).config


def test_fields_that_an_org_does_not_take_end_the_install(
    org: FakeOrg, gateway: Gateway, connection: Connection, surroundings: Surroundings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Nothing was changed, for it was only checked."""
    broken = bundles(FILLING, commerce=False)
    held = broken[0].files
    held["objects/Lead.object"] = held["objects/Lead.object"].replace(b"<type>Url<", b"<type>Uri<")
    monkeypatch.setattr("connector.crm.salesforce.install.bundles", lambda *_, **__: broken)

    with pytest.raises(PermanentError, match="does not take our fields and objects"):
        install(gateway, connection, surroundings)
    assert [one.check_only for one in org.deploys] == [True]
    assert not described(gateway, "Cuereel_Video__c").known


def test_an_org_that_may_not_be_changed_by_us_says_what_to_do(
    org: FakeOrg, gateway: Gateway, connection: Connection, surroundings: Surroundings
) -> None:
    """The permission is named, and the way without it."""
    fault = (
        '<?xml version="1.0"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>'
        "<soapenv:Fault><faultcode>sf:INSUFFICIENT_ACCESS</faultcode><faultstring>INSUFFICIENT_ACCESS: use of "
        "the Metadata API requires a user with the ModifyAllData or ModifyMetadata permissions</faultstring>"
        "</soapenv:Fault></soapenv:Body></soapenv:Envelope>"
    )
    org.fail(500, fault, path="/services/Soap/m/", times=-1, headers={"Content-Type": "text/xml"})
    with pytest.raises(PermanentError, match="Modify Metadata"):
        install(gateway, connection, surroundings)


def test_a_session_that_ends_during_a_deployment_is_renewed(
    org: FakeOrg, gateway: Gateway, connection: Connection, surroundings: Surroundings
) -> None:
    """The Metadata API says so with 500 and a fault in XML."""
    gateway.call("GET", "limits")
    org.expire_tokens()
    assert len(install(gateway, connection, surroundings).made) == 22
    gateway.call("PATCH", "composite/sobjects", {"records": []})


def test_a_page_in_html_instead_of_a_deployment_is_worth_another_try(
    org: FakeOrg, gateway: Gateway, connection: Connection, surroundings: Surroundings
) -> None:
    """It is Salesforce's trouble and nobody's fault."""
    org.fail(200, "<html>maintenance<br></html>", path="/services/Soap/m/")
    with pytest.raises(CRMDownError):
        install(gateway, connection, surroundings)


def test_an_uninstall_takes_out_what_an_install_put_in(
    org: FakeOrg, gateway: Gateway, connection: Connection, surroundings: Surroundings
) -> None:
    """Flows first, then pages and messages, objects and fields last."""
    install(gateway, connection, surroundings)
    org.add("Contact", {"LastName": "Prieto", "Cuereel_Views__c": 3}, id="101")

    report = uninstall(gateway, surroundings.dictionary)

    assert set(report.left_out.values()) == {"removed"}
    assert len(report.left_out) == 22
    assert report.present == ()
    assert not described(gateway, "Cuereel_Video__c").known
    assert org.outbound_messages == {}
    assert org.flows == {}


def test_a_check_names_what_is_to_be_mended(
    org: FakeOrg, gateway: Gateway, connection: Connection, surroundings: Surroundings
) -> None:
    """Before the install the fields, afterwards a hidden opt-out, a flow that is off, a day used up."""
    assert "error" in levels(check(gateway, connection, surroundings), "fields")
    install(gateway, connection, surroundings)
    fine = check(gateway, stored(surroundings, connection), surroundings)
    assert {one.level for one in fine if one.subject in ("access", "fields", "permissions")} == {
        "ok"
    }
    assert "error" not in {one.level for one in fine}

    org.hide("Contact", "HasOptedOutOfEmail")
    org.api_limit, org.api_used = 1000, 900
    found = check(gateway, stored(surroundings, connection), surroundings)
    assert levels(found, "consent") == {"error"}
    assert "warning" in levels(found, "limits")


def test_a_check_of_an_org_that_revoked_us_ends_there(
    org: FakeOrg, gateway: Gateway, connection: Connection, surroundings: Surroundings
) -> None:
    """Whatever else would be asked meets the same refusal."""
    org.revoke()
    [only] = check(gateway, connection, surroundings)
    assert (only.level, only.subject) == ("error", "access")


def test_a_check_names_fields_that_a_campaign_misses(
    org: FakeOrg, gateway: Gateway, connection: Connection, surroundings: Surroundings
) -> None:
    """With the campaign; what no campaign names is nobody's concern."""
    assert levels(check(gateway, connection, surroundings), "mapping") <= {"ok"}
    with surroundings.store.write() as tx:
        campaigns.install(
            tx, "welcome", "1",
            'title = "Welcome"\nowner = "sales"\nstage = "retention"\npurpose = "video_service"\n'
            'trigger = "contact_onboarding"\n[[steps]]\ntemplate = "onboarding"\n'
            '[slots]\nplan = { from = "contact.plan", otherwise = "team" }\n',
        )  # fmt: skip
    [told] = [
        one.sentence
        for one in check(gateway, connection, surroundings)
        if one.subject == "mapping" and one.level == "warning"
    ]
    assert "Plan__c (contact.plan)" in told
    assert "Start_Date__c" not in told
    assert "welcome" in told
    for field in ("Plan__c", "Locale__c"):
        org.define("Contact", field, type="picklist")
    found = check(gateway, connection, surroundings)
    assert levels(found, "mapping") <= {"ok"}


def levels(found: list[Finding], subject: str) -> set[str]:
    return {one.level for one in found if one.subject == subject}


def stored(surroundings: Surroundings, connection: Connection) -> Connection:
    with surroundings.store.read() as tx:
        row = connections.get(tx, surroundings.keyring, connection.id)
    assert row
    return replace(connection, config=row.config, secrets=row.secrets)
