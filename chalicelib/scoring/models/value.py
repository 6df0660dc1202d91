"""What a customer is worth, as a rank among all customers.

    value = realised + indirect - cost

*Realised* is the net revenue of the purchases in ``(t - window_days, t]``, or of all. *Indirect* is
what others bought thanks to the subject: each purchase that is credited to it counts with the share
told of it, but with no more than the page's ``credit`` says for a credit of its kind; credit is
given for one's own doing only, so nothing is passed on from one to the next. *Cost* is the sum of
the attributes that ``costs`` names, and of so much for each ticket in the window.

The score is the percentile rank ``100 · (below + ½ · equal) / n`` among the values of all
customers, read off a hundred quantiles; until there are 15 customers, or with
``thresholds_serve: always``, it is ``100 · k / len(thresholds)`` with k = thresholds strictly below
the value. Money that nobody told the worth of is left out and flagged.

Half of the customers spent 10 and half 20, so who spent 20 is ahead of 75 %:

>>> percentile([1000] * 50 + [2000] * 50, 2000)
75.0

Source: customer value as realised revenue net of costs, Blattberg, Kim and Neslin 2008, chapters
5-6; referral value after Kumar, Petersen and Leone 2007, "How valuable is word of mouth?".
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from math import floor, fsum
from typing import cast

from chalicelib.core.card import CustomerValue
from chalicelib.core.facts import canonical, parse_instant
from chalicelib.core.model import Json, Money, Purchase
from chalicelib.core.policy import Measure, Profile, Term
from chalicelib.localization.customers import beyond_others, brought_in, cost_us, spent
from chalicelib.scoring.models import Context, Parameters
from chalicelib.scoring.models._cuts import in_smallest_units
from chalicelib.scoring.models._ranks import percentile

_LARGEST = 10**18
"""Of a cost beyond it, which nobody has paid, nothing is known."""

_SHARE: Json = {"type": "number", "minimum": 0, "maximum": 1}

SCHEMA: Mapping[str, Json] = {
    "required": [],
    "properties": {
        "window_days": {"type": "integer", "minimum": 1, "maximum": 36500},
        "credit": {
            "type": "object",
            "minProperties": 1,
            "propertyNames": {"$ref": "#/$defs/id"},
            "additionalProperties": _SHARE,
        },
        "costs": {
            "type": "object",
            "minProperties": 1,
            "additionalProperties": False,
            "properties": {
                "attributes": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/id"}},
                "per_ticket": {"type": "number", "exclusiveMinimum": 0},
            },
        },
        "thresholds": {"type": "array", "minItems": 1, "items": {"type": "number"}},
        "thresholds_serve": {"enum": ["until_fitted", "always"]},
    },
    "examples": [
        {
            "model": "value",
            "window_days": 365,
            "credit": {"referral": 0.2, "influence": 0.1},
            "costs": {"per_ticket": 2.5},
            "thresholds": [10, 100, 500, 2000],
        }
    ],
}

SHOWN_WINDOWS = (90, 365)
"""Days of the windows that a card tells beside the whole."""


@dataclass(frozen=True, slots=True)
class Costs:
    """``attributes`` hold major units of the policy's currency, ``per_ticket`` smallest ones."""

    attributes: tuple[str, ...]
    per_ticket: int


@dataclass(frozen=True, slots=True)
class _Part:
    """Smallest units, how many sums lack a rate, and when the part changes by itself."""

    amount: int
    unknown: int = 0
    changes: tuple[datetime, ...] = ()


