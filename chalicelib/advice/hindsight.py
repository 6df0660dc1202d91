"""What was known at an instant that has passed, records included.

Records are only held in their newest version, so one that was changed after the instant does not
tell what it said then. It is left out, since what it says now may be the result of the purchase
that is to be foretold: a life-cycle stage "customer" foretells every purchase. All else is as
``scoring.hindsight`` has it.

>>> from datetime import UTC
>>> from chalicelib.core.model import Ref
>>> ref = Ref("hubspot-main", "contact", "1")
>>> day = [datetime(2026, 3, number, tzinfo=UTC) for number in range(1, 5)]
>>> facts = FactSet.of([
...     Fact(ref, "activity", "a", day[0], {"kind": "page.viewed"}),
...     Fact(ref, "contact", "1", day[3], {"job_title": "CEO"}, modified_at=day[3]),
... ])
>>> [fact.type for fact in as_of(facts, day[1])]
['activity']
>>> [fact.type for fact in as_of(facts, day[1], trust_records=True)]
['activity', 'contact']
"""

from __future__ import annotations

from datetime import datetime

from chalicelib.core.facts import Fact, FactSet, FactType
from chalicelib.scoring.hindsight import until, was_there

_RECORDS: frozenset[FactType] = frozenset({"contact", "lead", "account", "subscription"})


def as_of(facts: FactSet, at: datetime, *, trust_records: bool = False) -> FactSet:
    """With ``trust_records`` records count as they are now, whenever they were changed."""
    kept = until(facts, at).facts
    if trust_records:
        return FactSet(kept)
    return FactSet({key: fact for key, fact in kept.items() if not _has_changed(fact, at)})


def _has_changed(fact: Fact, at: datetime) -> bool:
    return fact.type in _RECORDS and fact.version > at


def existed(facts: FactSet, at: datetime) -> bool:
    """Whether they had done something by then, or their record still stands as it stood then."""
    record = facts.record()
    return was_there(until(facts, at)) or (record is not None and record.version <= at)


def record_has_changed(facts: FactSet, at: datetime) -> bool:
    """Whether what their record says is of later; a record that was never read has not."""
    record = facts.record()
    return record is not None and record.version > at
