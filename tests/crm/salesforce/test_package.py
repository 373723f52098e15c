"""
The package that an org is given: its parts fit one another, our dictionary, and Salesforce's schema.

The schema is the one of the Metadata API that simple-salesforce brings along.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import simple_salesforce
from lxml import etree

from connector.crm.salesforce import requests
from connector.crm.salesforce.bundle import PLACE
from connector.decide.campaigns import packaged, parse_campaign
from connector.decide.dictionary import load_dictionary
from connector.web.console.cards import STATUSES

PROJECT = Path(__file__).parents[3] / "connector" / "crm" / "salesforce" / "package"
MAIN = PROJECT / "force-app" / "main" / "default"
COMMERCE = PROJECT / "commerce" / "main" / "default"
SPACE = "http://soap.sforce.com/2006/04/metadata"
PEOPLE = ("Contact", "Lead")
OWN = ("Cuereel_Video__c", "Cuereel_Video_View__c", "Cuereel_Request__c")
TYPES = {
    "text": "Text", "url": "Url", "long_text": "LongTextArea", "number": "Number",
    "datetime": "DateTime",
}  # fmt: skip
# fields of Salesforce's own that our package names
STANDARD = {
    "Account": {"Industry", "NumberOfEmployees", "Website"},
    "Case": {"AccountId", "ContactId"},
    "Contact": {"AccountId", "Email", "FirstName", "HasOptedOutOfEmail", "MailingAddress", "Title"},
    "Contract": {"AccountId", "EndDate", "Id", "Status"},
    "Lead": {"Address", "Email", "FirstName", "HasOptedOutOfEmail", "Industry",
             "NumberOfEmployees", "Title", "Website"},
    "Opportunity": {"AccountId", "Amount", "Id", "IsWon"},
    "WebCart": {"Id", "LastModifiedDate", "Status"},
}  # fmt: skip
ON_ALL = {"Id", "Name", "NAME", "CREATED_DATE", "CreatedById", "LastModifiedById"}


@cache
def schema() -> etree.XMLSchema:
    """Salesforce's schema, in which every type may also stand by itself, as it does in a file."""
    xsd = "{http://www.w3.org/2001/XMLSchema}"
    described = etree.parse(str(Path(simple_salesforce.__file__).parent / "metadata.wsdl"))
    (found,) = (
        one for one in described.iter(f"{xsd}schema") if one.get("targetNamespace") == SPACE
    )
    known = {one.get("name") for one in found.findall(f"{xsd}element")}
    for one in found.findall(f"{xsd}complexType"):
        name = one.get("name")
        if name not in known:
            etree.SubElement(found, f"{xsd}element", name=str(name), type=f"tns:{name}")
    return etree.XMLSchema(etree.fromstring(etree.tostring(found)))


def sources(pattern: str, folder: Path = PROJECT) -> Iterator[Path]:
    """Every file of ours that a pattern names."""
    for path in sorted(folder.rglob(pattern)):
        if "node_modules" not in path.parts and path.is_file():
            yield path


def parsed(path: Path) -> etree._Element:
    return etree.parse(str(path)).getroot()


def told(element: etree._Element, way: str) -> list[str]:
    """The text of all elements that a way of tags leads to."""
    return [
        str(one.text)
        for one in element.findall("/".join(f"{{{SPACE}}}{t}" for t in way.split("/")))
    ]


def one(element: etree._Element, way: str) -> str:
    (found,) = told(element, way)
    return found


@cache
def fields() -> dict[str, dict[str, etree._Element]]:
    """Every custom field of the package by its object."""
    found: dict[str, dict[str, etree._Element]] = {}
    for path in sources("*.field-meta.xml", MAIN):
        assert path.name == f"{one(parsed(path), 'fullName')}.field-meta.xml"
        found.setdefault(path.parts[-3], {})[one(parsed(path), "fullName")] = parsed(path)
    return found


