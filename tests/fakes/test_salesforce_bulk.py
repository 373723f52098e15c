"""Bulk jobs, replication, consent and deployments of the fake org, where they are subtle."""

from __future__ import annotations

import base64
import csv
import io
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import requests
from lxml import etree
from simple_salesforce.api import Salesforce
from simple_salesforce.messages import CHECK_DEPLOY_STATUS_MSG, DEPLOY_MSG

from tests.fakes.salesforce import FakeOrg, serving
from tests.fakes.salesforce.packages import SPACE

DATA = "/services/data/v67.0"
INGEST, QUERIES = f"{DATA}/jobs/ingest", f"{DATA}/jobs/query"
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.fixture
def org() -> Iterator[FakeOrg]:
    """An org with our package that is being served, whose clock stands still."""
    made = FakeOrg()
    made.clock = lambda: NOW
    made.install_ours()
    with serving(made) as served:
        yield served


class Caller:
    """Calls an org with a token that was good at first."""

    def __init__(self, org: FakeOrg) -> None:
        self.url, self.token = org.url, str(org.secrets()["access"])

    def __call__(self, method: str, path: str, **more: object) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.token}", **dict(more.pop("headers", {}))}  # type: ignore[call-overload]
        return requests.request(method, self.url + path, headers=headers, timeout=10, **more)  # type: ignore[arg-type]

    def job(self, text: str, **told: str) -> str:
        """Open a job, upload its file, let it begin; return its id."""
        asked = {
            "object": "Contact",
            "operation": "update",
            "contentType": "CSV",
            "lineEnding": "LF",
        }
        id = str(self("POST", INGEST, json={**asked, **told}).json()["id"])
        assert self.upload(id, text).status_code == 201
        assert self("PATCH", f"{INGEST}/{id}", json={"state": "UploadComplete"}).ok
        return id

    def upload(self, id: str, text: str) -> requests.Response:
        return self("PUT", f"{INGEST}/{id}/batches", data=text.encode(),
                    headers={"Content-Type": "text/csv; charset=UTF-8"})  # fmt: skip

    def done(self, path: str) -> dict[str, object]:
        """Ask until the job has ended."""
        while (told := self("GET", path).json())["state"] in ("UploadComplete", "InProgress"):
            pass
        return dict(told)

    def rows(self, id: str, which: str) -> list[dict[str, str]]:
        return list(csv.DictReader(io.StringIO(self("GET", f"{INGEST}/{id}/{which}").text)))


@pytest.fixture
def call(org: FakeOrg) -> Caller:
    """What calls the test's org."""
    return Caller(org)


# jobs that write


def test_a_job_writes_its_rows_and_tells_each_ones_result(org: FakeOrg, call: Caller) -> None:
    """What was written stands on the record; a deleted record is refused for itself, with its row."""
    ana, ben = org.add("Contact", {"LastName": "Prieto"}), org.add("Contact", {"LastName": "Okri"})
    org.remove("Contact", ben)
    id = call.job(f"Id,Cuereel_Views__c\n{ana},2\n{ben},3\n")

    told = call.done(f"{INGEST}/{id}")

    assert (told["state"], told["numberRecordsProcessed"], told["numberRecordsFailed"]) == ("JobComplete", 2, 1)  # fmt: skip
    assert org.records["Contact"][ana]["Cuereel_Views__c"] == 2
    assert call.rows(id, "successfulResults") == [
        {"sf__Id": ana, "sf__Created": "false", "Id": ana, "Cuereel_Views__c": "2"}
    ]
    [refused] = call.rows(id, "failedResults")
    assert refused["sf__Error"] == "ENTITY_IS_DELETED:entity is deleted:--"
    assert (refused["Id"], refused["Cuereel_Views__c"]) == (ben, "3")
    assert call.rows(id, "unprocessedrecords") == []


