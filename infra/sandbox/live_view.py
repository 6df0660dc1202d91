"""People at work in the stand-in CRM, and how soon Emtiaz answers on the record."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from random import Random

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from infra.sandbox.cdnow import Loaded
from infra.sandbox.stand_in import Deal, People, Person

LOOK_SECONDS = 0.01
ROWS = 12


@dataclass(frozen=True, slots=True)
class Shown:
    """What a rep reads on the record."""

    score: str
    class_: str
    next_action: str
    why: str

    @classmethod
    def on(cls, fields: Mapping[str, str]) -> Shown:
        names = ("score", "class", "next_action", "why")
        return cls(*(fields.get(name, "") for name in names))


@dataclass(frozen=True, slots=True)
class Outcome:
    """``delay`` is from the change to the score on the record; None if nothing was written."""

    name: str
    what: str
    before: Shown
    after: Shown
    delay: timedelta | None


@dataclass(frozen=True, slots=True)
class Plan:
    """``act`` does to ``person``, by the CRM's id, what ``what`` says."""

    person: str
    what: str
    act: Callable[[], None]


class Salespeople:
    """They win deals, correct job titles and hear that somebody moved, from a seed."""

    def __init__(self, crm: People, loaded: Loaded, random: Random) -> None:
        self._crm = crm
        self._loaded = loaded
        self._people = dict(loaded.people)
        self._random = random

    def work(self, wait_seconds: float) -> Outcome:
        """Change one thing and wait until its effect is on the record, at most so long."""
        plans = (self._win_a_deal, self._win_a_deal, self._correct_the_title, self._move)
        return self._carry_out(self._random.choice(plans)(), wait_seconds)

    def win_a_deal(self, wait_seconds: float) -> Outcome:
        return self._carry_out(self._win_a_deal(), wait_seconds)

    def _carry_out(self, plan: Plan, wait_seconds: float) -> Outcome:
        before, written = self._shown(plan.person), self._times_written(plan.person)
        since = self._crm.now()
        plan.act()
        delay = self._wait_for_write(plan.person, written, since, wait_seconds)
        name = " ".join(self._people[plan.person].name)
        return Outcome(name, plan.what, before, self._shown(plan.person), delay)

    def _win_a_deal(self) -> Plan:
        person = self._random.choice(self._loaded.customers + self._loaded.leads)
        amount = f"{self._random.uniform(20, 400):.2f}"
        return Plan(person, f"won a deal of ${amount}", partial(self._sell, person, amount))

    def _sell(self, person: str, amount: str) -> None:
        order = Deal(amount, "USD", closed_at=self._crm.now(), name="Order by telephone")
        self._crm.win(self._crm.add_deal(person, order))

    def _correct_the_title(self) -> Plan:
        record = self._random.choice(self._loaded.leads)
        person = self._people[record]
        senior = person.title.startswith(("Chief", "Head"))
        title = "Office Assistant" if senior else "Chief Executive Officer"
        act = partial(self._crm.set_title, record, title)
        return self._changing(record, replace(person, title=title), f"job title is {title}", act)

    def _move(self) -> Plan:
        record = self._random.choice(self._loaded.leads)
        person = self._people[record]
        country = "Japan" if person.country == "Germany" else "Germany"
        act = partial(self._crm.set_country, record, country)
        return self._changing(record, replace(person, country=country), f"moved to {country}", act)

    def _changing(self, record: str, to: Person, what: str, act: Callable[[], None]) -> Plan:
        self._people[record] = to
        return Plan(record, what, act)

    def _shown(self, person: str) -> Shown:
        return Shown.on(self._crm.shown(person))

    def _times_written(self, person: str) -> int:
        return len(self._crm.revisions(person, "updated"))

    def _wait_for_write(
        self, person: str, written: int, since: datetime, seconds: float
    ) -> timedelta | None:
        """By our own clock: a CRM may tell the time of a revision in whole seconds."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self._times_written(person) > written:
                return self._crm.now() - since
            time.sleep(LOOK_SECONDS)
        return None


def watch(outcomes: Iterator[Outcome], console: Console) -> list[Outcome]:
    """Show each outcome as it comes: a table that grows on a terminal, lines elsewhere."""
    seen: list[Outcome] = []
    if not console.is_terminal:
        for outcome in outcomes:
            seen.append(outcome)
            console.print(_line(outcome), markup=False, highlight=False)
        return seen
    with Live(_table(seen), console=console, refresh_per_second=8) as live:
        for outcome in outcomes:
            seen.append(outcome)
            live.update(_table(seen))
    return seen


def _line(outcome: Outcome) -> str:
    after = outcome.after
    return (
        f"{outcome.name}: {outcome.what} -> score {outcome.before.score or '-'} to {after.score}, "
        f"class {after.class_ or '-'}, {after.next_action or '-'} "
        f"[{_delay(outcome)}] {after.why}"
    )


def _table(outcomes: Sequence[Outcome]) -> Table:
    table = Table(title="Somebody changes a record; Emtiaz answers on it", expand=True)
    for heading in ("contact", "what happened"):
        table.add_column(heading, no_wrap=True)
    table.add_column("score", justify="right", no_wrap=True)
    table.add_column("class", justify="center")
    table.add_column("next action", ratio=2)
    table.add_column("why", ratio=4)
    table.add_column("visible after", justify="right", no_wrap=True)
    for outcome in outcomes[-ROWS:]:
        table.add_row(*_cells(outcome))
    return table


def _cells(outcome: Outcome) -> tuple[Text, ...]:
    before, after = outcome.before, outcome.after
    score = Text(f"{before.score or '–'} → {after.score}")
    if before.score.isdigit() and after.score.isdigit() and before.score != after.score:
        score.stylize("green" if int(after.score) > int(before.score) else "red")
    columns = (outcome.name, outcome.what, score, after.class_ or "–", after.next_action, after.why)
    return (*(Text(one) if isinstance(one, str) else one for one in columns), Text(_delay(outcome)))


def _delay(outcome: Outcome) -> str:
    if outcome.delay is None:
        return "unchanged"
    return f"{outcome.delay.total_seconds():.2f} s"
