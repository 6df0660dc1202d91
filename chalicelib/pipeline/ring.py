"""Who has changed is told on: to those who are owed something by it, and to the CRM."""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.core.model import Ref
from chalicelib.pipeline.messages import Reason, refs_messages
from chalicelib.pipeline.scorer import Scorer
from chalicelib.pipeline.services import Services


def ring(connection: str, unwritten: Sequence[Ref], score: Scorer, services: Services) -> None:
    """For the creditors first: who has been written to the CRM is no more looked at soon."""
    if score.debtors:
        services.intake.send(refs_messages(connection, score.debtors, Reason.DELIVER))
    services.write_back.send(refs_messages(connection, unwritten))
