"""All that a policy asks for, tried on the past."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

from infra.prediction.chance_trials import deals_tried, leads_tried, renewals_tried
from infra.prediction.chances import ChanceTrial
from infra.prediction.evidence import Evidence
from infra.prediction.trial import Trial, UntriedError, tried

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Trials:
    """``untried`` says by model why it could not be tried."""

    purchases: Trial | None
    chances: tuple[ChanceTrial, ...]
    untried: tuple[tuple[str, str], ...]

    def __bool__(self) -> bool:
        return bool(self.purchases or self.chances)


def all_tried(known: Evidence, cut_off: date | None) -> Trials:
    asked, untried = known.asked, list[tuple[str, str]]()

    def attempt(name: str, trial: Callable[[], T]) -> T | None:
        try:
            return trial()
        except UntriedError as error:
            untried.append((name, str(error)))
            return None

    purchases, leads, subscriptions = asked.purchases, asked.leads, asked.subscriptions
    deals = asked.deals
    bought = None
    if purchases:
        bought = attempt("purchases", lambda: tried(known, cut_off, purchases.family))
    found = [
        subscriptions
        and attempt("subscriptions", lambda: renewals_tried(known, subscriptions, cut_off)),
        leads and attempt("propensity", lambda: leads_tried(known, leads, cut_off)),
        deals and attempt("deals", lambda: deals_tried(known, deals, cut_off)),
    ]
    return Trials(bought, tuple(one for one in found if one), tuple(untried))