def exists(object_: str, field: str) -> bool:
    """Tell whether the package makes a field, or Salesforce has it."""
    return (
        field in fields().get(object_, {})
        or field in STANDARD.get(object_, set())
        or (object_ in OWN and field in ON_ALL)
    )


def named(folder: str, suffix: str) -> dict[str, etree._Element]:
    """Everything of one sort in both package folders, by its name."""
    return {
        path.name.removesuffix(f".{suffix}-meta.xml"): parsed(path)
        for base in (MAIN, COMMERCE)
        for path in sources(f"{folder}/*.{suffix}-meta.xml", base)
    }


def messages() -> dict[str, etree._Element]:
    """Every outbound message, as flows name it."""
    return {
        f"{object_}.{one(message, 'fullName')}": message
        for object_, workflow in named("workflows", "workflow").items()
        for message in workflow.findall(f"{{{SPACE}}}outboundMessages")
    }


def mistakes(root: etree._Element) -> list[str]:
    """What the schema says against a file; it does not know what components are configured by."""
    for part in root.findall(f"{{{SPACE}}}targetConfigs"):
        root.remove(part)
    schema().validate(root)
    return [str(error.message) for error in schema().error_log]


def test_every_file_is_what_salesforces_schema_says() -> None:
    """An unknown or misplaced word would make the whole deployment fail."""
    files = list(sources("*-meta.xml"))
    assert len(files) > 100
    assert {path.name: found for path in files if (found := mistakes(parsed(path)))} == {}


def test_the_schema_finds_what_is_misspelt() -> None:
    """Otherwise the test above would say nothing."""
    path = MAIN / "objects/Contact/fields/Cuereel_Video_Url__c.field-meta.xml"
    text = path.read_text()
    assert mistakes(etree.fromstring(text.encode())) == []
    assert mistakes(etree.fromstring(text.replace("<type>Url", "<type>Uri").encode()))
    assert mistakes(etree.fromstring(text.replace("label>", "lable>").encode()))


def test_contacts_and_leads_have_the_fields_of_the_dictionary() -> None:
    """All of them, with its words, and none that we do not write."""
    specs = {spec.name: spec for spec in load_dictionary("salesforce", ()).write_fields.values()}
    assert len(specs) == 22
    for person in PEOPLE:
        made = fields()[person]
        assert set(made) == set(specs)
        for name, field in made.items():
            assert one(field, "label") == specs[name].label
            assert one(field, "description") == specs[name].description
            assert one(field, "type") == TYPES[specs[name].type]


def test_numbers_hold_what_we_write_and_texts_are_as_long_as_we_cut_them() -> None:
    """Text is cut at 255 characters and long text at 32,000; nothing that is counted has a fraction."""
    for made in fields().values():
        for name, field in made.items():
            if one(field, "type") == "Text":
                assert one(field, "length") == ("18" if name == requests.PERSON else "255"), name
            if one(field, "type") == "LongTextArea":
                assert one(field, "length") == "32000", name
            if one(field, "type") == "Number":
                assert (one(field, "scale") == "0") == (name != "Duration__c"), name


def test_labels_and_help_are_no_longer_than_salesforce_takes() -> None:
    """A whole sentence each; a field without help would explain itself to nobody."""
    for made in fields().values():
        for name, field in made.items():
            help_ = one(field, "inlineHelpText")
            assert 10 < len(help_) <= 255, name
            assert help_.endswith("."), name
            assert len(one(field, "description")) <= 1000, name
            assert len(one(field, "label")) <= 40, name


def test_rows_have_an_object_with_all_their_fields() -> None:
    """The key is unique, so that a row is never written twice."""
    for names in load_dictionary("salesforce", ()).rows.values():
        made = fields()[names["object"]]
        ways = {word: name for word, name in names.items() if word != "object"}
        for word, name in ways.items():
            relation, _, key = name.partition(".")
            field = made[relation.replace("__r", "__c")]
            if key:
                assert key in fields()[one(field, "referenceTo")]
            if word in ("contact", "lead"):
                assert one(field, "referenceTo") == word.capitalize()
        key_field = made[names["key"]]
        assert [one(key_field, w) for w in ("unique", "externalId", "caseSensitive")] == [
            "true"
        ] * 3


