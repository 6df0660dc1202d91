"""``emtiaz deploy``: package, show what would change, carry it out."""

from __future__ import annotations

from typing import Annotated

import typer

from infra import deploy as deployment
from infra.cli.console import confirm, note, say, show_json, show_table
from infra.cli.options import DEFAULT_STAGE, AsJson, DryRun, Stage, Yes
from infra.package import build


def deploy(
    *,
    stage: Stage = DEFAULT_STAGE,
    alarm_email: Annotated[str | None, typer.Option(help="Who is told of alarms.")] = None,
    table_key: Annotated[str | None, typer.Option(help="ARN of a KMS key for the tables.")] = None,
    sandbox: Annotated[
        bool, typer.Option("--sandbox", help="For rehearsals: quick retries, tables not kept.")
    ] = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Install Emtiaz into the AWS account you are signed in to, or update it."""
    chosen = {"AlarmEmail": alarm_email, "TableKeyArn": table_key}
    parameters = {name: value for name, value in chosen.items() if value is not None}
    note("packaging")
    if sandbox:
        parameters |= deployment.SANDBOX
    plan = deployment.plan(build(), stage, parameters)
    if plan.changes:
        _show_plan(plan)
        _carry_out(plan, dry_run=dry_run, yes=yes)
    else:
        note(f"stage {stage} is up to date")
    if not dry_run:
        _show_outputs(stage, as_json=as_json)


def _show_plan(plan: deployment.Plan) -> None:
    rows = [
        (change.action, change.resource, change.type, "replaced" if change.replaced else "")
        for change in plan.changes
    ]
    show_table(("", "resource", "type", ""), rows)


def _carry_out(plan: deployment.Plan, *, dry_run: bool, yes: bool) -> None:
    if dry_run:
        deployment.discard(plan)
        return
    confirm(f"Make these {len(plan.changes)} changes to {plan.stack}?", yes=yes)
    for event in deployment.carry_out(plan):
        note(f"{event.status:<28} {event.resource} {event.reason}".rstrip())


def _show_outputs(stage: str, *, as_json: bool) -> None:
    outputs = deployment.outputs(stage)
    webhooks = deployment.webhook_url(outputs, "")
    if as_json:
        show_json({"stage": stage, "webhooks": webhooks, "outputs": dict(outputs)})
    else:
        say(f"webhooks go to {webhooks}CONNECTION; next: emtiaz connect hubspot --stage {stage}")
