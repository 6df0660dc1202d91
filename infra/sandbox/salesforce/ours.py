"""The fields that are Emtiaz's, as its project deploys them: known by their names."""

from __future__ import annotations

from chalicelib.core.outputs import OUTPUTS, Output, OutputType
from infra.sandbox.salesforce.fields import Field, Value
from infra.sandbox.salesforce.org import Org
from infra.sandbox.salesforce.topics import TopicAccess
from infra.sandbox.salesforce.values import written

OBJECTS = {"contact": "Contact", "lead": "Lead", "account": "Account"}
"""By the kinds of record that are scored."""

_TYPES = {
    OutputType.SCORE: ("double", 0),
    OutputType.NUMBER: ("double", 0),
    OutputType.CHOICE: ("picklist", 255),
    OutputType.TAGS: ("multipicklist", 4099),
    OutputType.TEXT: ("string", 255),
    OutputType.INSTANT: ("datetime", 0),
}


def field_name(output: str) -> str:
    """Of an output.

    >>> field_name("rfm_segment")
    'Emtiaz_Rfm_Segment__c'
    """
    return f"Emtiaz_{output.title()}__c"


TOPIC_PREFIX = "Emtiaz: "
IN_FIELDS = [one for one in OUTPUTS if one.type is not OutputType.TOPICS]
OUTPUT_OF = {field_name(one.name): one.name for one in IN_FIELDS}


def deploy(org: Org) -> None:
    """All fields, and topics, on all objects, seen and written by the integration user."""
    org.schema.topics = TopicAccess(set(OBJECTS.values()), assigns=True, creates=True)
    for output in IN_FIELDS:
        for kind in output.kinds:
            name = OBJECTS[kind]
            org.schema.add(name, _field(output))
            org.schema.grant(name, field_name(output.name), "edit")
            if name == "Contact" and org.settings.person_accounts:
                mirrored = field_name(output.name).removesuffix("__c") + "__pc"
                org.schema.add("Account", _field(output, mirrored))
                org.schema.grant("Account", mirrored, "edit")


def text_of(value: Value) -> str:
    """As one text: whole numbers without decimals, instants in UTC."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return written(value, "Z")


def _field(output: Output, name: str = "") -> Field:
    kind, length = _TYPES[output.type]
    return Field(
        name=name or field_name(output.name),
        type=kind,
        label=output.label.en,
        length=length,
        values=tuple((one.value, one.label.en) for one in output.choices),
    )
