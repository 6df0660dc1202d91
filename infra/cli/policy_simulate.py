"""``emtiaz policy simulate``: what a change would do, before it is published."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Annotated, Any

import typer

from chalicelib.core.facts import FactSet, iso
from chalicelib.core.model import Json, Ref
from chalicelib.core.policy import NOTHING_FITTED, FittedModels, Policy
from chalicelib.core.standing import Membership
from chalicelib.loyalty.member import membership_of
from chalicelib.loyalty.program import Programs
from chalicelib.pipeline.programs import program_of
from chalicelib.policy import compile_policy
from chalicelib.scoring.hindsight import Foreseen, Then, foresee
from chalicelib.scoring.simulation import (
    MOVERS,
    Comparison,
    Kept,
    Matrix,
    Simulation,
    compare,
    summary,
)
from chalicelib.training.lift import Judged, Lift, difference, lift
from infra.cli.console import OUT, note, progress_bars, say, show_json, show_table
from infra.cli.exits import Finding
from infra.cli.options import AsJson
from infra.cli.policy_page import read_page
from infra.cli.score import before, instant, read_facts, read_models

BEST = (0.1, 0.2)
"""The shares of people, by score, whose lift is told."""

SEED = 20260321
_BATCH = 100  # records in one call, of the CRM that takes fewest

File = Annotated[Path, typer.Argument(metavar="FILE", help="The policy to try.")]
Facts = Annotated[Path, typer.Option(help="Facts as JSON lines.")]
Against = Annotated[Path, typer.Option(help="The policy that is in force.")]
At = Annotated[
    datetime | None,
    typer.Option(parser=instant, help="Instant to score at.", show_default="now"),
]
Models = Annotated[
    Path | None, typer.Option(help="What training learned, as JSON; without it no ranks.")
]
Horizon = Annotated[
    int, typer.Option(min=1, max=36500, help="Days in which a purchase proves a score right.")
]
Movers = Annotated[int, typer.Option(min=0, help="How many of who moves furthest to show.")]
Meant = Annotated[bool, typer.Option("--yes", help="The change is meant, however large it is.")]


@dataclass(frozen=True, slots=True)
class _Trial:
    """What is tried on whom."""

    subjects: Mapping[Ref, FactSet]
    old: Policy
    new: Policy
    models: FittedModels
    at: datetime
    then: Then


def simulate(  # noqa: PLR0913  # one per option
    *,
    file: File,
    facts: Facts,
    against: Against,
    at: At = None,
    models: Models = None,
    horizon: Horizon = 90,
    movers: Movers = MOVERS,
    yes: Meant = False,
    as_json: AsJson = False,
) -> None:
    """Show who would move under a changed policy, and what it would cost and bring.

    Both policies score all subjects of a file of facts, where the CRM is taken to show what the
    old one wrote; the new one is in force from --at on, so points that were earned before stay.
    Their lift is how many times as many of the best by score bought within --horizon days, scored
    as of that long before --at, as of all. Ends with 1 if more than 30 % of the customers change
    class, unless --yes says that it is meant.
    """
    old, new = compile_policy(read_page(against)), compile_policy(read_page(file))
    now = at or datetime.now(UTC)
    span = timedelta(days=horizon)
    then = Then(before(now, span), span)
    fitted = read_models(models) if models else NOTHING_FITTED
    trial = _Trial(read_facts(facts), old, new, fitted, now, then)
    found = _tried(trial, movers)
    lifts = _lifts(_foreseen(trial))
    if as_json:
        show_json({**_heading(trial), **found.to_json(), "lift": lifts})
    else:
        _show(trial, found, lifts)
    if found.is_surprising and not yes:
        share = f"{found.class_changed_share:.0%}"
        raise Finding(f"{share} of the customers change class; if that is meant, say --yes")


def _tried(trial: _Trial, movers: int) -> Simulation:
    return summary(_compared(trial), movers)


def _compared(trial: _Trial) -> Iterator[Comparison]:
    before = Programs.of(program_of(trial.old))
    after = before.followed_by(program_of(trial.new), trial.at)
    for subject, facts in _watched(trial, "scoring under both"):
        kept = Kept(
            old=_membership(subject, facts, trial.old, before, trial.at),
            new=_membership(subject, facts, trial.new, after, trial.at),
        )
        yield compare(subject, facts, trial.old, trial.new, trial.models, trial.at, kept)


def _membership(
    subject: Ref, facts: FactSet, policy: Policy, programs: Programs, at: datetime
) -> Membership | None:
    return membership_of(subject, facts, programs if policy.loyalty else None, at)


def _foreseen(trial: _Trial) -> list[Foreseen]:
    policies = trial.old, trial.new
    found = (
        foresee(subject, facts, policies, trial.models, trial.then)
        for subject, facts in _watched(trial, "looking back")
    )
    return [one for one in found if one]


def _watched(trial: _Trial, step: str) -> Iterator[tuple[Ref, FactSet]]:
    with progress_bars() as bars:
        yield from bars.track(
            trial.subjects.items(), total=len(trial.subjects), description=step, update_period=0.5
        )


def _heading(trial: _Trial) -> dict[str, Json]:
    return {
        "at": iso(trial.at),
        "old": trial.old.version,
        "new": trial.new.version,
        "models": trial.models.version,
        "cutoff": iso(trial.then.cutoff),
        "horizon_days": trial.then.horizon.days,
    }


def _lifts(people: Sequence[Foreseen]) -> Json:
    """Of each score, by the share of the best: both policies, and whether one is better."""
    leads = [Judged(one.old.lead, one.new.lead, one.bought) for one in people]
    customers = [
        Judged(one.old.customer, one.new.customer, one.bought)
        for one in people
        if one.old.customer is not None and one.new.customer is not None
    ]
    groups = {"lead_score": leads, "customer_score": customers}
    return [
        {"score": name, **row}
        for name, judged in groups.items()
        for share in BEST
        if (row := _lift(judged, share))
    ]


def _lift(judged: Sequence[Judged], share: float) -> dict[str, Json]:
    old, new = lift(judged, share, "old"), lift(judged, share, "new")
    if old is None or new is None:
        return {}
    low, high = difference(judged, share, Random(SEED))  # noqa: S311  # no secret hangs on it
    return {
        "best": share,
        "people": old.people,
        "buyers": old.buyers,
        "old": _lift_json(old),
        "new": _lift_json(new),
        "difference": {"low": round(low, 4), "high": round(high, 4)},
        "verdict": "better" if low > 0 else "worse" if high < 0 else "no difference proved",
    }


def _lift_json(found: Lift) -> Json:
    return {
        "rate": round(found.rate, 4),
        "lift": round(found.lift, 4),
        "low": round(found.low, 4),
        "high": round(found.high, 4),
    }


def _show(trial: _Trial, found: Simulation, lifts: Any) -> None:
    _show_sums(trial, found)
    if found.movers:
        show_table(("record", "score", "by", "class", "grade", "why"), map(_mover, found.movers))
    for name, matrix in found.matrices.items():
        _show_matrix(name, matrix)
    _show_shares(found)
    _show_lifts(trial, lifts)


def _show_sums(trial: _Trial, found: Simulation) -> None:
    say(f"{trial.old.version} → {trial.new.version}, at {iso(trial.at)}")
    say(f"{found.moved:,} of {found.subjects:,} records get another score")
    share = f"{found.class_changed_share:.1%}"
    say(f"{found.class_changed:,} of {found.customers:,} customers change class, {share}")
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in found.writes.items())
    calls = sum(-(-count // _BATCH) for count in found.writes.values())
    told = f" ({kinds}), in {calls:,} calls of up to {_BATCH}" if calls else ""
    say(f"{found.records_written:,} records would be written to the CRM{told}")


_OTHER_BORDERS = "the borders or the lead score changed"


def _mover(one: Comparison) -> Sequence[object]:
    before, after = one.before, one.after
    why = "; ".join(f"{cause.by:+d} {cause.text.en}" for cause in one.causes) or _OTHER_BORDERS
    classes, grades = (_arrow(before.names[name], after.names[name]) for name in ("class", "grade"))
    return one.subject, _arrow(before.score, after.score), f"{one.by:+d}", classes, grades, why


def _arrow(before: object, after: object) -> str:
    return str(before) if before == after else f"{before} → {after}"


def _show_matrix(name: str, matrix: Matrix) -> None:
    """From the row to the column; elsewhere than on a terminal one line for each pair."""
    if all(old == new for old, new in matrix):
        return
    if not OUT.is_terminal:
        show_table((), [(name, old, new, count) for (old, new), count in matrix.items()])
        return
    values = sorted({value for pair in matrix for value in pair})
    rows = [(old, *(matrix.get((old, new), "") for new in values)) for old in values]
    show_table((f"{name}: from ↓ to →", *values), rows)


def _show_shares(found: Simulation) -> None:
    rows = [
        (name, value, f"{before:.1%}", f"{after:.1%}")
        for name in ("class", "temperature")
        for value, (before, after) in found.shares(name).items()
    ]
    show_table(("reached", "", "before", "after"), rows)


def _show_lifts(trial: _Trial, lifts: list[Any]) -> None:
    if not lifts:
        days = trial.then.horizon.days
        note(f"no lift: nobody bought in the {days} days after {iso(trial.then.cutoff)}")
        return
    show_table(("lift of", "people", "buyers", "before", "after", "verdict"), map(_lift_row, lifts))


def _lift_row(row: Any) -> Sequence[object]:
    sides = (
        f"{row[side]['lift']:.2f} ({row[side]['low']:.2f}-{row[side]['high']:.2f})"
        for side in ("old", "new")
    )
    best = f"{row['score'].replace('_', ' ')}, best {row['best']:.0%}"
    return best, row["people"], row["buyers"], *sides, row["verdict"]
