"""``emtiaz backtest``: would the model have foretold what happened?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Annotated

import typer

from chalicelib.core.model import Json
from chalicelib.localization.purchase_gates import began_long_before
from chalicelib.training.backtest import Interval
from infra.cli import histories
from infra.cli.console import say, show_json, show_table
from infra.cli.exits import Finding
from infra.cli.options import AsJson
from infra.cli.plots import tell_drawn
from infra.prediction.chances import ChanceTrial
from infra.prediction.pictures import Point
from infra.prediction.trial import Trial
from infra.prediction.trials import Trials, all_tried

CutOff = Annotated[
    date | None,
    typer.Option(
        parser=histories.day,
        metavar="DAY",
        help="The last day that the model may know of.",
        show_default="two thirds of the time; of leads and deals, a horizon before the end",
    ),
]


def backtest(  # noqa: PLR0913  # one per option
    *,
    facts: histories.Facts = None,
    table: histories.Table = None,
    cut_off: CutOff = None,
    at: histories.At = None,
    policy: histories.Asked = None,
    family: histories.Model = None,
    columns: histories.Columns = None,
    mapped: histories.Mapped = None,
    currency: histories.Currency = None,
    date_format: histories.DateFormat = None,
    zone: histories.Zone = None,
    skip_faults: histories.SkipFaults = False,
    plots: histories.Plots = None,
    format_: histories.PlotFormat = "svg",
    as_json: AsJson = False,
) -> None:
    """Fit models to what was known on a past day, and hold them against what followed.

    Beside that of purchases stands the rule of thumb that everybody goes on as before, x/T·t.
    Leads, renewals and deals are tried where --policy asks for them. Intervals are of 95 %. Needs
    no AWS. Ends with 1 if the purchases foretold are off by more than a quarter, if chances are no
    better than the share of all, or if something could not be tried.
    """
    options = histories.Options(
        facts, table, policy, family, columns, mapped, currency, date_format, zone, skip_faults, at
    )
    past = histories.past(options)
    found = all_tried(past.known, cut_off)
    if found and as_json:
        show_json(_json(found))
    elif found:
        _show(found)
    if plots and found:
        tell_drawn(plots, format_, found)
    if faults := [*_faults(past, found)]:
        raise Finding("\n".join(faults))


def _json(found: Trials) -> dict[str, Json]:
    """Those of chances by their names."""
    whole: dict[str, Json] = found.purchases.to_json() if found.purchases else {}
    return {**whole, **{one.name: one.to_json() for one in found.chances}}


def _faults(past: histories.Past, found: Trials) -> Iterator[str]:
    for name, why in found.untried:
        of = "" if name == "purchases" else f"{name}: "
        yield f"{past.path}: {of}{why}"
    if found.purchases and not found.purchases.result.counts_hold:
        yield "the total is off by more than a quarter: trust who comes before whom alone"
    for one in found.chances:
        if not one.holds:
            yield f"{one.name}: the chances told no more than the share of all: do not go by them"


def _show(found: Trials) -> None:
    if found.purchases:
        _show_purchases(found.purchases)
    for one in found.chances:
        _show_chances(one)


def _show_chances(found: ChanceTrial) -> None:
    area, brier = found.area, found.brier
    say(found.verdict)
    say(
        f"{len(found.cases):,} {found.of} known by {found.cut_off}, held against the "
        f"{(found.until - found.cut_off).days} days until {found.until}"
    )
    show_table(
        ("", "model", "interval", "share of all"),
        [
            ("AUC", *_told(area[0] if area else None, area[1:] if area else None), "0.500"),
            ("Brier score", *_told(brier[0], brier[1:]), _number(found.base_brier)),
            ("calibration error", _number(found.ece), "", ""),
            ("log-loss", _number(found.log_loss), "", _number(found.base_log_loss)),
        ],
    )
    show_table(
        ("tenth", "foretold", "came", "interval", "lift", "interval"),
        [
            (place, f"{one.foretold:.3f}", f"{one.happened:.3f}", f"{one.low:.3f} – {one.high:.3f}",
             f"{lift:.2f}", f"{least:.2f} – {most:.2f}")
            for place, (one, lift, least, most) in enumerate(found.lifts(), start=1)
        ],
    )  # fmt: skip


def _show_purchases(found: Trial) -> None:
    result = found.result
    say(found.verdict)
    if found.apart:
        say(began_long_before(found.apart).en)
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
