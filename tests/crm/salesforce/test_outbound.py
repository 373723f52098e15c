"""Outbound messages: who may send them, what they hold, and what is never believed of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree
from structlog.testing import capture_logs

from connector.crm import Connection, Surroundings
from connector.crm.salesforce.outbound import receive
from connector.errors import PayloadError, SignatureError
from connector.model import Delivery, Intake, Subject
from connector.secrets import Keyring
from connector.settings import Settings
from connector.store import Store
from tests.crm.salesforce.orgs import API, around

FIXTURES = Path(__file__).parents[2] / "fixtures" / "salesforce"
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
ORG = "00D5g000004C92sEAC"
SECRET, OLD_SECRET = "a-long-random-text-of-ours", "the-text-before-it"
CONNECTION = Connection(
    f"salesforce-{ORG}",
    "salesforce",
    "Casa Verde",
    secrets={"hook_secret": SECRET, "old_hook_secret": OLD_SECRET},
    config={"org": ORG},
)
HOOK = f"https://video.example.com/hooks/salesforce/{CONNECTION.id}"
ANA, LEO = "0035g00000Vn2hQAAR", "00Q5g000009TyB7EAK"
FEW = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def payload(name: str) -> bytes:
    return (FIXTURES / f"{name}.xml").read_bytes()


ONBOARDING, OPPORTUNITY, REQUESTS = map(payload, ("onboarding", "opportunity", "requests"))
NOTIFICATION = ONBOARDING[
    ONBOARDING.index(b"<Notification>") : ONBOARDING.index(b"</notifications>")
]


@pytest.fixture
def surroundings(settings: Settings, sqlite_store: Store, keyring: Keyring) -> Surroundings:
    return around(sqlite_store, settings, keyring, API)


def sent(body: bytes, query: str = "", secret: str = SECRET) -> Delivery:
    url = f"{HOOK}/{secret}" + (f"?{query}" if query else "")
    return Delivery(CONNECTION.id, "POST", url, {"content-type": "text/xml"}, body, NOW)


def take(surroundings: Surroundings, body: bytes, query: str = "") -> Intake:
    return receive(sent(body, query), CONNECTION, surroundings)


def subjects(intake: Intake) -> list[Subject]:
    return [trigger.subject for trigger in intake.triggers]


# what is taken


def test_a_message_becomes_a_trigger_of_the_addresss_kind(surroundings: Surroundings) -> None:
    """The record is the message's, what it means is the address's, and no field is believed."""
    [trigger] = take(surroundings, ONBOARDING, "trigger=contact_onboarding").triggers

    assert (trigger.kind, trigger.subject) == ("contact_onboarding", Subject("contact", ANA))
    assert (trigger.occurred_at, trigger.facts, trigger.campaign) == (NOW, {}, "")


def test_the_answer_is_the_acknowledgement_that_stops_salesforce(
    surroundings: Surroundings,
) -> None:
    """Anything else with status 200 would be sent again for a day."""
    answer = take(surroundings, ONBOARDING).answer
    [ack] = etree.fromstring(answer.body).xpath(
        "/s:Envelope/s:Body/o:notificationsResponse/o:Ack",
        namespaces={"s": "http://schemas.xmlsoap.org/soap/envelope/",
                    "o": "http://soap.sforce.com/2005/09/outbound"},
    )  # fmt: skip

    assert (answer.status, answer.content_type) == (200, "text/xml; charset=utf-8")
    assert ack.text == "true"


def test_without_a_kind_a_record_has_changed(surroundings: Surroundings) -> None:
    """An address that says nothing more still tells that something happened."""
    [trigger] = take(surroundings, ONBOARDING).triggers

    assert trigger.kind == "record_changed"


def test_an_address_may_name_the_only_campaign_that_answers(surroundings: Surroundings) -> None:
    """With `campaign=` no other campaign hears of it."""
    [trigger] = take(surroundings, ONBOARDING, "trigger=a&campaign=abandoned_cart").triggers

    assert trigger.campaign == "abandoned_cart"


@pytest.mark.parametrize(
    ("object_", "record", "subject"),
    [
        ("Contact", ANA, Subject("contact", ANA)),
        ("Lead", LEO, Subject("contact", LEO)),
        ("Account", "0015g00000Xc4RmAAJ", Subject("account", "0015g00000Xc4RmAAJ")),
        ("Case", "5005g00000QwErTAAV", Subject("case", "5005g00000QwErTAAV")),
        ("Order", "8015g000000ABcdAAG", Subject("order", "8015g000000ABcdAAG")),
        ("WebCart", "0a65g000000ABcdAAG", Subject("cart", "0a65g000000ABcdAAG")),
    ],
)
def test_each_type_of_record_has_its_kind(
    object_: str, record: str, subject: Subject, surroundings: Surroundings
) -> None:
    """A lead is a contact to us; beyond people, the dictionary's [objects] say what a record is."""
    body = ONBOARDING.replace(b"sf:Contact", f"sf:{object_}".encode())
    body = body.replace(ANA.encode(), record.encode())

    assert subjects(take(surroundings, body)) == [subject]


