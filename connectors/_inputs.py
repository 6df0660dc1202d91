"""Inputs of a policy that a CRM does not show, told when fields are planned."""

from __future__ import annotations

from collections.abc import Iterable

from chalicelib.core.connector import Change

NOT_SHOWN = "is not there, or hidden from us: scores are made without it"


def missing_inputs(places: Iterable[str]) -> tuple[Change, ...]:
    """Each once."""
    return tuple(Change("missing", place, NOT_SHOWN) for place in sorted(set(places)))
