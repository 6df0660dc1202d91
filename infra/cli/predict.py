"""``emtiaz predict``: who will buy again, how much, and who is leaving, of a file."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from chalicelib.core.model import Language, Money
from chalicelib.core.policy import FittedModels
from chalicelib.prediction.purchases import Family
from chalicelib.scoring.fitted import Fitted
from chalicelib.scoring.fitted import fitted as fitted_of
from infra.cli import histories
from infra.cli.console import note, show_json, show_table, watched
from infra.cli.exits import Finding
from infra.cli.model_cards import cards_of, reasons
from infra.cli.options import AsJson
from infra.cli.plots import draw_alive, place
from infra.cli.score import read_models
from infra.prediction.fitting import Wish, learn
from infra.prediction.forecast import ANNUAL_RATE, ANNUAL_RATE_OF_RIALS, Forecast, Terms, forecast
from infra.prediction.pictures import Format

COLUMNS = (
    "customer", "purchases", "last", "alive", "buys in 30 days", "buys in 90 days", "expected",
    "spend", "CLV", "churn", "overdue", "cluster",
)  # fmt: skip

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
Months = Annotated[int, typer.Option(min=1, max=120, help="Of the value (CLV) and of expected.")]
Rate = Annotated[
    float | None,
    typer.Option(
        min=0,
        max=10,
        help="By which a year devalues what comes later, as 0.1.",
        show_default="0.25 for rial and toman, else 0.1",
    ),
]
Margin = Annotated[float, typer.Option(min=0, max=1, help="Share of a sum that is earned.")]


def predict(  # noqa: PLR0913  # one per option
    *,
    facts: histories.Facts = None,
    table: histories.Table = None,
    models: Models = None,
    at: histories.At = None,
    months: Months = 12,
    annual_rate: Rate = None,
    margin: Margin = 1.0,
    family: histories.Model = "mbg_nbd",
    limit: Limit = 20,
    file: Table = None,
    columns: histories.Columns = None,
    mapped: histories.Mapped = None,
    currency: histories.Currency = None,
    date_format: histories.DateFormat = None,
    zone: histories.Zone = ZoneInfo(histories.UTC),  # noqa: B008  # a constant
    skip_faults: histories.SkipFaults = False,
    plots: histories.Plots = None,
    format_: histories.PlotFormat = "svg",
    language: Annotated[Language, typer.Option(help="Of the names of clusters.")] = "en",
    as_json: AsJson = False,
) -> None:
    """Tell of each customer the chance that they are still one, and what they will buy.

    Best value first. With --json every line is one customer. Needs no AWS. Where there is too
    little to go by it says what is missing and ends with 1.
    """
    options = histories.Options(
        facts, table, columns, mapped, currency, date_format, zone, skip_faults, at
    )
    past = histories.past(options)
    known = _models(models, past, family)
    fitted = _fitted(models, known)
    terms = Terms(months, _rate(annual_rate, past.books.currency), margin)
    found = _forecasts(past, fitted, terms)
    if file:
        _write(file, found, language)
    if as_json:
        for one in found:
            show_json(one.to_json())
    elif found:
        show_table(COLUMNS, [_row(one, language) for one in found[:limit]])
    _tell(past, found, len(found) if as_json else limit)
    if plots:
        _draw(plots, format_, past, fitted)
    card = cards_of(known.parameters).get("purchases", {})
    if not card.get("passed"):
        raise Finding(f"{past.path}: {reasons(card) or 'no model of purchases was learned'}")


def _models(path: Path | None, past: histories.Past, family: Family) -> FittedModels:
    if path is None:
        return learn(past.buyers, past.end, Wish(family, past.books.currency))
    return read_models(path)


def _fitted(path: Path | None, known: FittedModels) -> Fitted:
    try:
        return fitted_of(known)
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise Finding(f"{path}: holds no models that training wrote: {error}") from error


def _rate(told: float | None, currency: str) -> float:
    default = ANNUAL_RATE_OF_RIALS if currency == "IRR" else ANNUAL_RATE
    return default if told is None else told


def _forecasts(past: histories.Past, fitted: Fitted, terms: Terms) -> list[Forecast]:
    """The best first."""
    rows = watched(past.buyers, "predicting")
    found = [one for row in rows if (one := forecast(row, fitted, past.end, terms))]
    return sorted(found, key=lambda one: (-one.rank, one.customer))


def _tell(past: histories.Past, found: Sequence[Forecast], shown: int) -> None:
    more = "" if shown >= len(found) else f"; {shown} are shown, --limit or --csv tell of more"
    note(f"{len(found):,} customers as of {past.end}{more}")


def _row(one: Forecast, language: Language) -> tuple[object, ...]:
    return (
        one.customer,
        one.purchases,
        one.last,
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
    "expected_purchases", "spend", "clv", "currency", "churn", "overdue", "cluster",
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
        one.last.isoformat(),
        "rate" if one.by_rate else "model",
        *chances,
        *sums,
        one.value.currency if one.value else "",
        one.churn or "",
        "" if one.overdue is None else f"{one.overdue:.4g}",
        one.cluster.in_language(language) if one.cluster else "",
    )


def _unsteered(name: str) -> str:
    """A spreadsheet takes what begins so for a formula."""
    return f"'{name}" if name.startswith(("=", "+", "-", "@")) else name


def _draw(folder: Path, format_: Format, past: histories.Past, fitted: Fitted) -> None:
    buying = fitted.buying
    if buying is None or not past.buyers:
        return
    age = (past.end - min(one.days[0] for one in past.buyers)).days
    note(f"drew {draw_alive(place(folder, format_), buying.model, buying.unit_days, age)}")
