"""``emtiaz erase``: for a person who asked to be forgotten, where their CRM cannot say so."""

from __future__ import annotations

from chalicelib.pipeline.messages import Reason, refs_messages
from infra.cli.console import confirm, note
from infra.cli.installation import Installation
from infra.cli.options import DEFAULT_STAGE, DryRun, Record, Stage, Yes


def erase(
    *, ref: Record, stage: Stage = DEFAULT_STAGE, dry_run: DryRun = False, yes: Yes = False
) -> None:
    """Forget a person for good: card, facts, points, history, and what waits for them.

    Remove them from the CRM first. Nothing of the record is ever read or written again, even if it
    comes back there. A privacy deletion that a CRM signs does the same by itself.
    """
    services = Installation.find(stage).services
    services.settings.live(ref.connection)
    known = bool(services.store.cards([ref]))
    note(f"{ref} {'has a card' if known else 'has no card; it will never get one'}")
    if dry_run:
        return
    confirm(f"Forget {ref} for good? Nothing brings it back.", yes=yes)
    services.intake.send(refs_messages(ref.connection, [ref], Reason.ERASE))
    note("is being forgotten")
