"""Fields of ours that are not there, or not ours to edit: they are left out of writes.

Which they are is known by a refusal alone, so that an organisation without gaps is asked for
nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from chalicelib.core.errors import EmtiazError, WrittenInPart
from connectors.salesforce.api import SalesforceApi
from connectors.salesforce.batch_write import SetUpRefused, Values, is_late, too_late
from connectors.salesforce.owned import output_name
from connectors.salesforce.person_accounts import write as write_persons
from connectors.salesforce.schema import Schema

LOOKED_AT_FOR = timedelta(minutes=15)
"""Soon after a field was deployed it is written; until then each look costs two calls."""


@dataclass(slots=True)
class Gaps:
    """Of one organisation, for one worker."""

    schema: Schema
    now: Callable[[], datetime]
    lacking: dict[str, frozenset[str]] = field(default_factory=dict)
    looked_at: dict[str, datetime] = field(default_factory=dict)

    def known(self, name: str) -> frozenset[str]:
        """Those of an object that were found lately."""
        return self.lacking.get(name, frozenset()) if self._is_recent(name) else frozenset()

    def look(self, name: str, wanted: Iterable[str]) -> frozenset[str]:
        """The known ones, and those of the fields that cannot be written.

        Of an object that is hidden itself there is nothing that could be left out.
        """
        known = self.known(name)
        if not self._is_recent(name):
            self.schema.forget()
            self.looked_at[name] = self.now()
        self.schema.look([name], self.now())
        shown = self.schema.fields(name)
        closed = {one for one in wanted if not shown.get(one, {}).get("updateable", one in shown)}
        self.lacking[name] = known | closed if shown else known
        return self.lacking[name]

    def _is_recent(self, name: str) -> bool:
        at = self.looked_at.get(name)
        return at is not None and self.now() - at < LOOKED_AT_FOR


def write(
    api: SalesforceApi,
    name: str,
    values: Values,
    gaps: Gaps,
    ends: float,
    order: Sequence[str] = (),
) -> dict[str, EmtiazError]:
    """As for ``person_accounts.write``, and ``WrittenInPart`` for whom something was left out."""
    lacking = gaps.known(name)
    refusals = write_persons(api, name, *_without(lacking, values, order), ends)
    refused = [one for one in order or values if isinstance(refusals.get(one), SetUpRefused)]
    if refused and is_late(ends):
        return {**_in_part(name, values, lacking), **refusals, **too_late(refused)}
    found = gaps.look(name, _fields(values[one] for one in refused)) if refused else lacking
    if found != lacking:
        refusals = {one: why for one, why in refusals.items() if one not in refused}
        refusals |= write_persons(api, name, *_without(found, values, refused), ends)
    return {**_in_part(name, values, found), **refusals}


def _without(
    lacking: Collection[str], values: Values, order: Sequence[str]
) -> tuple[Values, list[str]]:
    """Those in ``order``, or all, of whom anything is left to write."""
    left = {
        one: {field: value for field, value in values[one].items() if field not in lacking}
        for one in order or sorted(values)
    }
    some = {one: fields for one, fields in left.items() if fields}
    return some, [*some]


def _fields(values: Iterable[Mapping[str, object]]) -> set[str]:
    return {field for one in values for field in one}


def _in_part(name: str, values: Values, lacking: Collection[str]) -> dict[str, EmtiazError]:
    """For all who have such a field; refusals come first."""
    left_out = {one: [field for field in of if field in lacking] for one, of in values.items()}
    return {
        one: WrittenInPart({output_name(field): f"{name}.{field}" for field in fields})
        for one, fields in left_out.items()
        if fields
    }
