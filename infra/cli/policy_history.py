"""A file of facts, looked back on: what ``suggest`` and ``review`` have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from pathlib import Path
from typing import Annotated, Any

import typer

from chalicelib.advice.cases import History, Study
from chalicelib.advice.what_if import Trial
from chalicelib.core.facts import FactSet, iso
from chalicelib.core.model import Json, Ref
from chalicelib.core.policy import NOTHING_FITTED, FittedModels
from chalicelib.scoring.hindsight import Then
from infra.cli.console import say, watched
from infra.cli.exits import Finding
from infra.cli.policy_page import read_page
from infra.cli.score import before, instant, read_facts, read_models

Facts = Annotated[Path, typer.Option(help="Facts as JSON lines.")]
Models = Annotated[
    Path | None, typer.Option(help="What training learned, as JSON; without it no ranks.")
]
Horizon = Annotated[
    int, typer.Option(min=1, max=36500, help="Days after the cutoff in which a purchase counts.")
]
Until = Annotated[
    datetime | None,
    typer.Option(parser=instant, help="End of the history.", show_default="the last fact"),
]
TrustRecords = Annotated[
    bool,
    typer.Option(
        "--trust-records",
        help="Take records for what they are now, though they were changed after the cutoff.",
    ),
]


@dataclass(frozen=True, slots=True)
class Options:
    """Of both commands; the cutoff is ``horizon`` days before ``until``."""

    facts: Path
    policy: Path
    models: Path | None
    horizon: int
    until: datetime | None
    trust_records: bool


@dataclass(frozen=True)
class LookedBack:
    """``then`` is everybody at the cutoff, ``now`` at the end of the history."""

    page: Mapping[str, Any]
    facts: Mapping[Ref, FactSet]
    models: FittedModels
    until: datetime
    then: History
    now: History

    @cached_property
    def trial(self) -> Trial:
        return Trial(self.page, self.facts, self.models, self.until)

    def again(self, page: Mapping[str, Any]) -> History:
        """Everybody at the cutoff as another page has them."""
        study = replace(self.then.study, page=page)
        return _seen(study, self.facts, "looking back again")

    @property
    def bought(self) -> int:
        return sum(case.bought for case in self.then.cases)

    def heading(self) -> dict[str, Json]:
        study = self.then.study
        return {
            "policy": study.policy.version,
            "models": self.models.version,
            "cutoff": iso(study.then.cutoff),
            "until": iso(self.until),
            "horizon_days": study.then.horizon.days,
            "people": len(self.then.cases),
            "bought": self.bought,
            "changed_records": self.then.changed_records,
            "trusted_records": study.trust_records,
            "left_out": dict(self.then.left_out),
        }

    def say_heading(self) -> None:
        people, days = len(self.then.cases), self.then.study.then.horizon.days
        cutoff = self.then.study.then.cutoff.date().isoformat()
        say(f"as of {cutoff}: {people:,} people, of whom {self.bought:,} bought within {days} days")
        if self.then.left_out:
            named = (f"{count:,} {why}" for why, count in self.then.left_out.items())
            say(f"left out: {', '.join(named)}")
        if changed := self.then.changed_records:
            how = "taken as they are now" if self.then.study.trust_records else "unknown"
            say(f"{changed:,} records are not as they were then, so what they say is {how}")


def look_back(options: Options) -> LookedBack:
    """Raises Finding where nobody was there to look at."""
    page, facts = read_page(options.policy), read_facts(options.facts)
    models = read_models(options.models) if options.models else NOTHING_FITTED
    until = options.until or _last(facts)
    horizon = timedelta(days=options.horizon)
    cutoff = before(until, horizon)
    then = Study(page, models, Then(cutoff, horizon), options.trust_records)
    now = Study(page, models, Then(until, horizon), trust_records=True)
    found = LookedBack(
        page, facts, models, until, _seen(then, facts, "looking back"), _seen(now, facts, "today")
    )
    if not found.then.cases:
        raise Finding(f"nobody was known by {iso(cutoff)}; give a shorter --horizon")
    return found


def _seen(study: Study, facts: Mapping[Ref, FactSet], step: str) -> History:
    rows = watched(facts.items(), step)
    return History.of(study, (study.case(ref, known) for ref, known in rows))


def _last(facts: Mapping[Ref, FactSet]) -> datetime:
    """When the file ends; what is dated ahead, such as a planned meeting, is not its end."""
    now = datetime.now(UTC)
    times = (fact.occurred_at for found in facts.values() for fact in found.facts.values())
    return max((at for at in times if at <= now), default=now)


def watching(step: str) -> Any:
    return partial(watched, step=step)
