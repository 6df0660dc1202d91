"""Model cards as text: the verdict first, then why, then the figures behind it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from chalicelib.core.facts import money, parse_instant
from chalicelib.core.model import Json, Language, Text
from chalicelib.localization import models
from chalicelib.scoring.fitted import CARDS
from infra.cli.console import say, show_table

Parameters = Mapping[str, Mapping[str, Json]]


def cards_of(parameters: Parameters) -> Mapping[str, Mapping[str, Any]]:
    """By name of the model, also of those that failed their gate."""
    return cast(Mapping[str, Mapping[str, Any]], parameters.get(CARDS, {}))


FORETELLING = ("purchases", "subscriptions", "propensity", "deals")
"""Models without which nothing is foretold; others add to what these say."""


def failed(parameters: Parameters) -> list[str]:
    """What is said of those that are not to be used."""
    cards = cards_of(parameters)
    held = [cards[name] for name in FORETELLING if name in cards]
    return [reasons(one) for one in held if not one["passed"]]


def reasons(card: Mapping[str, Any], language: Language = "en") -> str:
    return " ".join(_ended(one[language]) for one in card.get("sentences", ()))


def verdict(name: str, card: Mapping[str, Any], language: Language = "en") -> str:
    """One line: whether the model is used, or the one before it, and why."""
    used = getattr(_verdict(card), language)
    return f"{name}: {used}. {reasons(card, language)}".strip()


def _verdict(card: Mapping[str, Any]) -> Text:
    if before := card.get("stays"):
        return models.stays_in_use(parse_instant(before["trained_at"]).date())
    return models.USED if card.get("passed") else models.NOT_USED


def show_cards(parameters: Parameters, language: Language = "en") -> None:
    for name, card in cards_of(parameters).items():
        say(verdict(name, card, language))
        if rows := [(name, *row) for row in _figures(card.get("figures", {}))]:
            show_table(("model", "figure", "value"), rows)


def _figures(figures: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    """What stands in another figure is named with it; lists are for --json."""
    for name, value in figures.items():
        title = f"{above}{name.replace('_', ' ')}"
        if (sum_ := money(value)) is not None:
            yield title, f"{sum_.to_decimal():,} {sum_.currency}"
        elif isinstance(value, Mapping):
            yield from _figures(value, f"{title} ")
        elif not isinstance(value, list) and value is not None:
            yield title, _written(value)


def _written(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < _LARGE else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


_LARGE = 1000


def _ended(sentence: str) -> str:
    return sentence if sentence.endswith((".", "!", "?")) else f"{sentence}."
