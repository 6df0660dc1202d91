"""The property definitions of a portal, and the check of written values against them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from infra.sandbox.hubspot import values
from infra.sandbox.hubspot.errors import Detail, conflict, invalid, not_found
from infra.sandbox.hubspot.pipelines import default_pipeline, pipeline
from infra.sandbox.hubspot.properties import Definition, Group
from infra.sandbox.hubspot.records import CONTACTS, Actor, ObjectType, Record
from infra.sandbox.hubspot.standard_properties import (
    GROUPS,
    LIFECYCLE_STAGES,
    standard_definitions,
)


class Schema:
    """What may be written to each kind of record."""

    def __init__(self, currencies: Sequence[str]) -> None:
        self._groups = {kind: {group.name: group} for kind, group in GROUPS.items()}
        self._definitions = {
            kind: {one.name: one for one in standard_definitions(kind, currencies)}
            for kind in GROUPS
        }

    def groups(self, kind: ObjectType) -> tuple[Group, ...]:
        return tuple(self._groups[kind].values())

    def add_group(self, kind: ObjectType, group: Group) -> Group:
        if group.name in self._groups[kind]:
            raise conflict(f"A property group named '{group.name}' already exists.")
        self._groups[kind][group.name] = group
        return group

    def definitions(self, kind: ObjectType) -> tuple[Definition, ...]:
        return tuple(self._definitions[kind].values())

    def find(self, kind: ObjectType, name: str) -> Definition | None:
        return self._definitions[kind].get(name)

    def definition(self, kind: ObjectType, name: str) -> Definition:
        found = self.find(kind, name)
        if found is None:
            raise not_found(f'Property "{name}" does not exist')
        return found

    def add(self, kind: ObjectType, definition: Definition) -> Definition:
        if self.find(kind, definition.name):
            raise conflict(f"A property named '{definition.name}' already exists.")
        return self.replace(kind, definition)

    def replace(self, kind: ObjectType, definition: Definition) -> Definition:
        if definition.group not in self._groups[kind]:
            raise invalid(f"Property group '{definition.group}' does not exist")
        self._definitions[kind][definition.name] = definition
        return definition

    def stored(
        self, kind: ObjectType, properties: Mapping[str, str], by: Actor, before: Record | None
    ) -> dict[str, str]:
        """The values as they are stored. Raises ``ApiError`` that lists all that is wrong."""
        stored: dict[str, str] = {}
        wrong: list[Detail] = []
        for name, value in properties.items():
            try:
                stored[name] = self._stored(kind, name, value, by, before)
            except values.InvalidValue as refused:
                wrong.append(Detail(str(refused), refused.code, {"propertyName": [name]}))
        wrong = wrong or _wrong_stage(kind, stored, before)
        if wrong:
            named = ", ".join(detail.message for detail in wrong)
            raise invalid(f"Property values were not valid: {named}", *wrong)
        return _forward_only(kind, stored, by, before)

    def _stored(
        self, kind: ObjectType, name: str, value: str, by: Actor, before: Record | None
    ) -> str:
        definition = self.find(kind, name)
        if definition is None:
            message = f'Property "{name}" does not exist'
            raise values.InvalidValue("PROPERTY_DOESNT_EXIST", message)
        if definition.calculated and not by.trusted:
            raise values.InvalidValue("READ_ONLY_VALUE", f'"{name}" is a read only property')
        if name == "email" and value:
            return values.email(value)
        return definition.stored(value, before.value(name) if before else "")


def _wrong_stage(
    kind: ObjectType, stored: Mapping[str, str], before: Record | None
) -> list[Detail]:
    """A stage must be one of its pipeline."""
    names = kind.stage_properties
    if names is None or not stored.keys() & set(names):
        return []
    wanted = [stored.get(name, before.value(name) if before else "") for name in names]
    found = pipeline(kind, wanted[0] or default_pipeline(kind))
    if found and (not wanted[1] or found.stage(wanted[1])):
        return []
    message = f"{wanted[1]} is not a stage of pipeline {wanted[0]}"
    return [Detail(message, "INVALID_OPTION", {"propertyName": [names[1]]})]


def _forward_only(
    kind: ObjectType, stored: dict[str, str], by: Actor, before: Record | None
) -> dict[str, str]:
    """Apps move a lifecycle stage only forward, or clear it; a step back is left out silently."""
    wanted, held = stored.get("lifecyclestage"), before.value("lifecyclestage") if before else ""
    if kind is not CONTACTS or not wanted or not held or by.source_type != "INTEGRATION":
        return stored
    order = list(LIFECYCLE_STAGES)
    if order.index(wanted) >= order.index(held):
        return stored
    return {name: value for name, value in stored.items() if name != "lifecyclestage"}
