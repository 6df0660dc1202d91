"""Where a subject stands in the funnel, since when, and which segments that makes.

A CRM shows only the stage that a deal is in. So each deal that is read leaves a fact of type
``stage`` behind: the deal was seen there then, or entered it then, where the CRM tells
``entered_at``. Such facts never replace one another, so the history that is made of them is the
same in whatever order they came. A stay begins with the first of several sightings of one stage in
a row.

A subject stands where its most advanced open deal does. Segments of all its deals, of which the
middle ones hold for ``recent_days`` and the last one from so many days on::

    stage:offer   stage:offer:entered   stage:intro:left   stage:offer:stalled

>>> from datetime import UTC
>>> from chalicelib.core.model import Ref
>>> now = datetime(2026, 3, 21, tzinfo=UTC)
>>> anna, week = Ref("hubspot-main", "contact", "1"), timedelta(days=7)
>>> def read(stage, at):
...     return Fact(anna, "deal", "5", at, {"status": "open", "stage": stage}, at)
>>> early, late = read("s1", now - 4 * week), read("s2", now - 3 * week)
>>> facts = FactSet.of([early, late, *sightings([early, late])])
>>> policy = FunnelPolicy({"s1": "intro", "s2": "offer"}, recent_days=7, stalled_days={"offer": 28})
>>> standing = stand(facts, policy, now)
>>> standing.stage, standing.since == now - 3 * week, standing.segments
('offer', True, ('stage:offer',))
>>> standing.changes_at == now + week
True

Source: the deal pipelines of all three CRMs; a triggered stay is Salesforce's stage duration.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from chalicelib.core.facts import Fact, FactSet, iso, parse_instant
from chalicelib.core.funnel import STAGES, ClosedDeal, FunnelPolicy, Standing

_ORDER = {stage: place for place, stage in enumerate(STAGES)}


@dataclass(frozen=True, slots=True)
class Stay:
    """A deal's time in one stage; ``left`` is None while it is there."""

    deal: str
    stage: str
    entered: datetime
    left: datetime | None


def sightings(facts: Iterable[Fact]) -> Iterator[Fact]:
    """What deals that were read tell of their history."""
    for fact in facts:
        if fact.type == "deal" and fact.data.get("stage"):
            entered = fact.data.get("entered_at")
            at = parse_instant(str(entered)) if entered else fact.version
            place = {name: fact.data.get(name) for name in ("stage", "pipeline", "status")}
            yield Fact(
                subject=fact.subject,
                type="stage",
                id=f"{fact.id}@{iso(at)}",
                occurred_at=at,
                data={"deal": fact.id, **place},
            )


def stays(facts: FactSet, policy: FunnelPolicy) -> list[Stay]:
    """Of all deals that are linked to the subject, each deal's in order of time."""
    deals = {fact.id: fact for fact in facts.states("deal")}
    seen: defaultdict[str, dict[str, Fact]] = defaultdict(dict)
    for fact in (*facts.by_type.get("stage", ()), *sightings(deals.values())):
        deal = str(fact.data.get("deal"))
        if deal in deals:
            seen[deal][fact.id] = fact
    return [stay for deal in sorted(seen) for stay in _stays(deal, seen[deal], policy)]


def closed_deals(facts: FactSet, policy: FunnelPolicy) -> Mapping[str, ClosedDeal]:
    """By id: what the stage probabilities are learned of."""
    found = stays(facts, policy)
    return {
        deal.id: ClosedDeal(
            {
                stay.stage: _days(deal.closed_at - stay.entered)
                for stay in found[::-1]
                if stay.deal == deal.id and stay.entered <= deal.closed_at
            },
            won=deal.status == "won",
        )
        for deal in facts.deals()
        if deal.status != "open" and deal.closed_at
    }


def _days(time: timedelta) -> float:
    return time / timedelta(days=1)


def stand(facts: FactSet, policy: FunnelPolicy, now: datetime) -> Standing:
    found = stays(facts, policy)
    open_ones = [
        stay for stay in found if stay.entered <= now and (stay.left is None or stay.left > now)
    ]
    most = min(open_ones, key=lambda one: (-_ORDER[one.stage], one.entered), default=None)
    spans = [span for stay in found for span in _spans(stay, policy)]
    begun = {name for name, start, end in spans if start <= now and (end is None or now < end)}
    edges = [at for _, start, end in spans for at in (start, end) if at is not None and at > now]
    return Standing(
        stage=most.stage if most else None,
        since=most.entered if most else None,
        is_stalled=most is not None and f"stage:{most.stage}:stalled" in begun,
        segments=tuple(sorted(begun)),
        changes_at=min(edges, default=None),
    )


def _stays(deal: str, seen: Mapping[str, Fact], policy: FunnelPolicy) -> Iterator[Stay]:
    in_order = sorted(seen.values(), key=lambda fact: (fact.occurred_at, fact.id))
    # Where a deal was closed, or went somewhere unknown, it is in no stage.
    runs: list[tuple[str | None, datetime]] = []
    for fact in in_order:
        is_open = fact.data.get("status", "open") == "open"
        stage = policy.stage_of(fact.data) if is_open else None
        if not runs or runs[-1][0] != stage:
            runs.append((stage, fact.occurred_at))
    ends = [later for _, (_, later) in pairwise(runs)]
    for (stage, entered), left in zip(runs, [*ends, None], strict=True):
        if stage is not None:
            yield Stay(deal, stage, entered, left)


def _spans(stay: Stay, policy: FunnelPolicy) -> Iterator[tuple[str, datetime, datetime | None]]:
    """The segments of a stay, from when until when."""
    name, recent = f"stage:{stay.stage}", policy.recent_days
    yield name, stay.entered, stay.left
    yield f"{name}:entered", stay.entered, _after(stay.entered, recent)
    if stay.left:
        yield f"{name}:left", stay.left, _after(stay.left, recent)
    if stay.stage in policy.stalled_days:
        yield f"{name}:stalled", _after(stay.entered, policy.stalled_days[stay.stage]), stay.left


def _after(start: datetime, days: float) -> datetime:
    try:
        return start + timedelta(days=days)
    except OverflowError:  # of a sighting that is dated as far ahead as dates go
        return datetime.max.replace(tzinfo=UTC)