def test_what_belongs_to_a_person_outlives_no_reference() -> None:
    """A contact can always be deleted, and its lists have names that components ask for."""
    relations = {}
    for object_ in OWN:
        for field in fields()[object_].values():
            if told(field, "type") == ["Lookup"]:
                assert one(field, "deleteConstraint") == "SetNull"
                relations[f"{one(field, 'referenceTo')}.{one(field, 'relationshipName')}"] = object_
    asked = set(re.findall(r"'(\w+)__r'", (MAIN / "lwc/cuereelVideo/cuereelVideo.js").read_text()))
    assert asked == {"Cuereel_Videos", "Cuereel_Video_Views"}
    assert {f"{person}.{name}" for person in PEOPLE for name in asked} <= set(relations)


def test_a_request_has_the_fields_that_it_is_answered_in() -> None:
    """And offers the packaged campaigns, though not only them."""
    made = fields()[requests.OBJECT]
    assert set(made) == {
        requests.CONTACT, requests.LEAD, requests.CAMPAIGN, requests.STATUS, requests.REASON,
        requests.VIDEO_URL, requests.THUMBNAIL_URL, requests.PERSON,
    }  # fmt: skip
    choice = made[requests.CAMPAIGN]
    assert one(choice, "valueSet/restricted") == "false"
    values = "valueSet/valueSetDefinition/value"
    offered = zip(told(choice, f"{values}/fullName"), told(choice, f"{values}/label"), strict=True)
    assert dict(offered) == {
        path.stem: parse_campaign(path.read_text(), path.stem).title
        for path in (packaged() / "campaigns").glob("*.toml")
    }


def granted(name: str) -> dict[str, bool]:
    """The fields that a permission set lets see, and whether they may be changed."""
    found = parsed(MAIN / f"permissionsets/{name}.permissionset-meta.xml")
    rows = zip(
        told(found, "fieldPermissions/field"),
        told(found, "fieldPermissions/editable"),
        told(found, "fieldPermissions/readable"),
        strict=True,
    )
    return {field: editable == "true" for field, editable, readable in rows if readable == "true"}


def allowed(name: str, what: str) -> set[str]:
    """The objects on which a permission set allows something."""
    found = parsed(MAIN / f"permissionsets/{name}.permissionset-meta.xml")
    answers = zip(
        told(found, "objectPermissions/object"),
        told(found, f"objectPermissions/{what}"),
        strict=True,
    )
    return {object_ for object_, answer in answers if answer == "true"}


def test_the_admins_set_lets_our_user_do_what_it_does() -> None:
    """All our fields, and of the others only to read what the dictionary reads."""
    ours = {f"{object_}.{name}" for object_, made in fields().items() for name in made}
    admin = granted("Cuereel_Admin")
    assert {field for field, editable in admin.items() if editable} == ours
    assert {"Contact.HasOptedOutOfEmail", "Lead.HasOptedOutOfEmail"} <= set(admin)
    assert allowed("Cuereel_Admin", "allowDelete") == set(OWN)
    assert allowed("Cuereel_Admin", "allowCreate") == set(OWN)
    assert allowed("Cuereel_Admin", "allowEdit") == {*OWN, *PEOPLE, "Campaign"}
    assert allowed("Cuereel_Admin", "modifyAllRecords") == set(OWN)


def test_the_reps_set_lets_colleagues_see_everything_and_ask_for_videos() -> None:
    """They cannot write what we write, so that it stays true."""
    ours = {f"{object_}.{name}" for object_, made in fields().items() for name in made}
    rep = granted("Cuereel_Rep")
    assert set(rep) == ours
    assert {field for field, editable in rep.items() if editable} == {
        f"{requests.OBJECT}.{name}" for name in (requests.CONTACT, requests.LEAD, requests.CAMPAIGN)
    }
    assert allowed("Cuereel_Rep", "allowRead") == set(OWN)
    assert allowed("Cuereel_Rep", "allowCreate") == {requests.OBJECT}
    assert allowed("Cuereel_Rep", "allowEdit") == allowed("Cuereel_Rep", "allowDelete") == set()


