"""The fake org's outbound messages: their envelope, and what counts as an answer."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from lxml import etree

from connector.crm.salesforce.ids import whole
from tests.fakes.salesforce import FakeOrg, Sender, serving
from tests.fakes.salesforce.messages import OUTBOUND, RECORDS, SOAP, XSI, made_id

ACK = (
    f'<soapenv:Envelope xmlns:soapenv="{SOAP}"><soapenv:Body><notificationsResponse '
    f'xmlns="{OUTBOUND}"><Ack>{{}}</Ack></notificationsResponse></soapenv:Body></soapenv:Envelope>'
)
GOOD = (200, "text/xml; charset=utf-8", ACK.format("true"))
NAMES = {"s": SOAP, "o": OUTBOUND, "sf": RECORDS}


class Listener:
    """A web that takes messages and answers as it is told to."""

    def __init__(self) -> None:
        self.answer, self.url = GOOD, ""
        self.heard: list[bytes] = []

    def records(self) -> list[list[str]]:
        """Return the ids of the records that each message told of."""
        return [_all(body, "//sf:Id/text()") for body in self.heard]


@pytest.fixture
def org() -> Iterator[FakeOrg]:
    """An org that is being served."""
    with serving(FakeOrg()) as served:
        yield served


@pytest.fixture
def web() -> Iterator[Listener]:
    """A web that answers rightly at first."""
    with listening(Listener()) as made:
        yield made


@contextmanager
def listening(web: Listener) -> Iterator[Listener]:
    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            web.heard.append(self.rfile.read(int(self.headers["Content-Length"])))
            status, kind, body = web.answer
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, format: str, *args: object) -> None:
            del format, args

    server = HTTPServer(("127.0.0.1", 0), Door)
    web.url = f"http://127.0.0.1:{server.server_port}/hooks"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield web
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _all(body: bytes, path: str) -> list[str]:
    return [str(one) for one in etree.fromstring(body).xpath(path, namespaces=NAMES)]  # type: ignore[union-attr]


def test_a_message_has_the_shape_of_salesforces(org: FakeOrg, web: Listener) -> None:
    """Organisation, action, an empty session, and for each record its own id; what is null is absent."""
    ana = org.add("Contact", {"FirstName": "Ana", "LastName": "Prieto", "HasOptedOutOfEmail": True})
    sender = Sender(org)
    sender.notify(web.url, "Contact", [ana], fields=["Id", "FirstName", "Email", "HasOptedOutOfEmail"])  # fmt: skip
    sender.deliver()

    [body] = web.heard
    assert _all(body, "//o:OrganizationId/text()") == [org.org_id]
    assert len(_all(body, "//o:ActionId/text()")[0]) == 18
    assert _all(body, "//o:SessionId/text()") == []
    assert _all(body, "//o:Notification/o:Id/text()")[0].startswith("04l")
    [record] = etree.fromstring(body).iterfind(".//o:sObject", NAMES)
    assert record.get(f"{{{XSI}}}type") == "sf:Contact"
    told = [(etree.QName(one).localname, one.text) for one in record]
    assert told == [("Id", ana), ("FirstName", "Ana"), ("HasOptedOutOfEmail", "true")]


def test_a_message_says_what_holds_when_it_is_sent(org: FakeOrg, web: Listener) -> None:
    """A change between order and delivery, or between two tries, is in the message."""
    ana, sender = org.add("Contact", {"LastName": "Prieto"}), Sender(org)
    sender.notify(web.url, "Contact", [ana], fields=["LastName"])
    web.answer = (503, "text/plain", "busy")
    for name in ("Soto", "Okri"):
        org.add("Contact", {"LastName": name}, id=ana)
        sender.deliver()

    assert [_all(body, "//sf:LastName/text()") for body in web.heard] == [["Soto"], ["Okri"]]


@pytest.mark.parametrize(
    "answer",
    [
        (200, "application/json", '{"ok": true}'),
        (200, "application/json", ACK.format("true")),
        (200, "text/xml", "<Ack>true</Ack>"),
        (200, "text/xml", "not xml"),
        (200, "text/xml", ACK.format("false")),
        (202, "text/xml", ACK.format("true")),
        (500, "text/xml", ACK.format("true")),
    ],
)
def test_only_the_right_answer_ends_the_sending(
    org: FakeOrg, web: Listener, answer: tuple[int, str, str]
) -> None:
    """200 alone, or an Ack in another form, is no acknowledgement, and the same message comes again."""
    sender = Sender(org)
    message = sender.notify(web.url, "Contact", [org.add("Contact", {"LastName": "Prieto"})])
    web.answer = answer
    sender.deliver()
    web.answer = GOOD
    statuses = [sender.deliver(), sender.deliver()]

    assert statuses == [[200], []]
    assert (message.answers, message.acknowledged) == ([answer[0], 200], 1)
    assert web.heard[0] == web.heard[1]


def test_nobody_listening_is_tried_for_a_day(org: FakeOrg) -> None:
    """After as many tries as fit into twenty-four hours a message is dropped."""
    sender = Sender(org)
    sender.notify("http://127.0.0.1:9/hooks", "Contact", [org.add("Contact", {"LastName": "Prieto"})])  # fmt: skip
    tries = 0
    while sender.pending:
        assert sender.deliver() == [0]
        tries += 1

    assert (tries, len(sender.dropped)) == (20, 1)


def test_messages_come_again_and_in_any_order(org: FakeOrg, web: Listener) -> None:
    """What was taken can be sent once more under the same ids, and what waits in another order."""
    sender = Sender(org)
    people = [org.add("Contact", {"LastName": "Prieto"}) for _ in range(6)]
    for one in people:
        sender.notify(web.url, "Contact", [one])
    sender.deliver()
    sender.repeat()
    sender.shuffle(7)
    sender.deliver()

    first, again = web.records()[:6], web.records()[6:]
    assert first == [[one] for one in people]
    assert sorted(again) == sorted(first)
    assert again != first
    assert sorted(web.heard[:6]) == sorted(web.heard[6:])


def test_a_message_tells_of_at_most_a_hundred_records(org: FakeOrg, web: Listener) -> None:
    """A hundred go in one message, each under an id of its own; one more is refused."""
    people = [org.add("Contact", {"LastName": "Prieto"}) for _ in range(101)]
    sender = Sender(org)
    sender.notify(web.url, "Contact", people[:100])
    sender.deliver()

    assert web.records() == [people[:100]]
    assert len(set(_all(web.heard[0], "//o:Notification/o:Id/text()"))) == 100
    with pytest.raises(ValueError, match="not of 101"):
        sender.notify(web.url, "Contact", people)


def test_nothing_is_told_of_records_that_are_gone(org: FakeOrg, web: Listener) -> None:
    """A record that was deleted before the sending is left out, and a message of none is dropped."""
    ana, ben = (org.add("Contact", {"LastName": name}) for name in ("Prieto", "Okri"))
    sender = Sender(org)
    sender.notify(web.url, "Contact", [ana, ben])
    sender.notify(web.url, "Contact", [ben])
    org.remove("Contact", ben)
    sender.deliver()

    assert web.records() == [[ana]]
    assert len(sender.dropped) == 1


def test_a_flow_fires_the_message_that_was_deployed(org: FakeOrg, web: Listener) -> None:
    """An active flow sends its message to the address that stands in the org; a draft sends nothing."""
    org.outbound_messages["Contact.Tell"] = {"endpointUrl": web.url, "fields": ["LastName"]}
    org.flows["Onboarding"] = {"status": "Draft", "messages": ["Contact.Tell"], "versions": [1]}
    ana, sender = org.add("Contact", {"LastName": "Prieto"}), Sender(org)

    with pytest.raises(LookupError, match="not active"):
        sender.fire("Onboarding", "Contact", ana)
    org.flows["Onboarding"]["status"] = "Active"
    sender.fire("Onboarding", "Contact", ana)
    sender.fire("Tell", "Contact", ana)
    with pytest.raises(LookupError, match="no outbound message"):
        sender.fire("Nothing", "Contact", ana)

    assert sender.deliver() == [200, 200]
    assert _all(web.heard[0], "//sf:LastName/text()") == ["Prieto"]


def test_ids_are_stable_and_valid() -> None:
    """The same words give the same id, other words another one, and each knows its capitals."""
    made = [made_id("04l", f"notification {number}") for number in range(200)]

    assert made == [made_id("04l", f"notification {number}") for number in range(200)]
    assert len(set(made)) == 200
    assert [whole(one) for one in made] == made
