"""``emtiaz backtest``: would the model have foretold what happened?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from chalicelib.training.backtest import Interval
from infra.cli import histories
from infra.cli.console import say, show_json, show_table
from infra.cli.exits import Finding
from infra.cli.options import AsJson
from infra.cli.plots import tell_drawn
from infra.prediction.pictures import Point
from infra.prediction.trial import Trial, UntriedError, tried

CutOff = Annotated[
    date | None,
    typer.Option(
        parser=histories.day,
        metavar="DAY",
        help="The last day that the model may know of.",
        show_default="two thirds of the time",
    ),
]


def backtest(  # noqa: PLR0913  # one per option
    *,
    facts: histories.Facts = None,
    table: histories.Table = None,
    cut_off: CutOff = None,
    at: histories.At = None,
    family: histories.Model = "mbg_nbd",
    columns: histories.Columns = None,
    mapped: histories.Mapped = None,
    currency: histories.Currency = None,
    date_format: histories.DateFormat = None,
    zone: histories.Zone = ZoneInfo(histories.UTC),  # noqa: B008  # a constant
    skip_faults: histories.SkipFaults = False,
    plots: histories.Plots = None,
    format_: histories.PlotFormat = "svg",
    as_json: AsJson = False,
) -> None:
    """Fit a model to what was known on a past day, and hold it against what followed.

    Beside it stands the rule of thumb that everybody goes on as before, x/T·t. Intervals are of
    95 %. Needs no AWS. Ends with 1 if the purchases foretold are off by more than a quarter.
    """
    options = histories.Options(
        facts, table, columns, mapped, currency, date_format, zone, skip_faults, at
    )
    past = histories.past(options)
    try:
        found = tried(past.buyers, past.end, cut_off, family)
    except UntriedError as error:
        raise Finding(f"{past.path}: {error}") from error
    if as_json:
        show_json(found.to_json())
    else:
        _show(found)
    if plots:
        tell_drawn(plots, format_, found)
    if not found.result.counts_hold:
        raise Finding("the total is off by more than a quarter: trust who comes before whom alone")


def _show(found: Trial) -> None:
    result = found.result
    say(found.verdict)
    say(
        f"{result.customers:,} customers known by {found.cut_off}, held against the "
        f"{(found.end - found.cut_off).days} days until {found.end}"
    )
    show_table(
        ("", "model", "interval", "rule of thumb"),
        [
            ("purchases foretold", f"{result.predicted:,.1f}", "", f"{result.naive:,.1f}"),
            ("purchases made", f"{result.actual:,}", "", f"{result.actual:,}"),
            ("total ratio", *_told(result.total_ratio, result.interval),
             _number(result.naive_ratio)),
            ("correlation", *_told(result.correlation, result.correlation_interval),
             _number(result.naive_correlation)),
            ("share of the best tenth", *_told(result.top_decile, result.top_decile_interval),
             _number(found.naive_top_tenth)),
        ],
    )  # fmt: skip
    show_table(("tenth", "foretold each", "made each", "interval"), _tenths(found.tenths))


def _tenths(points: Sequence[Point]) -> list[tuple[object, ...]]:
    return [
        (place, f"{one.expected:.3f}", f"{one.actual:.3f}", f"{one.low:.3f} – {one.high:.3f}")
        for place, one in enumerate(points, start=1)
    ]


def _told(value: float | None, interval: Interval | None) -> tuple[str, str]:
    return _number(value), f"{interval[0]:.3f} – {interval[1]:.3f}" if interval else ""


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