def test_the_subject_may_stand_in_a_field_of_the_message(surroundings: Surroundings) -> None:
    """A video about the account of an opportunity; who has none is passed over, and said so."""
    everyone = take(surroundings, OPPORTUNITY, "subject=AccountId")
    with capture_logs() as logs:
        one = take(surroundings, OPPORTUNITY, "subject=Signatory__c")

    assert [subject.kind for subject in subjects(everyone)] == ["account", "account"]
    assert subjects(one) == [Subject("contact", ANA)]
    assert [line["count"] for line in logs] == [1]
    assert one.answer.status == 200


def test_an_id_of_fifteen_characters_is_the_same_record(surroundings: Surroundings) -> None:
    """Both ways of writing an id lead to the same subject, trigger and delivery."""
    short = ONBOARDING
    for whole in (ANA, "04l5g00000Kq1ZtAAJ", ORG):
        assert whole.encode() in short
        short = short.replace(whole.encode(), whole[:15].encode())

    assert take(surroundings, short).triggers == take(surroundings, ONBOARDING).triggers


def test_other_prefixes_of_the_same_namespaces_are_read(surroundings: Surroundings) -> None:
    """The namespace counts, and not what it is called for short."""
    body = ONBOARDING.replace(b"sf:", b"ns1:").replace(b"xmlns:sf", b"xmlns:ns1")
    body = body.replace(b"soapenv", b"S").replace(b"xsi", b"i")
    inner = ONBOARDING.replace(b"<sf:", b"<").replace(b"</sf:", b"</")
    inner = inner.replace(b'"sf:Contact"', b'"Contact"').replace(b"xmlns:sf=", b"xmlns=")
    outer = b'<o:sObject xmlns:o="http://soap.sforce.com/2005/09/outbound"'
    inner = inner.replace(b"<sObject", outer).replace(b"</sObject", b"</o:sObject")

    assert take(surroundings, body).triggers == take(surroundings, ONBOARDING).triggers
    assert take(surroundings, inner).triggers == take(surroundings, ONBOARDING).triggers


def test_a_session_id_is_not_looked_at(surroundings: Surroundings) -> None:
    """Salesforce sends none any more; one that is there opens nothing."""
    body = ONBOARDING.replace(b'<SessionId xsi:nil="true"/>', b"<SessionId>00D!x</SessionId>")

    assert body != ONBOARDING
    assert take(surroundings, body).triggers == take(surroundings, ONBOARDING).triggers


# repeats


def test_a_notification_has_the_same_key_in_every_envelope(surroundings: Surroundings) -> None:
    """Sent again among others, with newer values and later, it is still the same."""
    alone = sent(ONBOARDING.replace(b"ana@example.com", b"ana.prieto@example.com"))
    again = NOTIFICATION.replace(b"ZtAAJ", b"ZuAAJ") + NOTIFICATION
    among = replace(
        sent(ONBOARDING.replace(NOTIFICATION, again)), received_at=NOW + timedelta(hours=9)
    )
    first = receive(alone, CONNECTION, surroundings)
    later = receive(among, CONNECTION, surroundings)

    assert {one.key for one in first.triggers} < {one.key for one in later.triggers}
    # a delivery is known by all that it holds: another one with the same notifications is no forgery
    assert len({first.key, later.key, take(surroundings, ONBOARDING).key}) == 3


