"""Topics of records: for which objects they are switched on, who may have them, and how."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from infra.sandbox.salesforce.errors import ApiError
from infra.sandbox.salesforce.fields import Value
from infra.sandbox.salesforce.records import Record
from infra.sandbox.salesforce.soql.tree import All, Comparison

if TYPE_CHECKING:
    from infra.sandbox.salesforce.org import Org
    from infra.sandbox.salesforce.soql.tree import Condition, Query
    from infra.sandbox.salesforce.work import Work

TOPIC, ASSIGNMENT = "Topic", "TopicAssignment"
MOST_ROWS = 1_100
MOST_PER_RECORD = 100


@dataclass(slots=True)
class TopicAccess:
    """``objects`` are those with topics; ``assigns`` and ``creates`` what our user may do."""

    objects: set[str] = field(default_factory=set)
    assigns: bool = False
    creates: bool = False

    def may_create(self, object_name: str) -> bool:
        """Whether our user may create records of an object; of all others that stands elsewhere."""
        return {TOPIC: self.creates, ASSIGNMENT: self.assigns}.get(object_name, True)


def refuse_creation(work: Work, object_name: str, values: Mapping[str, Value]) -> None:
    if object_name not in (TOPIC, ASSIGNMENT):
        return
    access = work.org.schema.topics
    if work.by.is_integration and not access.may_create(object_name):
        raise ApiError("INSUFFICIENT_ACCESS_OR_READONLY", f"{object_name}: insufficient access")
    (_refuse_topic if object_name == TOPIC else _refuse_assignment)(work.org, values)


def refuse_update(work: Work, object_name: str) -> None:
    if object_name == ASSIGNMENT or (object_name == TOPIC and work.by.is_integration):
        message = f"entity type {object_name} does not support update"
        raise ApiError("INSUFFICIENT_ACCESS_OR_READONLY", message)


def refuse_deletion(work: Work, object_name: str) -> None:
    may_delete = object_name == ASSIGNMENT and work.org.schema.topics.assigns
    if object_name in (TOPIC, ASSIGNMENT) and work.by.is_integration and not may_delete:
        raise ApiError("INSUFFICIENT_ACCESS_OR_READONLY", f"{object_name}: insufficient access")


def refuse_query(query: Query) -> None:
    """Who may not see all data asks for few assignments, or for those of one record."""
    if query.source.lower() != ASSIGNMENT.lower() or _is_of_one(query.where):
        return
    if query.limit is None or query.limit > MOST_ROWS:
        message = (
            "Implementation restriction: TopicAssignment requires a filter by a single Id or "
            f"EntityId with =, or a LIMIT of {MOST_ROWS} or fewer"
        )
        raise ApiError("MALFORMED_QUERY", message)


def filled(object_name: str, values: Mapping[str, Value], org: Org) -> dict[str, Value]:
    """What Salesforce says of the record that a topic is assigned to."""
    if object_name != ASSIGNMENT:
        return dict(values)
    prefix = str(values.get("EntityId"))[:3]
    found = org.schema.by_prefix.get(prefix)
    return {**values, "EntityKeyPrefix": prefix, "EntityType": found.name if found else None}


def assign(work: Work, record_id: str, name: str) -> Record:
    """As a person does by typing a name; a topic that there is already is taken."""
    key = name.casefold()
    held = [one for one in work.org.living(TOPIC) if one.text("Name").casefold() == key]
    topic = held[0] if held else work.create(TOPIC, {"Name": name})
    return work.create(ASSIGNMENT, {"EntityId": record_id, "TopicId": topic.id})


def names_of(org: Org, record_id: str) -> list[str]:
    """Sorted; of everybody's."""
    topics = [org.find(one.text("TopicId")) for one in assignments_of(org, record_id)]
    return sorted(one.text("Name") for one in topics if one)


def assignments_of(org: Org, record_id: str) -> Iterable[Record]:
    return [one for one in org.living(ASSIGNMENT) if one.value("EntityId") == record_id]


def _refuse_topic(org: Org, values: Mapping[str, Value]) -> None:
    name = str(values["Name"]).casefold()
    if any(one.text("Name").casefold() == name for one in org.living(TOPIC)):
        raise ApiError("DUPLICATE_VALUE", "a topic of that name exists", fields=("Name",))


def _refuse_assignment(org: Org, values: Mapping[str, Value]) -> None:
    entity, topic = str(values["EntityId"]), values["TopicId"]
    found = org.schema.by_prefix.get(entity[:3])
    if found is None or found.name not in org.schema.topics.objects:
        message = "Topics are not enabled for this type of record"
        raise ApiError("FIELD_INTEGRITY_EXCEPTION", message, fields=("EntityId",))
    held = [one.value("TopicId") for one in assignments_of(org, entity)]
    if topic in held:
        raise ApiError("DUPLICATE_VALUE", "the topic is assigned to the record already")
    if len(held) >= MOST_PER_RECORD:
        raise ApiError("LIMIT_EXCEEDED", f"a record has at most {MOST_PER_RECORD} topics")


def _is_of_one(condition: Condition | None) -> bool:
    parts = condition.parts if isinstance(condition, All) else (condition,)
    return any(
        isinstance(part, Comparison)
        and part.operator == "="
        and len(part.path) == 1
        and part.path[0].lower() in {"id", "entityid"}
        for part in parts
    )
