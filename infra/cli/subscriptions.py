"""``emtiaz unsubscribe``, and what other commands tell of a CRM that rings for some days only."""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.core.connector import Change, CrmClient, Subscribes
from chalicelib.core.facts import iso
from chalicelib.pipeline.reconcile import SILENT
from chalicelib.policy import compile_policy
from infra.cli.console import confirm, note
from infra.cli.exits import Finding
from infra.cli.installation import Installation
from infra.cli.options import DEFAULT_STAGE, THE_ONLY_ONE, Connection, Stage, Yes


def unsubscribe(
    *, connection: Connection = THE_ONLY_ONE, stage: Stage = DEFAULT_STAGE, yes: Yes = False
) -> None:
    """Have the CRM ring no more; what it told stays.

    What changes is then found by looking, every quarter of an hour. emtiaz provision has it ring
    again. From a CRM whose webhooks stand in an app they are taken out there.
    """
    services = Installation.find(stage).services
    live = services.settings.live(connection)
    client = services.client(live, compile_policy(live.policy).attributes)
    if not isinstance(client, Subscribes):
        raise Finding(f"{connection}: its webhooks stand in the app; take them out there")
    confirm(f"Have {connection} ring no more?", yes=yes)
    services.settings.set_checkpoint(connection, SILENT, {"since": iso(services.clock.now())})
    client.unsubscribe()
    note(f"{connection} rings no more; what changes is found by looking, in up to 15 minutes")


def subscribe(client: CrmClient) -> Sequence[Change]:
    """Have a CRM ring that does so only when it is asked to; returns what was mended."""
    if not isinstance(client, Subscribes):
        return ()
    changes = client.subscribe()
    for change in changes:
        note(f"{change.action} {change.target}: {change.detail}")
    note("it rings for all that is read" if is_whole(changes) else "it does not ring for all")
    return changes


def is_whole(changes: Sequence[Change]) -> bool:
    return not any(change.action == "conflict" for change in changes)