@dataclass(frozen=True, slots=True)
class Model:
    """``credit`` is the most that a purchase of each kind of credit counts; ``basis`` names
    what the values are made of: cut points of another basis are no measure of them.
    """

    window_days: int | None
    credit: Mapping[str, float]
    costs: Costs | None
    thresholds: tuple[int, ...]
    thresholds_always: bool
    currency: str
    basis: str

    @classmethod
    def from_page(cls, parameters: Parameters, context: Context) -> Model:
        costs = cast("Mapping[str, Json] | None", parameters.get("costs"))
        given = cast(Sequence[float], parameters.get("thresholds", ()))
        return cls(
            window_days=cast("int | None", parameters.get("window_days")),
            credit=cast(Mapping[str, float], parameters.get("credit", {})),
            costs=_costs(costs, context.currency) if costs else None,
            thresholds=in_smallest_units(given, context.currency),
            thresholds_always=parameters.get("thresholds_serve") == "always",
            currency=context.currency,
            basis=_basis(parameters, context.currency),
        )

    @property
    def maximum(self) -> float:
        return 100.0

    def measure(self, profile: Profile, fitted: Mapping[str, Json]) -> Measure:
        parts = self._realised(profile), self._indirect(profile), self._cost(profile)
        if not profile.purchases and not parts[1].amount:
            return Measure(terms=(), known=0, asked=self._asked)
        value = self._value(profile, *(part.amount for part in parts))
        unknown = sum(part.unknown for part in parts)
        score = self._score(value.total.amount, fitted)
        return Measure(
            terms=() if score is None else self._terms(value, score),
            known=0 if score is None else self._asked - (unknown > 0) - self._lacks(profile),
            asked=self._asked,
            changes_at=min((at for part in parts for at in part.changes), default=None),
            flags=("no_rate",) if unknown else (),
            detail=value,
        )

    @property
    def _asked(self) -> int:
        """Inputs: what came in, at what rates, and the costs if the page says where they stand."""
        return 3 if self.costs and self.costs.attributes else 2

    def _lacks(self, profile: Profile) -> bool:
        named = self.costs.attributes if self.costs else ()
        return any(_number(profile.attributes.get(name)) is None for name in named)

    def costs_of(self, profile: Profile) -> int:
        """As far as they are known, in the smallest unit."""
        return self._cost(profile).amount

    def _value(self, profile: Profile, realised: int, indirect: int, cost: int) -> CustomerValue:
        own = self._known(profile.purchases)
        windows = {
            days: Money(sum(one.amount.amount for one in _since(own, profile.now, days)),
                        self.currency)
            for days in SHOWN_WINDOWS
        }  # fmt: skip
        return CustomerValue(
            realised=Money(realised, self.currency),
            indirect=Money(indirect, self.currency),
            cost=Money(cost, self.currency),
            windows=windows,
        )

    def _realised(self, profile: Profile) -> _Part:
        counted = self._counted(profile.purchases, profile.now)
        known = self._known(counted)
        total = sum(one.amount.amount for one in known)
        return _Part(total, len(counted) - len(known), self._leaving(counted))

    def _indirect(self, profile: Profile) -> _Part:
        if not self.credit:
            return _Part(0)
        ours = [one for one in profile.credited if one.credit in self.credit]
        counted = [one for one in ours if self._is_inside(one.purchase.occurred_at, profile.now)]
        known = [one for one in counted if one.purchase.amount.currency == self.currency]
        worth = fsum(self._share(one.credit, one.share) * one.purchase.amount.amount
                     for one in known)  # fmt: skip
        leaving = self._leaving([one.purchase for one in counted])
        return _Part(floor(worth + 0.5), len(counted) - len(known), leaving)

    def _share(self, credit: str, told: float | None) -> float:
        most = self.credit[credit]
        return most if told is None else min(max(told, 0.0), most)

    def _cost(self, profile: Profile) -> _Part:
        if self.costs is None:
            return _Part(0)
        named = [_number(profile.attributes.get(name)) for name in self.costs.attributes]
        spent_on = sum(in_smallest_units([one for one in named if one], self.currency))
        if not self.costs.per_ticket:
            return _Part(spent_on)
        opened = sorted(
            parse_instant(str(at))
            for fact in profile.facts.states("ticket")
            if (at := fact.data.get("opened_at"))
        )
        until_now = [at for at in opened if at <= profile.now]
        inside = [at for at in until_now if self._is_inside(at, profile.now)]
        changes = opened[len(until_now) : len(until_now) + 1]
        if self.window_days and inside:
            changes.append(inside[0] + timedelta(days=self.window_days))
        return _Part(spent_on + len(inside) * self.costs.per_ticket, 0, tuple(changes))

    def _known(self, bought: Iterable[Purchase]) -> list[Purchase]:
        return [one for one in bought if one.amount.currency == self.currency]

    def _counted(self, bought: Sequence[Purchase], now: datetime) -> Sequence[Purchase]:
        return [one for one in bought if self._is_inside(one.occurred_at, now)]

    def _is_inside(self, at: datetime, now: datetime) -> bool:
        return self.window_days is None or at > now - timedelta(days=self.window_days)

    def _leaving(self, counted: Sequence[Purchase]) -> tuple[datetime, ...]:
        """When the first of these, oldest first, leaves the window."""
        if self.window_days is None or not counted:
            return ()
        return (counted[0].occurred_at + timedelta(days=self.window_days),)

    def _score(self, value: int, fitted: Mapping[str, Json]) -> float | None:
        cuts = cast(Sequence[float], fitted.get("cuts", ()))
        if cuts and fitted.get("basis") == self.basis and not self.thresholds_always:
            return percentile(cuts, value)
        if self.thresholds:
            return 100 * bisect_left(self.thresholds, value) / len(self.thresholds)
        return None

    def _terms(self, value: CustomerValue, score: float) -> tuple[Term, ...]:
        """The score in the proportions of what made the value."""
        said = spent(value.realised, self.window_days)
        if not self.thresholds_always:
            said = beyond_others(said, "much", int(score))
        total = value.total.amount
        if total <= 0 or not score:
            return (Term("realised", score, said),)
        rows = (
            ("realised", value.realised.amount, said),
            ("indirect", value.indirect.amount, brought_in(value.indirect)),
            ("cost", -value.cost.amount, cost_us(value.cost)),
        )
        return tuple(Term(name, score * part / total, text) for name, part, text in rows if part)


def _since(bought: Iterable[Purchase], now: datetime, days: int) -> list[Purchase]:
    return [one for one in bought if one.occurred_at > now - timedelta(days=days)]


def _costs(page: Mapping[str, Json], currency: str) -> Costs:
    per_ticket = Decimal(str(page.get("per_ticket", 0)))
    return Costs(
        attributes=tuple(cast(Sequence[str], page.get("attributes", ()))),
        per_ticket=Money.from_decimal(per_ticket, currency).amount,
    )


def _number(value: Json) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if abs(value) <= _LARGEST else None


def _basis(parameters: Parameters, currency: str) -> str:
    made_of = {name: parameters.get(name) for name in ("window_days", "credit", "costs")}
    return canonical({**made_of, "currency": currency})