def test_a_notification_twice_in_one_envelope_is_one_trigger(surroundings: Surroundings) -> None:
    """What is said twice happened once."""
    twice = ONBOARDING.replace(NOTIFICATION, NOTIFICATION * 2)

    assert take(surroundings, twice).triggers == take(surroundings, ONBOARDING).triggers


def test_the_order_of_notifications_does_not_matter(surroundings: Surroundings) -> None:
    """Two workers that take in the same in another order never wait for each other in a circle."""
    other = NOTIFICATION.replace(b"ZtAAJ", b"ZuAAJ")
    one, two = (
        take(surroundings, ONBOARDING.replace(NOTIFICATION, both))
        for both in (NOTIFICATION + other, other + NOTIFICATION)
    )

    assert len(one.triggers) == 2
    assert one.triggers == two.triggers


def test_a_hundred_notifications_are_taken_and_no_more(surroundings: Surroundings) -> None:
    """Salesforce never sends more, so more is no message of Salesforce's."""

    def many(count: int) -> bytes:
        made = [NOTIFICATION.replace(b"Kq1Zt", b"K%04d" % n) for n in range(count)]
        return ONBOARDING.replace(NOTIFICATION, b"".join(made))

    assert len(take(surroundings, many(100)).triggers) == 100
    for count in (0, 101):
        with pytest.raises(PayloadError, match="1 to 100"):
            take(surroundings, many(count))


# requests of reps and flows


def test_a_request_asks_for_a_campaigns_video_and_waits(surroundings: Surroundings) -> None:
    """It names a contact or a lead; one that names nobody keeps no other from being answered."""
    with capture_logs() as logs:
        found = take(surroundings, REQUESTS, "trigger=ignored")

    assert [(one.kind, one.subject.id, one.campaign) for one in found.triggers] == [
        ("video_requested", ANA, "abandoned_cart"),
        ("video_requested", LEO, ""),
    ]
    assert [one.facts for one in found.triggers] == [
        {"callback": "a025g000003QfR1AAK"},
        {"callback": "a025g000003QfR2AAK"},
    ]
    assert [(line["count"], line["connection"]) for line in logs] == [(1, CONNECTION.id)]


def test_a_request_for_an_unknown_campaign_is_not_dropped(surroundings: Surroundings) -> None:
    """The rep waits for an answer, so it becomes a trigger that no campaign answers."""
    body = REQUESTS.replace(b"abandoned_cart", "Carrinho — 2".encode() + b"x" * 90)
    campaigns = [one.campaign for one in take(surroundings, body).triggers]

    assert campaigns[0].startswith("Carrinho — 2")
    assert len(campaigns[0]) == 64


def test_a_request_that_names_no_person_is_left(surroundings: Surroundings) -> None:
    """An account in the place of a contact is nobody who could watch."""
    body = REQUESTS.replace(ANA.encode(), b"0015g00000Xc4RmAAJ")

    assert subjects(take(surroundings, body)) == [Subject("contact", LEO)]


# proof


def test_both_secrets_open_while_one_is_replaced(surroundings: Surroundings) -> None:
    """The org's flows go on with the old address until the new one is deployed."""
    for secret in (SECRET, OLD_SECRET):
        assert receive(sent(ONBOARDING, secret=secret), CONNECTION, surroundings).triggers


@pytest.mark.parametrize(
    "guess", ["", "None", SECRET[:-1], SECRET + "x", SECRET.upper(), f"{SECRET}/", "é", "\udcff"]
)
def test_another_secret_proves_nothing(guess: str, surroundings: Surroundings) -> None:
    """A wrong end of the address is refused before the body is looked at."""
    for body in (ONBOARDING, b"<"):
        with pytest.raises(SignatureError):
            receive(sent(body, secret=guess), CONNECTION, surroundings)


