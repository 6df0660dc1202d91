"""``emtiaz dlq``: messages that failed twenty times."""

from __future__ import annotations

import typer

from infra.cli.console import confirm, note, show_json, show_table
from infra.cli.installation import Installation
from infra.cli.options import DEFAULT_STAGE, AsJson, DryRun, Stage, Yes
from infra.dead_letters import DeadLetters, move_back, peek

app = typer.Typer(name="dlq", help="Messages that failed too often.", no_args_is_help=True)


@app.command("list")
def list_dead_letters(*, stage: Stage = DEFAULT_STAGE, as_json: AsJson = False) -> None:
    """List dead letters. Looking counts as a try, but changes nothing else."""
    letters = [letter for queue in _queues(stage) for letter in peek(queue)]
    rows = [(one.queue, one.id, one.sent_at.isoformat(), one.body) for one in letters]
    if as_json:
        names = ("queue", "id", "sent_at", "body")
        show_json([dict(zip(names, row, strict=True)) for row in rows])
    else:
        show_table(("queue", "id", "sent", "message"), rows)


@app.command()
def redrive(*, stage: Stage = DEFAULT_STAGE, dry_run: DryRun = False, yes: Yes = False) -> None:
    """Move dead letters back into the queues that they came from.

    What they refer to is read anew, so an old letter does no harm.
    """
    queues = _queues(stage)
    if dry_run:
        for queue in queues:
            note(f"{queue.name}: {queue.count()} would be moved back")
        return
    confirm("Move all dead letters back?", yes=yes)
    for queue in queues:
        note(f"{queue.name}: {move_back(queue)} moved back")


def _queues(stage: str) -> tuple[DeadLetters, ...]:
    outputs = Installation.find(stage).outputs
    return (
        DeadLetters("intake", outputs["IntakeDeadLettersUrl"], outputs["IntakeQueueUrl"]),
        DeadLetters("write-back", outputs["WriteBackDeadLettersUrl"], outputs["WriteBackQueueUrl"]),
        DeadLetters("announce", outputs["AnnounceDeadLettersUrl"], outputs["AnnounceQueueUrl"]),
    )