def test_an_empty_cell_leaves_a_field_and_a_mark_empties_it(org: FakeOrg, call: Caller) -> None:
    """Nothing in a cell is no change; `#N/A` takes out what stood there."""
    values = {"LastName": "Prieto", "Cuereel_Views__c": 2, "Cuereel_Last_Cta__c": "book"}
    ana = org.add("Contact", values)
    id = call.job(f"Id,Cuereel_Views__c,Cuereel_Last_Cta__c\n{ana},,#N/A\n")
    call.done(f"{INGEST}/{id}")

    held = org.records["Contact"][ana]
    assert (held["Cuereel_Views__c"], held.get("Cuereel_Last_Cta__c")) == (2, None)


def test_an_upsert_makes_and_changes_and_finds_what_it_leads_to(org: FakeOrg, call: Caller) -> None:
    """By an external id a row is made once; a relation is found by the other record's key."""
    ana = org.add("Contact", {"LastName": "Prieto"})
    video = org.add("Cuereel_Video__c", {"Key__c": "v1", "Contact__c": ana})
    upsert = {"object": "Cuereel_Video_View__c", "operation": "upsert", "externalIdFieldName": "Key__c"}  # fmt: skip
    text = f"Key__c,Contact__c,Video__r.Key__c\ns1,{ana},v1\ns2,{ana},v9\n"
    made = [call.job(text, **upsert) for _ in range(2)]
    for id in made:
        call.done(f"{INGEST}/{id}")

    assert [call.rows(id, "successfulResults")[0]["sf__Created"] for id in made] == ["true", "false"]  # fmt: skip
    [view] = org.records["Cuereel_Video_View__c"].values()
    assert (view["Key__c"], view["Video__c"]) == ("s1", video)
    [refused] = call.rows(made[0], "failedResults")
    assert refused["sf__Error"].startswith("INVALID_FIELD:Foreign key external ID: v9 not found")


def test_a_column_that_is_not_there_fails_the_whole_job(org: FakeOrg, call: Caller) -> None:
    """A job whose file names an unknown field writes nothing, and gives all rows back."""
    ana = org.add("Contact", {"LastName": "Prieto"})
    org.hide("Contact", "Cuereel_Views__c")
    id = call.job(f"Id,Cuereel_Views__c\n{ana},2\n")

    told = call.done(f"{INGEST}/{id}")

    assert (told["state"], told["errorMessage"]) == ("Failed", "InvalidBatch : Field name not found : Cuereel_Views__c")  # fmt: skip
    assert len(call.rows(id, "unprocessedrecords")) == 1
    assert "Cuereel_Views__c" not in org.records["Contact"][ana]


def test_a_job_is_in_progress_for_a_while(org: FakeOrg, call: Caller) -> None:
    """It says so as often as it was told to, and has no results until then."""
    org.bulk_polls = 3
    id = call.job(f"Id,Cuereel_Views__c\n{org.add('Contact', {'LastName': 'Prieto'})},1\n")

    early = call("GET", f"{INGEST}/{id}/successfulResults").status_code
    states = [call("GET", f"{INGEST}/{id}").json()["state"] for _ in range(4)]

    assert early == 400
    assert states == ["InProgress"] * 3 + ["JobComplete"]


def test_a_job_takes_one_file_and_can_be_given_up(org: FakeOrg, call: Caller) -> None:
    """A second file is refused; an open job must be aborted before it can be deleted."""
    opened = call("POST", INGEST, json={"object": "Contact", "operation": "update"}).json()
    path = f"{INGEST}/{opened['id']}"
    codes = [
        call("PATCH", path, json={"state": "UploadComplete"}).status_code,
        call.upload(opened["id"], "Id\n").status_code,
        call.upload(opened["id"], "Id\n").status_code,
        call("DELETE", path).status_code,
        call("PATCH", path, json={"state": "Aborted"}).status_code,
        call("DELETE", path).status_code,
        call("GET", path).status_code,
    ]

    assert codes == [400, 201, 400, 400, 200, 204, 404]
    assert org.jobs == {}