def test_a_secret_behind_the_question_mark_proves_nothing(surroundings: Surroundings) -> None:
    """Only the end of the path counts."""
    delivery = replace(sent(ONBOARDING), url=f"{HOOK}?trigger=a&secret=/{SECRET}")

    with pytest.raises(SignatureError):
        receive(delivery, CONNECTION, surroundings)


def test_a_connection_without_secrets_has_none_to_guess(surroundings: Surroundings) -> None:
    """An empty end of the address does not open a connection that has no secret."""
    for secrets in ({}, {"hook_secret": "", "old_hook_secret": None}):
        for guess in ("", "None"):
            with pytest.raises(SignatureError):
                receive(
                    sent(ONBOARDING, secret=guess),
                    replace(CONNECTION, secrets=secrets),
                    surroundings,
                )


@pytest.mark.parametrize("org", ["00D5g000004C92tEAC", "00d5g000004C92sEAC", "00D5g000004C92S"])
def test_another_org_is_refused(org: str, surroundings: Surroundings) -> None:
    """Fifteen characters tell orgs apart, capitals and all."""
    with pytest.raises(SignatureError):
        take(surroundings, ONBOARDING.replace(ORG.encode(), org.encode()))


# what cannot be understood


@pytest.mark.parametrize(
    "query",
    ["trigger=contact_deleted", "trigger=contact_merged", "trigger=Won!", "trigger=" + "a" * 65,
     "campaign=Abandoned%20Cart", "subject=Account.Id", "subject=1", "trigger=a&trigger=b",
     "&".join("x=1" for _ in range(21))],
)  # fmt: skip
def test_an_address_that_asks_for_the_impossible_is_refused(
    query: str, surroundings: Surroundings
) -> None:
    """Nobody is erased or merged because of a message, and names are names."""
    with pytest.raises(PayloadError):
        take(surroundings, ONBOARDING, query)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"soapenv:Envelope", b"soapenv:Letter"),
        (b"http://schemas.xmlsoap.org/soap/envelope/", b"http://www.w3.org/2003/05/soap-envelope"),
        (b"2005/09/outbound", b"2006/04/metadata"),
        (b"urn:sobject.enterprise", b"urn:sobject.partner"),
        (b'xsi:type="sf:Contact"', b""),
        (b'xsi:type="sf:Contact"', b'xsi:type="sf:"'),
        (b'xsi:type="sf:Contact"', b'xsi:type="zz:Contact"'),
        (b'xsi:type="sf:Contact"', b'xsi:type="soapenv:Contact"'),
        (b'xsi:type="sf:Contact"', b'xsi:type="Contact"'),
        (b'xsi:type="sf:Contact"', b'xsi:type="sf:Account"'),
        (b'xsi:type="sf:Contact"', b'xsi:type="sf:Diary__c"'),
        (b"<sf:Id>", b"<sf:Id>x"),
        (b"<sf:Email>ana@example.com</sf:Email>", b"<sf:Id>0035g00000Vn2hQAAR</sf:Id>"),
        (b"<Id>04l5g00000Kq1ZtAAJ</Id>", b""),
        (b"<Id>04l5g00000Kq1ZtAAJ</Id>", b"<Id/>"),
        (b"<Id>04l5g00000Kq1ZtAAJ</Id>", b"<Id>04l5g00000Kq1ZtAAJ</Id>" * 2),
        (b"<OrganizationId>00D5g000004C92sEAC</OrganizationId>", b""),
        (b"00D5g000004C92sEAC</Org", b"00D5g000004C92s' OR ''='</Org"),
        (b"<ActionId>04k5g0000008OIrAAM</ActionId>", b""),
        (NOTIFICATION, b""),
        (b"</soapenv:Envelope>", b""),
        (b"encoding=\"UTF-8\"?>", b"encoding=\"UTF-8\"?>\xff"),
        (b"<sf:Email>ana@example.com</sf:Email>", b"<a>" * 20 + b"</a>" * 20),
        (b"ana@example.com", b"&nbsp;"),
    ],
)  # fmt: skip
def test_what_is_not_exactly_the_contract_is_refused(
    old: bytes, new: bytes, surroundings: Surroundings
) -> None:
    """A message that is a little wrong is wrong."""
    spoilt = ONBOARDING.replace(old, new)

    assert spoilt != ONBOARDING
    with pytest.raises(PayloadError):
        take(surroundings, spoilt)


