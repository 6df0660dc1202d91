"""The properties that every portal has, as far as scoring reads them.

Names and types follow HubSpot; calculated ones are kept up by HubSpot itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from infra.sandbox.hubspot.properties import Definition, Group, Option
from infra.sandbox.hubspot.records import (
    COMPANIES,
    CONTACTS,
    DEALS,
    FEEDBACK_SUBMISSIONS,
    LINE_ITEMS,
    NOTES,
    PRODUCTS,
    TASKS,
    TICKETS,
    ObjectType,
)

GROUPS: Mapping[ObjectType, Group] = {
    CONTACTS: Group("contactinformation", "Contact information", 0),
    COMPANIES: Group("companyinformation", "Company information", 0),
    DEALS: Group("dealinformation", "Deal information", 0),
    TICKETS: Group("ticketinformation", "Ticket information", 0),
    PRODUCTS: Group("productinformation", "Product information", 0),
    LINE_ITEMS: Group("lineiteminformation", "Line item information", 0),
    FEEDBACK_SUBMISSIONS: Group("feedback_submission_information", "Feedback submission", 0),
    TASKS: Group("task", "Task", 0),
    NOTES: Group("note", "Note", 0),
}

# In HubSpot's order: a contact only moves forward along it.
LIFECYCLE_STAGES = {
    "subscriber": "Subscriber",
    "lead": "Lead",
    "marketingqualifiedlead": "Marketing qualified lead",
    "salesqualifiedlead": "Sales qualified lead",
    "opportunity": "Opportunity",
    "customer": "Customer",
    "evangelist": "Evangelist",
    "other": "Other",
}
_LEAD_STATUSES = {
    "NEW": "New",
    "OPEN": "Open",
    "IN_PROGRESS": "In progress",
    "OPEN_DEAL": "Open deal",
    "UNQUALIFIED": "Unqualified",
    "ATTEMPTED_TO_CONTACT": "Attempted to contact",
    "CONNECTED": "Connected",
    "BAD_TIMING": "Bad timing",
}
_SOURCES = {
    "ORGANIC_SEARCH": "Organic search",
    "PAID_SEARCH": "Paid search",
    "EMAIL_MARKETING": "Email marketing",
    "SOCIAL_MEDIA": "Organic social",
    "REFERRALS": "Referrals",
    "DIRECT_TRAFFIC": "Direct traffic",
    "OFFLINE": "Offline sources",
}
_INDUSTRIES = {
    "COMPUTER_SOFTWARE": "Computer software",
    "RETAIL": "Retail",
    "MUSIC": "Music",
    "ENTERTAINMENT": "Entertainment",
    "HOSPITALITY": "Hospitality",
    "EDUCATION_MANAGEMENT": "Education management",
    "FINANCIAL_SERVICES": "Financial services",
    "HOSPITAL_HEALTH_CARE": "Hospital and health care",
    "MARKETING_AND_ADVERTISING": "Marketing and advertising",
    "MANUFACTURING": "Manufacturing",
}
_OWNERS = {"77": "Sara Karimi", "78": "Omid Rad", "79": "Lena Vogt"}
"""Users of the account; HubSpot keeps them apart, and refuses other ids like any other option."""

_DEAL_TYPES = {"newbusiness": "New business", "existingbusiness": "Existing business"}
_PRIORITIES = {"LOW": "Low", "MEDIUM": "Medium", "HIGH": "High", "URGENT": "Urgent"}
_TICKET_SOURCES = {"CHAT": "Chat", "EMAIL": "Email", "FORM": "Form", "PHONE": "Phone"}
_FREQUENCIES = {
    "weekly": "Weekly",
    "biweekly": "Every two weeks",
    "monthly": "Monthly",
    "quarterly": "Quarterly",
    "per_six_months": "Every six months",
    "annually": "Annually",
    "per_two_years": "Every two years",
}
_SURVEY_TYPES = {"CES": "Effort", "CSAT": "Satisfaction", "NPS": "Loyalty", "CUSTOM": "Custom"}
_SURVEY_CHANNELS = {"EMAIL": "Email", "WEB": "Web page", "CHAT": "Chat"}
_SENTIMENTS = {"Positive": "Positive", "Neutral": "Neutral", "Negative": "Negative"}
_BOUNCES = {"OTHER": "Other", "SPAM": "Spam", "UNKNOWN_USER": "Unknown user"}
_TIERS = {"tier_1": "Very high", "tier_2": "High", "tier_3": "Medium", "tier_4": "Low"}
_TASK_STATUSES = {"NOT_STARTED": "Not started", "COMPLETED": "Completed"}
_TASK_PRIORITIES = {"LOW": "Low", "MEDIUM": "Medium", "HIGH": "High"}
_TASK_TYPES = {"EMAIL": "Email", "CALL": "Call", "TODO": "To-do"}
_BOOLEAN = {"true": "True", "false": "False"}

_Choices = Mapping[str, str]
_Row = tuple[str, str, str] | tuple[str, str, str, _Choices]
"""Name, label, field type (of a ``string``, or else the type itself), and options if any."""

_WRITABLE: Mapping[ObjectType, Sequence[_Row]] = {
    CONTACTS: (
        ("email", "Email", "text"),
        ("firstname", "First name", "text"),
        ("lastname", "Last name", "text"),
        ("phone", "Phone number", "text"),
        ("mobilephone", "Mobile phone number", "text"),
        ("jobtitle", "Job title", "text"),
        ("company", "Company name", "text"),
        ("website", "Website URL", "text"),
        ("country", "Country/region", "text"),
        ("city", "City", "text"),
        ("industry", "Industry", "text"),
        ("hs_language", "Preferred language", "text"),
        ("hubspot_owner_id", "Contact owner", "select", _OWNERS),
        ("numemployees", "Number of employees", "text"),
        ("lifecyclestage", "Lifecycle stage", "radio", LIFECYCLE_STAGES),
        ("hs_lead_status", "Lead status", "radio", _LEAD_STATUSES),
    ),
    COMPANIES: (
        ("name", "Company name", "text"),
        ("domain", "Company domain name", "text"),
        ("phone", "Phone number", "text"),
        ("country", "Country/region", "text"),
        ("city", "City", "text"),
        ("hubspot_owner_id", "Company owner", "select", _OWNERS),
        ("industry", "Industry", "select", _INDUSTRIES),
        ("numberofemployees", "Number of employees", "number"),
        ("annualrevenue", "Annual revenue", "number"),
        ("lifecyclestage", "Lifecycle stage", "radio", LIFECYCLE_STAGES),
    ),
    DEALS: (
        ("dealname", "Deal name", "text"),
        ("amount", "Amount", "number"),
        ("closedate", "Close date", "datetime"),
        ("pipeline", "Pipeline", "text"),
        ("dealstage", "Deal stage", "text"),
        ("dealtype", "Deal type", "radio", _DEAL_TYPES),
        ("description", "Deal description", "textarea"),
        ("hubspot_owner_id", "Deal owner", "select", _OWNERS),
    ),
    TICKETS: (
        ("subject", "Ticket name", "text"),
        ("content", "Ticket description", "textarea"),
        ("hs_pipeline", "Pipeline", "text"),
        ("hs_pipeline_stage", "Ticket status", "text"),
        ("hs_ticket_priority", "Priority", "select", _PRIORITIES),
        ("hs_ticket_category", "Category", "text"),
        ("source_type", "Source", "select", _TICKET_SOURCES),
        ("hubspot_owner_id", "Ticket owner", "select", _OWNERS),
    ),
    PRODUCTS: (
        ("name", "Name", "text"),
        ("description", "Product description", "textarea"),
        ("price", "Unit price", "number"),
        ("hs_sku", "SKU", "text"),
        ("hs_cost_of_goods_sold", "Unit cost", "number"),
        ("recurringbillingfrequency", "Billing frequency", "select", _FREQUENCIES),
        ("hs_recurring_billing_period", "Term", "text"),
    ),
    LINE_ITEMS: (
        ("name", "Name", "text"),
        ("description", "Description", "textarea"),
        ("hs_sku", "SKU", "text"),
        ("hs_product_id", "Product ID", "number"),
        ("quantity", "Quantity", "number"),
        ("price", "Unit price", "number"),
        ("hs_line_item_currency_code", "Currency", "text"),
        ("recurringbillingfrequency", "Billing frequency", "select", _FREQUENCIES),
        ("hs_recurring_billing_period", "Term", "text"),
    ),
    FEEDBACK_SUBMISSIONS: (),
    TASKS: (
        ("hs_timestamp", "Due date", "datetime"),
        ("hs_task_subject", "Task title", "text"),
        ("hs_task_body", "Notes", "html"),
        ("hs_task_status", "Task status", "select", _TASK_STATUSES),
        ("hs_task_priority", "Priority", "select", _TASK_PRIORITIES),
        ("hs_task_type", "Task type", "select", _TASK_TYPES),
        ("hubspot_owner_id", "Assigned to", "select", _OWNERS),
    ),
    NOTES: (
        ("hs_timestamp", "Activity date", "datetime"),
        ("hs_note_body", "Note body", "html"),
        ("hubspot_owner_id", "Activity assigned to", "select", _OWNERS),
    ),
}

_CALCULATED: Mapping[ObjectType, Sequence[_Row]] = {
    CONTACTS: (
        ("associatedcompanyid", "Primary associated company ID", "number"),
        ("hs_additional_emails", "Additional email addresses", "text"),
        ("num_associated_deals", "Number of associated deals", "number"),
        ("first_deal_created_date", "First deal created date", "datetime"),
        ("recent_deal_amount", "Recent deal amount", "number"),
        ("recent_deal_close_date", "Recent deal close date", "datetime"),
        ("total_revenue", "Total revenue", "number"),
        ("days_to_close", "Days to close", "number"),
        ("hs_predictivecontactscore_v2", "Likelihood to close", "number"),
        ("hs_predictivescoringtier", "Contact priority", "radio", _TIERS),
        ("hubspotscore", "HubSpot score", "number"),
        ("hs_email_delivered", "Marketing emails delivered", "number"),
        ("hs_email_open", "Marketing emails opened", "number"),
        ("hs_email_click", "Marketing emails clicked", "number"),
        ("hs_email_bounce", "Marketing emails bounced", "number"),
        ("hs_email_replied", "Marketing emails replied", "number"),
        ("hs_email_first_open_date", "First marketing email open date", "datetime"),
        ("hs_email_last_open_date", "Last marketing email open date", "datetime"),
        ("hs_email_last_click_date", "Last marketing email click date", "datetime"),
        ("hs_email_last_send_date", "Last marketing email send date", "datetime"),
        ("hs_email_last_reply_date", "Last marketing email reply date", "datetime"),
        ("hs_email_sends_since_last_engagement", "Sends since last engagement", "number"),
        ("hs_email_bad_address", "Invalid email address", "bool", _BOOLEAN),
        ("hs_email_quarantined", "Email address quarantined", "bool", _BOOLEAN),
        ("hs_email_hard_bounce_reason_enum", "Email hard bounce reason", "select", _BOUNCES),
        ("hs_email_optout", "Unsubscribed from all email", "bool", _BOOLEAN),
        ("hs_sales_email_last_opened", "Recent sales email opened date", "datetime"),
        ("hs_sales_email_last_clicked", "Recent sales email clicked date", "datetime"),
        ("hs_sales_email_last_replied", "Recent sales email replied date", "datetime"),
        ("hs_analytics_num_page_views", "Number of pageviews", "number"),
        ("hs_analytics_num_visits", "Number of sessions", "number"),
        ("hs_analytics_num_event_completions", "Number of event completions", "number"),
        ("hs_analytics_average_page_views", "Average pageviews", "number"),
        ("hs_analytics_first_timestamp", "Time first seen", "datetime"),
        ("hs_analytics_last_timestamp", "Time last seen", "datetime"),
        ("hs_analytics_last_visit_timestamp", "Time of last session", "datetime"),
        ("hs_analytics_source", "Original traffic source", "select", _SOURCES),
        ("num_conversion_events", "Number of form submissions", "number"),
        ("num_unique_conversion_events", "Number of unique forms submitted", "number"),
        ("first_conversion_date", "First conversion date", "datetime"),
        ("recent_conversion_date", "Recent conversion date", "datetime"),
        ("recent_conversion_event_name", "Recent conversion", "text"),
        ("num_notes", "Number of sales activities", "number"),
        ("num_contacted_notes", "Number of times contacted", "number"),
        ("notes_last_contacted", "Last contacted", "datetime"),
        ("notes_last_updated", "Last activity date", "datetime"),
    ),
    COMPANIES: (
        ("num_associated_contacts", "Number of associated contacts", "number"),
        ("num_associated_deals", "Number of associated deals", "number"),
        ("hs_num_open_deals", "Number of open deals", "number"),
        ("first_deal_created_date", "First deal created date", "datetime"),
        ("recent_deal_amount", "Recent deal amount", "number"),
        ("recent_deal_close_date", "Recent deal close date", "datetime"),
        ("total_revenue", "Total revenue", "number"),
        ("notes_last_contacted", "Last contacted", "datetime"),
        ("notes_last_updated", "Last activity date", "datetime"),
    ),
    DEALS: (
        ("amount_in_home_currency", "Amount in company currency", "number"),
        ("hs_is_closed", "Is deal closed?", "bool", _BOOLEAN),
        ("hs_is_closed_won", "Is closed won", "bool", _BOOLEAN),
        ("hs_deal_stage_probability", "Deal probability", "number"),
    ),
    TICKETS: (("closed_date", "Close date", "datetime"),),
    PRODUCTS: (),
    LINE_ITEMS: (("amount", "Net price", "number"),),
    FEEDBACK_SUBMISSIONS: (
        ("hs_survey_id", "Survey ID", "number"),
        ("hs_survey_name", "Survey name", "text"),
        ("hs_survey_type", "Survey type", "select", _SURVEY_TYPES),
        ("hs_survey_channel", "Survey channel", "select", _SURVEY_CHANNELS),
        ("hs_response_group", "Response group", "text"),
        ("hs_sentiment", "Sentiment", "select", _SENTIMENTS),
        ("hs_content", "Response", "textarea"),
        ("hs_value", "Rating", "number"),
        ("hs_submission_timestamp", "Submission date", "datetime"),
    ),
    TASKS: (),
    NOTES: (),
}


def _always(kind: ObjectType) -> Sequence[_Row]:
    return (
        ("hs_object_id", "Record ID", "number"),
        ("createdate", "Create date", "datetime"),
        (kind.modified, "Last modified date", "datetime"),
        ("hs_merged_object_ids", "Merged record IDs", "text"),
    )


def _entry_dates(kind: ObjectType) -> Sequence[_Row]:
    if kind is not CONTACTS:
        return ()
    return [
        (f"hs_lifecyclestage_{stage}_date", f"Became a {label.lower()} date", "datetime")
        for stage, label in LIFECYCLE_STAGES.items()
    ]


_TYPES = {"datetime": ("datetime", "date"), "bool": ("bool", "booleancheckbox")}
_CREATED = datetime(2020, 1, 1, tzinfo=UTC)


def standard_definitions(kind: ObjectType, currencies: Sequence[str]) -> Iterator[Definition]:
    for row in _WRITABLE[kind]:
        yield _definition(kind, row, calculated=False)
    for row in (*_always(kind), *_CALCULATED[kind], *_entry_dates(kind)):
        yield _definition(kind, row, calculated=True)
    if kind is DEALS:
        # Only a currency that the account has configured is taken.
        row = ("deal_currency_code", "Currency", "select", {code: code for code in currencies})
        yield _definition(kind, row, calculated=False)


def _definition(kind: ObjectType, row: _Row, *, calculated: bool) -> Definition:
    name, label, field, *rest = row
    options = rest[0] if rest else {}
    plain = ("enumeration", field) if options else ("string", field)
    type_, field_type = ("number", "number") if field == "number" else _TYPES.get(field, plain)
    return Definition(
        name=name,
        label=label,
        type=type_,
        field_type=field_type,
        group=GROUPS[kind].name,
        created_at=_CREATED,
        options=tuple(
            Option(value, text, order) for order, (value, text) in enumerate(options.items())
        ),
        calculated=calculated,
        hubspot_defined=True,
    )