@pytest.mark.parametrize(
    "wrong",
    [{"object": "Nothing__c"}, {"operation": "merge"}, {"operation": "upsert"},
     {"operation": "upsert", "externalIdFieldName": "LastName"}, {"contentType": "JSON"}],
)  # fmt: skip
def test_a_job_that_makes_no_sense_is_refused(call: Caller, wrong: dict[str, str]) -> None:
    """An unknown object or operation, and an upsert without an external id, are told at once."""
    answer = call("POST", INGEST, json={"object": "Contact", "operation": "update", **wrong})

    assert answer.status_code == 400
    assert answer.json()[0]["errorCode"].startswith("INVALID")


def test_a_session_may_expire_in_the_middle_of_a_job(org: FakeOrg, call: Caller) -> None:
    """With another token the job goes on where it was."""
    ana = org.add("Contact", {"LastName": "Prieto"})
    id = call.job(f"Id,Cuereel_Views__c\n{ana},2\n")
    org.expire_tokens()
    refused = call("GET", f"{INGEST}/{id}")
    call.token = str(org.secrets()["access"])

    assert (refused.status_code, refused.json()[0]["errorCode"]) == (401, "INVALID_SESSION_ID")
    assert call.done(f"{INGEST}/{id}")["state"] == "JobComplete"


def test_single_rows_can_be_let_fail(org: FakeOrg, call: Caller) -> None:
    """What a test prepares for one record meets it in a job too, with the fields that it names."""
    ids = [org.add("Contact", {"LastName": name}) for name in ("Prieto", "Okri")]
    org.fail_record("FIELD_CUSTOM_VALIDATION_EXCEPTION", "too many", ("Cuereel_Views__c",),
                    where=lambda values: values["LastName"] == "Okri")  # fmt: skip
    id = call.job("Id,Cuereel_Views__c\n" + "".join(f"{one},5\n" for one in ids))
    call.done(f"{INGEST}/{id}")

    [refused] = call.rows(id, "failedResults")
    assert (refused["Id"], refused["sf__Error"]) == (ids[1], "FIELD_CUSTOM_VALIDATION_EXCEPTION:too many:Cuereel_Views__c --")  # fmt: skip


# jobs that ask


def test_a_bulk_query_is_read_page_by_page(org: FakeOrg, call: Caller) -> None:
    """A locator leads from page to page, and the last page says that none follows."""
    for name in ("Ana", "Ben", "Caro"):
        org.add("Contact", {"FirstName": name, "LastName": "Prieto"})
    soql = "SELECT FirstName, Owner.Name FROM Contact ORDER BY FirstName"
    id = call("POST", QUERIES, json={"operation": "query", "query": soql}).json()["id"]
    path = f"{QUERIES}/{id}"
    assert call.done(path)["state"] == "JobComplete"

    first = call("GET", f"{path}/results", params={"maxRecords": "2"})
    locator = first.headers["Sforce-Locator"]
    last = call("GET", f"{path}/results", params={"maxRecords": "2", "locator": locator})

    assert first.text == '"FirstName","Owner.Name"\n"Ana","Marta Ruiz"\n"Ben","Marta Ruiz"\n'
    assert first.headers["Sforce-NumberOfRecords"] == "2"
    assert (last.text, last.headers["Sforce-Locator"]) == ('"FirstName","Owner.Name"\n"Caro","Marta Ruiz"\n', "null")  # fmt: skip


def test_a_bulk_query_with_subqueries_is_refused(call: Caller) -> None:
    """What the Bulk API cannot ask is refused, as is what is no query."""
    for soql in (
        "SELECT Id, (SELECT Id FROM Contacts) FROM Account",
        "SELECT Nope__c FROM Contact",
    ):
        assert call("POST", QUERIES, json={"operation": "query", "query": soql}).status_code == 400


# what has changed


