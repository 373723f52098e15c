"""What objects an org has, with their fields: the standard ones as far as we use them, and ours."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from connector.decide.dictionary import load_dictionary

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
TEXTS = frozenset({"string", "textarea", "email", "phone", "url", "picklist", "multipicklist", "id", "reference"})  # fmt: skip
NUMBERS = frozenset({"int", "double", "currency", "percent"})
LENGTHS = {"string": 255, "email": 80, "phone": 40, "url": 255, "picklist": 255, "textarea": 32_000, "id": 18, "reference": 18}  # fmt: skip


@dataclass
class Field:
    """One field; *child* names the way back from what it refers to."""

    name: str
    type: str = "string"
    label: str = ""
    length: int = 0
    createable: bool = True
    updateable: bool = True
    required: bool = False
    refers: tuple[str, ...] = ()
    relation: str = ""
    child: str = ""
    cascade: bool = False
    external: bool = False
    unique: bool = False
    id_lookup: bool = False
    values: tuple[str, ...] = ()
    restricted: bool = False

    def __post_init__(self) -> None:
        self.label = self.label or self.name.removesuffix("__c").replace("_", " ")
        self.length = self.length or LENGTHS.get(self.type, 0)
        self.refers = tuple(self.refers)
        if self.type == "reference" and not self.relation:
            self.relation = self.name.removesuffix("__c").removesuffix("Id")
            self.relation += "__r" if self.custom else ""

    @property
    def custom(self) -> bool:
        """Tell whether the field is the org's own."""
        return self.name.endswith("__c")

    @property
    def filterable(self) -> bool:
        """Tell whether a query may have a condition on it."""
        return not (self.type == "textarea" and self.length > 255)

    @property
    def indexed(self) -> bool:
        """Tell whether it is looked up instead of searched for."""
        return self.type == "reference" or self.external or self.id_lookup or self.unique


@dataclass
class Sobject:
    """One object with its fields by name; names are the same in capitals or not."""

    name: str
    prefix: str
    label: str = ""
    fields: dict[str, Field] = field(default_factory=dict)
    by_lower: dict[str, Field] = field(default_factory=dict)

    def add(self, one: Field) -> Field:
        """Give it a field, or change one."""
        self.fields[one.name] = self.by_lower[one.name.lower()] = one
        return one

    def drop(self, name: str) -> None:
        """Take a field away."""
        self.by_lower.pop(name.lower(), None)
        self.fields.pop(name, None)

    def find(self, name: str) -> Field | None:
        """Return a field, however its name is written."""
        return self.by_lower.get(name.lower())

    @property
    def custom(self) -> bool:
        """Tell whether the object is the org's own."""
        return self.name.endswith("__c")


def whole(fifteen: str) -> str:
    """Return an id with the three letters that say which of the fifteen are capitals."""
    first = fifteen[:15]
    places = (first[start : start + 5] for start in (0, 5, 10))
    return first + "".join(
        LETTERS[sum(1 << at for at, letter in enumerate(five) if letter.isupper())]
        for five in places
    )


def sobject(name: str, prefix: str, fields: Iterable[Field], label: str = "") -> Sobject:
    """Return an object with *fields* and those that all objects have."""
    made = Sobject(name, prefix, label or name.removesuffix("__c").replace("_", " "))
    for one in (*_system(custom=made.custom), *fields):
        made.add(one)
    return made


def standard() -> dict[str, Sobject]:
    """Return the standard objects."""
    return {
        name: sobject(name, prefix, [_read(line) for line in table.strip().splitlines()])
        for name, (prefix, table) in STANDARD.items()
    }


def ours() -> tuple[list[Field], list[Sobject]]:
    """Return what our package brings: fields of contacts and leads, and objects."""
    written = [
        Field(spec.name, *OURS[spec.type], label=spec.label)
        for spec in load_dictionary("salesforce", ()).write_fields.values()
    ]
    objects = [
        sobject(name, prefix, [_read(line) for line in table.strip().splitlines()])
        for name, (prefix, table) in OUR_OBJECTS.items()
    ]
    return written, objects


