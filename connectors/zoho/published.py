"""What we show on records: fields of ours, and tags."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from chalicelib.core.connector import Connection, Update
from chalicelib.core.errors import (
    ConfigurationError,
    CrmUnavailable,
    EmtiazError,
    Retryable,
)
from chalicelib.core.model import Json, Kind, Ref
from chalicelib.core.outputs import OUTPUTS, Fields, FieldValue, Output, OutputType
from connectors.zoho import tags
from connectors.zoho.api import ZohoApi
from connectors.zoho.batch_write import write
from connectors.zoho.owned import detail
from connectors.zoho.records import MODULES, TAG, Record
from connectors.zoho.values import field_value, sent

EDITION = "edition"
"""The detail of a connection that names what the organisation pays for."""

_TYPES = {one.name: one.type for one in OUTPUTS}


@dataclass(frozen=True, slots=True)
class Published:
    """By the names that Zoho has given our fields, as the connection keeps them."""

    api: ZohoApi
    connection: Connection

    def write(self, updates: Sequence[Update]) -> Mapping[Ref, EmtiazError]:
        """Fields first, then the tags of those that did not fail."""
        fields: dict[Kind, dict[str, dict[str, Json]]] = defaultdict(lambda: defaultdict(dict))
        marks: dict[Kind, dict[str, tuple[str, ...]]] = defaultdict(dict)
        for update in updates:
            kind, identity = update.ref.kind, update.ref.id
            for name, value in update.fields.items():
                if _TYPES[name] is OutputType.TAGS:
                    marks[kind][identity] = value if isinstance(value, tuple) else ()
                else:
                    fields[kind][identity][self._field(kind, name)] = sent(value, _TYPES[name])
        refused: dict[Ref, EmtiazError] = {}
        for kind in dict.fromkeys([*fields, *marks]):
            refused |= self._write(kind, fields[kind], marks[kind])
        return refused

    def shown(self, refs: Sequence[Ref], outputs: Sequence[Output]) -> Mapping[Ref, Fields]:
        found: dict[Ref, Fields] = {}
        for kind, ids in by_kind(refs).items():
            wanted = [one for one in outputs if kind in one.kinds]
            names = {one.name: self._shown_in(kind, one) for one in wanted}
            for record in self.api.records(MODULES[kind], ids, sorted({*names.values()})):
                shown = {one.name: _shown(record, names[one.name], one) for one in wanted}
                found[Ref(self.connection.id, kind, record["id"])] = shown
        return found

    def _write(
        self,
        kind: Kind,
        fields: Mapping[str, Mapping[str, Json]],
        marks: Mapping[str, tuple[str, ...]],
    ) -> dict[Ref, EmtiazError]:
        module = MODULES[kind]
        refused = write(self.api, module, fields)
        taken = {one: names for one, names in marks.items() if one not in refused}
        most = tags.room(self.connection.details.get(EDITION, ""))
        with _in_doubt_if(bool(fields)):
            refused |= tags.set_tags(self.api, module, taken, most)
        return {Ref(self.connection.id, kind, one): error for one, error in refused.items()}

    def _shown_in(self, kind: Kind, output: Output) -> str:
        return TAG if output.type is OutputType.TAGS else self._field(kind, output.name)

    def _field(self, kind: Kind, output: str) -> str:
        """Raises ConfigurationError before anything is written to a field that is not known."""
        name = self.connection.details.get(detail(kind, output))
        if not name:
            raise ConfigurationError(
                f"no field of {MODULES[kind]} is known for {output!r}: "
                f"run emtiaz provision --connection {self.connection.id}"
            )
        return name


@contextmanager
def _in_doubt_if(is_written: bool) -> Iterator[None]:
    """Whoever comes again after half of a write has to look first what is there."""
    try:
        yield
    except Retryable as error:
        if not is_written or getattr(error, "in_doubt", False):
            raise
        waiting = error.retry_after
        raise CrmUnavailable(str(error), retry_after=waiting, in_doubt=True) from error


def by_kind(refs: Iterable[Ref]) -> Mapping[Kind, Sequence[str]]:
    """Ids of records, by what they are."""
    ids: dict[Kind, list[str]] = defaultdict(list)
    for ref in refs:
        ids[ref.kind].append(ref.id)
    return ids


def _shown(record: Record, field: str, output: Output) -> FieldValue:
    if output.type is OutputType.TAGS:
        return tags.shown(record, [one.value for one in output.choices]) or None
    return field_value(record.get(field), output.type)
