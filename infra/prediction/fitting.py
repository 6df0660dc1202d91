"""All that can be learned of the buyers of a file, as training publishes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from chalicelib.core.model import Json
from chalicelib.core.policy import FittedModels
from chalicelib.core.prediction import ModelCard
from chalicelib.policy.version import version_of
from chalicelib.prediction.purchases import Family
from chalicelib.scoring.fitted import CARDS
from chalicelib.training import clusters, purchase_learning
from chalicelib.training.buyers import Past, past_of, population_of, two_thirds
from chalicelib.training.purchases import UNIT_DAYS
from chalicelib.training.spend import SpendFit, fit_spend
from infra.prediction.buyers import Buyer

SEED = 20260321


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be learned; ``currency`` is empty of buyers of whom no sums are known."""

    family: Family
    currency: str


@dataclass(frozen=True, slots=True)
class _Found:
    """``parameters`` are None of what is not to be used."""

    card: ModelCard
    parameters: dict[str, Json] | None


def learn(buyers: Sequence[Buyer], end: date, wish: Wish) -> FittedModels:
    """As of the end of the day ``end``. What did not pass its gate has a card alone."""
    found = [_purchases(buyers, end, wish.family)]
    if wish.currency:
        found.append(_spend(buyers, wish.currency))
    found.append(_clusters(buyers, end, wish.currency))
    used = {one.card.name: one.parameters for one in found if one.parameters is not None}
    cards: dict[str, Json] = {one.card.name: one.card.to_json() for one in found}
    content: dict[str, dict[str, Json]] = {**used, CARDS: cards}
    return FittedModels(version_of({**content}), content)


def _purchases(buyers: Sequence[Buyer], end: date, family: Family) -> _Found:
    population = population_of([one.days for one in buyers], end, UNIT_DAYS)
    past = past_at(buyers, default_cut_off(buyers, end), end) if buyers else None
    learned = purchase_learning.learn(population, past, seed=SEED, family=family)
    return _Found(learned.card(), learned.parameters)


def _spend(buyers: Sequence[Buyer], currency: str) -> _Found:
    fit = fit_spend((len(one.days) - 1, one.repeat_spend) for one in buyers)
    card = ModelCard("spend", fit.gate, _spend_figures(fit, currency))
    return _Found(card, fit.to_json(currency) if fit.model else None)


def _spend_figures(fit: SpendFit, currency: str) -> dict[str, Json]:
    mean: Json = None if fit.mean is None else {"amount": round(fit.mean), "currency": currency}
    return {"customers": fit.n, "mean": mean, "correlation": fit.correlation}


def _clusters(buyers: Sequence[Buyer], end: date, currency: str) -> _Found:
    learned = clusters.learned([point(one, end, currency) for one in buyers], seed=SEED)
    return _Found(learned.card, learned.clusters.to_json() if learned.clusters else None)


def point(buyer: Buyer, end: date, currency: str) -> dict[str, float | None]:
    """As clusters know a customer; of sums only where there are any."""
    spent: dict[str, float | None] = {"monetary": sum(buyer.spent)} if currency else {}
    return {
        "recency": (end - buyer.days[-1]).days,
        "frequency": len(buyer.days),
        **spent,
    }


def default_cut_off(buyers: Sequence[Buyer], end: date) -> date:
    """Two thirds of the time since anybody bought first."""
    return two_thirds(min(one.days[0] for one in buyers), end)


def past_at(buyers: Sequence[Buyer], cut_off: date, end: date) -> Past:
    return past_of([one.days for one in buyers], cut_off, end, UNIT_DAYS)