def definition(name: str, type: str = "string", **more: Any) -> Field:
    """Return a field that a test or a deployment makes."""
    if "values" in more:
        more["values"] = tuple(more["values"])
    return Field(name, type, **more)


OURS: dict[str, tuple[str]] = {
    "text": ("string",),
    "url": ("url",),
    "long_text": ("textarea",),
    "number": ("double",),
    "datetime": ("datetime",),
}


def _system(*, custom: bool) -> list[Field]:
    kept = {"createable": False, "updateable": False}
    own = [
        Field("Name", "string", length=80, **kept),
        Field("OwnerId", "reference", refers=("Group", "User")),
    ]
    return [
        Field("Id", "id", id_lookup=True, **kept),
        Field("IsDeleted", "boolean", **kept),
        Field("CreatedDate", "datetime", **kept),
        Field("CreatedById", "reference", refers=("User",), **kept),
        Field("LastModifiedDate", "datetime", **kept),
        Field("LastModifiedById", "reference", refers=("User",), **kept),
        Field("SystemModstamp", "datetime", **kept),
        *(own if custom else []),
    ]


FLAGS: dict[str, dict[str, Any]] = {
    "required": {"required": True},
    "fixed": {"createable": False, "updateable": False},
    "once": {"updateable": False},
    "lookup": {"id_lookup": True},
    "external": {"external": True, "id_lookup": True, "unique": True},
    "cascade": {"cascade": True},
    "restricted": {"restricted": True},
}


def _read(line: str) -> Field:
    """Read a line of the tables: name, type with length, what it refers to, flags."""
    name, kind, *rest = line.split()
    kind, _, length = kind.partition(":")
    more: dict[str, Any] = {"length": int(length or 0)}
    for word in rest:
        if word.startswith(">"):
            refers, _, child = word[1:].partition("/")
            more |= {"refers": tuple(refers.split(",")), "child": child}
        elif word.startswith("="):
            more["values"] = tuple(word[1:].replace("_", " ").split("|"))
        else:
            more |= FLAGS[word]
    return Field(name, kind, **more)


