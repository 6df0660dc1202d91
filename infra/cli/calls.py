"""``emtiaz calls``: whom to call first, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

import typer

from chalicelib.core.calls import Priority
from chalicelib.core.model import Json, Language, Ref
from chalicelib.core.policy import Policy
from chalicelib.pipeline.services import Services
from chalicelib.policy import compile_policy
from chalicelib.scoring.call_list import Call, Candidate, Day, call_list
from infra.cli import call_owners
from infra.cli.console import note, show_json, show_table
from infra.cli.exits import Finding
from infra.cli.installation import Installation
from infra.cli.options import DEFAULT_STAGE, THE_ONLY_ONE, AsJson, Connection, DryRun, Stage, Yes

WORKING_DAY = 480

Bodies = Mapping[Ref, Mapping[str, Any]]

Minutes = Annotated[float, typer.Option(min=0, help="How long there is to call.")]
Rep = Annotated[str, typer.Option(help="Only the calls of one rep: the id of the CRM's owner.")]
WriteOwners = Annotated[
    bool,
    typer.Option("--write-owners", help="Make who shall call the owner of whom nobody owns."),
]
Words = Annotated[Language | None, typer.Option(help="Of the reasons; else that of the policy.")]


def calls(  # noqa: PLR0913 - the options of a command
    *,
    connection: Connection = THE_ONLY_ONE,
    minutes: Minutes = WORKING_DAY,
    rep: Rep = "",
    language: Words = None,
    write_owners: WriteOwners = False,
    stage: Stage = DEFAULT_STAGE,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """List whom to call first under a budget of minutes, each with why and what to do."""
    services = Installation.find(stage).services
    policy = compile_policy(services.settings.live(connection).policy)
    if write_owners:
        call_owners.refuse_unless_wanted(policy)
    chosen = [one for one in _calls(connection, minutes, policy, services) if _is_for(rep, one)]
    bodies = _bodies(chosen, services)
    if as_json:
        show_json([_row(one, bodies.get(one.ref, {})) for one in chosen])
    else:
        _show(chosen, bodies, language or policy.language)
        taken = sum(one.priority.minutes for one in chosen)
        count = "1 call" if len(chosen) == 1 else f"{len(chosen)} calls"
        note(f"{count}, {taken:g} of {minutes:g} minutes")
    if write_owners:
        call_owners.write_owners(connection, chosen, services, dry_run=dry_run, yes=yes)


def _show(chosen: Sequence[Call], bodies: Bodies, language: Language) -> None:
    show_table(
        ("record", "rep", "priority", "why", "next action"),
        [_cells(one, bodies.get(one.ref, {}), language) for one in chosen],
    )


def _calls(connection: str, minutes: float, policy: Policy, services: Services) -> Sequence[Call]:
    if policy.priority is None:
        raise Finding("the policy of this connection has no section priority; add one")
    day = Day(services.clock.now(), policy.time_zone, policy.calendar)
    return call_list(_candidates(connection, services), minutes, policy.priority.calls, day)


def _candidates(connection: str, services: Services) -> Iterator[Candidate]:
    """From the index alone: cards of another policy may have no priority yet."""
    for row in services.store.population(connection):
        call = row.get("call")
        if isinstance(call, dict):
            yield Candidate(Ref.parse(str(row["ref"])), Priority.from_json(call))


def _is_for(rep: str, one: Call) -> bool:
    return rep in ("", one.rep)


def _bodies(chosen: Sequence[Call], services: Services) -> Bodies:
    """Only the cards of who is called are read."""
    return {card.ref: card.body for card in services.store.cards([one.ref for one in chosen])}


def _row(one: Call, body: Mapping[str, Any]) -> dict[str, Json]:
    return {
        "ref": str(one.ref),
        "rep": one.rep,
        "because": one.because,
        "index": round(one.index, 4),
        "priority": one.priority.to_json(),
        "reason": {"en": one.reason.en, "fa": one.reason.fa},
        "next_action": body.get("next_action"),
        "campaign": body.get("campaign"),
        "service_level": body.get("service_level"),
        "changes_at": body.get("next_change_at"),
    }


def _cells(one: Call, body: Mapping[str, Any], language: Language) -> Sequence[object]:
    action = body.get("next_action") or {}
    why = one.reason.in_language(language)
    return str(one.ref), one.rep or "", one.priority.score, why, action.get(language, "")
