"""Standard objects that tell what people bought, asked for and did."""

from __future__ import annotations

from dataclasses import dataclass

from infra.sandbox.salesforce.fields import (
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
from infra.sandbox.salesforce.standard_people import OWNER, SOURCES


@dataclass(frozen=True, slots=True)
class Stage:
    """``probability`` in per cent, as a new opportunity in this stage has it."""

    name: str
    probability: float
    forecast: str = "Pipeline"
    is_closed: bool = False
    is_won: bool = False


STAGES = (
    Stage("Prospecting", 10.0),
    Stage("Qualification", 10.0),
    Stage("Needs Analysis", 20.0),
    Stage("Value Proposition", 50.0),
    Stage("Id. Decision Makers", 60.0),
    Stage("Perception Analysis", 70.0, "Best Case"),
    Stage("Proposal/Price Quote", 75.0, "Best Case"),
    Stage("Negotiation/Review", 90.0, "Commit"),
    Stage("Closed Won", 100.0, "Closed", is_closed=True, is_won=True),
    Stage("Closed Lost", 0.0, "Omitted", is_closed=True),
)
CLOSED_CASES = ("Closed",)
COMPLETED = ("Completed",)
DRAFT, ACTIVATED = "Draft", "Activated"
RESPONDED = ("Responded",)

OPPORTUNITY = sobject(
    "Opportunity", "006",
    lookup("AccountId", "Account"),
    text("Name", 120, required=True),
    long_text("Description"),
    choice("StageName", *(one.name for one in STAGES), required=True),
    number("Amount", "currency"),
    number("Probability", "percent"),
    number("ExpectedRevenue", "currency", writes=""),
    day("CloseDate", required=True),
    choice("Type", "Existing Business", "New Business"),
    text("NextStep"),
    choice("LeadSource", *SOURCES),
    flag("IsClosed", writes=""),
    flag("IsWon", writes=""),
    choice("ForecastCategoryName", "Omitted", "Pipeline", "Best Case", "Commit", "Closed"),
    lookup("CampaignId", "Campaign"),
    flag("HasOpportunityLineItem", writes=""),
    OWNER,
    CURRENCY,
    lookup("ContactId", "Contact", writes="c"),
    day("LastActivityDate", writes=""),
    instant("LastStageChangeDate", writes=""),
    plural="Opportunities",
    OpportunityContactRoles="OpportunityContactRole.OpportunityId",
    OpportunityLineItems="OpportunityLineItem.OpportunityId",
)  # fmt: skip

CONTACT_ROLE = sobject(
    "OpportunityContactRole", "00K",
    lookup("OpportunityId", "Opportunity", required=True, writes="c"),
    lookup("ContactId", "Contact", required=True),
    choice("Role", "Business User", "Decision Maker", "Economic Buyer", "Evaluator", "Other"),
    flag("IsPrimary"),
    CURRENCY,
)  # fmt: skip

PRODUCT = sobject(
    "Product2", "01t",
    text("Name", required=True),
    text("ProductCode"),
    choice("Family", "None"),
    flag("IsActive"),
    CURRENCY,
)  # fmt: skip

LINE_ITEM = sobject(
    "OpportunityLineItem", "00k",
    lookup("OpportunityId", "Opportunity", required=True, writes="c"),
    lookup("Product2Id", "Product2", writes="c"),
    text("Name", 376, writes=""),
    text("ProductCode", writes=""),
    number("Quantity", required=True),
    number("UnitPrice", "currency"),
    number("TotalPrice", "currency"),
    day("ServiceDate"),
    CURRENCY,
)  # fmt: skip

ORDER = sobject(
    "Order", "801",
    lookup("AccountId", "Account", required=True),
    text("OrderNumber", 30, writes=""),
    choice("Status", DRAFT, ACTIVATED, default=DRAFT, restricted=True),
    choice("StatusCode", DRAFT, ACTIVATED, writes=""),
    day("EffectiveDate", required=True),
    instant("ActivatedDate", writes=""),
    lookup("BillToContactId", "Contact"),
    lookup("OpportunityId", "Opportunity"),
    flag("IsReductionOrder", writes="c"),
    lookup("OriginalOrderId", "Order", writes="c"),
    choice("Type"),
    number("TotalAmount", "currency", writes=""),
    OWNER,
    CURRENCY,
    feature="orders",
    OrderItems="OrderItem.OrderId",
)  # fmt: skip

ORDER_ITEM = sobject(
    "OrderItem", "802",
    lookup("OrderId", "Order", required=True, writes="c"),
    lookup("Product2Id", "Product2", writes="c"),
    number("Quantity", required=True),
    number("UnitPrice", "currency"),
    number("TotalPrice", "currency", writes=""),
    day("ServiceDate"),
    CURRENCY,
    feature="orders",
)  # fmt: skip

STAGE = sobject(
    "OpportunityStage", "01J",
    text("ApiName"), text("MasterLabel"), number("SortOrder", "int"), flag("IsActive"),
    flag("IsClosed"), flag("IsWon"), number("DefaultProbability", "percent"),
    text("ForecastCategoryName"),
    read_only=True,
)  # fmt: skip

CURRENCY_TYPE = sobject(
    "CurrencyType", "01L",
    text("IsoCode", 3), number("ConversionRate"), number("DecimalPlaces", "int"),
    flag("IsActive"), flag("IsCorporate"),
    read_only=True, feature="multicurrency",
)  # fmt: skip

CASE = sobject(
    "Case", "500",
    text("CaseNumber", 30, writes=""),
    lookup("ContactId", "Contact"),
    lookup("AccountId", "Account"),
    text("Subject"),
    long_text("Description"),
    choice("Status", "New", "Working", "Escalated", *CLOSED_CASES, default="New"),
    choice("Priority", "High", "Medium", "Low", default="Medium"),
    choice("Origin", "Email", "Phone", "Web"),
    choice("Reason", "Installation", "Equipment Complexity", "Performance", "Other"),
    choice("Type", "Mechanical", "Electrical", "Electronic", "Structural", "Other"),
    flag("IsClosed", writes=""),
    instant("ClosedDate", writes=""),
    flag("IsEscalated"),
    OWNER,
    CURRENCY,
)  # fmt: skip

_WHO = ("Contact", "Lead")
_WHAT = ("Account", "Opportunity", "Case", "Campaign")
_ACTIVITY = (
    lookup("WhoId", *_WHO),
    lookup("WhatId", *_WHAT),
    lookup("AccountId", "Account", writes=""),
    text("Subject"),
    long_text("Description"),
    day("ActivityDate"),
    OWNER,
    flag("IsArchived", writes=""),
    CURRENCY,
)

TASK = sobject(
    "Task", "00T",
    *_ACTIVITY,
    choice("Status", "Not Started", "In Progress", *COMPLETED, default="Not Started"),
    choice("Priority", "High", "Normal", "Low", default="Normal"),
    choice(
        "TaskSubtype", "Task", "Email", "ListEmail", "Cadence", "Call", "LinkedIn",
        default="Task", restricted=True, writes="c",
    ),
    choice("Type", "Call", "Email", "Meeting", "Other"),
    flag("IsClosed", writes=""),
    instant("CompletedDateTime", writes=""),
    choice("CallType", "Internal", "Inbound", "Outbound", restricted=True),
    number("CallDurationInSeconds", "int"),
    text("CallDisposition"),
)  # fmt: skip

EVENT = sobject(
    "Event", "00U",
    *_ACTIVITY,
    instant("StartDateTime"),
    instant("EndDateTime"),
    number("DurationInMinutes", "int"),
    instant("ActivityDateTime"),
    choice("EventSubtype", "Event", default="Event", restricted=True, writes="c"),
    choice("Type", "Call", "Email", "Meeting", "Other"),
)  # fmt: skip

NOTE = sobject(
    "Note", "002",
    lookup("ParentId", *_WHO, *_WHAT, required=True, writes="c"),
    text("Title", 80, required=True),
    long_text("Body"),
    flag("IsPrivate"),
    OWNER,
)  # fmt: skip

CAMPAIGN = sobject(
    "Campaign", "701",
    text("Name", 80, required=True),
    choice("Type", "Webinar", "Email", "Conference", "Other"),
    choice("Status", "Planned", "In Progress", "Completed", default="Planned"),
    flag("IsActive"),
    OWNER,
    CURRENCY,
    CampaignMembers="CampaignMember.CampaignId",
)  # fmt: skip

CAMPAIGN_MEMBER = sobject(
    "CampaignMember", "00v",
    lookup("CampaignId", "Campaign", required=True, writes="c"),
    lookup("LeadId", "Lead", writes="c"),
    lookup("ContactId", "Contact", writes="c"),
    choice("Status", "Sent", *RESPONDED, default="Sent"),
    flag("HasResponded", writes=""),
    day("FirstRespondedDate", writes=""),
    text("Type", 40, writes=""),
    CURRENCY,
)  # fmt: skip

TOPIC = sobject(
    "Topic", "0TO",
    text("Name", 99, required=True),
    text("Description", 1000),
    number("TalkingAbout", "int", writes=""),
)  # fmt: skip

TOPIC_ASSIGNMENT = sobject(
    "TopicAssignment", "0QJ",
    lookup("EntityId", *_WHO, *_WHAT, required=True, writes="c"),
    text("EntityKeyPrefix", 3, writes=""),
    text("EntityType", 80, writes=""),
    lookup("TopicId", "Topic", required=True, writes="c"),
)  # fmt: skip

SALES: tuple[SObject, ...] = (
    OPPORTUNITY, CONTACT_ROLE, PRODUCT, LINE_ITEM, ORDER, ORDER_ITEM, STAGE, CURRENCY_TYPE, CASE,
    TASK, EVENT, NOTE, CAMPAIGN, CAMPAIGN_MEMBER, TOPIC, TOPIC_ASSIGNMENT,
)  # fmt: skip