STANDARD: dict[str, tuple[str, str]] = {
    "Account": ("001", """
Name string:255 required lookup
Type picklist
Industry picklist
Website url
Phone phone
NumberOfEmployees int
AnnualRevenue currency
Description textarea
BillingCountry string:80
ParentId reference >Account/ChildAccounts
OwnerId reference >User
MasterRecordId reference >Account fixed
"""),
    "Contact": ("003", """
AccountId reference >Account/Contacts
Salutation picklist
FirstName string:40
LastName string:80 required
Name string:121 fixed
Title string:128
Department string:80
Email email lookup
Phone phone
MobilePhone phone
MailingCountry string:80
MailingCity string:40
LeadSource picklist
Birthdate date
Description textarea
HasOptedOutOfEmail boolean
DoNotCall boolean
IndividualId reference >Individual/Contacts
ReportsToId reference >Contact
OwnerId reference >User
MasterRecordId reference >Contact fixed
LastActivityDate date fixed
"""),
    "Lead": ("00Q", """
Salutation picklist
FirstName string:40
LastName string:80 required
Name string:121 fixed
Title string:128
Company string:255 required
Email email lookup
Phone phone
Country string:80
City string:40
Industry picklist
Website url
NumberOfEmployees int
LeadSource picklist
Status picklist =Open_-_Not_Contacted|Working_-_Contacted|Closed_-_Converted|Closed_-_Not_Converted
Rating picklist
Description textarea
HasOptedOutOfEmail boolean
IndividualId reference >Individual/Leads
OwnerId reference >Group,User
IsConverted boolean fixed
ConvertedDate date fixed
ConvertedContactId reference >Contact fixed
ConvertedAccountId reference >Account fixed
ConvertedOpportunityId reference >Opportunity fixed
MasterRecordId reference >Lead fixed
"""),
    "Opportunity": ("006", """
AccountId reference >Account/Opportunities
Name string:120 required
StageName picklist required =Prospecting|Qualification|Proposal/Price_Quote|Negotiation/Review|Closed_Won|Closed_Lost
Amount currency
Probability percent
CloseDate date required
Type picklist
CampaignId reference >Campaign/Opportunities
Description textarea
IsClosed boolean fixed
IsWon boolean fixed
ContactId reference >Contact/Opportunities once
OwnerId reference >User
"""),
    "OpportunityHistory": ("008", """
OpportunityId reference >Opportunity/OpportunityHistories fixed cascade
StageName picklist fixed
Amount currency fixed
ExpectedRevenue currency fixed
CloseDate date fixed
Probability percent fixed
ForecastCategory picklist fixed
"""),
    "OpportunityContactRole": ("00K", """
OpportunityId reference >Opportunity/OpportunityContactRoles once cascade required
ContactId reference >Contact/OpportunityContactRoles cascade required
Role picklist
IsPrimary boolean
"""),
    "OpportunityLineItem": ("00k", """
OpportunityId reference >Opportunity/OpportunityLineItems once cascade
Product2Id reference >Product2/OpportunityLineItems once
Name string:376 fixed
Quantity double
UnitPrice currency
TotalPrice currency
Description string:255
"""),
    "Product2": ("01t", """
Name string:255 required
ProductCode string:255
Description textarea
DisplayUrl url:1000
Family picklist
IsActive boolean
"""),
    "Order": ("801", """
AccountId reference >Account/Orders
BillToContactId reference >Contact
OpportunityId reference >Opportunity/Orders
OrderNumber string:30 fixed lookup
Name string:80
Status picklist
EffectiveDate date
TotalAmount currency
OwnerId reference >Group,User
"""),
    "OrderItem": ("802", """
OrderId reference >Order/OrderItems once cascade
Product2Id reference >Product2/OrderItems once
OrderItemNumber string:30 fixed
Quantity double
UnitPrice currency
TotalPrice currency fixed
"""),
    "WebStore": ("0ZE", """
Name string:255 required
"""),
    "WebCart": ("0a6", """
Name string:255
Status picklist =Active|Checkout|PendingClosed|Closed|Processing
AccountId reference >Account/WebCarts
WebStoreId reference >WebStore/WebCarts
OwnerId reference >User
TotalAmount currency
GrandTotalAmount currency
CurrencyIsoCode picklist
"""),
    "CartItem": ("0a9", """
CartId reference >WebCart/CartItems once cascade
Product2Id reference >Product2
Name string:255
Quantity double
SalesPrice currency
TotalPrice currency
"""),
    "Contract": ("800", """
AccountId reference >Account/Contracts required
ContractNumber string:30 fixed
Status picklist
StartDate date
EndDate date
ContractTerm int
OwnerId reference >User
"""),
    "Case": ("500", """
CaseNumber string:30 fixed lookup
ContactId reference >Contact/Cases
AccountId reference >Account/Cases
Subject string:255
Status picklist =New|Working|Escalated|Closed
Origin picklist
Priority picklist
Type picklist
Description textarea
IsClosed boolean fixed
ClosedDate datetime fixed
OwnerId reference >Group,User
"""),
    "Event": ("00U", """
WhoId reference >Contact,Lead/Events
WhatId reference >Account,Opportunity,Case,Campaign/Events
AccountId reference >Account fixed
Subject string:255
StartDateTime datetime
EndDateTime datetime
ActivityDateTime datetime
ActivityDate date
DurationInMinutes int
Location string:255
Description textarea
Type picklist
EventSubtype picklist once
IsChild boolean fixed
OwnerId reference >User
"""),
    "Task": ("00T", """
WhoId reference >Contact,Lead/Tasks
WhatId reference >Account,Opportunity,Case,Campaign/Tasks
AccountId reference >Account fixed
Subject string:255
Status picklist =Not_Started|In_Progress|Completed|Waiting_on_someone_else|Deferred
Priority picklist =High|Normal|Low
ActivityDate date
Description textarea
Type picklist
TaskSubtype picklist once
IsClosed boolean fixed
CompletedDateTime datetime fixed
OwnerId reference >Group,User
"""),
    "Campaign": ("701", """
Name string:80 required
Type picklist
Status picklist
IsActive boolean
StartDate date
EndDate date
OwnerId reference >User
"""),
    "CampaignMember": ("00v", """
CampaignId reference >Campaign/CampaignMembers once cascade required
ContactId reference >Contact/CampaignMembers once cascade
LeadId reference >Lead/CampaignMembers once cascade
Status picklist
HasResponded boolean fixed
FirstRespondedDate date fixed
"""),
    "CampaignMemberStatus": ("01Y", """
CampaignId reference >Campaign/CampaignMemberStatuses once cascade
Label string:765
HasResponded boolean
IsDefault boolean
SortOrder int
"""),
    "Individual": ("0PK", """
FirstName string:40
LastName string:80 required
Name string:121 fixed
HasOptedOutSolicit boolean
HasOptedOutProcessing boolean
HasOptedOutProfiling boolean
HasOptedOutTracking boolean
HasOptedOutGeoTracking boolean
SendIndividualData boolean
ShouldForget boolean
CanStorePiiElsewhere boolean
OwnerId reference >User
"""),
    "User": ("005", """
Username string:80 required lookup
FirstName string:40
LastName string:80 required
Name string:121 fixed
Email email
Title string:80
IsActive boolean
ContactId reference >Contact/Users
AccountId reference >Account fixed
ProfileId reference >Profile/Users
TimeZoneSidKey picklist
LocaleSidKey picklist
LanguageLocaleKey picklist
UserType picklist fixed
"""),
    "Group": ("00G", """
Name string:40
DeveloperName string:80
Type picklist
"""),
    "Profile": ("00e", """
Name string:255
PermissionsModifyMetadata boolean
PermissionsCustomizeApplication boolean
PermissionsApiEnabled boolean
PermissionsViewAllData boolean
PermissionsPrivacyDataAccess boolean
"""),
    "UserPermissionAccess": ("0UP", """
PermissionsModifyMetadata boolean fixed
PermissionsCustomizeApplication boolean fixed
PermissionsApiEnabled boolean fixed
PermissionsAssignPermissionSets boolean fixed
PermissionsManageUsers boolean fixed
PermissionsViewAllData boolean fixed
PermissionsPrivacyDataAccess boolean fixed
"""),
    "Organization": ("00D", """
Name string:80
IsSandbox boolean fixed
OrganizationType picklist fixed
InstanceName string:5 fixed
NamespacePrefix string:15 fixed
TimeZoneSidKey picklist
DefaultLocaleSidKey picklist
LanguageLocaleKey picklist
Country string:80
"""),
    "PermissionSet": ("0PS", """
Name string:80 required
Label string:80 required
Description string:255
IsOwnedByProfile boolean fixed
IsCustom boolean fixed
NamespacePrefix string:15 fixed
"""),
    "PermissionSetAssignment": ("0Pa", """
AssigneeId reference >User/PermissionSetAssignments required
PermissionSetId reference >PermissionSet/Assignments required cascade
IsActive boolean fixed
"""),
}  # fmt: skip

