"""Fit models of the future to what all have taught, and say of each whether to trust it.

A model that does not pass its gate is not put into force: the one that is stays, and the card says
why. A model that is in force is fitted anew when it is a month old, when people have changed, or
when the policy asks for something else; in between it stays as it is, so that nobody's chances move
because others bought. One that ranks people who are as before, but foretells too many or too few
successes, gets other odds.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import chain, repeat
from random import Random
from typing import Any, NamedTuple, cast

from chalicelib.core.facts import parse_instant
from chalicelib.core.funnel import ClosedDeal
from chalicelib.core.model import Json, Money, Text
from chalicelib.core.policy import Policy
from chalicelib.core.prediction import Gate, LeadPrediction, ModelCard, PredictionPolicy
from chalicelib.localization import models as say
from chalicelib.localization.purchase_gates import spend_of_a_year
from chalicelib.pipeline.known_attributes import Parameters, cards_of, sound, with_known_alone
from chalicelib.pipeline.lessons import MOST, DealLesson, Lessons, Point
from chalicelib.pipeline.snapshots import AHEAD_DAYS, LeadSnapshot, RenewalSnapshot
from chalicelib.prediction.clusters import Clusters
from chalicelib.prediction.propensity import Propensity, Value
from chalicelib.scoring.features import is_dated, names_of
from chalicelib.scoring.fitted import CARDS
from chalicelib.scoring.future import PRICES_RISE
from chalicelib.scoring.renewals import SURVIVED
from chalicelib.scoring.wins import PIPELINE
from chalicelib.training import clusters, drift, propensity, purchase_learning
from chalicelib.training.buyers import apart, past_of, population_of, two_thirds
from chalicelib.training.calibration import new_odds
from chalicelib.training.deals import HORIZON_DAYS, snapshots_of, train_deals
from chalicelib.training.purchase_learning import LearnedPurchases
from chalicelib.training.purchases import UNIT_DAYS
from chalicelib.training.rivals import Rival
from chalicelib.training.spend import fit_spend
from chalicelib.training.subscriptions import fit_renewals, train_hazard

SEED = 20260321

_SET_ANEW = "odds_set_anew_at"

FORETELLING = (
    "purchases", "spend", "subscriptions", "renewals", "propensity", "deals", "clusters",
)  # fmt: skip
"""Names of all such models."""

OLDEST = timedelta(days=30)

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Fit:
    """``parameters`` are None of a model that is not to be used."""

    card: ModelCard
    parameters: Mapping[str, Json] | None


def asked_for(policy: Policy) -> tuple[str, ...]:
    """The models that a policy wants."""
    asked = policy.prediction
    if asked is None:
        return ()
    wanted = {
        "purchases": asked.purchases,
        "spend": asked.purchases,
        "subscriptions": asked.subscriptions,
        "renewals": asked.subscriptions,
        "propensity": asked.leads,
        "deals": asked.deals,
        "clusters": asked.clusters,
    }
    return tuple(name for name, part in wanted.items() if part)


def due(policy: Policy, before: Parameters, now: datetime) -> tuple[str, ...]:
    """The models that have to be fitted, whatever has or has not happened since."""
    cards = cards_of(sound(before, policy))
    return tuple(
        name
        for name in asked_for(policy)
        if name not in cards or now - parse_instant(cards[name]["trained_at"]) >= OLDEST
    )


def drifting(lessons: Lessons, policy: Policy, before: Parameters, now: datetime) -> bool:
    """Whether a model in force is of people or deals that are others by now, or is off of late."""
    if policy.prediction is None:
        return False
    lessons, before = with_known_alone(lessons, policy), sound(before, policy)
    return bool(_Fitting(lessons, policy, policy.prediction, before, now).drifted())


def foreseen(
    lessons: Lessons, policy: Policy, before: Parameters, now: datetime, *, anew: bool = False
) -> dict[str, Mapping[str, Json]]:
    """Parameters by model name, and the cards of all. ``anew`` fits those too that are not due."""
    if policy.prediction is None:
        return {}
    before = sound(before, policy)
    fitted = _Fitting(with_known_alone(lessons, policy), policy, policy.prediction, before, now)
    wanted = asked_for(policy)
    drifted = fitted.drifted()
    fresh = set(wanted if anew else due(policy, before, now))
    fresh |= {name for name, card in cards_of(before).items() if not card["passed"]}
    fresh |= {name for name, one in drifted.items() if one.verdict == "retrain"}
    found = {
        name: fitted.found(name, drifted.get(name, UNMOVED), fits=name in fresh)
        for name in wanted
        if name in fresh or name in drifted
    }
    kept = {name: before[name] for name in wanted if name in before}
    used = {name: one.parameters for name, one in found.items() if one.parameters is not None}
    cards = {name: card for name, card in cards_of(before).items() if name in wanted}
    cards |= {name: one.card.to_json() for name, one in found.items()}
    return {**kept, **used, CARDS: cards}


def _because(reasons: tuple[Text, ...], found: Fit) -> Fit:
    """With what has changed, after what is said of the model."""
    if not reasons:
        return found
    gate = found.card.gate
    told = Gate(gate.passed, (*gate.sentences, *reasons))
    return replace(found, card=replace(found.card, gate=told))


def in_force(parameters: Parameters, name: str) -> Mapping[str, Any]:
    """The card of the model that is used, whatever was refused since; empty if none is known."""
    card = cards_of(parameters).get(name, {})
    return cast("Mapping[str, Any]", card.get("stays", card))


def _lags(rows: Sequence[LeadSnapshot]) -> list[Mapping[str, float]] | None:
    """No attribute was changed later than its record."""
    if all(one.lag is None for one in rows):
        return None
    return [
        {name: one.lag for name in one.row if not is_dated(name)} if one.lag is not None else {}
        for one in rows
    ]


class _Case(NamedTuple):
    """``known_at`` is when its outcome came to be known."""

    known_at: datetime
    did: bool
    row: Mapping[str, Value]


def _cases(
    snapshots: Iterable[RenewalSnapshot | LeadSnapshot], known: Iterable[datetime]
) -> list[_Case]:
    told = zip(snapshots, known, strict=True)
    return [_Case(known_at, did, row) for (_, did, row, *_), known_at in told]


UNMOVED = drift.Upkeep("keep", {}, ())


@dataclass(frozen=True, slots=True)
class _Fitting:
    lessons: Lessons
    policy: Policy
    asked: PredictionPolicy
    before: Parameters
    now: datetime

    def fit(self, name: str) -> Fit:
        fits = {
            "purchases": self._purchases,
            "spend": self._spend,
            "subscriptions": self._subscriptions,
            "renewals": self._renewals,
            "propensity": self._propensity,
            "deals": self._deals,
            "clusters": self._clusters,
        }
        return fits[name]()

    def found(self, name: str, upkeep: drift.Upkeep, *, fits: bool) -> Fit:
        """A model that is fitted anew, or the one in force with other odds if that is enough."""
        again = self._recalibrated(name, upkeep) if upkeep.verdict == "recalibrate" else None
        if again and not fits:
            return again
        found = _because((*upkeep.sentences, *self._lacking(name)), self.fit(name))
        if found.parameters is not None or name not in self.before:
            return found
        stays = again.card.to_json() if again else in_force(self.before, name)
        return Fit(replace(found.card, stays=stays), again.parameters if again else None)

    def _lacking(self, name: str) -> tuple[Text, ...]:
        """Who is not among those whom a model is learned of."""
        lessons, points = self.lessons, len(self.lessons.points)
        sizes = {
            "propensity": (len(lessons.snapshots), lessons.left_out.get("snapshots", 0)),
            "renewals": (len(lessons.renewals), lessons.left_out.get("renewals", 0)),
            "clusters": (min(points, MOST), max(points - MOST, 0)),
        }
        kept, left_out = sizes.get(name, (0, 0))
        sample = (say.sampled(kept, left_out),) if left_out else ()
        return (*sample, say.malformed(lessons.malformed)) if lessons.malformed else sample

    def _recalibrated(self, name: str, upkeep: drift.Upkeep) -> Fit | None:
        running, lately = self._running(name), self._lately(self._cases()[name])
        if running is None:
            return None
        shift = new_odds(running, [one.row for one in lately], [one.did for one in lately])
        if shift is None:
            return None
        card = ModelCard.from_json(name, in_force(self.before, name))
        told = say.odds_set_anew(self.now.date(), len(lately))
        gate = Gate(card.gate.passed, (*card.gate.sentences, told, *upkeep.sentences))
        set_anew: dict[str, Json] = {_SET_ANEW: self.now.isoformat(), "new_odds": list(shift)}
        card = replace(card, gate=gate, figures={**card.figures, **set_anew})
        return Fit(card, running.recalibrated(shift).to_json())

    def drifted(self) -> dict[str, drift.Upkeep]:
        """What to do with the models in force whose people or deals are others by now, or that
        foretell too many or too few lately.
        """
        looks = {name: self._upkeep(name, cases) for name, cases in self._cases().items()}
        return {
            name: one for name, one in looks.items() if one.verdict in ("retrain", "recalibrate")
        }

    def _upkeep(self, name: str, cases: Sequence[_Case]) -> drift.Upkeep:
        """By those who came since: of all others the model is made, and after it was fitted to who
        comes now it is not to be fitted to them again.
        """
        running, lately = self._running(name), self._lately(cases)
        if running is None:
            return UNMOVED
        since = self._trained_at(name) or self.now - drift.LATELY
        return drift.upkeep(
            running,
            [one.row for one in cases if one.known_at > since],
            age_days=0,
            observed=sum(one.did for one in lately),
            expected=math.fsum(running.probability(one.row) for one in lately),
        )

    def _lately(self, cases: Sequence[_Case]) -> list[_Case]:
        return [one for one in cases if one.known_at >= self.now - drift.LATELY]

    def _cases(self) -> Mapping[str, Sequence[_Case]]:
        """What models of chances are judged by."""
        found: dict[str, Sequence[_Case]] = {}
        ended = self._ended
        if leads := self.asked.leads:
            found["propensity"] = _cases(self.lessons.snapshots, self._leads_known(leads))
        if self.asked.subscriptions:
            found["renewals"] = _cases(self.lessons.renewals, self._renewals_known())
        if deals := self.asked.deals:
            found["deals"] = [
                _Case(ended[one.id] - timedelta(days=one.days_known), one.won, one.row)
                for one in snapshots_of(
                    self._closed, self._still_open, deals.horizon_days, self._more
                )
            ]
        return found

    def _leads_known(self, asked: LeadPrediction) -> list[datetime]:
        """When it was known what came of each."""
        later = timedelta(days=asked.horizon_days)
        return [parse_instant(one.at) + later for one in self.lessons.snapshots]

    def _renewals_known(self) -> list[datetime]:
        return [
            parse_instant(one.known_at)
            if one.known_at
            else parse_instant(one.at) + self._longest * _DAY
            for one in self.lessons.renewals
        ]

    @property
    def _longest(self) -> int:
        """Days from a look at a renewal to the end of its grace."""
        asked = self.asked.subscriptions
        return AHEAD_DAYS + (asked.grace_days if asked else 0)

    def _running(self, name: str) -> Propensity | None:
        held = self.before.get(name)
        return Propensity.from_json(held) if held else None

    def _rival(self, name: str) -> Rival | None:
        """It knows what came to be known until its odds were set anew."""
        running, since = self._running(name), self._trained_at(name)
        if running is None or since is None:
            return None
        set_anew = in_force(self.before, name)["figures"].get(_SET_ANEW)
        return Rival(running, trained_at=parse_instant(set_anew) if set_anew else since)

    def _trained_at(self, name: str) -> datetime | None:
        told = in_force(self.before, name).get("trained_at")
        return parse_instant(told) if told else None

    @property
    def _closed(self) -> Mapping[str, ClosedDeal]:
        return {
            name: ClosedDeal(one.days_left, one.won) for name, one in self.lessons.deals.items()
        }

    @property
    def _still_open(self) -> Mapping[str, Mapping[str, float]]:
        return {name: one.days_left for name, one in self.lessons.still_open.items()}

    @property
    def _all_deals(self) -> Mapping[str, DealLesson]:
        return {**self.lessons.still_open, **self.lessons.deals}

    @property
    def _ended(self) -> Mapping[str, datetime]:
        return {name: parse_instant(one.ended) for name, one in self._all_deals.items()}

    @property
    def _more(self) -> Mapping[str, Mapping[str, Value]]:
        return {name: one.more for name, one in self._all_deals.items()}

    def _purchases(self) -> Fit:
        today = self.now.astimezone(self.policy.time_zone).date()
        counted = [
            ([date.fromordinal(day) for day in days], n) for days, n in self._buyers().items()
        ]
        everybody = list(chain.from_iterable(repeat(days, n) for days, n in counted))
        population = population_of(everybody, today, UNIT_DAYS)
        tried, early = apart(everybody, today)
        past = None
        if tried:
            cut_off = two_thirds(min(days[0] for days in tried), today)
            past = past_of(tried, cut_off, today, UNIT_DAYS)
        family = self.asked.purchases.family if self.asked.purchases else "mbg_nbd"
        found = purchase_learning.learn(population, past, seed=SEED, family=family)
        found = found.without(early)
        return Fit(found.card(self.now), None if self._is_worse(found) else found.parameters)

    def _is_worse(self, found: LearnedPurchases) -> bool:
        """A mere rate does not take the place of a model."""
        return self.before.get("purchases", {}).get("method") == "model" and found.fit is None

    def _buyers(self) -> Mapping[tuple[int, ...], int]:
        return dict(sorted(self.lessons.buyers.items()))

    def _spend(self) -> Fit:
        rows = sorted(self.lessons.spend.items())
        found = fit_spend(chain.from_iterable(repeat(row, n) for row, n in rows))
        figures: dict[str, Json] = {"n": found.n, "correlation": found.correlation}
        if found.mean is not None:
            mean = Money(round(found.mean), self.policy.currency)
            figures["mean"] = mean.to_json()
        gate = found.gate
        if found.model and self.policy.currency in PRICES_RISE:
            gate = Gate(gate.passed, (*gate.sentences, spend_of_a_year()))
        card = ModelCard("spend", gate, figures, self.now)
        return Fit(card, found.to_json(self.policy.currency) if found.model else None)

    def _subscriptions(self) -> Fit:
        found = fit_renewals(self.lessons.lost, self.lessons.stayed)
        card = ModelCard("subscriptions", found.gate, {"n": found.n}, self.now)
        return Fit(card, found.to_json() if found.model else None)

    def _renewals(self) -> Fit:
        rows = self.lessons.renewals
        found = train_hazard(
            [one.row for one in rows],
            [one.left for one in rows],
            [parse_instant(one.at) for one in rows],
            seed=SEED,
            horizon_days=self._longest,
            known_at=self._renewals_known(),
            survived=SURVIVED,
            by_tenure=fit_renewals(self.lessons.lost, self.lessons.stayed).model,
            running=self._rival("renewals"),
            trained_at=self.now,
        )
        return Fit(found.card, found.model.to_json() if found.model else None)

    def _propensity(self) -> Fit:
        leads, rows = self.asked.leads, self.lessons.snapshots
        times, days = [parse_instant(one.at) for one in rows], leads.horizon_days if leads else 0
        found = propensity.train(
            [one.row for one in rows],
            [one.did for one in rows],
            times,
            seed=SEED,
            horizon_days=days,
            exclude=leads.exclude if leads else (),
            known_at=self._leads_known(leads) if leads else (),
            rival=self._rival("propensity"),
            lags=_lags(rows),
            segment=leads.segment if leads else "",
            trained_at=self.now,
        )
        told = Fit(found.card, found.model.to_json() if found.model else None)
        return _because(tuple(self._what_leads_go_by()), told)

    def _what_leads_go_by(self) -> Iterator[Text]:
        leads, names = self.asked.leads, sorted(names_of(self.policy))
        kept = leads.known_ones if leads else frozenset[str]()
        left_out = [name for name in names if name not in kept]
        if names:
            yield say.known_only_as_now([one for one in names if one in kept], left_out)
        if not self.lessons.snapshots and leads and not leads.since:
            yield say.no_beginning()

    def _deals(self) -> Fit:
        asked = self.asked.deals
        found = train_deals(
            self._closed,
            self._still_open,
            seed=SEED,
            horizon_days=asked.horizon_days if asked else HORIZON_DAYS,
            ended=self._ended,
            more=self._more,
            running=self._rival("deals"),
            segment=PIPELINE,
            trained_at=self.now,
        )
        return Fit(found.card, found.model.to_json() if found.model else None)

    def _clusters(self) -> Fit:
        asked, held = self.asked.clusters, self.before.get("clusters")
        points = [
            {"recency": float(r), "frequency": float(f), "monetary": float(m)}
            for r, f, m in self._points()
        ]
        found = clusters.learned(
            points,
            seed=SEED,
            low=asked.low if asked else clusters.LOW,
            high=asked.high if asked else clusters.HIGH,
            former=Clusters.from_json(held) if held else None,
            trained_at=self.now,
        )
        return Fit(found.card, found.clusters.to_json() if found.clusters else None)

    def _points(self) -> Sequence[Point]:
        points = self.lessons.points
        if len(points) <= MOST:
            return points
        return Random(SEED).sample(points, MOST)  # noqa: S311  not a secret
