"""The fields that every organisation has. A space in a label is a bar in the API name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count

from infra.sandbox.zoho.fields import Field, PickListValue, pick
from infra.sandbox.zoho.modules import (
    ACCOUNTS,
    CALLS,
    CAMPAIGNS,
    CASES,
    CONTACTS,
    DEALS,
    EVENTS,
    LEADS,
    NOTES,
    PRODUCTS,
    TASKS,
    Module,
)

STAGES = (
    PickListValue("Qualification", "Qualification", None, "Open", 10),
    PickListValue("Needs Analysis", "Needs Analysis", None, "Open", 20),
    PickListValue("Value Proposition", "Value Proposition", None, "Open", 40),
    PickListValue("Proposal/Price Quote", "Proposal/Price Quote", None, "Open", 75),
    PickListValue("Negotiation/Review", "Negotiation/Review", None, "Open", 90),
    # As after an admin's renaming: the label tells nothing.
    PickListValue("Paid", "Closed Won", None, "Closed Won", 100),
    PickListValue("Closed Lost", "Closed Lost", None, "Closed Lost", 0),
    PickListValue("Gone to competition", "Closed Lost to Competition", None, "Closed Lost", 0),
)

_SALUTATIONS = pick(["Mr.", "Mrs.", "Ms.", "Dr.", "Prof."])
_SOURCES = pick(
    ["Advertisement", "Cold Call", "Employee Referral", "External Referral", "Online Store",
     "Partner", "Public Relations", "Trade Show", "Web Download", "Web Research", "Chat"]
)  # fmt: skip
_INDUSTRIES = pick(
    ["Communications", "Consulting", "Data/Telecom OEM", "ERP", "Financial Services",
     "Government/Military", "Large Enterprise", "ManagementISV", "Manufacturing",
     "Network Equipment Enterprise", "Non-management ISV", "Optical Networking", "Real Estate",
     "Retail", "Service Provider", "Small/Medium Enterprise", "Storage Equipment",
     "Systems Integrator", "Technology", "Wireless Industry"]
)  # fmt: skip
_RATINGS = pick(["Acquired", "Active", "Market Failed", "Project Cancelled", "Shut Down"])
_LEAD_STATUSES = pick(
    ["Attempted to Contact", "Contact in Future", "Contacted", "Junk Lead", "Lost Lead",
     "Not Contacted", "Pre-Qualified", "Not Qualified"]
)  # fmt: skip
_PRIORITIES = pick(["High", "Highest", "Low", "Lowest", "Normal"])


def _text(*labels: str, type_: str = "text", length: int = 0) -> list[Field]:
    return [Field(label.replace(" ", "_"), label, type_, length) for label in labels]


def _lookup(name: str, label: str, module: Module) -> Field:
    return Field(name, label, "lookup", lookup=module.name)


def _found_by_converting(module: Module) -> Field:
    one = module.singular
    return Field(
        f"Converted_{one}", f"Converted {one}", "lookup", lookup=module.name, read_only=True
    )


def _address(prefix: str, code: str) -> list[Field]:
    return _text(*(f"{prefix} {part}" for part in ("Street", "City", "State", code, "Country")))


_PERSON = [
    *_text("First Name", length=40),
    *_text("Last Name", length=80),
    Field("Full_Name", "Full Name", read_only=True),
    Field("Salutation", "Salutation", "picklist", values=_SALUTATIONS),
    *_text("Email", "Secondary Email", type_="email"),
    *_text("Phone", "Mobile", "Fax", type_="phone"),
    Field("Email_Opt_Out", "Email Opt Out", "boolean"),
    Field("Lead_Source", "Lead Source", "picklist", values=_SOURCES),
]

_OWN: Mapping[Module, Sequence[Field]] = {
    LEADS: [
        *_PERSON,
        *_text("Company", "Designation"),
        *_text("Street", "City", "State", "Zip Code", "Country"),
        *_text("Website", type_="website"),
        Field("Lead_Status", "Lead Status", "picklist", values=_LEAD_STATUSES),
        Field("Industry", "Industry", "picklist", values=_INDUSTRIES),
        Field("Rating", "Rating", "picklist", values=_RATINGS),
        Field("No_of_Employees", "No. of Employees", "integer"),
        Field("Annual_Revenue", "Annual Revenue", "currency", decimals=2),
        Field("Converted__s", "Is Converted", "boolean", read_only=True),
        Field("Converted_Date_Time", "Converted Date Time", "datetime", read_only=True),
        *(_found_by_converting(module) for module in (CONTACTS, ACCOUNTS, DEALS)),
    ],
    CONTACTS: [
        *_PERSON,
        *_text("Title", "Department", length=100),
        _lookup("Account_Name", "Account Name", ACCOUNTS),
        *_address("Mailing", "Zip"),
        Field("Date_of_Birth", "Date of Birth", "date"),
    ],
    ACCOUNTS: [
        *_text("Account Name", length=200),
        *_text("Website", type_="website"),
        *_text("Phone", type_="phone"),
        Field("Industry", "Industry", "picklist", values=_INDUSTRIES),
        Field("Account_Type", "Account Type", "picklist", values=pick(
            ["Analyst", "Competitor", "Customer", "Distributor", "Investor", "Partner", "Prospect"]
        )),
        Field("Employees", "Employees", "integer"),
        Field("Annual_Revenue", "Annual Revenue", "currency", decimals=2),
        _lookup("Parent_Account", "Parent Account", ACCOUNTS),
        *_address("Billing", "Code"),
    ],
    DEALS: [
        *_text("Deal Name", length=120),
        Field("Amount", "Amount", "currency", decimals=2),
        Field("Stage", "Stage", "picklist", values=STAGES),
        Field("Probability", "Probability (%)", "integer"),
        Field("Expected_Revenue", "Expected Revenue", "currency", read_only=True, decimals=2),
        Field("Closing_Date", "Closing Date", "date"),
        Field("Pipeline", "Pipeline", "picklist", values=pick(["Standard (Standard)"])),
        Field("Type", "Type", "picklist", values=pick(["Existing Business", "New Business"])),
        Field("Lead_Source", "Lead Source", "picklist", values=_SOURCES),
        Field("Next_Step", "Next Step"),
        _lookup("Contact_Name", "Contact Name", CONTACTS),
        _lookup("Account_Name", "Account Name", ACCOUNTS),
    ],
    CASES: [
        *_text("Subject"),
        Field("Status", "Status", "picklist", values=pick(
            ["New", "On Hold", "Escalated", "Closed"]
        )),
        Field("Priority", "Priority", "picklist", values=_PRIORITIES),
        Field("Type", "Type", "picklist", values=pick(["Problem", "Feature Request", "Question"])),
        Field("Case_Origin", "Case Origin", "picklist", values=pick(["Email", "Phone", "Web"])),
        _lookup("Related_To", "Contact Name", CONTACTS),
        _lookup("Account_Name", "Account Name", ACCOUNTS),
    ],
    TASKS: [
        *_text("Subject"),
        Field("Due_Date", "Due Date", "date"),
        Field("Status", "Status", "picklist", values=pick(
            ["Not Started", "Deferred", "In Progress", "Completed", "Waiting for input"]
        )),
        Field("Priority", "Priority", "picklist", values=_PRIORITIES),
        Field("Closed_Time", "Closed Time", "datetime", read_only=True),
        _lookup("Who_Id", "Contact Name", CONTACTS),
        Field("What_Id", "Related To", "lookup", lookup="*"),
        Field("$se_module", "Module"),
    ],
    EVENTS: [
        *_text("Event Title"),
        Field("Start_DateTime", "From", "datetime"),
        Field("End_DateTime", "To", "datetime"),
        _lookup("Who_Id", "Contact Name", CONTACTS),
        Field("What_Id", "Related To", "lookup", lookup="*"),
        Field("$se_module", "Module"),
    ],
    CALLS: [
        *_text("Subject"),
        Field("Call_Type", "Call Type", "picklist", values=pick(["Outbound", "Inbound", "Missed"])),
        Field("Call_Start_Time", "Call Start Time", "datetime"),
        *_text("Call Duration", "Call Result"),
        _lookup("Who_Id", "Contact Name", CONTACTS),
        Field("What_Id", "Related To", "lookup", lookup="*"),
        Field("$se_module", "Module"),
    ],
    CAMPAIGNS: [*_text("Campaign Name", "Type", "Status")],
    PRODUCTS: [
        *_text("Product Name", "Product Code"),
        Field("Product_Active", "Product Active", "boolean"),
        Field("Product_Category", "Product Category", "picklist", values=pick(
            ["Hardware", "Software", "CRM Applications"]
        )),
        Field("Unit_Price", "Unit Price", "currency", decimals=2),
    ],
    NOTES: [
        *_text("Note Title", length=120),
        Field("Note_Content", "Note Content", "textarea", 65_535),
        Field("Parent_Id", "Parent ID", "lookup", lookup="*"),
        Field("$se_module", "Module"),
    ],
}  # fmt: skip

_EVERYWHERE = [
    Field("id", "Record Id", "bigint", read_only=True),
    Field("Owner", "Owner", "ownerlookup"),
    Field("Created_By", "Created By", "ownerlookup", read_only=True),
    Field("Modified_By", "Modified By", "ownerlookup", read_only=True),
    Field("Created_Time", "Created Time", "datetime", read_only=True),
    Field("Modified_Time", "Modified Time", "datetime", read_only=True),
    Field("Last_Activity_Time", "Last Activity Time", "datetime", read_only=True),
    Field("Description", "Description", "textarea"),
    Field("Tag", "Tag", "text", read_only=True),
    Field("Currency", "Currency", "picklist"),
    Field("Exchange_Rate", "Exchange Rate", "double"),
    Field("Record_Image", "Record Image", "profileimage", read_only=True),
]


def standard_fields(module: Module) -> dict[str, Field]:
    """By API name, each with an id."""
    numbers = count(1)
    return {
        one.name: one.numbered(f"57257670{module.number:05}{next(numbers):06}")
        for one in (*_EVERYWHERE, *_OWN[module])
    }
