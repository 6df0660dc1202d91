"""A record as the control API shows it: everything."""

from __future__ import annotations

from infra.sandbox._serving.errors import Wire
from infra.sandbox._serving.instants import spell
from infra.sandbox.hubspot.associations import Associations
from infra.sandbox.hubspot.records import KINDS, Record


def dumped(record: Record, associations: Associations) -> Wire:
    end = record.kind, record.id
    return {
        "id": record.id,
        "createdAt": spell(record.created_at),
        "updatedAt": spell(record.updated_at),
        "archived": record.archived_at is not None,
        "properties": {name: record.value(name) for name in record.history},
        "history": {
            name: [revision.to_json() for revision in reversed(revisions)]
            for name, revisions in record.history.items()
        },
        "associations": {
            kind.name: {to: sorted(types) for to, types in associations.of(end, kind).items()}
            for kind in KINDS
        },
    }
