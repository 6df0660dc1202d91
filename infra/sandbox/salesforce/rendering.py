"""A record as the API shows it to the integration user, and as tables have it."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from io import StringIO

from infra.sandbox._serving.errors import Wire
from infra.sandbox.salesforce.records import Record
from infra.sandbox.salesforce.schema import Schema, no_column
from infra.sandbox.salesforce.values import wire


def rendered(schema: Schema, record: Record, names: Sequence[str], root: str) -> Wire:
    """With these fields, all if there are none. Raises ``ApiError`` for one that is not seen."""
    url = f"{root}/sobjects/{record.object}/{record.id}"
    row: Wire = {"attributes": {"type": record.object, "url": url}}
    if not names:
        fields = [one.name for one in schema.fields(record.object)]
        shown = [one for one in fields if schema.seen(record.object, one)]
        return row | {name: wire(record.value(name)) for name in shown}
    fields = ["Id", *seen_names(schema, record.object, names)]
    return row | {name: wire(record.value(name)) for name in fields}


def seen_names(schema: Schema, object_name: str, names: Iterable[str]) -> list[str]:
    """As the schema spells them. Raises ``ApiError``."""
    found = {name: schema.seen(object_name, name.strip()) for name in names}
    for name, field in found.items():
        if field is None:
            raise no_column(object_name, name)
    return [field.name for field in found.values() if field]


def table(columns: Sequence[str], rows: Iterable[Wire]) -> str:
    """CSV, every value in quotes; what is null is empty."""
    text = StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(row, column) for column in columns])
    return text.getvalue()


def _cell(row: Wire, column: str) -> str:
    here: object = row
    for step in column.split("."):
        here = here.get(step) if isinstance(here, dict) else None
    if isinstance(here, bool):
        return "true" if here else "false"
    return "" if here is None else str(here)