Reference = tuple[str, str, str]  # where, the object, the field


def references() -> set[Reference]:
    """Every field that a part of the package names."""
    return {
        *of_permission_sets(),
        *of_messages_and_flows(),
        *of_lists(),
        *of_layouts(),
        *of_templates_and_components(),
    }


def of_permission_sets() -> Iterator[Reference]:
    for name in ("Cuereel_Admin", "Cuereel_Rep"):
        for way in granted(name):
            object_, _, field = way.partition(".")
            yield name, object_, field


def of_messages_and_flows() -> Iterator[Reference]:
    for name, message in messages().items():
        for field in told(message, "fields"):
            yield name, name.partition(".")[0], field
    for name, flow in named("flows", "flow").items():
        for way in ("start/filters/field", "start/scheduledPaths/recordField"):
            for field in told(flow, way):
                yield name, one(flow, "start/object"), field


def of_lists() -> Iterator[Reference]:
    ways = {"listView": ("columns", "filters/field"), "compactLayout": ("fields",)}
    for sort, inside in ways.items():
        for path in sources(f"*.{sort}-meta.xml", MAIN / "objects"):
            for field in (field for way in inside for field in told(parsed(path), way)):
                yield path.name, path.parts[-3], field


def of_layouts() -> Iterator[Reference]:
    for name, layout in named("layouts", "layout").items():
        for field in told(layout, "layoutSections/layoutColumns/layoutItems/field"):
            yield name, name.partition("-")[0], field
        for related in layout.findall(f"{{{SPACE}}}relatedLists"):
            object_, _, way = one(related, "relatedList").partition(".")
            for field in (way, *told(related, "fields")):
                yield name, object_, field


def of_templates_and_components() -> Iterator[Reference]:
    for path in sources("*.email*", MAIN / "email"):
        for field in re.findall(r"\{\{\{\w+\.(\w+)\}\}\}", path.read_text()):
            yield from ((path.name, person, field) for person in PEOPLE)
    for path in sources("*.js", MAIN / "lwc"):
        for object_, field in re.findall(r"\b(Cuereel_\w+__c)\.(\w+__c)\b", path.read_text()):
            yield path.name, object_, field


def test_every_field_that_a_part_names_exists() -> None:
    """In the package, or as one of Salesforce's own."""
    found = references()
    assert len({where for where, _, _ in found}) > 15
    assert {line for line in found if not exists(line[1], line[2])} == set()


def test_the_card_reads_fields_that_people_have() -> None:
    """They are named without their object, which is the record's."""
    text = (MAIN / "lwc/cuereelVideo/fields.js").read_text().partition("OF_VIDEO")[0]
    read = set(re.findall(r"'(\w+)'", text))
    assert len(read) == 10
    assert all(exists(person, field) for person in PEOPLE for field in read)
    used = (MAIN / "lwc/cuereelVideo/cuereelVideo.js").read_text()
    assert set(re.findall(r"'(Cuereel_\w+__c)'", used)) <= read


def test_every_flow_sends_a_message_of_its_object() -> None:
    """And every message is sent by a flow; a name that is wrong would fail only in the org."""
    sent = set()
    for name, flow in named("flows", "flow").items():
        action = one(flow, "actionCalls/actionName")
        assert action.split(".")[0] == one(flow, "start/object"), name
        assert one(flow, "actionCalls/actionType") == "outboundMessage"
        assert one(flow, "actionCalls/inputParameters/name") == "SObjectRowId"
        assert one(flow, "actionCalls/inputParameters/value/elementReference") == "$Record.Id"
        leads = told(flow, "start/connector/targetReference")
        leads += told(flow, "start/scheduledPaths/connector/targetReference")
        assert leads == [one(flow, "actionCalls/name")], name
        sent.add(action)
    assert sent == set(messages())