OUR_OBJECTS: dict[str, tuple[str, str]] = {
    "Cuereel_Video__c": ("a01", """
Key__c string:255 external
Contact__c reference >Contact/Cuereel_Videos__r
Lead__c reference >Lead/Cuereel_Videos__r
Video_Url__c url
Thumbnail_Url__c url
Status__c string
Status_Reason__c string
Template__c string
Variant__c string
Fallback_Slots__c string
Ready_At__c datetime
Expires_At__c datetime
Campaign_Name__c string
Minted_At__c datetime
Subject__c string
Duration__c double
"""),
    "Cuereel_Video_View__c": ("a02", """
Key__c string:255 external
Contact__c reference >Contact/Cuereel_Video_Views__r
Lead__c reference >Lead/Cuereel_Video_Views__r
Video__c reference >Cuereel_Video__c/Cuereel_Video_Views__r
Viewed_At__c datetime
Last_Viewed_At__c datetime
Percent_Watched__c double
Furthest_Percent__c double
Seconds_Watched__c double
Completed__c boolean
Clicks__c double
"""),
    "Cuereel_Request__c": ("a03", """
Contact__c reference >Contact/Cuereel_Requests__r
Lead__c reference >Lead/Cuereel_Requests__r
Campaign__c picklist
Status__c string
Reason__c string
Video_Url__c url
Thumbnail_Url__c url
"""),
}  # fmt: skip
