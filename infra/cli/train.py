"""``emtiaz train``: learn anew what scores go by and only all customers together tell."""

from __future__ import annotations

from chalicelib.pipeline.train import Refresh
from chalicelib.pipeline.train import train as run
from infra.cli.console import note, say, show_json
from infra.cli.installation import Installation
from infra.cli.options import DEFAULT_STAGE, THE_ONLY_ONE, AsJson, Connection, DryRun, Stage


def train(
    *,
    connection: Connection = THE_ONLY_ONE,
    stage: Stage = DEFAULT_STAGE,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Learn borders and ranks anew; they move where two refreshes in a row agree."""
    found = run(connection, Installation.find(stage).services, dry_run=dry_run)
    if as_json:
        show_json(
            {
                "moved": list(found.moved),
                "subjects": found.subjects,
                "doubtful": [str(ref) for ref in found.doubtful],
                "declined": {
                    one.segment: {"before": one.before.value, "now": one.now.value}
                    for one in found.declined
                },
            }
        )
        return
    _tell(found, dry_run=dry_run)


def _tell(found: Refresh, *, dry_run: bool) -> None:
    if not found.moved:
        say("nothing moves")
    elif dry_run:
        say(f"{', '.join(found.moved)} would move, and {found.subjects} records be scored")
    else:
        say(f"{', '.join(found.moved)} moved; {found.subjects} records are being scored")
    for ref in found.doubtful:
        note(f"{ref} has spent 20 times what all but 1% of customers have: is an amount mistyped?")
    for one in found.declined:
        note(
            f"NPS of {one.segment} fell from {one.before.value:.0f} (±{one.before.margin:.0f}) "
            f"to {one.now.value:.0f} (±{one.now.margin:.0f}) within 90 days"
        )
