"""What a change of policy would do: who moves and why, and what the CRM would have to be told.

Nothing is read or written, so the same answer comes from a file of facts, where the CRM is taken to
show what the old policy would have written, and from stored cards, where what it shows is known.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from heapq import nsmallest

from chalicelib.core.card import Contribution, ScoreCard
from chalicelib.core.facts import FactSet
from chalicelib.core.model import Json, Kind, Ref, Text
from chalicelib.core.outputs import Fields
from chalicelib.core.policy import FittedModels, Policy
from chalicelib.core.standing import Membership
from chalicelib.scoring.assessment import assess
from chalicelib.scoring.card import card_of, unexplained_card
from chalicelib.scoring.publication import Written, changed_fields, publish

SURPRISING = 0.3
"""The share of customers whose class changes from which a person has to say that it is meant."""

MOVERS = 10
CAUSES = 3

NAMES = ("class", "grade", "temperature", "segment", "stage", "tier")
"""What people are sorted by; ``none`` is who has no such name."""

NONE = "none"


@dataclass(frozen=True, slots=True)
class Rating:
    """One subject under one policy. ``names`` are by ``NAMES``."""

    score: int
    lead: int
    customer: int | None
    names: Mapping[str, str]

    def to_json(self) -> dict[str, Json]:
        return {
            "score": self.score,
            "lead_score": self.lead,
            "customer_score": self.customer,
            **self.names,
        }


@dataclass(frozen=True, slots=True)
class Cause:
    """A line of the explanation whose points differ."""

    id: str
    before: int
    after: int
    text: Text

    @property
    def by(self) -> int:
        return self.after - self.before


@dataclass(frozen=True, slots=True)
class Comparison:
    """``written`` names the fields that the CRM would have to be told; empty if none."""

    subject: Ref
    before: Rating
    after: Rating
    causes: tuple[Cause, ...]
    written: tuple[str, ...]

    @property
    def by(self) -> int:
        return self.after.score - self.before.score

    def to_json(self) -> dict[str, Json]:
        return {
            "subject": str(self.subject),
            "by": self.by,
            "before": self.before.to_json(),
            "after": self.after.to_json(),
            "why": [
                {
                    "id": cause.id,
                    "before": cause.before,
                    "after": cause.after,
                    "text": {"en": cause.text.en, "fa": cause.text.fa},
                }
                for cause in self.causes
            ],
            "written": list(self.written),
        }


@dataclass(frozen=True, slots=True)
class Kept:
    """What is known of a subject beside its facts.

    ``shown`` is what the CRM shows; ``old`` and ``new`` are how it stands in the loyalty programmes
    of the two policies.
    """

    shown: Written | None = None
    old: Membership | None = None
    new: Membership | None = None


NOTHING_KEPT = Kept()

Matrix = Mapping[tuple[str, str], int]
"""How many went from the first name to the second."""


@dataclass(frozen=True, slots=True)
class Simulation:
    """``writes`` counts the records that would be written, by kind; ``fields`` what changes there.

    ``class_changed`` of ``customers`` have another class; who is a customer under one policy
    alone is among both.
    """

    subjects: int
    moved: int
    customers: int
    class_changed: int
    movers: tuple[Comparison, ...]
    matrices: Mapping[str, Matrix]
    writes: Mapping[Kind, int]
    fields: Mapping[str, int]

    @property
    def records_written(self) -> int:
        return sum(self.writes.values())

    @property
    def class_changed_share(self) -> float:
        return self.class_changed / self.customers if self.customers else 0.0

    @property
    def is_surprising(self) -> bool:
        return self.class_changed_share > SURPRISING

    def shares(self, name: str) -> Mapping[str, tuple[float, float]]:
        """Of each value its share before and after, of all who have one then."""
        before, after = Counter[str](), Counter[str]()
        for (old, new), count in self.matrices[name].items():
            before[old] += count
            after[new] += count
        del before[NONE], after[NONE]
        whole, then = before.total() or 1, after.total() or 1
        return {
            value: (before[value] / whole, after[value] / then)
            for value in sorted({*before, *after})
        }

    def to_json(self) -> dict[str, Json]:
        return {
            "subjects": self.subjects,
            "moved": self.moved,
            "customers": self.customers,
            "class_changed": self.class_changed,
            "class_changed_share": round(self.class_changed_share, 4),
            "surprising": self.is_surprising,
            "movers": [one.to_json() for one in self.movers],
            "migrations": {name: _rows(matrix) for name, matrix in self.matrices.items()},
            "shares": {name: _shares(self.shares(name)) for name in self.matrices},
            "crm_writes": {"records": self.records_written, **_plain(self.writes)},
            "fields_written": _plain(self.fields),
        }


def simulate(
    subjects: Iterable[tuple[Ref, FactSet]],
    old: Policy,
    new: Policy,
    models: FittedModels,
    at: datetime,
    shown: Mapping[Ref, Written] | None = None,
) -> Simulation:
    """All subjects under both policies at ``at``.

    ``shown`` is what the CRM shows of each by our last knowledge, as a stored card tells; of whom
    it leaves out, the CRM shows what ``old`` writes at ``at``. Subjects are gone through once and
    not kept, so they may be many.
    """
    known = shown or {}
    return summary(
        compare(subject, facts, old, new, models, at, Kept(known.get(subject)))
        for subject, facts in subjects
    )


def compare(
    subject: Ref,
    facts: FactSet,
    old: Policy,
    new: Policy,
    models: FittedModels,
    at: datetime,
    kept: Kept = NOTHING_KEPT,
) -> Comparison:
    was = assess(subject, facts, old, models, at, kept.old)
    now = assess(subject, facts, new, models, at, kept.new)
    before, after = unexplained_card(was), unexplained_card(now)
    written = _written(after, kept.shown or as_written(before, old), new)
    if written or before.score != after.score:
        # Only of who moves the explanations are needed, which are half of the work.
        before, after = card_of(was), card_of(now)
        written = _written(after, kept.shown or as_written(before, old), new)
    return Comparison(subject, rating(before), rating(after), _causes(before, after), written)


def as_written(card: ScoreCard, policy: Policy) -> Written:
    """What the CRM shows once ``card`` has been written to an empty record."""
    fields = publish(card, Written({}, certain=False), policy)
    assert fields is not None, "what is uncertain is always written"
    certain = card.customer is not None and card.customer.class_certain
    return Written(fields, certain=True, founded_at=card.at if certain else None)


def _written(card: ScoreCard, shown: Written, policy: Policy) -> tuple[str, ...]:
    outgoing: Fields | None = publish(card, shown, policy)
    return tuple(sorted(changed_fields(outgoing, shown.fields))) if outgoing else ()


def rating(card: ScoreCard) -> Rating:
    customer = card.customer
    names = {
        "class": customer.class_ if customer else NONE,
        "grade": card.lead.grade,
        "temperature": card.lead.temperature,
        "segment": (card.rfm and card.rfm.segment) or NONE,
        "stage": card.stage or NONE,
        "tier": card.tier or NONE,
    }
    return Rating(card.score, card.lead.score, customer.score if customer else None, names)


def _causes(before: ScoreCard, after: ScoreCard) -> tuple[Cause, ...]:
    """The largest differences between the lines that explain the headline."""
    was = {line.id: line for line in before.contributions}
    now = {line.id: line for line in after.contributions}
    if before.score == after.score:
        return ()
    found = [_cause(was.get(name), now.get(name)) for name in {**was, **now}]
    changed = sorted((one for one in found if one.by), key=lambda one: (-abs(one.by), one.id))
    return tuple(changed[:CAUSES])


def _cause(was: Contribution | None, now: Contribution | None) -> Cause:
    line = now or was
    assert line is not None
    return Cause(line.id, was.points if was else 0, now.points if now else 0, line.text)


@dataclass(slots=True)
class _Tally:
    subjects: int = 0
    moved: int = 0
    customers: int = 0
    class_changed: int = 0
    matrices: dict[str, Counter[tuple[str, str]]] = field(default_factory=dict)
    writes: Counter[Kind] = field(default_factory=Counter)
    fields: Counter[str] = field(default_factory=Counter)

    def count(self, rows: Iterable[Comparison]) -> Iterator[Comparison]:
        """Yields those of whom anything changed, having counted all."""
        for one in rows:
            self._add(one)
            if one.before != one.after:
                yield one

    def _add(self, one: Comparison) -> None:
        before, after = one.before.names, one.after.names
        self.subjects += 1
        self.moved += one.by != 0
        self.customers += (before["class"], after["class"]) != (NONE, NONE)
        self.class_changed += before["class"] != after["class"]
        for name in NAMES:
            self.matrices.setdefault(name, Counter())[before[name], after[name]] += 1
        if one.written:
            self.writes[one.subject.kind] += 1
            self.fields.update(one.written)


def summary(rows: Iterable[Comparison], movers: int = MOVERS) -> Simulation:
    """``rows`` are gone through once.

    Those whose score moved furthest come first, then whose class changed; equals by their ref.
    """
    tally = _Tally()
    moved = nsmallest(movers, tally.count(rows), key=_rank)
    return Simulation(
        subjects=tally.subjects,
        moved=tally.moved,
        customers=tally.customers,
        class_changed=tally.class_changed,
        movers=tuple(moved),
        matrices={name: _known(matrix) for name, matrix in tally.matrices.items()},
        writes=dict(sorted(tally.writes.items())),
        fields=dict(sorted(tally.fields.items())),
    )


def _rank(one: Comparison) -> tuple[int, bool, str]:
    is_same_class = one.before.names["class"] == one.after.names["class"]
    return -abs(one.by), is_same_class, str(one.subject)


def _known(matrix: Mapping[tuple[str, str], int]) -> Matrix:
    return {pair: count for pair, count in sorted(matrix.items()) if pair != (NONE, NONE)}


def _plain(counts: Mapping[Kind, int] | Mapping[str, int]) -> dict[str, Json]:
    return {str(name): count for name, count in counts.items()}


def _rows(matrix: Matrix) -> Json:
    return [{"from": old, "to": new, "subjects": count} for (old, new), count in matrix.items()]


def _shares(shares: Mapping[str, tuple[float, float]]) -> Json:
    return {
        value: {"before": round(before, 4), "after": round(after, 4)}
        for value, (before, after) in shares.items()
    }
