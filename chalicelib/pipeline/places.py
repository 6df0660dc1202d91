"""Outputs that only some CRMs have a place for: topics."""

from __future__ import annotations

from collections.abc import Iterable

from chalicelib.core.connector import Change, Connector
from chalicelib.core.outputs import TOPICS, Fields, Output


def placed(outputs: Iterable[Output], connector: Connector) -> tuple[Output, ...]:
    """Those that the CRM has a place for."""
    return tuple(one for one in outputs if _has_place(one.name, connector))


def unplaced(outputs: Iterable[Output], connector: Connector) -> tuple[Change, ...]:
    """A conflict for each of the others."""
    detail = f"{connector.name} has no topics: leave publish.topics out of the policy"
    names = [one.name for one in outputs if not _has_place(one.name, connector)]
    return tuple(Change("conflict", name, detail) for name in names)


def placed_fields(fields: Fields, connector: Connector) -> Fields:
    return {name: value for name, value in fields.items() if _has_place(name, connector)}


def unplaced_fields(fields: Fields, connector: Connector) -> Fields:
    return {name: value for name, value in fields.items() if not _has_place(name, connector)}


def _has_place(name: str, connector: Connector) -> bool:
    return connector.takes_topics or name not in TOPICS
