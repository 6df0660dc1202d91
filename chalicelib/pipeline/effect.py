"""What a policy would do to the cards that are stored, and to what the CRM shows of them now."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from chalicelib.core.editions import HIDDEN
from chalicelib.core.model import Ref
from chalicelib.core.policy import Attribute, Policy
from chalicelib.core.ports import LiveSettings
from chalicelib.core.stored import Collection
from chalicelib.loyalty.program import Programs
from chalicelib.pipeline.membership import ledger
from chalicelib.pipeline.programs import programs_after, programs_in_force
from chalicelib.pipeline.reading import collections
from chalicelib.pipeline.saves import founded_at
from chalicelib.pipeline.scorer import compiled
from chalicelib.pipeline.services import Services
from chalicelib.scoring import Written
from chalicelib.scoring.publication import provisioned, provisioned_kinds
from chalicelib.scoring.simulation import Comparison, Kept, compare


def present(connection: str, services: Services) -> list[Ref]:
    """Everybody who has a card and is not in the CRM's bin, in order."""
    rows = services.store.population(connection)
    return sorted(Ref.parse(str(row["ref"])) for row in rows if row.get("made") != HIDDEN)


def effect(
    live: LiveSettings, new: Policy, refs: list[Ref], services: Services, now: datetime
) -> Iterator[Comparison]:
    """Of each of ``refs`` how it stands under both policies, and what the CRM would be told.

    What one subject owes another is as it stands, so what companies and referrers would hear in
    the second place is not among it.
    """
    old = compiled(live.policy)
    programs = programs_in_force(live, services), programs_after(live, new, services, now)
    for one in collections(refs, services.store):
        if one.card.stub is None and not one.facts.hidden:
            kept = _kept(one, programs, now)
            yield compare(one.ref, one.facts, old, new, live.models, now, kept)


def unread(live: LiveSettings, new: Policy) -> tuple[str, ...]:
    """Attributes that were never asked for under the old policy: stored facts have none of them.

    What people call one, and where another CRM keeps it, is no reason to ask again.
    """
    crm = live.connection.crm
    known = {_asked(one, crm) for one in compiled(live.policy).attributes}
    return tuple(sorted(one.name for one in new.attributes if _asked(one, crm) not in known))


def needs_provision(live: LiveSettings, new: Policy) -> bool:
    """Whether the new policy publishes fields, or values of them, that the old one did not, or on
    another kind of record.
    """
    return not _values(new) <= _values(compiled(live.policy))


def _asked(one: Attribute, crm: str) -> tuple[str | None, ...]:
    return one.name, one.type, one.of, one.fields.get(crm), one.activity


def _values(policy: Policy) -> set[tuple[str, ...]]:
    """Every field and every choice of one, by the kind of record; their labels may be any."""
    return {
        (kind, row.name, value)
        for kind in provisioned_kinds(policy)
        for row in provisioned(policy, kind)
        for value in ("", *(choice.value for choice in row.choices))
    }


def _kept(
    one: Collection, programs: tuple[Programs | None, Programs | None], now: datetime
) -> Kept:
    old, new = (ledger(one, one.facts, (), each, now).membership for each in programs)
    return Kept(_shown(one), old, new)


def _shown(one: Collection) -> Written:
    """What the CRM shows or will soon, as ``Saves`` sees it."""
    return Written(one.card.aim, certain=True, founded_at=founded_at(one.card))
