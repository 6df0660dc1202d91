"""Pictures of how far a model of purchases is to be trusted, each one file of SVG or PNG.

The same figures give the same bytes: no time of day stands in a picture, no random name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from chalicelib.core.prediction import HIGH, MEDIUM

if TYPE_CHECKING:  # it takes a second to load, which only who wants pictures should wait for
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Format = Literal["svg", "png"]

_MODEL, _ACTUAL, _RIVAL, _FAINT = "#1f5fa8", "#d1631b", "#7a7a7a", "#dddddd"
_STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "svg.fonttype": "none",
    "svg.hashsalt": "emtiaz",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#888888",
    "axes.axisbelow": True,
    "grid.color": "#ececec",
    "legend.frameon": False,
}
_FEWEST_FOR_LINES = 2
_INCHES = (8.0, 5.2)
_DOTS_PER_INCH = 120


@dataclass(frozen=True, slots=True)
class Place:
    """Where a picture goes: a folder and the format of its file."""

    folder: Path
    format: Format

    def file(self, name: str) -> Path:
        return self.folder / f"{name}.{self.format}"


@dataclass(frozen=True, slots=True)
class Caption:
    """``says`` is the verdict, ``of`` what it was made of."""

    says: str
    of: str


@dataclass(frozen=True, slots=True)
class Words:
    """What points and curves are of; ``file`` comes before the name of a picture's file."""

    expected: str = "expected purchases per customer"
    actual: str = "actual purchases per customer"
    whom: str = "customers"
    ranked: str = "best customers by expectation, %"
    share: str = "of all later purchases, %"
    file: str = ""


PURCHASES = Words()


@dataclass(frozen=True, slots=True)
class Point:
    """A tenth of the customers: what was expected of each and what they did, with its interval."""

    expected: float
    actual: float
    low: float
    high: float


def calibration(
    place: Place, caption: Caption, points: Sequence[Point], words: Words = PURCHASES
) -> Path:
    """Each tenth of the customers by what was expected of them; on the line is right."""
    with _drawn(place, f"{words.file}calibration", caption) as (axes, path):
        most = 1.08 * max((max(one.expected, one.high) for one in points), default=1.0) or 1.0
        # Most tenths buy next to nothing: by roots they stand apart.
        axes.set_xscale("function", functions=(_root, _square))
        axes.set_yscale("function", functions=(_root, _square))
        axes.plot(
            [0, most],
            [0, most],
            color=_RIVAL,
            linewidth=1,
            linestyle="--",
            label="foretold rightly",
        )
        axes.errorbar(
            [one.expected for one in points],
            [one.actual for one in points],
            yerr=[
                [one.actual - one.low for one in points],
                [one.high - one.actual for one in points],
            ],
            fmt="o",
            color=_MODEL,
            ecolor=_MODEL,
            elinewidth=1,
            capsize=3,
            label=f"a tenth of the {words.whom}, with its 95 % interval",
        )
        axes.set(xlim=(0, most), ylim=(0, most))
        _labels(axes, words.expected, words.actual)
        axes.legend(loc="best")
    return path


def lift(
    place: Place,
    caption: Caption,
    curves: Mapping[str, Sequence[float]],
    words: Words = PURCHASES,
) -> Path:
    """Shares of all that came later which the best 0, 1/n, 2/n … of the customers did.

    ``curves`` go from 0 to 1, the model's first; the others are its rivals.
    """
    with _drawn(place, f"{words.file}lift", caption) as (axes, path):
        colours = (_MODEL, _RIVAL, "#b8b8b8")
        for (name, shares), colour in zip(curves.items(), colours, strict=False):
            steps = max(len(shares) - 1, 1)
            best = [100 * step / steps for step in range(len(shares))]
            axes.plot(best, [100 * one for one in shares], color=colour, linewidth=2, label=name)
        axes.plot([0, 100], [0, 100], color=_FAINT, linewidth=1, linestyle="--", label="chance")
        axes.set(xlim=(0, 100), ylim=(0, 102))
        _labels(axes, words.ranked, words.share)
        axes.legend(loc="lower right")
    return path


