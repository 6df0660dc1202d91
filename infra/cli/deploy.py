"""``emtiaz deploy``: package, show what would change, carry it out."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from infra import deploy as deployment
from infra.cli.console import confirm, note, say, show_json
from infra.cli.exits import Declined
from infra.cli.options import DEFAULT_STAGE, AsJson, DryRun, Stage, Yes
from infra.package import build


def deploy(  # noqa: PLR0913  # one per option
    *,
    stage: Stage = DEFAULT_STAGE,
    alarm_email: Annotated[str | None, typer.Option(help="Who is told of alarms.")] = None,
    table_key: Annotated[str | None, typer.Option(help="ARN of a KMS key for the tables.")] = None,
    email_from: Annotated[
        str | None,
        typer.Option(help="Address, verified with SES, that customers get mail from."),
    ] = None,
    event_bus: Annotated[
        str | None, typer.Option(help="Name of the event bus that announcements go to.")
    ] = None,
    partner_source: Annotated[
        str | None,
        typer.Option(help="Partner event source of EventBridge by which a CRM tells of changes."),
    ] = None,
    partner_connection: Annotated[
        str | None, typer.Option(help="The connection that its events are of.")
    ] = None,
    sandbox: Annotated[
        bool, typer.Option("--sandbox", help="For rehearsals: quick retries, tables not kept.")
    ] = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Install Emtiaz into the AWS account you are signed in to, or update it."""
    chosen = {
        "AlarmEmail": alarm_email,
        "TableKeyArn": table_key,
        "EmailFrom": email_from,
        "EventBusName": event_bus,
        "PartnerEventSource": partner_source,
        "PartnerEventConnection": partner_connection,
    }
    parameters = {name: value for name, value in chosen.items() if value is not None}
    note("packaging")
    if sandbox:
        parameters |= deployment.SANDBOX
    plan = deployment.plan(build(), stage, parameters)
    _show_plan(plan)
    if dry_run:
        deployment.discard(plan)
        if as_json:
            show_json({"stage": stage, "changes": [asdict(change) for change in plan.changes]})
        return
    if plan.changes:
        _carry_out(plan, yes=yes)
    _show_outputs(stage, as_json=as_json)


def _show_plan(plan: deployment.Plan) -> None:
    if not plan.changes:
        note(f"{plan.stack} is up to date")
    for change in plan.changes:
        replaced = "replaced" if change.replaced else ""
        note(f"{change.action:<8} {change.resource} {change.type} {replaced}".rstrip())


def _carry_out(plan: deployment.Plan, *, yes: bool) -> None:
    try:
        confirm(f"Make these {len(plan.changes)} changes to {plan.stack}?", yes=yes)
    except Declined:
        deployment.discard(plan)
        raise
    for event in deployment.carry_out(plan):
        note(f"{event.status:<28} {event.resource} {event.reason}".rstrip())


def _show_outputs(stage: str, *, as_json: bool) -> None:
    outputs = deployment.outputs(stage)
    webhooks = deployment.webhook_url(outputs, "")
    if as_json:
        show_json({"stage": stage, "webhooks": webhooks, "outputs": dict(outputs)})
    else:
        say(f"webhooks go to {webhooks}CONNECTION; next: emtiaz connect CRM --stage {stage}")
