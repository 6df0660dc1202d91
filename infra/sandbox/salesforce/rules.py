"""What an org's admins demand of every record that is saved, whoever saves it."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from infra.sandbox.salesforce.errors import ApiError
from infra.sandbox.salesforce.fields import Value
from infra.sandbox.salesforce.records import Actor, Record
from infra.sandbox.salesforce.soql.conditions import Scope, Source
from infra.sandbox.salesforce.soql.parser import parse_condition


@dataclass(frozen=True, slots=True)
class ValidationRule:
    """``error_if`` is a condition of SOQL: a record that meets it is not saved."""

    object: str
    error_if: str
    message: str
    field: str = ""


@dataclass(frozen=True, slots=True)
class DuplicateRule:
    """No two records of an object may have the same value; or they may, if the caller says so."""

    object: str
    field: str
    blocks: bool = True


class Rules:
    def __init__(self, source: Source) -> None:
        self._source = source
        self._validations: list[ValidationRule] = []
        self._duplicates: list[DuplicateRule] = []
        self._stumbles: dict[str, deque[ApiError]] = {}
        self._approving: set[str] = set()

    def demand(self, rule: ValidationRule) -> None:
        """Raises ``ApiError`` for a condition that cannot be asked."""
        Scope(self._source, rule.object, lambda _: ()).test(parse_condition(rule.error_if))
        self._validations.append(rule)

    def forbid_duplicates(self, rule: DuplicateRule) -> None:
        self._duplicates.append(rule)

    def clear(self) -> None:
        """Of everything that was demanded."""
        self._validations.clear()
        self._duplicates.clear()
        self._stumbles.clear()
        self._approving.clear()

    def stumble(self, record_id: str, error: ApiError, times: int = 1) -> None:
        """As often, saving this record fails like that: a flow or a trigger of the customer."""
        self._stumbles.setdefault(record_id, deque()).extend([error] * times)

    def submit(self, record_id: str, *, is_pending: bool = True) -> None:
        """For approval: as long as that is pending, nobody edits the record."""
        (self._approving.add if is_pending else self._approving.discard)(record_id)

    def meet(self, record: Record) -> None:
        """Before a record is changed. Raises ``ApiError``."""
        if record.id in self._approving:
            raise ApiError("ENTITY_IS_LOCKED", "the entity is locked for editing")
        if stumbles := self._stumbles.get(record.id):
            raise stumbles.popleft()

    def check(self, record: Record, others: Iterable[Record], by: Actor) -> None:
        """A record as it would be saved. Raises ``ApiError``."""
        for rule in self._validations:
            if rule.object == record.object and self._meets(record, rule.error_if):
                fields = (rule.field,) if rule.field else ()
                raise ApiError("FIELD_CUSTOM_VALIDATION_EXCEPTION", rule.message, fields=fields)
        if mine := [rule for rule in self._duplicates if rule.object == record.object]:
            self._refuse_duplicates(record, mine, others, by)

    def _meets(self, record: Record, condition: str) -> bool:
        scope = Scope(self._source, record.object, lambda _: ())
        return scope.test(parse_condition(condition))(record)

    def _refuse_duplicates(
        self, record: Record, rules: Iterable[DuplicateRule], others: Iterable[Record], by: Actor
    ) -> None:
        taken = [one for one in others if one.id != record.id]
        for rule in rules:
            if by.allows_duplicates and not rule.blocks:
                continue
            mine = record.text(rule.field).casefold()
            if mine and any(one.text(rule.field).casefold() == mine for one in taken):
                raise ApiError("DUPLICATES_DETECTED", "Use one of these records?")


def as_saved(record: Record, values: Mapping[str, Value]) -> Record:
    """A copy with these values, to be looked at before it is so."""
    return replace(record, values={**record.values, **values})


def counted(ids: Iterable[str], most: int) -> frozenset[str]:
    """Those that are named more often."""
    return frozenset(one for one, times in Counter(ids).items() if times > most)