def test_changed_and_deleted_records_are_told_within_a_span(org: FakeOrg, call: Caller) -> None:
    """Both name what happened from start to end, in whole minutes."""
    old = org.add("Contact", {"LastName": "Prieto"}, at=NOW - timedelta(days=2))
    new = org.add("Contact", {"LastName": "Okri"}, at=NOW - timedelta(minutes=5))
    gone = org.add("Contact", {"LastName": "Soto"}, at=NOW - timedelta(minutes=9))
    org.remove("Contact", gone, at=NOW - timedelta(minutes=4))
    span = {"start": (NOW - timedelta(hours=1, seconds=30)).isoformat(), "end": NOW.isoformat()}

    updated = call("GET", f"{DATA}/sobjects/Contact/updated/", params=span).json()
    deleted = call("GET", f"{DATA}/sobjects/Contact/deleted/", params=span).json()

    assert updated == {"ids": [new], "latestDateCovered": "2026-11-21T12:00:00.000+0000"}
    assert old in org.records["Contact"]
    assert deleted["deletedRecords"] == [{"id": gone, "deletedDate": "2026-11-21T11:56:00.000+0000"}]  # fmt: skip


@pytest.mark.parametrize(("resource", "days"), [("updated", 30), ("deleted", 15)])
def test_a_span_may_not_begin_too_long_ago(call: Caller, resource: str, days: int) -> None:
    """Changes are told for thirty days and deletions for fifteen; a time without a zone is no time."""
    path, codes = f"{DATA}/sobjects/Contact/{resource}/", []
    for start in (NOW - timedelta(days=days, hours=-1), NOW - timedelta(days=days, hours=1)):
        answer = call("GET", path, params={"start": start.isoformat(), "end": NOW.isoformat()})
        codes.append((answer.status_code, answer.json()[0]["errorCode"] if not answer.ok else ""))
    naive = call("GET", path, params={"start": "2026-11-21T10:00:00", "end": NOW.isoformat()})

    assert codes == [(200, ""), (400, "INVALID_REPLICATION_DATE")]
    assert naive.status_code == 400


# consent


def test_the_least_permissive_word_about_a_person_wins(org: FakeOrg, call: Caller) -> None:
    """An opt-out, or an Individual's, is a no; who is not there is answered for itself."""
    against = org.add("Individual", {"LastName": "Soto", "HasOptedOutSolicit": True})
    people = {
        org.add("Contact", {"LastName": "Prieto"}): "true",
        org.add("Contact", {"LastName": "Okri", "HasOptedOutOfEmail": True}): "false",
        org.add("Lead", {"LastName": "Soto", "Company": "Soto", "IndividualId": against}): "false",
    }
    gone = org.id("Contact", "4711")
    answer = call("GET", f"{DATA}/consent/action/email", params={"ids": ",".join([*people, gone])})

    told = answer.json()
    assert {id: told[id]["proceed"]["email"] for id in people} == people
    assert told[gone]["result"] != "Success"


def test_consent_needs_a_permission(org: FakeOrg, call: Caller) -> None:
    """Without access to privacy data nothing is told."""
    org.privacy_permission = False
    answer = call("GET", f"{DATA}/consent/action/email", params={"ids": org.id("Contact", 1)})

    assert (answer.status_code, answer.json()[0]["errorCode"]) == (403, "INSUFFICIENT_ACCESS")


# deployments

FIELD = f"""<CustomObject xmlns="{SPACE}"><fields><fullName>Mood__c</fullName><label>Mood</label>
<length>40</length><type>Text</type></fields></CustomObject>"""
SIGHT = f"""<PermissionSet xmlns="{SPACE}"><fieldPermissions><editable>true</editable>
<field>Contact.Mood__c</field><readable>true</readable></fieldPermissions><label>Moods</label>
</PermissionSet>"""
MESSAGE = f"""<Workflow xmlns="{SPACE}"><outboundMessages><fullName>Tell</fullName>
<apiVersion>63.0</apiVersion><endpointUrl>https://video.example.com/hooks</endpointUrl>
<fields>Id</fields><fields>Mood__c</fields><includeSessionId>false</includeSessionId>
<integrationUser>cuereel@casa-verde.example</integrationUser><name>Tell</name>
<protected>false</protected></outboundMessages></Workflow>"""
FILES = {
    "objects/Contact.object": FIELD,
    "permissionsets/Moods.permissionset": SIGHT,
    "workflows/Contact.workflow": MESSAGE,
}
MEMBERS = {
    "CustomField": "Contact.Mood__c",
    "PermissionSet": "Moods",
    "WorkflowOutboundMessage": "Contact.Tell",
}


