"""``emtiaz calls --write-owners``: whoever shall call somebody becomes their owner in the CRM."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import typer

from chalicelib.core.model import Ref
from chalicelib.core.policy import Policy
from chalicelib.pipeline.assign import assign
from chalicelib.pipeline.services import Services
from chalicelib.scoring.call_list import Call
from infra.cli.console import confirm, note
from infra.cli.exits import ExitCode, Finding


def refuse_unless_wanted(policy: Policy) -> None:
    if policy.priority is None or not policy.priority.calls.write_owner:
        raise Finding("the policy does not let owners be written; set priority.write_owner: true")


def write_owners(
    connection: str, calls: Iterable[Call], services: Services, *, dry_run: bool, yes: bool
) -> None:
    owners = _owners(calls)
    note(f"{len(owners)} of them have no owner and somebody of a pool to take them")
    if dry_run or not owners:
        return
    confirm(f"Make these reps their owners in {connection}?", yes=yes)
    refusals = assign(connection, owners, services)
    for ref, reason in sorted(refusals.items()):
        note(f"{ref} is as it was: {reason}")
    note(f"{len(owners) - len(refusals)} have an owner now")
    if refusals:
        raise typer.Exit(ExitCode.FINDING)


def _owners(calls: Iterable[Call]) -> Mapping[Ref, str]:
    """Of those whom an action gives to a pool; who is owned already keeps their owner."""
    return {
        one.ref: one.rep
        for one in calls
        if one.rep and one.priority.assign_to and one.priority.owner is None
    }
