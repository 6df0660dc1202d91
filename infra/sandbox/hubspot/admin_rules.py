"""What admins of the account demand of every write."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from infra.sandbox.hubspot.errors import Detail, invalid
from infra.sandbox.hubspot.records import Actor, ObjectType

Read = Callable[[str], str]
"""The value that a property will have; the empty text where there is none."""


@dataclass(frozen=True, slots=True)
class Required:
    """``name`` may not be empty while ``when`` has ``value``."""

    kind: ObjectType
    name: str
    when: str
    value: str

    def broken(self, read: Read) -> Detail | None:
        if read(self.when) != self.value or read(self.name):
            return None
        message = f'Property "{self.name}" is required when "{self.when}" is {self.value}'
        return Detail(message, "REQUIRED_FIELD", {"propertyName": [self.name]})


@dataclass(frozen=True, slots=True)
class Bounds:
    """``name`` is a number in between; None is no bound."""

    kind: ObjectType
    name: str
    minimum: Decimal | None = None
    maximum: Decimal | None = None

    def broken(self, read: Read) -> Detail | None:
        if not (text := read(self.name)):
            return None
        value = Decimal(text)
        if (self.minimum is None or self.minimum <= value) and (
            self.maximum is None or value <= self.maximum
        ):
            return None
        message = f'Property "{self.name}" must be between {self.minimum} and {self.maximum}'
        return Detail(message, "NUMBER_OUT_OF_RANGE", {"propertyName": [self.name]})


Rule = Required | Bounds


class AdminRules:
    """Version 2026-09 holds every write against all of them, whatever it touches.

    Before that only bounds held, and only for what was written.
    """

    def __init__(self) -> None:
        self._rules: tuple[Rule, ...] = ()

    def add(self, rule: Rule) -> None:
        self._rules = (*self._rules, rule)

    def clear(self) -> None:
        self._rules = ()

    def enforce(self, kind: ObjectType, read: Read, written: Collection[str], by: Actor) -> None:
        """Raises ``ApiError`` that names each property."""
        broken = [
            found for rule in self._binding(kind, written, by) if (found := rule.broken(read))
        ]
        if broken:
            named = ", ".join(detail.message for detail in broken)
            raise invalid(f"Property values were not valid: {named}", *broken)

    def _binding(self, kind: ObjectType, written: Collection[str], by: Actor) -> Iterator[Rule]:
        if by.trusted:
            return
        for rule in self._of(kind):
            if by.bound or (isinstance(rule, Bounds) and rule.name in written):
                yield rule

    def _of(self, kind: ObjectType) -> Iterable[Rule]:
        return (rule for rule in self._rules if rule.kind is kind)