def zipped(files: dict[str, str], members: dict[str, str], removed: dict[str, str]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("package.xml", manifest(members))
        if removed:
            archive.writestr("destructiveChanges.xml", manifest(removed))
        for name, text in files.items():
            archive.writestr(name, text)
    return target.getvalue()


def manifest(members: dict[str, str]) -> str:
    types = "".join(
        f"<types><members>{member}</members><name>{kind}</name></types>"
        for kind, member in members.items()
    )
    return f'<Package xmlns="{SPACE}">{types}<version>63.0</version></Package>'


class Deployer:
    """Sends what simple-salesforce sends, without the second that the library takes to begin."""

    def __init__(self, org: FakeOrg) -> None:
        self.url = f"{org.url}/services/Soap/m/67.0/deployRequest"
        self.session = str(org.secrets()["access"])

    def __call__(
        self,
        files: dict[str, str],
        members: dict[str, str],
        *,
        removed: dict[str, str] | None = None,
        check_only: bool = False,
    ) -> tuple[list[str], list[str]]:
        """Deploy and wait; return the states on the way, and what the org has against it."""
        begun = self.begin(zipped(files, members, removed or {}), check_only=check_only)
        job = _texts(begun, "id")[0]
        states: list[str] = []
        while not states or states[-1] == "InProgress":
            asked = CHECK_DEPLOY_STATUS_MSG.format(
                client="test", sessionId=self.session, asyncProcessId=job, includeDetails="true"
            )
            told = requests.post(f"{self.url}/{job}", data=asked, timeout=10)
            states += _texts(told, "status")
        return states, _texts(told, "problem")

    def begin(self, archive: bytes, *, check_only: bool = False) -> requests.Response:
        """Send a zip."""
        options = dict.fromkeys(
            ("allowMissingFiles", "autoUpdatePackage", "ignoreWarnings", "performRetrieve",
             "purgeOnDelete", "rollbackOnError", "singlePackage"), "false")  # fmt: skip
        asked = DEPLOY_MSG.format(
            client="test", sessionId=self.session, ZipFile=base64.b64encode(archive).decode(),
            checkOnly=str(check_only).lower(), testLevel="", tests="", **options)  # fmt: skip
        return requests.post(self.url, data=asked, timeout=10)


def _texts(answer: requests.Response, tag: str) -> list[str]:
    found = etree.fromstring(answer.content).iter(f"{{{SPACE}}}{tag}")
    return [str(one.text) for one in found]


@pytest.fixture
def deploy(org: FakeOrg) -> Deployer:
    """What deploys to the test's org."""
    return Deployer(org)


def test_the_library_deploys_and_is_told_what_is_wrong(org: FakeOrg) -> None:
    """simple-salesforce understands the answers: the id, the state, the problem and its file."""
    library = Salesforce(
        session_id=str(org.secrets()["access"]), instance_url=org.url, version="67.0",
        session=requests.Session(),
    )  # fmt: skip
    library.metadata_url = f"{org.url}/services/Soap/m/67.0/"
    org.deploy_polls = 0
    archive = zipped({}, {"Flow": "Nothing"}, {})
    job = library.deploy(io.BytesIO(archive), sandbox=False)["asyncId"]
    told = library.checkDeployStatus(job)
    library.session.close()

    assert told["state"] == "Failed"
    [problem] = told["deployment_detail"]["errors"]
    assert (problem["file"], problem["type"]) == ("package.xml", "Flow")


def test_a_deployment_takes_its_time_and_then_stands_in_the_org(
    org: FakeOrg, deploy: Deployer
) -> None:
    """Fields, permission sets and messages are there after it, and nobody sees the fields yet."""
    states, errors = deploy(FILES, MEMBERS)

    assert (states, errors) == (["InProgress", "Succeeded"], [])
    assert org.objects["Contact"].fields["Mood__c"].length == 40
    assert not org.sees("Contact", "Mood__c")
    assert org.outbound_messages["Contact.Tell"]["fields"] == ["Id", "Mood__c"]


def test_a_permission_set_lets_its_holder_see_what_it_grants(
    org: FakeOrg, deploy: Deployer, call: Caller
) -> None:
    """Given to our user over the API, the set makes the field visible to it."""
    deploy(FILES, MEMBERS)
    [held] = [id for id, one in org.records["PermissionSet"].items() if one["Name"] == "Moods"]
    body = {"AssigneeId": org.user_id, "PermissionSetId": held}
    given = call("POST", f"{DATA}/sobjects/PermissionSetAssignment", json=body)

    assert given.status_code == 201
    assert org.sees("Contact", "Mood__c")
    assert "Mood__c" in call("GET", f"{DATA}/sobjects/Contact/describe").text


def test_a_permission_set_taken_away_hides_what_it_granted(
    org: FakeOrg, deploy: Deployer, call: Caller
) -> None:
    """Taken from our user over the API, the set hides the field at once."""
    deploy(FILES, MEMBERS)
    [held] = [id for id, one in org.records["PermissionSet"].items() if one["Name"] == "Moods"]
    given = org.add("PermissionSetAssignment", {"AssigneeId": org.user_id, "PermissionSetId": held})
    assert org.sees("Contact", "Mood__c")

    taken = call("DELETE", f"{DATA}/sobjects/PermissionSetAssignment/{given}")

    assert taken.status_code == 204
    assert not org.sees("Contact", "Mood__c")


def test_a_check_changes_nothing(org: FakeOrg, deploy: Deployer) -> None:
    """With check only, a package is looked over and not taken in."""
    states, _ = deploy(FILES, MEMBERS, check_only=True)

    assert states[-1] == "Succeeded"
    assert "Mood__c" not in org.objects["Contact"].fields
    assert [one.check_only for one in org.deploys] == [True]


@pytest.mark.parametrize(
    ("file", "old", "new", "sentence"),
    [
        ("objects/Contact.object", "<label>", "<labell>", "Error parsing file"),
        ("objects/Contact.object", "<length>40</length>", "", "Must specify 'length'"),
        ("objects/Contact.object", "Mood__c", "Mud__c", "was not found in zipped directory"),
        ("permissionsets/Moods.permissionset", "Mood__c", "Wood__c", "no CustomField named Contact.Wood__c"),
        ("workflows/Contact.workflow", "<fields>Mood__c", "<fields>Wood__c", "Invalid field:Wood__c"),
        ("workflows/Contact.workflow", "cuereel@", "nobody@", "no User named nobody@"),
    ],
)  # fmt: skip
def test_what_leads_nowhere_fails_the_whole_deployment(
    org: FakeOrg, deploy: Deployer, file: str, old: str, new: str, sentence: str
) -> None:
    """A misspelt tag, a name that is not there, a field without its length: nothing is taken."""
    states, errors = deploy({**FILES, file: FILES[file].replace(old, new)}, MEMBERS)

    assert states[-1] == "Failed"
    assert any(sentence in error for error in errors)
    assert "Moods" not in [one["Name"] for one in org.records["PermissionSet"].values()]


def test_what_is_in_the_zip_must_stand_in_its_manifest(deploy: Deployer) -> None:
    """A file that package.xml does not name fails the deployment."""
    listed = {kind: name for kind, name in MEMBERS.items() if kind != "PermissionSet"}

    assert deploy(FILES, listed)[1] == ["Not in package.xml"]


def test_what_leans_on_something_holds_it(org: FakeOrg, deploy: Deployer) -> None:
    """A field that a message tells is not let go before the message."""
    deploy(FILES, MEMBERS)
    field = {"CustomField": MEMBERS["CustomField"]}
    message = {"WorkflowOutboundMessage": MEMBERS["WorkflowOutboundMessage"]}
    states = [deploy({}, {}, removed=one)[0][-1] for one in (field, message, field)]

    assert states == ["Failed", "Succeeded", "Succeeded"]
    assert "Mood__c" not in org.objects["Contact"].fields


def test_an_expired_session_is_a_fault_of_soap(org: FakeOrg, deploy: Deployer) -> None:
    """The Metadata API answers 500 with the code in a fault, not 401."""
    org.expire_tokens()
    answer = deploy.begin(zipped(FILES, MEMBERS, {}))

    assert (answer.status_code, org.deploys) == (500, [])
    assert "<faultcode>sf:INVALID_SESSION_ID</faultcode>" in answer.text


FLOW = f"""<Flow xmlns="{SPACE}"><actionCalls><name>Send</name><label>Send</label>
<locationX>0</locationX><locationY>0</locationY><actionName>Contact.Tell</actionName>
<actionType>outboundMessage</actionType><inputParameters><name>SObjectRowId</name><value>
<elementReference>$Record.Id</elementReference></value></inputParameters></actionCalls>
<label>Onboarding</label><processType>AutoLaunchedFlow</processType><start>
<locationX>0</locationX><locationY>0</locationY><connector>
<targetReference>Send</targetReference></connector><filters><field>Mood__c</field>
<operator>EqualTo</operator><value><stringValue>glad</stringValue></value></filters>
<object>Contact</object><recordTriggerType>CreateAndUpdate</recordTriggerType>
<triggerType>RecordAfterSave</triggerType></start><status>Active</status></Flow>"""
WITH_FLOW = {**FILES, "flows/Onboarding.flow": FLOW}
OFF = f"""<FlowDefinition xmlns="{SPACE}"><activeVersionNumber>0</activeVersionNumber>
</FlowDefinition>"""


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("Contact.Tell", "Contact.Hush", "The outbound message Contact.Hush does not exist"),
        ("<field>Mood__c", "<field>Wood__c", "The field Wood__c does not exist on Contact"),
        ("Reference>Send<", "Reference>Sent<", "The element Sent that a connector leads to"),
        ("$Record.Id", "$Record.Wood__c", "The field Wood__c of $Record"),
        ("SObjectRowId", "Row", "needs the input SObjectRowId"),
    ],
)
def test_a_flow_that_names_nothing_is_refused(
    deploy: Deployer, old: str, new: str, sentence: str
) -> None:
    """A message, field, element or input that is not there is told, and the flow is not taken."""
    files = {**WITH_FLOW, "flows/Onboarding.flow": FLOW.replace(old, new)}
    states, errors = deploy(files, {**MEMBERS, "Flow": "Onboarding"})

    assert states[-1] == "Failed"
    assert any(sentence in error for error in errors)


def test_an_active_flow_is_switched_off_before_it_is_deleted(
    org: FakeOrg, deploy: Deployer, call: Caller
) -> None:
    """Each version is deleted by its number, which the Tooling API tells, once none is active."""
    deploy(WITH_FLOW, {**MEMBERS, "Flow": "Onboarding"})
    soql = "SELECT VersionNumber, Definition.DeveloperName FROM Flow"
    [row] = call("GET", f"{DATA}/tooling/query/", params={"q": soql}).json()["records"]
    version = f"{row['Definition']['DeveloperName']}-{row['VersionNumber']}"
    refused, _ = deploy({}, {}, removed={"Flow": version})
    off, _ = deploy(
        {"flowDefinitions/Onboarding.flowDefinition": OFF}, {"FlowDefinition": "Onboarding"}
    )
    gone, _ = deploy({}, {}, removed={"Flow": version})

    assert version == "Onboarding-1"
    assert [states[-1] for states in (refused, off, gone)] == ["Failed", "Succeeded", "Succeeded"]
    assert org.flows == {}
