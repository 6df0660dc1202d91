"""The fields that hold our outputs, and who may see them and write into them.

A field that is deployed is shown to nobody before a permission set does. No page layout is among
these files: deploying one would replace the organisation's own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from chalicelib.core.model import Kind, Language
from chalicelib.core.outputs import WHY_LIMIT, Choice, Output, OutputType
from chalicelib.core.policy import Attribute
from connectors.salesforce.objects import OBJECTS, ORDER
from connectors.salesforce.owned import field_name
from connectors.salesforce.provision import in_fields
from connectors.salesforce.records import PERSONS, held_by, tellers
from infra.crm.salesforce.metadata import Value

INTEGRATION, READERS = "Emtiaz_Integration", "Emtiaz_Readers"
"""The permission sets: of the user that Emtiaz works as, and of those who look at scores."""

ORDERS = "Emtiaz_Orders"
"""One more of the user, which an organisation without Orders could not deploy."""

TOPICS = "Emtiaz_Topics"
"""One more, under a policy that asks for topics."""

_USER_PERMISSIONS = ("ActivitiesAccess", "EditTask")
"""Announcements may come as tasks whatever the policy reads, and the second hangs on the first."""

_SEEN_BY_EVERYBODY = frozenset({"Product2"})
"""Of an object whose records have no owners, no permission shows all of them."""

_TYPES: Mapping[OutputType, Mapping[str, Value]] = {
    OutputType.SCORE: {"type": "Number", "precision": 3, "scale": 0},
    OutputType.NUMBER: {"type": "Number", "precision": 18, "scale": 2},
    OutputType.CHOICE: {"type": "Picklist"},
    OutputType.TAGS: {"type": "MultiselectPicklist", "visibleLines": 5},
    OutputType.TEXT: {"type": "Text", "length": WHY_LIMIT},
    OutputType.INSTANT: {"type": "DateTime"},
}

_CHOOSING = frozenset({OutputType.CHOICE, OutputType.TAGS})


def kinds_written(kinds: Sequence[Kind]) -> tuple[Kind, ...]:
    """Whoever writes on contacts writes on leads, which become contacts."""
    return (*PERSONS, *(kind for kind in kinds if kind not in PERSONS))


def custom_field(output: Output, language: Language) -> Mapping[str, Value]:
    described: dict[str, Value] = {
        "fullName": field_name(output.name),
        "description": output.description.in_language(language),
        "externalId": False,
        "inlineHelpText": output.description.in_language(language),
        "label": output.label.in_language(language),
        "required": False,
        **_TYPES[output.type],
    }
    if output.type in _CHOOSING:
        described["valueSet"] = _values(output.choices, language)
    return described


def integration(
    outputs: Sequence[Output], kinds: Sequence[Kind], attributes: Sequence[Attribute]
) -> Mapping[str, Value]:
    """Reads what the policy asks for, and writes nothing but our fields.

    It is of no licence: one that is of the integration licence cannot show standard objects. An
    object that is edited may be edited in whole, which Salesforce cannot tell by the field; so
    nothing but our own fields is made editable. Accounts are, since a person without a company is
    written by theirs; its fields go by those of the contact.
    """
    edited = {"Account", *(OBJECTS[kind] for kind in kinds)}
    return {
        "description": "For the user that Emtiaz works as.",
        "fieldPermissions": _field_permissions(outputs, kinds, editable=True),
        "hasActivationRequired": False,
        "label": "Emtiaz integration",
        "objectPermissions": [_reads(name, name in edited) for name in read_objects(attributes)],
        "userPermissions": [{"enabled": True, "name": name} for name in _USER_PERMISSIONS],
    }


def orders(attributes: Sequence[Attribute]) -> Mapping[str, Value]:
    """Reads orders and the accounts that they take, and products where these are asked for."""
    products = ["Product2"] if held_by("line_item", attributes) else []
    return {
        "description": "For the user that Emtiaz works as, to count orders as purchases.",
        "hasActivationRequired": False,
        "label": "Emtiaz orders",
        "objectPermissions": [_reads(name, edited=False) for name in ("Account", ORDER, *products)],
    }


def topics() -> Mapping[str, Value]:
    """Assigns topics to records, and creates those that there are not yet."""
    return {
        "description": "For the user that Emtiaz works as, to have tags as topics of records.",
        "hasActivationRequired": False,
        "label": "Emtiaz topics",
        "userPermissions": [
            {"enabled": True, "name": name} for name in ("AssignTopics", "CreateTopics")
        ],
    }


def switched_on(name: str) -> Mapping[str, Value]:
    """Topics of an object's records, people's too."""
    return {"enableTopics": True, "entityApiName": name}


def readers(outputs: Sequence[Output], kinds: Sequence[Kind]) -> Mapping[str, Value]:
    return {
        "description": "For everybody who looks at scores.",
        "fieldPermissions": _field_permissions(outputs, kinds, editable=False),
        "hasActivationRequired": False,
        "label": "Emtiaz scores",
    }


def read_objects(attributes: Sequence[Attribute]) -> list[str]:
    """Those that have permissions of their own; roles and line items go by their opportunity."""
    asked: list[Kind] = ["ticket"] if held_by("ticket", attributes) else []
    told = tellers(attributes)
    return sorted(
        {"Contact", "Lead", "Account", "Opportunity", *(OBJECTS[kind] for kind in asked)}
        | ({"Campaign"} if "CampaignMember" in told else set())
        | ({"Product2"} if held_by("line_item", attributes) else set())
    )


def _reads(name: str, edited: bool) -> Mapping[str, Value]:
    return {
        "allowCreate": False,
        "allowDelete": False,
        "allowEdit": edited,
        "allowRead": True,
        "modifyAllRecords": False,
        "object": name,
        "viewAllFields": True,
        "viewAllRecords": name not in _SEEN_BY_EVERYBODY,
    }


def _field_permissions(
    outputs: Sequence[Output], kinds: Sequence[Kind], *, editable: bool
) -> list[Value]:
    return [
        {
            "editable": editable,
            "field": f"{OBJECTS[kind]}.{field_name(output.name)}",
            "readable": True,
        }
        for kind in kinds
        for output in in_fields(outputs, kind)
    ]


def _values(choices: Sequence[Choice], language: Language) -> Mapping[str, Value]:
    """Not restricted: a policy may give others tomorrow."""
    return {
        "restricted": False,
        "valueSetDefinition": {
            "sorted": False,
            "value": [
                {
                    "fullName": one.value,
                    "default": False,
                    "label": one.label.in_language(language),
                }
                for one in choices
            ],
        },
    }
