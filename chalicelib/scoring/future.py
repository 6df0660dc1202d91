"""What will probably become of somebody, by the models that training has fitted.

All chances are as of the local start of the week, or of the day of the last purchase if that is
later. So they move once a week at most by themselves, and as nothing is heard of a buyer all of
them only fall: the first week in which one has fallen far enough is found by halving. A lead's
chance goes by what it did lately, and so may a subscriber's risk: both stay as they are once that
is 90 days ago.

The arithmetic of chapters 3.7 and 6 to 9 is in ``chalicelib.prediction``; here is what it is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from math import floor
from typing import Any
from zoneinfo import ZoneInfo

from chalicelib.core.model import SENT, Money, Purchase
from chalicelib.core.policy import FittedModels, Policy, Profile
from chalicelib.core.prediction import ClusterMembership, Outlook, Prediction, PredictionPolicy
from chalicelib.core.structs import struct
from chalicelib.localization.periods import midnight, span
from chalicelib.prediction.churn import gaps_of, overdue, value_at_risk
from chalicelib.prediction.lifetime_value import lifetime_value
from chalicelib.prediction.likely_value import likely, purchases_to_come, with_deals
from chalicelib.prediction.propensity import Propensity, Value
from chalicelib.prediction.purchases import History, PurchaseModel, history_of
from chalicelib.prediction.spend import SpendModel
from chalicelib.scoring.features import LATELY, lead_row
from chalicelib.scoring.fitted import Buying, Fitted, fitted
from chalicelib.scoring.forecast import STAGES_MODEL, forecast
from chalicelib.scoring.models import value
from chalicelib.scoring.renewals import is_missed, renewal_of, subscriber_row

MONTH_DAYS = 30.4375
WEEK = timedelta(days=7)
YEAR = timedelta(days=365)

PRICES_RISE = frozenset({"IRR"})
"""Currencies in which a sum of two years ago is not to be compared with one of today."""

SETTLED = LATELY // WEEK + 2
"""Weeks after which what was done lately is long ago."""

_MOST_WEEKS = 1040
"""Twenty years: whoever is not lost by then need not be told of."""

Parts = dict[str, Any]
"""Fields of a ``Prediction``."""


@struct
class Bought:
    """``spent`` is what was paid on each of ``days``, which rise, in the policy's currency; None
    where all of it was in others. With ``prices_rise`` sums of long ago are no measure.
    """

    days: tuple[date, ...]
    spent: tuple[int | None, ...]
    purchases: int
    prices_rise: bool = False

    @property
    def realised(self) -> int:
        return sum(one or 0 for one in self.spent)

    @property
    def again(self) -> list[int]:
        """What was paid on days after the first, where that is known; with ``prices_rise`` in the
        year up to the last one, lest it changes while nothing is heard.
        """
        known = [
            (day, one) for day, one in zip(self.days, self.spent, strict=True) if one is not None
        ]
        since = self.days[-1] - YEAR if self.prices_rise else self.days[0]
        return [one for day, one in known if day > max(since, self.days[0])]

    @property
    def usual(self) -> float:
        """The mean of ``again``; 0 of whoever came but once."""
        again = self.again
        return sum(again) / len(again) if again else 0.0

    def point(self, day: date) -> Mapping[str, float]:
        """As clusters know it."""
        return {
            "recency": (day - self.days[-1]).days,
            "frequency": self.purchases,
            "monetary": self.realised,
        }


def bought_by(profile: Profile, policy: Policy) -> Bought:
    return bought_in(profile.purchases, policy.time_zone, policy.currency)


def bought_in(purchases: Sequence[Purchase], zone: ZoneInfo, currency: str) -> Bought:
    """What was paid in another currency, without a rate, is no sum here, but a purchase."""
    spent = dict[date, int | None]()
    for one in purchases:
        day, money = one.occurred_at.astimezone(zone).date(), one.amount
        before = spent.setdefault(day, None)
        if money.currency == currency:
            spent[day] = (before or 0) + money.amount
    days, rise = sorted(spent), currency in PRICES_RISE
    return Bought(tuple(days), tuple([spent[day] for day in days]), len(purchases), rise)


@struct
class Future:
    """What the chances of one subject go by, sorted out once, to be asked as of any week.

    ``pipeline`` is what open deals will probably bring, give or take ``deviation``; ``costs`` are
    those that the policy's value of a customer knows of. With ``in_steps`` something goes by the
    steps of the chance of a purchase.
    """

    profile: Profile
    policy: Policy
    asked: PredictionPolicy
    fitted: Fitted
    bought: Bought
    pipeline: int
    deviation: int
    costs: int
    renewal: date | None
    in_steps: bool

    @property
    def only_falls(self) -> bool:
        """Whether every chance that is told falls and stays fallen while nothing is heard."""
        if self.renewal and self.fitted.renewals:
            return False
        return self._tells_purchases or self.leading is None

    @property
    def leading(self) -> Propensity | None:
        """What tells the chance of the target, of whoever has not reached it."""
        asked = self.asked.leads
        is_open = asked is not None and not asked.target.holds(self.profile)
        return self.fitted.propensity if is_open else None

    @property
    def _tells_purchases(self) -> bool:
        """Whether the chance that is told is that of a purchase, which only falls."""
        buying = self.fitted.buying
        return bool(
            self.bought.days and self.asked.purchases is not None and buying and buying.counts
        )

    def moved_to(self, later: Profile, models: FittedModels) -> Future:
        """As of another instant, of the same facts."""
        if later.wins is self.profile.wins or not self.fitted.spend:
            return replace(self, profile=later)
        pipeline, deviation = _pipeline(later, self.policy, models)
        return replace(self, profile=later, pipeline=pipeline, deviation=deviation)

    def at(self, now: datetime) -> Prediction:
        week = self.week_of(now)
        steps = self._next_step(week) if self.in_steps else None
        return self.on(week, steps_at=self.begins(steps) if steps else None)

    def week_of(self, now: datetime) -> date:
        local = now.astimezone(self.policy.time_zone).date()
        return span(local, "week", self.policy.calendar)[0]

    def begins(self, week: date) -> datetime:
        return midnight(week, self.policy.time_zone)

    def on(self, week: date, steps_at: datetime | None = None) -> Prediction:
        """In the week that begins on that day."""
        bought, day = self.bought, self._day(week)
        parts: Parts = {"as_of": day, "steps_at": steps_at}
        if bought.days and self.fitted.buying and self.asked.purchases:
            parts |= self._buyer(self.fitted.buying, day)
        if self.renewal:
            parts |= self._subscriber(self.renewal, week)
        if self.fitted.propensity:
            parts |= self._lead(week)
        if bought.days and self.fitted.clusters and self.asked.clusters:
            near = self.fitted.clusters.nearest(bought.point(day))
            parts["cluster"] = near and ClusterMembership(near.id, near.label, near.alternative)
        return Prediction(**parts)

    def history(self, buying: Buying, day: date) -> History:
        found = history_of(self.bought.days, day, buying.unit_days)
        assert found is not None
        return found

    def row(self, week: date) -> dict[str, Value]:
        """Of a lead: whatever it did after the week began counts at once."""
        return lead_row(self.profile, self.policy, self._known_at(week))

    def renewal_row(self, week: date) -> dict[str, Value]:
        """Of a subscriber, likewise."""
        return subscriber_row(self.profile, self.policy, self.survived, self._known_at(week))

    @property
    def survived(self) -> int:
        """Renewals."""
        return max(len(self.bought.days) - 1, 0)

    def _known_at(self, week: date) -> datetime:
        done = self.profile.activities.items()
        return max(
            [self.begins(week), *(them[-1].occurred_at for kind, them in done if kind != SENT)]
        )

    def _day(self, week: date) -> date:
        return max(week, self.bought.days[-1]) if self.bought.days else week

    def _buyer(self, buying: Buying, day: date) -> Parts:
        history = self.history(buying, day)
        alive, since = buying.alive(history), (day - self.bought.days[-1]).days
        late = overdue(gaps_of(self.bought.days), since, usual=buying.median_gap_days)
        parts: Parts = {
            "alive": alive,
            "churn": None if alive is None else 1 - alive,
            "overdue": late and late.gaps,
        }
        if buying.counts:
            parts["purchase_30"] = buying.any_purchase(history, 30)
            parts["purchase_90"] = buying.any_purchase(history, 90)
            parts["outlook"] = self._outlook(buying, history)
        return parts

    def _outlook(self, buying: Buying, history: History) -> Outlook | None:
        asked, spend, currency = self.asked.purchases, self.fitted.spend, self.policy.currency
        if asked is None or spend is None or self.fitted.currency != currency:
            return None
        found = lifetime_value(
            buying.model, spend, history, self.bought.usual,
            months=asked.horizon_months, annual_rate=asked.annual_rate, margin=asked.margin,
            month=MONTH_DAYS / buying.unit_days, paid=len(self.bought.again),
        )  # fmt: skip
        worth, alive = found.value, found.alive
        kept, told = worth / alive if alive else 0.0, buying.alive(history)

        def money(amount: float) -> Money:
            return Money(floor(amount + 0.5), currency)

        return Outlook(
            months=asked.horizon_months,
            purchases=alive * found.purchases,
            spend=money(found.spend),
            margin=found.margin,
            discount=found.discount,
            model=money(worth),
            pipeline=money(self.pipeline),
            overlap=money(asked.overlap * min(worth, self.pipeline)),
            realised=money(self.bought.realised),
            costs=money(self.costs),
            at_risk=None if told is None else money(value_at_risk(1 - told, kept)),
        )

    def likely(self, found: Outlook, day: date) -> tuple[Money, Money] | None:
        """Between which sums ``found.value`` will come out; None where no chances are fitted."""
        asked, buying, spend = self.asked.purchases, self.fitted.buying, self.fitted.spend
        if asked is None or buying is None or not isinstance(spend, SpendModel):
            return None
        if not isinstance(buying.model, PurchaseModel):
            return None
        sums = purchases_to_come(
            buying.model, spend, self.history(buying, day), self.bought.usual,
            paid=len(self.bought.again), t=found.months * MONTH_DAYS / buying.unit_days,
            scale=found.margin * found.discount,
        )  # fmt: skip
        if not sums:
            return None
        ends = likely(with_deals(sums, self.pipeline, self.deviation, asked.overlap))
        low, high = (Money(floor(one + 0.5), self.policy.currency) for one in ends)
        return low, high

    def _subscriber(self, renewal: date, week: date) -> Parts:
        asked, known = self.asked.subscriptions, self.fitted
        if asked and is_missed(renewal, self.bought.days, self._day(week), asked):
            return {"churn": 1.0}
        if known.renewals:
            return {"churn": known.renewals.probability(self.renewal_row(week))}
        return (
            {"churn": known.subscriptions.leaves_at(self.survived)} if known.subscriptions else {}
        )

    def _lead(self, week: date) -> Parts:
        model = self.leading
        if model is None:
            return {}
        return {
            "chance": model.probability(self.row(week)),
            "horizon_days": model.horizon_days,
            "learning": model.label == "learning",
        }

    def _next_step(self, week: date) -> date | None:
        """When the chance of a purchase is down a step."""
        buying = self.fitted.buying
        if not buying or not buying.counts or not self.bought.days:
            return None

        def step(other: date) -> float | None:
            chance = buying.any_purchase(self.history(buying, self._day(other)), 90)
            return Prediction(other, purchase_90=chance).step

        here = step(week)
        return first_week(week, lambda other: step(other) != here) if here else None


def future_of(profile: Profile, policy: Policy, models: FittedModels) -> Future | None:
    """None where nothing is to be predicted, as of companies, which buy through their people."""
    asked = policy.prediction
    if asked is None or profile.subject.kind == "account":
        return None
    known = fitted(models)
    return Future(
        profile,
        policy,
        asked,
        known,
        bought_by(profile, policy),
        *(_pipeline(profile, policy, models) if known.spend else (0, 0)),
        _costs(profile, policy) if known.spend else 0,
        renewal_of(profile, policy),
        in_steps=any(one.model_name == "potential" for one in _groups(policy)),
    )


def _groups(policy: Policy) -> tuple[Any, ...]:
    return policy.lead.groups + policy.customer.components


def _pipeline(profile: Profile, policy: Policy, models: FittedModels) -> tuple[int, int]:
    found = forecast(profile, policy, models.parameters.get(STAGES_MODEL, {}))
    return (found.expected.amount, found.deviation.amount) if found else (0, 0)


def _costs(profile: Profile, policy: Policy) -> int:
    models = [group.model for group in policy.customer.components]
    told = [model.costs_of(profile) for model in models if isinstance(model, value.Model)]
    return told[0] if told else 0


def first_week(week: date, differs: Callable[[date], bool]) -> date | None:
    """The first one after ``week`` that differs, of those from which on all others do."""
    low, high = 0, 1
    while not differs(week + high * WEEK):
        if high >= _MOST_WEEKS:
            return None
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if differs(week + middle * WEEK) else (middle, high)
    return week + high * WEEK