@pytest.mark.parametrize(
    "body",
    [b"", b"<", b"<html><body>Not found</body></html>", ONBOARDING[:-40], b"{}", b"<a>" * 50_000,
     b"\x00" * 100, ONBOARDING + ONBOARDING],
)  # fmt: skip
def test_what_is_no_message_is_refused(body: bytes, surroundings: Surroundings) -> None:
    """A page, half a message or two of them: a payload error, which no retry will mend."""
    with pytest.raises(PayloadError):
        take(surroundings, body)


def test_a_message_of_more_than_a_megabyte_is_refused(surroundings: Surroundings) -> None:
    """A hundred notifications are a tenth of that."""
    with pytest.raises(PayloadError, match="1 MB"):
        take(surroundings, ONBOARDING + b" " * 1_000_000)


BOMB = b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]>'
THIEF = b'<!DOCTYPE x [<!ENTITY c SYSTEM "file:///etc/passwd">]>'
CALLER = b'<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">'


@pytest.mark.parametrize("start", [BOMB, THIEF, CALLER, b"<!DOCTYPE x>"])
def test_a_document_type_is_refused_outright(start: bytes, surroundings: Surroundings) -> None:
    """No entity is ever defined, so none is expanded, read from disk or fetched."""
    body = ONBOARDING.replace(b"?>\n", b"?>\n" + start, 1).replace(b"ana@example.com", b"&c;")

    with pytest.raises(PayloadError, match="document type"):
        take(surroundings, body)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-7", "utf-32"])
def test_a_document_type_in_another_encoding_is_no_way_around(
    encoding: str, surroundings: Surroundings
) -> None:
    """The text is parsed as it was looked through, whatever it calls itself."""
    text = ONBOARDING.replace(b"?>\n", b"?>\n" + THIEF, 1).decode()
    body = text.replace("UTF-8", encoding).encode(encoding)

    with pytest.raises(PayloadError):
        take(surroundings, body)


def test_no_refusal_repeats_what_was_sent(surroundings: Surroundings) -> None:
    """A sentence of ours goes to logs, and what a stranger or a customer wrote does not."""
    for old in (b"sf:Contact", b"</soapenv:Envelope>", ANA.encode()):
        with pytest.raises(PayloadError) as error:
            take(surroundings, ONBOARDING.replace(old, b"secretive-text<"))
        assert "secretive" not in error.value.sentence


@FEW
@given(body=st.binary(max_size=300))
def test_no_bytes_break_us(body: bytes, surroundings: Surroundings) -> None:
    """Whatever comes to the right address, the answer is a refusal and never a crash."""
    with pytest.raises(PayloadError):
        take(surroundings, body)


@FEW
@given(
    place=st.integers(0, len(ONBOARDING)),
    cut=st.integers(0, 60),
    text=st.one_of(
        st.binary(max_size=20),
        st.sampled_from([b"<", b"</", b"<![CDATA[", b"]]>", b"<!--", b"&#0;", b"&lt;", b"<?x?>"]),
    ),
    query=st.text(max_size=40),
)
def test_no_spoilt_message_breaks_us(
    place: int, cut: int, text: bytes, query: str, surroundings: Surroundings
) -> None:
    """A message with any part replaced is refused, or a hint at one record and nothing more."""
    body = ONBOARDING[:place] + text + ONBOARDING[place + cut :]
    try:
        found = take(surroundings, body, query)
    except (SignatureError, PayloadError):
        return
    for trigger in found.triggers:
        assert trigger.facts == {}
        assert len(trigger.subject.id) == 18
        assert trigger.key.startswith("om:")
        assert len(trigger.kind) <= 64
