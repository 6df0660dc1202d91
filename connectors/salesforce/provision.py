"""The fields that hold our outputs: what is missing. They are made by the project, not by us.

Salesforce shows a new field to nobody before a permission set does, and making one needs far more
rights than the integration user should have; so an admin deploys both.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from chalicelib.core.connector import Change
from chalicelib.core.model import Kind
from chalicelib.core.outputs import TOPICS, Output, OutputType
from connectors.salesforce.objects import OBJECTS
from connectors.salesforce.owned import field_name
from connectors.salesforce.schema import Description, Schema

WRITABLE: Mapping[OutputType, frozenset[str]] = {
    OutputType.SCORE: frozenset({"double", "int"}),
    OutputType.NUMBER: frozenset({"double", "currency"}),
    OutputType.CHOICE: frozenset({"picklist", "string"}),
    OutputType.TAGS: frozenset({"multipicklist"}),
    OutputType.TEXT: frozenset({"string", "textarea"}),
    OutputType.INSTANT: frozenset({"datetime"}),
}
"""Types, as a description has them, that can hold what we write."""

MISSING = (
    "is not there, or hidden from the integration user: deploy the project of emtiaz connect "
    "--project, and give the user its permission set"
)


def conflicts(schema: Schema, outputs: Sequence[Output], kinds: Sequence[Kind]) -> Iterator[Change]:
    """A person has to mend each."""
    for kind in kinds:
        name = OBJECTS[kind]
        for output in in_fields(outputs, kind):
            if problem := _problem(schema.fields(name), output):
                yield Change("conflict", f"{name}.{field_name(output.name)}", problem)


def in_fields(outputs: Iterable[Output], kind: Kind) -> list[Output]:
    """Those that a field of records of this kind holds."""
    return [one for one in outputs if kind in one.kinds and one.name not in TOPICS]


def _problem(held: Description, output: Output) -> str:
    found = held.get(field_name(output.name))
    if found is None:
        return MISSING
    if found.get("type") not in WRITABLE[output.type]:
        return f"is {found.get('type')}, should be {' or '.join(sorted(WRITABLE[output.type]))}"
    return _refusing(found)


def _refusing(found: Mapping[str, Any]) -> str:
    if not found.get("updateable", True):
        return "may not be edited by the integration user: give it the project's permission set"
    if found.get("restrictedPicklist"):
        return "takes no values but its own: let the picklist be unrestricted"
    return ""
