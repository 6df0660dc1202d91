"""What a card foretells, in lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from chalicelib.core.card import ScoreCard
from chalicelib.core.card_json import card_json
from chalicelib.core.facts import money
from chalicelib.core.model import Json, Language, Money
from infra.cli.console import say, show_table


def line(card: ScoreCard) -> str:
    """One of them for a table; empty where nothing is foretold."""
    found = cast("Mapping[str, Any] | None", card_json(card)["prediction"])
    return "; ".join(f"{what} {value}" for what, value in _numbers(found)) if found else ""


def show(found: Mapping[str, Any], language: Language) -> None:
    show_table((f"to come, as of {found['as_of']}", ""), _rows(found, language))
    for factor in found["factors"]:
        say(factor["text"][language])


def show_deals(found: Mapping[str, Any]) -> None:
    """What open deals will bring, give or take a standard deviation."""
    by = "a model of deals tells" if found.get("by_model") else "the stages they are in tell"
    give = _sum(found["deviation"])
    say(f"open deals will bring {_sum(found['expected'])} (±{give}), as {by}")


def _rows(found: Mapping[str, Any], language: Language) -> Iterator[tuple[str, str]]:
    yield from _numbers(found)
    if outlook := found["outlook"]:
        yield from _of_value(outlook)
    if found["overdue"] is not None:
        yield "usual gaps since the last purchase", f"{found['overdue']:.1f}"
    if cluster := found["cluster"]:
        yield "cluster", cluster["label"][language]
    if moment := found["moment"]:
        yield "best moment", moment["text"][language]


def _numbers(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if found["churn"] is not None:
        yield "churn risk", f"{found['level']} ({found['churn']:.0%})"
    for days in (30, 90):
        if (chance := found[f"purchase_{days}"]) is not None:
            yield f"purchase within {days} days", f"{chance:.0%}"
    if found["chance"] is not None:
        young = ", the model is learning" if found["learning"] else ""
        yield f"target within {found['horizon_days']} days", f"{found['chance']:.0%}{young}"


def _of_value(outlook: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    months = f"{outlook['months']} months"
    yield f"purchases in {months}", f"{outlook['purchases']:.2f}"
    yield "each of", _sum(outlook["spend"])
    yield f"value of {months}", _sum(outlook["model"])
    yield "open deals", f"{_sum(outlook['pipeline'])}, overlap {_sum(outlook['overlap'])}"
    # Cards that an earlier version stored have neither this nor costs and a total.
    likely = outlook.get("likely")
    ends = f" ({_sum(likely['low'])} – {_sum(likely['high'])} four times of five)" if likely else ""
    yield "value to come", f"{_sum(outlook['value'])}{ends}"
    yield "realised so far", _sum(outlook["realised"])
    if (money(outlook.get("costs")) or Money(0, "")).amount:
        yield "known costs", _sum(outlook["costs"])
    if "total" in outlook:
        yield "altogether", _sum(outlook["total"])
    if outlook["at_risk"]:
        yield "value at risk", _sum(outlook["at_risk"])


def _sum(told: Json) -> str:
    found = money(told) or Money(0, "")
    return f"{found.to_decimal():,} {found.currency}"