def weekly(
    place: Place,
    caption: Caption,
    weeks: Sequence[tuple[date, float, float]],
    cutoff: date,
) -> Path:
    """Repeat purchases by week: when it began, how many were made, how many expected."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    with _drawn(place, "weekly", caption) as (axes, path):
        days = [one[0] for one in weeks]
        axes.plot(days, [one[1] for one in weeks], color=_ACTUAL, linewidth=1.2, label="actual")  # type: ignore[arg-type]
        axes.plot(days, [one[2] for one in weeks], color=_MODEL, linewidth=2.2, label="expected")  # type: ignore[arg-type]
        axes.axvline(cutoff, color=_RIVAL, linewidth=1, linestyle="--")  # type: ignore[arg-type]
        axes.annotate(
            "not seen by the model ⟶",
            (cutoff, 0),
            xycoords=("data", "axes fraction"),
            xytext=(6, 8),
            textcoords="offset points",
            color=_RIVAL,
        )
        locator = AutoDateLocator()  # type: ignore[no-untyped-call]
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
        axes.set_ylim(bottom=0)
        _labels(axes, "week", "repeat purchases")
        axes.legend(loc="upper right", ncols=2)
    return path


@dataclass(frozen=True, slots=True)
class HeatMap:
    """P(alive) of whoever bought first ``age`` days ago: rows by days since the last purchase in
    ascending order, columns by number of purchases. None where so many cannot have been made.
    """

    purchases: Sequence[int]
    days: Sequence[int]
    chances: Sequence[Sequence[float | None]]


def alive(place: Place, caption: Caption, found: HeatMap) -> Path:
    from matplotlib import colormaps
    from matplotlib.ticker import MaxNLocator

    nothing = float("nan")
    rows = [[nothing if one is None else one for one in row] for row in found.chances]
    with _drawn(place, "alive", caption) as (axes, path):
        mesh = axes.pcolormesh(
            _edges(found.purchases), _edges(found.days), rows,
            cmap=colormaps["viridis"], vmin=0, vmax=1, rasterized=True,
        )  # fmt: skip
        if len(found.purchases) > _FEWEST_FOR_LINES and len(found.days) > 1:
            # Who bought once is another case: the first column is not on the lines.
            lines = axes.contour(
                found.purchases[1:], found.days, [row[1:] for row in rows],
                levels=[1 - HIGH, 1 - MEDIUM], colors="white", linewidths=1,
            )  # fmt: skip
            axes.clabel(
                lines, fmt={1 - HIGH: "high risk above", 1 - MEDIUM: "low risk below"}, fontsize=8
            )
        bar = axes.figure.colorbar(mesh, ax=axes)
        bar.set_label("P(alive)")
        axes.grid(visible=False)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        _labels(axes, "purchases so far", "days since the last purchase")
    return path


def _root(values: Any) -> Any:
    """Of an array; what lies below nought is drawn at nought."""
    return values.clip(0) ** 0.5


def _square(values: Any) -> Any:
    return values**2


def _edges(middles: Sequence[int]) -> list[float]:
    """Borders of cells of one width."""
    step = (middles[1] - middles[0]) if len(middles) > 1 else 1
    return [middles[0] - step / 2, *(one + step / 2 for one in middles)]


def _labels(axes: Axes, across: str, up: str) -> None:
    axes.set_xlabel(across)
    axes.set_ylabel(up)


@contextmanager
def _drawn(place: Place, name: str, caption: Caption) -> Iterator[tuple[Axes, Path]]:
    """Axes to draw into, and the file that they are in afterwards."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    path = place.file(name)
    with rc_context(_STYLE):  # type: ignore[arg-type]
        figure = Figure(figsize=_INCHES, dpi=_DOTS_PER_INCH, layout="constrained")
        axes = figure.add_subplot()
        axes.grid(visible=True)
        yield axes, path
        _head(axes, caption)
        _save(figure, path, place.format)


def _head(axes: Axes, caption: Caption) -> None:
    axes.set_title(caption.says, loc="left", pad=24, fontsize=13, fontweight="bold")
    shown = axes.annotate(
        caption.of,
        (0, 1),
        xycoords="axes fraction",
        xytext=(0, 8),
        textcoords="offset points",
        fontsize=9,
        color="#555555",
    )
    shown.set_in_layout(False)  # a long one would squeeze the axes


def _save(figure: Figure, path: Path, format_: Format) -> None:
    untimed = {"Date": None, "Creator": None} if format_ == "svg" else {"Software": None}
    figure.savefig(path, format=format_, metadata=untimed)
