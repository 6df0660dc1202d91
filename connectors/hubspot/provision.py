"""The properties that hold our outputs: what is missing, and making it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from chalicelib.core.connector import Change
from chalicelib.core.errors import WriteRefused
from chalicelib.core.model import Kind, Language, Text
from chalicelib.core.outputs import Output, OutputType
from connectors.hubspot.api import (
    BATCH,
    Definition,
    HubSpotApi,
    Option,
    chunks,
    correlation_id,
    problems,
)
from connectors.hubspot.owned import PREFIX
from connectors.hubspot.records import OBJECT_TYPES

GROUP = "emtiaz"
GROUP_LABEL = Text("Emtiaz", "امتیاز")

TYPES: Mapping[OutputType, tuple[str, str]] = {
    OutputType.SCORE: ("number", "number"),
    OutputType.NUMBER: ("number", "number"),
    OutputType.CHOICE: ("enumeration", "select"),
    OutputType.TAGS: ("enumeration", "checkbox"),  # HubSpot's nearest thing to tags
    OutputType.TEXT: ("string", "textarea"),
    OutputType.INSTANT: ("datetime", "date"),  # the fieldType of dates and instants alike
}
"""``type`` and ``fieldType`` of the property for each type of output."""


@dataclass(frozen=True, slots=True)
class Extension:
    """A property of ours without some of the ``added`` options."""

    name: str
    existing: tuple[Option, ...]
    added: tuple[Option, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """Of one type of object; ``conflicts`` are names of properties that exist with a type we
    cannot write.
    """

    kind: Kind
    group_is_missing: bool
    missing: tuple[Definition, ...]
    extensions: tuple[Extension, ...]
    conflicts: tuple[Change, ...]

    @property
    def steps(self) -> tuple[Change, ...]:
        """What ``carry_out`` does; conflicts are for a person."""
        group = [Change("create", f"group {GROUP}", "")] if self.group_is_missing else []
        steps = (
            *group,
            *(Change("create", one["name"], _type(one)) for one in self.missing),
            *(Change("extend", one.name, _values(one.added)) for one in self.extensions),
        )
        return tuple(_of(self.kind, step) for step in steps)


def plan(
    api: HubSpotApi, outputs: Sequence[Output], language: Language, kind: Kind = "contact"
) -> Plan:
    """Compares types and options alone: labels, descriptions and groups are the admin's."""
    object_type = OBJECT_TYPES[kind]
    wanted = [definition(one, language) for one in outputs if kind in one.kinds]
    existing = {one["name"]: one for one in api.properties(object_type)}
    pairs = [(one, existing[one["name"]]) for one in wanted if one["name"] in existing]
    return Plan(
        kind=kind,
        group_is_missing=GROUP not in api.groups(object_type),
        missing=tuple(one for one in wanted if one["name"] not in existing),
        extensions=tuple(
            extension
            for one, held in pairs
            if _is_writable(one, held) and (extension := _extension(one, held)).added
        ),
        conflicts=tuple(
            _of(kind, Change("conflict", one["name"], f"is {_type(held)}, should be {_type(one)}"))
            for one, held in pairs
            if not _is_writable(one, held)
        ),
    )


def carry_out(api: HubSpotApi, todo: Plan, language: Language) -> None:
    """Raises WriteRefused if HubSpot leaves out a property; what it made stays."""
    object_type = OBJECT_TYPES[todo.kind]
    if todo.group_is_missing:
        api.create_group(object_type, GROUP, GROUP_LABEL.in_language(language))
    for definitions in chunks(todo.missing, BATCH):
        outcome = api.create_properties(object_type, definitions)
        if refused := problems(outcome):
            reasons = "; ".join(one.get("message", "no reason given") for one in refused)
            raise WriteRefused(reasons, correlation_id=correlation_id(outcome))
    for one in todo.extensions:
        api.replace_options(object_type, one.name, one.existing + one.added)


def definition(output: Output, language: Language) -> Definition:
    """The property that HubSpot is asked for."""
    kind, field = TYPES[output.type]
    made = Definition(
        name=PREFIX + output.name,
        label=output.label.in_language(language),
        description=output.description.in_language(language),
        groupName=GROUP,
        type=kind,
        fieldType=field,
        formField=False,
    )
    if kind == "enumeration":
        made["options"] = [
            Option(
                label=choice.label.in_language(language),
                value=choice.value,
                displayOrder=order,
                hidden=False,
            )
            for order, choice in enumerate(output.choices)
        ]
    return made


def _is_writable(wanted: Definition, held: Definition) -> bool:
    """Other field types show the same values, except that one choice is not several."""
    several = wanted["fieldType"] == "checkbox", held["fieldType"] == "checkbox"
    return wanted["type"] == held["type"] and several[0] == several[1]


def _extension(wanted: Definition, held: Definition) -> Extension:
    existing = tuple(held.get("options", ()))
    known = {option["value"] for option in existing}
    new = [option for option in wanted.get("options", ()) if option["value"] not in known]
    added = [
        Option(label=option["label"], value=option["value"], displayOrder=order, hidden=False)
        for order, option in enumerate(new, start=len(existing))
    ]
    return Extension(wanted["name"], existing, tuple(added))


def _of(kind: Kind, change: Change) -> Change:
    """Contacts are what everybody has; of others the target tells where they are."""
    return change if kind == "contact" else replace(change, target=f"{kind} {change.target}")


def _type(one: Definition) -> str:
    return f"{one['type']}/{one['fieldType']}"


def _values(options: Sequence[Option]) -> str:
    return ", ".join(option["value"] for option in options)
