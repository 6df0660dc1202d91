"""Standard objects that are people and companies, with the fields that matter to a connector."""

from __future__ import annotations

from infra.sandbox.salesforce.fields import (
    Field,
    choice,
    day,
    flag,
    instant,
    long_text,
    lookup,
    number,
    text,
)
from infra.sandbox.salesforce.objects import CURRENCY, SObject, sobject

RATINGS = ("Hot", "Warm", "Cold")
INDUSTRIES = (
    "Agriculture", "Banking", "Chemicals", "Consulting", "Education", "Energy", "Finance",
    "Healthcare", "Hospitality", "Insurance", "Manufacturing", "Media", "Retail", "Technology",
    "Transportation", "Other",
)  # fmt: skip
SOURCES = ("Web", "Phone Inquiry", "Partner Referral", "Purchased List", "Webinar", "Other")
LEAD_STATUSES = {
    "Open - Not Contacted": False,
    "Working - Contacted": False,
    "Closed - Converted": True,
    "Closed - Not Converted": False,
}
"""Whether each means that the lead is converted."""

OWNER = lookup("OwnerId", "User")
PERSON = "person_accounts"


def email(name: str = "Email", **more: object) -> Field:
    return Field(name=name, type="email", length=80, **more)  # type: ignore[arg-type]


def phone(name: str = "Phone") -> Field:
    return Field(name=name, type="phone", length=40)


def address(before: str = "") -> tuple[Field, ...]:
    parts = {"Street": 255, "City": 40, "State": 80, "PostalCode": 20, "Country": 80}
    return tuple(text(f"{before}{part}", length) for part, length in parts.items())


NAMES = (
    choice("Salutation", "Mr.", "Ms.", "Mrs.", "Dr.", "Prof."),
    text("FirstName", 40),
    text("LastName", 80, required=True),
    text("Name", 121, writes=""),
)

LEAD = sobject(
    "Lead", "00Q",
    *NAMES,
    text("Company", required=True),
    text("Title", 128),
    email(),
    instant("EmailBouncedDate"),
    text("EmailBouncedReason"),
    phone(),
    phone("MobilePhone"),
    Field(name="Website", type="url", length=255),
    *address(),
    long_text("Description"),
    choice("Status", *LEAD_STATUSES, default="Open - Not Contacted", required=True),
    choice("LeadSource", *SOURCES),
    choice("Rating", *RATINGS),
    choice("Industry", *INDUSTRIES),
    number("AnnualRevenue", "currency"),
    number("NumberOfEmployees", "int"),
    flag("HasOptedOutOfEmail"),
    flag("DoNotCall"),
    lookup("IndividualId", "Individual"),
    OWNER,
    CURRENCY,
    day("LastActivityDate", writes=""),
    flag("IsConverted", writes=""),
    day("ConvertedDate", writes=""),
    lookup("ConvertedAccountId", "Account", writes=""),
    lookup("ConvertedContactId", "Contact", writes=""),
    lookup("ConvertedOpportunityId", "Opportunity", writes=""),
    lookup("MasterRecordId", "Lead", writes=""),
    CampaignMembers="CampaignMember.LeadId", Tasks="Task.WhoId", Events="Event.WhoId",
)  # fmt: skip

CONTACT = sobject(
    "Contact", "003",
    *NAMES,
    lookup("AccountId", "Account"),
    text("Title", 128),
    text("Department", 80),
    email(),
    instant("EmailBouncedDate"),
    text("EmailBouncedReason"),
    phone(),
    phone("MobilePhone"),
    day("Birthdate"),
    *address("Mailing"),
    long_text("Description"),
    choice("LeadSource", *SOURCES),
    lookup("ReportsToId", "Contact"),
    flag("HasOptedOutOfEmail"),
    flag("DoNotCall"),
    lookup("IndividualId", "Individual"),
    OWNER,
    CURRENCY,
    day("LastActivityDate", writes=""),
    lookup("MasterRecordId", "Contact", writes=""),
    flag("IsPersonAccount", writes="", feature=PERSON),
    OpportunityContactRoles="OpportunityContactRole.ContactId",
    CampaignMembers="CampaignMember.ContactId", Cases="Case.ContactId",
    Tasks="Task.WhoId", Events="Event.WhoId",
)  # fmt: skip

ACCOUNT = sobject(
    "Account", "001",
    text("Name", required=True),
    choice("Type", "Prospect", "Customer - Direct", "Customer - Channel", "Partner", "Other"),
    choice("Industry", *INDUSTRIES),
    choice("Rating", *RATINGS),
    number("AnnualRevenue", "currency"),
    number("NumberOfEmployees", "int"),
    phone(),
    Field(name="Website", type="url", length=255),
    *address("Billing"),
    long_text("Description"),
    choice("AccountSource", *SOURCES),
    lookup("ParentId", "Account"),
    OWNER,
    CURRENCY,
    day("LastActivityDate", writes=""),
    lookup("MasterRecordId", "Account", writes=""),
    flag("IsPersonAccount", writes="", feature=PERSON),
    Field(
        name="PersonContactId", type="reference", length=18, writes="", feature=PERSON,
        refers_to=("Contact",), relationship="PersonContact",
    ),
    text("FirstName", 40, feature=PERSON),
    text("LastName", 80, feature=PERSON),
    email("PersonEmail", feature=PERSON),
    text("PersonTitle", 80, feature=PERSON),
    text("PersonMailingCountry", 80, feature=PERSON),
    Contacts="Contact.AccountId", Opportunities="Opportunity.AccountId", Cases="Case.AccountId",
)  # fmt: skip

USER = sobject(
    "User", "005",
    text("Username", 80),
    text("Name", 121, writes=""),
    text("FirstName", 40),
    text("LastName", 80),
    email(),
    flag("IsActive"),
    text("TimeZoneSidKey", 40),
    read_only=True,
)  # fmt: skip

ORGANIZATION = sobject(
    "Organization", "00D",
    text("Name", 80),
    text("OrganizationType", 40),
    text("TimeZoneSidKey", 40),
    text("LanguageLocaleKey", 40),
    text("InstanceName", 5),
    flag("IsSandbox"),
    read_only=True,
)  # fmt: skip

LEAD_STATUS = sobject(
    "LeadStatus", "01Q",
    text("ApiName"), text("MasterLabel"), number("SortOrder", "int"),
    flag("IsConverted"), flag("IsDefault"),
    read_only=True, plural="LeadStatuses",
)  # fmt: skip

PEOPLE: tuple[SObject, ...] = (LEAD, CONTACT, ACCOUNT, USER, ORGANIZATION, LEAD_STATUS)
