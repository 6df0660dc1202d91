"""All objects of an org with their fields, and what the integration user sees of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Literal

from infra.sandbox._serving.errors import Wire
from infra.sandbox.salesforce.errors import ApiError, not_found
from infra.sandbox.salesforce.fields import Field
from infra.sandbox.salesforce.objects import SObject
from infra.sandbox.salesforce.standard_people import PEOPLE
from infra.sandbox.salesforce.standard_sales import SALES
from infra.sandbox.salesforce.topics import ASSIGNMENT, TopicAccess

Access = Literal["none", "read", "edit"]


class Schema:
    """``features`` are those of the org: without one, what needs it does not exist.

    Names are taken in any case, as Salesforce takes them.
    """

    def __init__(self, features: frozenset[str]) -> None:
        self._objects: dict[str, SObject] = {}
        self._fields: dict[str, dict[str, Field]] = {}
        self._access: dict[tuple[str, str], Access] = {}
        for one in (*PEOPLE, *SALES):
            if one.feature and one.feature not in features:
                continue
            present = (f for f in one.fields if not f.feature or f.feature in features)
            self._objects[one.name.lower()] = one
            self._fields[one.name] = {found.name.lower(): found for found in present}
        self.topics = TopicAccess()
        self.by_prefix = {one.prefix: one for one in self._objects.values()}

    def objects(self) -> Iterable[SObject]:
        return self._objects.values()

    def object(self, name: str) -> SObject:
        """Raises the 404 of an address; queries word it in their own way."""
        if found := self._objects.get(name.lower()):
            return found
        raise not_found()

    def find_object(self, name: str) -> SObject | None:
        return self._objects.get(name.lower())

    def fields(self, object_name: str) -> tuple[Field, ...]:
        """All that there are, seen or not."""
        return tuple(self._fields[object_name].values())

    def field(self, object_name: str, name: str) -> Field | None:
        """Whether or not it is seen."""
        return self._fields[object_name].get(name.lower())

    def seen(self, object_name: str, name: str) -> Field | None:
        """A field that the integration user sees."""
        found = self.field(object_name, name)
        return found if found and self._level(object_name, found) != "none" else None

    def may_edit(self, object_name: str, field: Field) -> bool:
        return self._level(object_name, field) == "edit"

    def grant(self, object_name: str, name: str, access: Access) -> None:
        """As a permission set or a profile does."""
        field = self.field(object_name, name)
        if field is None:
            raise no_column(object_name, name)
        self._access[object_name, field.name] = access

    def add(self, object_name: str, field: Field) -> None:
        """Deploy a field, or replace one: nobody sees a new one until it is granted."""
        self._fields[object_name][field.name.lower()] = field

    def extend(self, object_name: str, name: str, values: Mapping[str, str]) -> None:
        """More values of a picklist."""
        field = self._fields[object_name][name.lower()]
        known = dict(field.values) | dict(values)
        self.add(object_name, replace(field, values=tuple(known.items())))

    def describe(self, object_name: str, root: str) -> Wire:
        """As the integration user sees it."""
        found = self.object(object_name)
        shown = [
            field.describe(updateable=self.may_edit(found.name, field))
            for field in self.fields(found.name)
            if self.seen(found.name, field.name)
        ]
        related = dict(found.children)
        if found.name in self.topics.objects:
            related["TopicAssignments"] = (ASSIGNMENT, "EntityId")
        children = [
            {"childSObject": child, "field": field, "relationshipName": name}
            for name, (child, field) in related.items()
        ]
        summary = found.summary(root)
        return summary | {
            "createable": summary["createable"] and self.topics.may_create(found.name),
            "fields": shown,
            "childRelationships": children,
            "recordTypeInfos": [],
        }

    def _level(self, object_name: str, field: Field) -> Access:
        return self._access.get((object_name, field.name), "none" if field.is_custom else "edit")


def no_column(object_name: str, name: str) -> ApiError:
    """What does not exist and what is not seen look alike."""
    return ApiError("INVALID_FIELD", f"No such column '{name}' on sobject of type {object_name}")