def test_flows_begin_once_and_not_with_our_own_writing() -> None:
    """What is only written again, by us or by others, is nothing new."""
    for name, flow in named("flows", "flow").items():
        if one(flow, "start/recordTriggerType") == "Create":
            assert one(flow, "start/object") == requests.OBJECT
        else:
            assert one(flow, "start/doesRequireRecordChangedToMeetCriteria") == "true", name
            # Salesforce refuses formulas of what changed in flows of new and changed records
            assert told(flow, "start/filterFormula") == []
            assert one(flow, "start/object") not in (*PEOPLE, *OWN)


def test_only_the_flow_of_requests_runs_before_an_admin_has_looked() -> None:
    """The others say what is to be changed before they are made active."""
    states = {}
    for name, flow in named("flows", "flow").items():
        states[name] = one(flow, "status")
        assert ("activate" in one(flow, "description")) == (states[name] == "Draft")
    assert states == {
        "Cuereel_Onboarding": "Draft", "Cuereel_Account_Review": "Draft",
        "Cuereel_Abandoned_Cart": "Draft", "Cuereel_Request": "Active",
    }  # fmt: skip


def test_messages_lead_to_triggers_and_carry_what_they_are_about() -> None:
    """Only ids are sent, never a session; the rest is read over the API."""
    triggers = {
        parse_campaign(path.read_text(), path.stem).trigger
        for path in (packaged() / "campaigns").glob("*.toml")
    }
    reached = set()
    for name, message in messages().items():
        found = re.fullmatch(
            r"\{\{endpoint:(\w+)\}\}(?:&subject=(\w+))?", one(message, "endpointUrl")
        )
        assert found, name
        reached.add(found[1])
        carried = set(told(message, "fields"))
        wanted = {"Id", found[2] or "Id"}
        if found[1] == "video_requested":
            wanted |= {requests.CONTACT, requests.LEAD, requests.CAMPAIGN}
        assert carried == wanted
        assert one(message, "includeSessionId") == one(message, "useDeadLetterQueue") == "false"
        assert one(message, "integrationUser") == "{{user}}"
    assert reached == triggers | {"video_requested"}


def test_no_address_and_no_key_stands_in_the_source() -> None:
    """They differ from org to org; the installer puts them in."""
    filled = set()
    for path in (*sources("*", MAIN), *sources("*", COMMERCE), *sources("*", PROJECT / "app")):
        text = path.read_text()
        assert set(re.findall(r"https?://[^\s<\"'`]+", text)) <= {SPACE}, path.name
        assert not re.search(r"consumer|secret|\b00D[A-Za-z0-9]{12}", text, re.I), path.name
        filled |= {found.partition(":")[0] for found in PLACE.findall(text)}
        left = re.sub(r"\{\{\{\w+\.\w+\}\}\}", "", PLACE.sub("", text))
        assert "{{" not in left, path.name
    assert filled == {"base", "user", "endpoint"}


def test_pictures_come_from_our_address_and_nothing_else_does() -> None:
    """A trusted site is a hole in the org's fence, so it is as small as it can be."""
    (site,) = named("cspTrustedSites", "cspTrustedSite").values()
    assert one(site, "endpointUrl") == "{{base}}"
    open_to = {
        str(child.tag).partition("}")[2]
        for child in site
        if str(child.tag).partition("}")[2].startswith("isApplicable") and child.text == "true"
    }
    assert open_to == {"isApplicableToImgSrc"}


