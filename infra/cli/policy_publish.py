"""``emtiaz policy publish | history | rollback``: what is in force, and since when."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from chalicelib.core.connector import Change as Step
from chalicelib.core.editions import Publication
from chalicelib.core.facts import iso
from chalicelib.core.model import Json
from chalicelib.core.policy import Policy
from chalicelib.core.ports import LiveSettings
from chalicelib.pipeline.backfill import backfill
from chalicelib.pipeline.effect import effect, needs_provision, present, unread
from chalicelib.pipeline.progress import Progress
from chalicelib.pipeline.rescore import advance, follow
from chalicelib.pipeline.services import Services
from chalicelib.policy import compile_policy, validate, version_of
from chalicelib.scoring.simulation import Comparison, Simulation, summary
from infra.cli.console import note, progress_bars, say, show_json, show_table
from infra.cli.exits import Declined, Finding
from infra.cli.installation import Installation
from infra.cli.options import DEFAULT_STAGE, THE_ONLY_ONE, AsJson, Connection, DryRun, Stage
from infra.cli.policy_page import Page, read_page
from infra.cli.provision import planned
from infra.cli.watch import LOOK_SECONDS, watch

File = Annotated[
    Path, typer.Argument(metavar="FILE", help="The policy, as YAML, or the name of a shipped one.")
]
Version = Annotated[
    str, typer.Argument(metavar="[VERSION]", help="Of the history.", show_default="the one before")
]
Note = Annotated[str, typer.Option("--note", help="Why, for the history.")]
Wait = Annotated[bool, typer.Option("--wait", help="Stay until everybody is scored and written.")]
Anew = Annotated[
    bool, typer.Option("--backfill", help="Stay, and read everybody from the CRM before scoring.")
]
Meant = Annotated[bool, typer.Option("--yes", help="The effect is meant, however large it is.")]
Learned = Annotated[bool, typer.Option("--models", help="Also when something new was learned.")]


@dataclass(frozen=True, slots=True)
class _Change:
    """What is to come into force where, in place of what, and why."""

    installation: Installation
    services: Services
    live: LiveSettings
    page: Page
    note: str

    @property
    def connection(self) -> str:
        return self.live.connection.id

    @property
    def version(self) -> str:
        return version_of(self.page)

    @property
    def replaced(self) -> str:
        return version_of(self.live.policy)

    @property
    def is_new(self) -> bool:
        return self.version != self.replaced


@dataclass(frozen=True, slots=True)
class _Manner:
    """How it is done: what the options say."""

    dry_run: bool
    yes: bool
    wait: bool
    backfill: bool
    as_json: bool


def publish(  # noqa: PLR0913  # one per option
    *,
    file: File,
    connection: Connection = THE_ONLY_ONE,
    reason: Note = "",
    wait: Wait = False,
    anew: Anew = False,
    stage: Stage = DEFAULT_STAGE,
    dry_run: DryRun = False,
    yes: Meant = False,
    as_json: AsJson = False,
) -> None:
    """Put a policy into force; everybody is scored by it then, from what is stored.

    What it changes is worked out before, for everybody, beside what the CRM shows now. A policy
    with mistakes is refused, and one that moves more than 30 % of the customers to another class
    unless --yes says that it is meant. The scoring goes on by itself; a --wait that was stopped
    goes on when the command is repeated.
    """
    change = _change(stage, connection, read_page(file), reason)
    _carry_out(change, _Manner(dry_run, yes, wait, anew, as_json))


def rollback(  # noqa: PLR0913  # one per option
    *,
    version: Version = "",
    connection: Connection = THE_ONLY_ONE,
    reason: Note = "",
    wait: Wait = False,
    stage: Stage = DEFAULT_STAGE,
    dry_run: DryRun = False,
    yes: Meant = False,
    as_json: AsJson = False,
) -> None:
    """Publish a version of the history again: the one before, or one that is named."""
    settings = Installation.find(stage).services.settings
    wanted = version or _before(settings.publications(connection))
    page = dict(settings.policy(connection, wanted))
    validate(page)  # an older version may say what is not said any more
    change = _change(stage, connection, page, reason or f"rollback to {wanted}")
    _carry_out(change, _Manner(dry_run, yes, wait, backfill=False, as_json=as_json))


def history(
    *,
    connection: Connection = THE_ONLY_ONE,
    models: Learned = False,
    stage: Stage = DEFAULT_STAGE,
    as_json: AsJson = False,
) -> None:
    """List what was in force: since when, by whom, why, newest first."""
    settings = Installation.find(stage).services.settings
    live = settings.live(connection)
    in_force = {version_of(live.policy), live.models.version}
    entries = [one for one in settings.publications(connection) if models or one.what == "policy"]
    newest = {one.what: one.number for one in reversed(entries) if one.version in in_force}
    if as_json:
        show_json([{**one.to_json(), "in_force": one.number in newest.values()} for one in entries])
        return
    rows = [_row(one, in_force=one.number in newest.values()) for one in entries]
    show_table(("", "since", "what", "version", "instead of", "by", "note"), rows)


def _row(one: Publication, *, in_force: bool) -> Sequence[object]:
    mark = "in force" if in_force else ""
    return mark, iso(one.at), one.what, one.version, one.replaced or "", one.by, one.note


def _before(entries: Sequence[Publication]) -> str:
    """What the policy in force replaced."""
    others = (one.replaced for one in entries if one.what == "policy" and one.is_new)
    replaced = next(others, None)
    if replaced is None:
        raise Finding("there is no earlier version to go back to")
    return replaced


def _change(stage: str, connection: str, page: Page, reason: str) -> _Change:
    installation = Installation.find(stage)
    services = installation.services
    return _Change(installation, services, services.settings.live(connection), page, reason)


def _carry_out(change: _Change, manner: _Manner) -> None:
    """Raises Declined, with all told that it would do, if that surprises or cannot be written."""
    told: dict[str, Json] = {"connection": change.connection, "version": change.version}
    refusal = ""
    if change.is_new:
        new = compile_policy(change.page)
        found = summary(_compared(change, new))
        told |= _weighed(change, new, found, manner)
        refusal = _no_place(told, manner) or _surprise(found, manner)
        _tell_foreign(change)
    elif not manner.as_json:
        note(f"{change.version} is in force already")
    if manner.dry_run or refusal:
        told["published"] = False
    else:
        told["published"] = change.is_new
        _publish(change)
        told["scored"] = _score(change, manner)
    if manner.as_json:
        show_json(told)
    if refusal:
        raise Declined(refusal)


def _tell_foreign(change: _Change) -> None:
    """Shipped policies have days and sums of their own, which may be meant elsewhere."""
    account = change.live.connection
    for name, its_own in (("time_zone", account.time_zone), ("currency", account.currency)):
        if its_own and change.page[name] != its_own:
            note(f"{name} is {change.page[name]} in the policy, and {its_own} in the account")


def _no_place(told: Mapping[str, Json], manner: _Manner) -> str:
    """Why nothing is published yet: the CRM would refuse whatever it does not know."""
    if manner.dry_run or not told["needs_provision"]:
        return ""
    return "nothing was published: the CRM has no place yet for all that it writes"


def _surprise(found: Simulation, manner: _Manner) -> str:
    """Why a person has to say that it is meant; empty if nobody has to, or has."""
    if manner.yes or not found.is_surprising:
        return ""
    return (
        f"{found.class_changed_share:.0%} of the customers would change class, and nothing was "
        "published; if that is meant, say --yes"
    )


def _weighed(change: _Change, new: Policy, found: Simulation, manner: _Manner) -> dict[str, Json]:
    """What it would do."""
    missing = unread(change.live, new)
    changes = _planned(change, new, missing)
    fields = needs_provision(change.live, new) and any(one.is_ours for one in changes)
    hidden = [one.target for one in changes if one.action == "missing"]
    if not manner.as_json:
        _show(change, found)
    if missing:
        _tell_unread(missing, manner)
    if hidden:
        note(f"the CRM does not show, so that nobody gets points by it: {', '.join(hidden)}")
    if fields:
        note("it writes fields or values that are new: run emtiaz provision --policy FILE before")
    return {
        "replaced": change.replaced,
        "effect": found.to_json(),
        "unread": [*missing],
        "hidden": [*hidden],
        "needs_provision": fields,
    }


def _planned(change: _Change, new: Policy, unread: Sequence[str]) -> Sequence[Step]:
    """Asks the CRM only if something is new; a field in the way of ours is no news then."""
    if not (unread or needs_provision(change.live, new)):
        return ()
    return planned(change.live, new, change.services)


def _compared(change: _Change, new: Policy) -> Iterator[Comparison]:
    refs = present(change.connection, change.services)
    now = change.services.clock.now()
    found = effect(change.live, new, refs, change.services, now)
    with progress_bars() as bars:
        yield from bars.track(found, total=len(refs), description="scoring under both")


def _show(change: _Change, found: Simulation) -> None:
    say(f"{change.replaced} → {change.version} on {found.subjects:,} cards")
    say(f"{found.moved:,} get another score")
    share = f"{found.class_changed_share:.1%}"
    say(f"{found.class_changed:,} of {found.customers:,} customers change class, {share}")
    say(f"{found.records_written:,} records would be written to the CRM")
    rows = [
        (name, old, new, count)
        for name, matrix in found.matrices.items()
        for (old, new), count in matrix.items()
        if old != new
    ]
    if rows:
        show_table(("", "before", "after", "records"), rows)


def _tell_unread(names: Sequence[str], manner: _Manner) -> None:
    listed = ", ".join(names)
    note(f"not read under the policy in force, so perhaps not among what is stored: {listed}")
    if not manner.backfill:
        note("they come with each record's next change; publish --backfill reads everybody at once")


def _publish(change: _Change) -> None:
    """Raises Conflict if another policy came into force since this one was weighed."""
    if not change.is_new:
        return
    change.services.settings.publish_policy(
        change.connection,
        change.version,
        change.page,
        change.services.clock.now(),
        by=change.installation.who,
        note=change.note,
        over=change.replaced,
    )
    note(f"{change.version} is in force")


def _score(change: _Change, manner: _Manner) -> int:
    """Begin with scoring everybody, or see it through; returns how many were dealt with."""

    def wait() -> None:
        time.sleep(LOOK_SECONDS)

    if manner.backfill:
        return _seen_through(change, backfill(change.connection, change.services, wait))
    if manner.wait:
        return _seen_through(change, follow(change.connection, change.services, wait))
    _, told = advance(change.connection, change.services)
    note(f"{told} cards are queued to be scored, the rest follows; see emtiaz status")
    return told


def _seen_through(change: _Change, steps: Iterator[Progress]) -> int:
    scored = watch(steps)
    parked = len(change.services.settings.parked(change.connection))
    if parked:
        note(f"{parked} are parked, and wait for a person; see emtiaz parked list")
    return scored
