"""Who stands in for somebody that Zoho has deleted for good: a merge tells of nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import product

from chalicelib.core.facts import SKEW, Fact, parse_instant
from chalicelib.core.model import Kind, Ref
from chalicelib.core.policy import Attribute
from connectors._json_values import instant
from connectors.zoho.coql import Selection
from connectors.zoho.records import (
    EMAIL,
    MODIFIED,
    MODULES,
    PERSONS,
    SECOND_EMAIL,
    Record,
    address,
    field_of,
    told_by,
)
from connectors.zoho.reference_data import Modules


def heirs(
    modules: Modules, attributes: Sequence[Attribute], gone: Mapping[Ref, Sequence[Fact]]
) -> dict[Ref, tuple[Kind, str]]:
    """By the e-mail address that they had; of nobody whose address a policy does not read.

    Contacts come before leads, and a first address before a second one, where a merge leaves what
    its loser had. Of several it is the one that changed last, as the survivor of a merge has; and
    nobody who has not changed since the other was last seen, for people may share an address.
    """
    addresses = {
        ref: address for ref, facts in gone.items() if (address := _address(ref, facts, attributes))
    }
    seen = {ref: _last_seen(ref, gone[ref]) for ref in addresses}
    left_by = {(ref.kind, ref.id) for ref in gone}
    found: dict[Ref, tuple[Kind, str]] = {}
    for kind, field in product(PERSONS, (EMAIL, SECOND_EMAIL)):
        asked = {ref: address for ref, address in addresses.items() if ref not in found}
        living = _living(modules, kind, field, asked.values(), left_by)
        found |= {
            ref: (kind, str(living[address]["id"]))
            for ref, address in asked.items()
            if address in living and _has_changed(living[address], seen[ref])
        }
    return found


def _address(ref: Ref, facts: Iterable[Fact], attributes: Sequence[Attribute]) -> str:
    names = {
        one.name
        for one in told_by(ref.kind, attributes)
        if ref.kind in PERSONS and field_of(one, ref.kind) == EMAIL
    }
    told = (fact.data.get(name) for fact in _own(ref, facts) for name in sorted(names))
    return next((one.strip().lower() for one in told if isinstance(one, str)), "")


def _own(ref: Ref, facts: Iterable[Fact]) -> list[Fact]:
    """What the record itself told."""
    return [fact for fact in facts if fact.type == ref.kind and fact.id == ref.id]


def _last_seen(ref: Ref, facts: Iterable[Fact]) -> datetime:
    """When the record was read for the last time."""
    return max(fact.occurred_at for fact in _own(ref, facts))


def _has_changed(heir: Record, since: datetime) -> bool:
    """A merge changes who survives it."""
    changed = instant(heir.get(MODIFIED))
    return changed is not None and parse_instant(changed) >= since - SKEW


def _living(
    modules: Modules,
    kind: Kind,
    field: str,
    addresses: Iterable[str],
    dead: set[tuple[Kind, str]],
) -> Mapping[str, Record]:
    """By their address, and of several with one address the one that changed last."""
    asked, module = set(addresses), MODULES[kind]
    if not asked or not modules.there(module, [field]):
        return {}
    rows = Selection(modules.api, module, [field, MODIFIED]).where(field, asked)
    there = [row for row in rows if (kind, str(row["id"])) not in dead]
    return {address(row, field): row for row in sorted(there, key=_last_change)}


def _last_change(row: Record) -> tuple[str, str]:
    return str(row.get(MODIFIED) or ""), str(row["id"])
