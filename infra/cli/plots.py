"""What is drawn for ``--plots``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from chalicelib.core.prediction import HIGH, MEDIUM
from chalicelib.prediction.purchases import History, PurchaseModel, Purchasing
from infra.cli.console import note
from infra.cli.exits import Finding
from infra.prediction import pictures
from infra.prediction.chances import ChanceTrial
from infra.prediction.pictures import Caption, Format, HeatMap, Place, Words
from infra.prediction.trial import Trial
from infra.prediction.trials import Trials

_STEPS = 50
_ROWS = 40
_MOST_PURCHASES = 20


def place(folder: Path, format_: Format) -> Place:
    """Makes the folder. Raises Finding."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Finding(f"{folder}: {error.strerror}") from error
    return Place(folder, format_)


def tell_drawn(folder: Path, format_: Format, tried: Trials) -> None:
    """Of models that knew a past day only: four of purchases, two of chances. Raises Finding."""
    where = place(folder, format_)
    try:
        for path in _all(where, tried):
            note(f"drew {path}")
    except OSError as error:
        raise Finding(f"{folder}: {error.strerror}") from error


def _all(where: Place, tried: Trials) -> Iterator[Path]:
    if tried.purchases:
        yield from _drawn(where, tried.purchases)
    for one in tried.chances:
        yield from _of_chances(where, one)


def _of_chances(where: Place, trial: ChanceTrial) -> Iterator[Path]:
    days = (trial.until - trial.cut_off).days
    of = (
        f"{len(trial.cases):,} {trial.of} known by {trial.cut_off}, "
        f"held against the {days} days after it"
    )
    words = _WORDS[trial.name]
    yield pictures.calibration(where, Caption(trial.verdict, of), trial.points, words)
    curves = trial.lift(_STEPS)
    said = f"The likeliest tenth had {curves['model'][_STEPS // 10]:.0%} of all to whom it happened"
    yield pictures.lift(where, Caption(said, of), curves, words)


_WORDS = {
    "propensity": Words(
        "foretold share who reach the target", "share who reached it", "leads",
        "likeliest leads, %", "of all who reached the target, %", "propensity-",
    ),
    "subscriptions": Words(
        "foretold share who do not renew", "share who did not renew", "subscribers",
        "likeliest to leave, %", "of all who left, %", "subscriptions-",
    ),
    "deals": Words(
        "foretold share that is won", "share that was won", "deals",
        "likeliest deals, %", "of all that were won, %", "deals-",
    ),
}  # fmt: skip


def _drawn(where: Place, trial: Trial) -> Iterator[Path]:
    days = (trial.end - trial.cut_off).days
    of = (
        f"{trial.result.customers:,} customers known by {trial.cut_off}, "
        f"held against the {days} days after it"
    )
    yield pictures.calibration(where, Caption(trial.verdict, of), trial.tenths)
    curves = trial.lift(_STEPS)
    best = trial.result.top_decile or 0.0
    said = f"The best tenth made {best:.0%} of all later purchases"
    yield pictures.lift(where, Caption(said, of), curves)
    yield pictures.weekly(where, Caption(trial.verdict, of), trial.weeks(), trial.cut_off)
    age = (trial.end - trial.since).days
    yield draw_alive(where, trial.model, 7.0, age)


def draw_alive(where: Place, model: Purchasing, unit_days: float, age: int) -> Path:
    """Of customers who bought first ``age`` days ago."""
    counts = range(1, _MOST_PURCHASES + 1)
    step = max(age // _ROWS, 1)
    silences = range(0, max(age - _MOST_PURCHASES, 1), step)
    chances = [[_chance(model, n, days, age, unit_days) for n in counts] for days in silences]
    name = _NAMES[model.family] if isinstance(model, PurchaseModel) else "a rate, no model"
    caption = Caption(
        f"Who is still a customer, {age:,} days after the first purchase",
        f"by {name}; high risk of churn from {HIGH:.0%} on, low risk below {MEDIUM:.0%}",
    )
    return pictures.alive(where, caption, HeatMap([*counts], [*silences], chances))


_NAMES = {"mbg_nbd": "modified BG/NBD", "bg_nbd": "BG/NBD"}


def _chance(
    model: Purchasing, purchases: int, silence: int, age: int, unit_days: float
) -> float | None:
    """Somebody who bought once has been silent ever since."""
    if purchases == 1:
        return model.alive(History(0, 0.0, silence / unit_days))
    if age - silence < purchases - 1:
        return None
    return model.alive(History(purchases - 1, (age - silence) / unit_days, age / unit_days))