def test_e_mail_templates_link_the_picture() -> None:
    """One for people who send, one for automations, which know no Recipient."""
    folder = MAIN / "email" / "unfiled$public"
    people = {"Cuereel_Video": "Recipient", "Cuereel_Video_Automation": "Contact"}
    assert {path.stem for path in folder.glob("*.email")} == set(people)
    for name, person in people.items():
        html = etree.HTML((folder / f"{name}.email").read_text())
        (picture,) = html.iter("img")
        link = picture.getparent()
        assert link is not None
        assert link.get("href") == f"{{{{{{{person}.Cuereel_Video_Url__c}}}}}}"
        assert picture.get("src") == f"{{{{{{{person}.Cuereel_Thumbnail_Url__c}}}}}}"
        assert picture.get("width") == "600"
        assert picture.get("alt")
        meta = (folder / f"{name}.email-meta.xml").read_text()
        assert f"{{{{{{{person}.Cuereel_Video_Url__c}}}}}}" in one(
            etree.fromstring(meta.encode()), "textOnly"
        )
        texts = (folder / f"{name}.email").read_text() + meta
        assert set(re.findall(r"\{\{\{(\w+)\.", texts)) == {person}


def components() -> dict[str, Path]:
    return {path.name: path for path in (MAIN / "lwc").iterdir() if path.is_dir()}


def test_components_and_actions_lead_to_parts_that_exist() -> None:
    """Each has its description; what is not placed by an admin is not offered to one."""
    found = components()
    assert set(found) == {"cuereelVideo", "cuereelSend", "cuereelShare", "cuereelStatus"}
    for name, folder in found.items():
        meta = parsed(folder / f"{name}.js-meta.xml")
        assert (one(meta, "isExposed") == "true") == bool(told(meta, "targets/target"))
        text = "".join(path.read_text() for path in sources("*.*s", folder))
        assert set(re.findall(r"'c/(\w+)'", text)) <= set(found)
        for path in sources("*.html", folder):
            tags = re.findall(r"<c-([\w-]+)", path.read_text())
            assert {re.sub(r"-(\w)", lambda m: m[1].upper(), tag) for tag in tags} <= set(found)
    actions = named("quickActions", "quickAction")
    assert set(actions) == {f"{person}.Cuereel_Send_Video" for person in PEOPLE}
    assert {one(action, "lightningWebComponent") for action in actions.values()} == {"cuereelSend"}


def test_a_status_is_called_the_same_as_in_our_console() -> None:
    """And looks as good or bad there as here."""
    text = (MAIN / "lwc/cuereelStatus/cuereelStatus.js").read_text()
    said = {
        status: (label, tone)
        for status, label, tone in re.findall(r"(\w+): \['([^']+)', '(\w+)'\]", text)
    }
    # these two are never written on a record
    inside = {"holdout", "decided_send"}
    assert said == {status: look for status, look in STATUSES.items() if status not in inside}


def test_the_project_names_its_folders_and_the_version_it_was_checked_against() -> None:
    """The app by which we sign in is an example and is not deployed."""
    project = json.loads((PROJECT / "sfdx-project.json").read_text())
    folders = {one_["path"]: one_.get("default", False) for one_ in project["packageDirectories"]}
    assert folders == {"force-app": True, "commerce": False}
    versions = set(
        re.findall(r"<apiVersion>([^<]+)<", "".join(p.read_text() for p in sources("*.xml")))
    )
    assert versions == {project["sourceApiVersion"]} == {"63.0"}
    assert {path.parent.parent.name for path in sources("*-meta.xml", PROJECT / "app")} == {"app"}


def test_components_are_tested_with_the_versions_that_are_locked() -> None:
    """Exact ones, and the lock names no registry."""
    tested = json.loads((PROJECT / "package.json").read_text())["devDependencies"]
    assert all(re.fullmatch(r"[0-9.]+", version) for version in tested.values())
    lock = (PROJECT / "package-lock.json").read_text()
    assert f'"@salesforce/sfdx-lwc-jest": "{tested["@salesforce/sfdx-lwc-jest"]}"' in lock
    assert '"resolved"' not in lock
    assert "registry." not in lock


def test_the_components_do_what_they_should() -> None:
    """Compiled and placed with Salesforce's own testing tools."""
    done = subprocess.run(
        ["npm", "test", "--silent"], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    passed = re.search(r"^Tests:\s+(\d+) passed, \d+ total$", done.stderr, re.M)
    assert passed, done.stderr
    assert int(passed[1]) >= 50
