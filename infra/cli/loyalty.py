"""``emtiaz loyalty``: points, tiers and missions from a file of facts, on this machine alone."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from chalicelib.core.facts import iso, parse_instant
from chalicelib.core.model import Json, Language, Ref
from chalicelib.core.policy import Policy as CompiledPolicy
from chalicelib.core.standing import Standing
from chalicelib.loyalty.entries import Entry
from chalicelib.loyalty.statement import Line, statement
from chalicelib.policy import compile_policy
from infra.cli import points
from infra.cli.console import note, say, show_json, show_table
from infra.cli.exits import Finding
from infra.cli.options import AsJson, Policy
from infra.cli.policy_page import SHIPPED, read_page
from infra.cli.score import instant, read_facts
from infra.loyalty.replay import Operation, OperationUnreadable, Replay, play, program_of

app = typer.Typer(
    name="loyalty",
    help="Points, tiers and missions from a file of facts. All but adjust need no AWS.",
    no_args_is_help=True,
)
app.command()(points.adjust)

Facts = Annotated[Path, typer.Option(help="Facts as JSON lines.")]
At = Annotated[list[datetime], typer.Option(parser=instant, help="Instant to look at; repeatable.")]
Operations = Annotated[
    Path | None,
    typer.Option(help="Redemptions, cancellations, adjustments and merges, as JSON lines."),
]
Then = Annotated[
    list[str] | None,
    typer.Option(help="A later policy and since when it is in force, as INSTANT=FILE; repeatable."),
]


@app.command()
def replay(
    *,
    facts: Facts,
    at: At,
    policy: Policy = SHIPPED,
    operations: Operations = None,
    then: Then = None,
    as_json: AsJson = False,
) -> None:
    """Show how customers stand at one instant or several: points, tier, missions, what comes next.

    With --json every line is the member loyalty of one card.
    """
    stage, subjects = _stage(facts, policy, then)
    told = play(stage, _operations(operations), subjects, at)
    _tell_refusals(stage)
    if as_json:
        for subject, found in told:
            show_json({"subject": str(subject), "at": iso(found.at), "loyalty": found.to_json()})
        return
    columns = ("subject", "at", "points", "tier", "until", "expiring", "next")
    show_table(columns, [_row(subject, found) for subject, found in told])


@app.command(name="statement")
def show_statement(
    *,
    facts: Facts,
    at: At,
    policy: Policy = SHIPPED,
    operations: Operations = None,
    then: Then = None,
    language: Annotated[Language, typer.Option(help="Of the texts.")] = "en",
    as_json: AsJson = False,
) -> None:
    """Show the ledger of every customer, line by line, up to the last of the instants.

    With --json every line is one ledger entry.
    """
    stage, subjects = _stage(facts, policy, then)
    play(stage, _operations(operations), subjects, [max(at)])
    _tell_refusals(stage)
    program = program_of(stage.policy(max(at)))
    for subject in (one for one in subjects if one not in stage.gone):
        entries = stage.member(subject).made
        if as_json:
            for entry in entries:
                show_json(_entry_json(subject, entry))
        else:
            say(str(subject))
            lines = statement(entries, program)
            show_table(("at", "points", "balance", "what"), [_line(one, language) for one in lines])


def _stage(facts: Path, policy: Path, then: Sequence[str] | None) -> tuple[Replay, Sequence[Ref]]:
    stage = Replay(_programme(policy), dict(_later(then or ())))
    known = read_facts(facts)
    for subject, collection in known.items():
        stage.know(subject, collection)
    return stage, tuple(known)


def _programme(path: Path) -> CompiledPolicy:
    compiled = compile_policy(read_page(path))
    if compiled.loyalty is None:
        raise Finding(f"{path}: the policy has no section loyalty; add one to give points")
    return compiled


def _later(then: Sequence[str]) -> Iterator[tuple[datetime, CompiledPolicy]]:
    for told in then:
        since, found, path = told.partition("=")
        if not found:
            raise typer.BadParameter("write INSTANT=FILE, as 2026-03-21T00:00:00Z=new.yaml")
        try:
            yield parse_instant(since), _programme(Path(path))
        except ValueError as error:
            raise typer.BadParameter(str(error)) from error


def _operations(path: Path | None) -> list[Operation]:
    """Raises Finding with file and line."""
    if path is None:
        return []
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise Finding(f"{path}: {getattr(error, 'strerror', None) or error}") from error
    found = []
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                found.append(Operation.from_json(json.loads(line)))
            except (OperationUnreadable, ValueError, TypeError, AttributeError) as error:
                raise Finding(f"{path}:{number}: {error}") from error
    return found


def _tell_refusals(stage: Replay) -> None:
    for one in stage.refused:
        operation = one.operation
        note(f"{operation.subject}: {operation.kind} {operation.id} was refused: {one.reason}")


def _row(subject: Ref, found: Standing) -> tuple[object, ...]:
    tier = found.tier
    until = tier.valid_until.date() if tier and tier.valid_until else ""
    goals = [goal.text.en for goal in (tier.next, tier.keep) if goal] if tier else []
    missions = [one.text.en for one in found.missions]
    return (
        subject,
        iso(found.at),
        found.points,
        tier.name if tier else "",
        until,
        found.expiring.text.en if found.expiring else "",
        " · ".join([*goals, *missions]),
    )


def _line(line: Line, language: Language) -> tuple[object, ...]:
    return iso(line.at), f"{line.points:+d}", line.balance, line.text.in_language(language)


def _entry_json(subject: Ref, entry: Entry) -> dict[str, Json]:
    return {"subject": str(subject), **entry.to_json()}
