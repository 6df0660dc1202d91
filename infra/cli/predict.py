"""``emtiaz predict``: who will buy again, how much, and who is leaving, of a file."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from chalicelib.core.model import Language, Money
from chalicelib.core.policy import FittedModels
from chalicelib.core.prediction import PurchasePrediction
from chalicelib.localization.purchase_gates import mean_within
from chalicelib.scoring.fitted import Fitted
from chalicelib.scoring.fitted import fitted as fitted_of
from infra.cli import histories
from infra.cli.console import note, show_json, show_table
from infra.cli.exits import Finding
from infra.cli.model_cards import FORETELLING, cards_of, failed
from infra.cli.options import AsJson
from infra.cli.plots import draw_alive, place
from infra.cli.score import read_models
from infra.prediction.fitting import learn
from infra.prediction.forecast import Forecast, foretold
from infra.prediction.pictures import Format

COLUMNS = (
    "customer", "purchases", "last", "alive", "buys in 30 days", "buys in 90 days", "expected",
    "spend", "CLV", "churn", "overdue", "cluster",
)  # fmt: skip
OF_LEADS = ("lead", "reaches the target", "within", "")

Models = Annotated[
    Path | None,
    typer.Option(
        help="What train --out wrote; its day stays --at.", show_default="fitted to the file"
    ),
]
Table = Annotated[
    Path | None, typer.Option("--csv", metavar="FILE", help="Write everybody to this file.")
]
Limit = Annotated[int, typer.Option(min=1, help="How many of the best to show.")]
Months = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=120,
        help="Of the value (CLV) and of expected.",
        show_default="that of the policy, else 12",
    ),
]
Rate = Annotated[
    float | None,
    typer.Option(
        min=0,
        max=10,
        help="By which a year devalues what comes later, as 0.1.",
        show_default="that of the policy, else 0.25 for rial and toman and 0.1 for others",
    ),
]
Margin = Annotated[
    float | None,
    typer.Option(
        min=0,
        max=1,
        help="Share of a sum that is earned.",
        show_default="that of the policy, else 1",
    ),
]


def predict(  # noqa: PLR0913  # one per option
    *,
    facts: histories.Facts = None,
    table: histories.Table = None,
    models: Models = None,
    at: histories.At = None,
    months: Months = None,
    annual_rate: Rate = None,
    margin: Margin = None,
    policy: histories.Asked = None,
    family: histories.Model = None,
    limit: Limit = 20,
    file: Table = None,
    columns: histories.Columns = None,
    mapped: histories.Mapped = None,
    currency: histories.Currency = None,
    date_format: histories.DateFormat = None,
    zone: histories.Zone = None,
    skip_faults: histories.SkipFaults = False,
    plots: histories.Plots = None,
    format_: histories.PlotFormat = "svg",
    language: Annotated[Language, typer.Option(help="Of the names of clusters.")] = "en",
    as_json: AsJson = False,
) -> None:
    """Tell of each customer the chance that they are still one, and what they will buy.

    Best value first. Of facts, where --policy asks for it, also who will not renew, and of those
    who have not reached the policy's target the chance to do so. With --json every line is one of
    them. Needs no AWS. Where there is too little to go by it says what is missing and ends with 1.
    """
    options = histories.Options(
        facts, table, policy, family, columns, mapped, currency, date_format, zone, skip_faults, at
    )
    past = histories.past(options)
    learned = read_models(models) if models else learn(past.known)
    fitted = _fitted(models, learned)
    terms = _terms(past, months, annual_rate, margin)
    found = foretold(past.known, learned, terms)
    if file:
        _write(file, found, language)
    if as_json:
        for one in found:
            show_json(one.to_json())
    else:
        _show(found, limit, language)
    _tell(past, found, len(found) if as_json else limit)
    if fitted.buying and fitted.buying.interval:
        note(mean_within(fitted.buying.interval).in_language(language))
    if plots:
        _draw(plots, format_, past, fitted)
    _check(past, learned)


def _check(past: histories.Past, learned: FittedModels) -> None:
    """Raises Finding with what is missing."""
    if lacking := failed(learned.parameters):
        raise Finding(f"{past.path}: {' '.join(lacking)}")
    if not cards_of(learned.parameters).keys() & set(FORETELLING):
        raise Finding(f"{past.path}: no model was learned that foretells anything")


def _fitted(path: Path | None, known: FittedModels) -> Fitted:
    try:
        return fitted_of(known)
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise Finding(f"{path}: holds no models that training wrote: {error}") from error


def _terms(
    past: histories.Past, months: int | None, rate: float | None, margin: float | None
) -> PurchasePrediction:
    asked = past.known.asked.purchases or PurchasePrediction()
    return replace(
        asked,
        horizon_months=asked.horizon_months if months is None else months,
        annual_rate=asked.annual_rate if rate is None else rate,
        margin=asked.margin if margin is None else margin,
    )


def _show(found: Sequence[Forecast], limit: int, language: Language) -> None:
    buyers = [one for one in found if not one.is_lead]
    leads = [one for one in found if one.is_lead]
    if buyers:
        shown = buyers[:limit]
        also = any(one.chance is not None for one in shown)
        columns = (*COLUMNS, OF_LEADS[1]) if also else COLUMNS
        rows = [(*_row(one, language), _percent(one.chance)) for one in shown]
        show_table(columns, [row[: len(columns)] for row in rows])
    if leads:
        show_table(OF_LEADS, map(_of_lead, leads[:limit]))


def _tell(past: histories.Past, found: Sequence[Forecast], shown: int) -> None:
    leads = sum(one.is_lead for one in found)
    kinds = [f"{len(found) - leads:,} customers"] + ([f"{leads:,} leads"] if leads else [])
    whole = max(leads, len(found) - leads) <= shown
    of_each = " of each" if leads else ""
    more = "" if whole else f"; {shown}{of_each} are shown, --limit or --csv tell of more"
    note(f"{' and '.join(kinds)} as of {past.known.end}{more}")


def _row(one: Forecast, language: Language) -> tuple[object, ...]:
    return (
        one.customer,
        one.purchases,
        one.last or "",
        _percent(one.alive),
        _percent(one.short),
        _percent(one.long),
        _number(one.expected),
        _money(one.spend),
        _money(one.value),
        one.churn or "",
        _number(one.overdue),
        one.cluster.in_language(language) if one.cluster else "",
    )


def _of_lead(one: Forecast) -> tuple[object, ...]:
    young = "the model is learning" if one.learning else ""
    return one.customer, _percent(one.chance), f"{one.horizon_days} days", young


def _percent(chance: float | None) -> str:
    return "" if chance is None else f"{chance:.1%}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,.2f}"


def _money(value: Money | None) -> str:
    return "" if value is None else f"{value.to_decimal():,} {value.currency}"


def _write(path: Path, found: Sequence[Forecast], language: Language) -> None:
    """With whole numbers, for other programs. Raises Finding."""
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(IN_FILE)
            writer.writerows(_cells(one, language) for one in found)
    except OSError as error:
        raise Finding(f"{path}: {error.strerror}") from error
    note(f"wrote {path}")


IN_FILE = (
    "customer", "purchases", "last_purchase", "method", "alive", "purchase_30", "purchase_90",
    "expected_purchases", "spend", "clv", "currency", "churn", "overdue", "cluster", "churn_risk",
    "chance", "horizon_days",
)  # fmt: skip


def _cells(one: Forecast, language: Language) -> tuple[object, ...]:
    chances = [
        "" if value is None else f"{value:.6g}"
        for value in (one.alive, one.short, one.long, one.expected)
    ]
    sums = ["" if value is None else value.to_decimal() for value in (one.spend, one.value)]
    return (
        _unsteered(one.customer),
        one.purchases,
        one.last.isoformat() if one.last else "",
        "rate" if one.by_rate else "model",
        *chances,
        *sums,
        one.value.currency if one.value else "",
        one.churn or "",
        "" if one.overdue is None else f"{one.overdue:.4g}",
        one.cluster.in_language(language) if one.cluster else "",
        *("" if value is None else f"{value:.6g}" for value in (one.risk, one.chance)),
        one.horizon_days or "",
    )


def _unsteered(name: str) -> str:
    """A spreadsheet takes what begins so for a formula."""
    return f"'{name}" if name.startswith(("=", "+", "-", "@")) else name


def _draw(folder: Path, format_: Format, past: histories.Past, fitted: Fitted) -> None:
    buying = fitted.buying
    buyers = past.known.buyers
    if buying is None or not buyers:
        return
    age = (past.known.end - min(one.bought.days[0] for one in buyers)).days
    note(f"drew {draw_alive(place(folder, format_), buying.model, buying.unit_days, age)}")
