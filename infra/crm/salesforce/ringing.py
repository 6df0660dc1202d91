"""How Salesforce is made to ring: Outbound Messages that flows send, or Change Data Capture.

A flow rings when a record is new or when a field changes that is read, and never when a score does.
The user that Emtiaz works as should not have the right *Send Outbound Messages* either.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from chalicelib.core.policy import Attribute
from connectors.salesforce.objects import KINDS, POINTERS
from connectors.salesforce.records import WHO, field_of, held_by, tellers, told_by
from infra.crm.salesforce.metadata import Value

API_VERSION = "66.0"
MESSAGE = "Emtiaz"
CHANNEL = "Emtiaz__chn"

MOST_CAPTURED = 5
"""Objects whose changes are captured without an add-on; those that the organisation has chosen
itself count too."""

_OWN: Mapping[str, tuple[str, ...]] = {
    "Contact": ("AccountId",),
    "Lead": ("IsConverted", "Status"),
    "Opportunity": ("StageName", "Amount", "CloseDate"),
    "Case": ("ContactId", "Status", "Priority", "Type"),
    "Task": ("WhoId", "Status"),
    "Event": ("WhoId", "EndDateTime"),
    "CampaignMember": ("Status",),
}
"""Read whatever the policy says, as far as a change of them can be told."""

_UNTOLD = frozenset({"LastActivityDate", "SystemModstamp", "LastModifiedDate", "MasterRecordId"})
"""Of fields that Salesforce computes, a flow does not hear: it rings for what they hang on."""


def rung_by(attributes: Sequence[Attribute]) -> tuple[str, ...]:
    """The objects whose changes matter. Line items change their opportunity's amount, and roles of
    contacts send no messages: reconcile finds those.
    """
    asked = [name for name, kind in KINDS.items() if held_by(kind, attributes)]
    own = {"Contact", "Lead", "Opportunity", *asked} - {"OpportunityLineItem"}
    wanted = own | tellers(attributes)
    return tuple(sorted(wanted))


def captured(attributes: Sequence[Attribute]) -> tuple[str, ...]:
    """The most important ones first."""
    order = [name for name in KINDS if name in rung_by(attributes)]
    return tuple(order[:MOST_CAPTURED])


def outbound_message(name: str, url: str, user: str) -> Mapping[str, Value]:
    """Of a workflow file, which leaves alone what else an organisation has there."""
    fields = sorted({"Id", *POINTERS.get(name, ())})
    return {
        "outboundMessages": {
            "fullName": MESSAGE,
            "apiVersion": API_VERSION,
            "description": "Tells Emtiaz which record to read again.",
            "endpointUrl": url,
            "fields": fields,
            "includeSessionId": False,
            "integrationUser": user,
            "name": MESSAGE,
            "protected": False,
            "useDeadLetterQueue": False,
        }
    }


def flow(name: str, attributes: Sequence[Attribute]) -> Mapping[str, Value]:
    label = f"Emtiaz: {name} changed"
    return {
        "actionCalls": {
            "name": "Ring",
            "label": "Ring",
            "locationX": 176,
            "locationY": 323,
            "actionName": f"{name}.{MESSAGE}",
            "actionType": "outboundMessage",
            "flowTransactionModel": "CurrentTransaction",
            "nameSegment": f"{name}.{MESSAGE}",
        },
        "apiVersion": API_VERSION,
        "description": "Rings when something changed that scores depend on.",
        "environments": "Default",
        "interviewLabel": f"{label} {{!$Flow.CurrentDateTime}}",
        "label": label,
        "processType": "AutoLaunchedFlow",
        "start": {
            "locationX": 50,
            "locationY": 0,
            "connector": {"targetReference": "Ring"},
            "filterFormula": f"OR({', '.join(_conditions(name, attributes))})",
            "object": name,
            "recordTriggerType": "CreateAndUpdate",
            "triggerType": "RecordAfterSave",
        },
        "status": "Active",
    }


def channel() -> Mapping[str, Value]:
    return {"channelType": "data", "label": "Emtiaz"}


def member(name: str) -> Mapping[str, Value]:
    return {"eventChannel": CHANNEL, "selectedEntity": f"{name}ChangeEvent"}


def _conditions(name: str, attributes: Sequence[Attribute]) -> Iterator[str]:
    yield "ISNEW()"
    for field in watched(name, attributes):
        yield f"ISCHANGED({{!$Record.{field}}})"


def watched(name: str, attributes: Sequence[Attribute]) -> list[str]:
    """The fields that a score depends on."""
    kind = KINDS.get(name)
    told = {field_of(one, kind) for one in told_by(kind, attributes)} if kind else set[str]()
    return sorted((told | set(_OWN.get(name, ())) | set(WHO.get(name, ())) - {"LeadId"}) - _UNTOLD)
