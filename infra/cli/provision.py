"""``emtiaz provision``: make the fields in the CRM that scores are written to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from chalicelib.core.connector import Change, Connection, KeepsDetails
from chalicelib.core.errors import WriteRefused
from chalicelib.core.policy import Policy
from chalicelib.core.ports import LiveSettings
from chalicelib.pipeline.places import placed, unplaced
from chalicelib.pipeline.reconcile import SILENT
from chalicelib.pipeline.services import Services
from chalicelib.policy import compile_policy
from chalicelib.scoring.publication import provisioned, provisioned_kinds
from infra.cli import options
from infra.cli.console import confirm, note, show_json, show_table
from infra.cli.exits import ExitCode
from infra.cli.installation import Installation
from infra.cli.options import DEFAULT_STAGE, THE_ONLY_ONE, AsJson, DryRun, Stage, Yes
from infra.cli.policy_page import read_page
from infra.cli.subscriptions import is_whole, subscribe

Coming = Annotated[
    Path | None,
    typer.Option(
        help="A policy that is to be published, as YAML.", show_default="the one in force"
    ),
]


def provision(
    *,
    policy: Coming = None,
    connection: options.Connection = THE_ONLY_ONE,
    stage: Stage = DEFAULT_STAGE,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Create the fields that scores are written to. Safe to repeat; nothing is ever removed."""
    services = Installation.find(stage).services
    live = services.settings.live(connection)
    publishing = compile_policy(read_page(policy) if policy else live.policy)
    changes = planned(live, publishing, services)
    _show(changes, as_json=as_json)
    if any(change.action == "missing" for change in changes):
        note("what is missing gives no points: mend its name in the policy, or show it to our user")
    if not dry_run:
        subscribed = _carried_out(changes, live, publishing, services, yes=yes)
    if any(change.action == "conflict" for change in changes):
        note("a conflict is for a person: put right in the CRM what its line says, then repeat")
        raise typer.Exit(ExitCode.FINDING)
    if not (dry_run or is_whole(subscribed)):
        raise typer.Exit(ExitCode.FINDING)


def _carried_out(
    changes: Sequence[Change], live: LiveSettings, policy: Policy, services: Services, *, yes: bool
) -> Sequence[Change]:
    """Returns what was mended of the subscriptions, which name the fields that are ours."""
    client = services.client(live, policy.attributes)
    connector, kinds = services.connector(live.connection.id), provisioned_kinds(policy)
    wanted = placed(provisioned(policy, "contact"), connector)
    if ours := sum(change.is_ours for change in changes):
        confirm(f"Make these {ours} changes in {live.connection.id}?", yes=yes)
        try:
            client.provision(wanted, policy.language, kinds)
        except WriteRefused:
            _tell_of_profile(policy, live.connection)
            raise
        note("done")
    if isinstance(client, KeepsDetails):
        live = _kept(client.details(wanted, policy.language, kinds), live, services)
    services.settings.set_checkpoint(live.connection.id, SILENT, None)
    return subscribe(services.client(live, policy.attributes))


def _tell_of_profile(policy: Policy, connection: Connection) -> None:
    """What it is most often: an edition that takes few fields."""
    edition = connection.details.get("edition", "")
    whose = f"the edition {edition}" if edition else "the account"
    fewest = "say publish: {profile: minimal} in the policy, which needs fewest"
    also = fewest if policy.publish.profile == "full" else "these are the fewest there can be"
    note(f"not all was made; if {whose} takes no more fields, {also}. Repeating goes on from here")


def _kept(details: Mapping[str, str], live: LiveSettings, services: Services) -> LiveSettings:
    """With what its connector has to remember from now on, beside what it remembers."""
    connection = replace(live.connection, details={**live.connection.details, **details})
    if connection != live.connection:
        services.settings.put_connection(connection)
    return replace(live, connection=connection)


def planned(live: LiveSettings, policy: Policy, services: Services) -> tuple[Change, ...]:
    """What the CRM lacks of the fields that a policy writes, be it in force or not."""
    wanted, kinds = provisioned(policy, "contact"), provisioned_kinds(policy)
    connector = services.connector(live.connection.id)
    client = services.client(live, policy.attributes)
    lacking = client.plan(placed(wanted, connector), policy.language, kinds)
    return (*lacking, *unplaced(wanted, connector))


def _show(changes: tuple[Change, ...], *, as_json: bool) -> None:
    if as_json:
        show_json([{"action": c.action, "target": c.target, "detail": c.detail} for c in changes])
    elif changes:
        show_table(("", "field", "detail"), [(c.action, c.target, c.detail) for c in changes])
    else:
        note("all fields are there")
