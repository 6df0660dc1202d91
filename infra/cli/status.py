"""``emtiaz status``: how much waits, where, and since when it should not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from chalicelib.core.connector import Connection
from chalicelib.core.errors import ConfigurationError
from chalicelib.core.facts import iso
from chalicelib.core.model import Json
from chalicelib.pipeline.reconcile import SILENT
from chalicelib.pipeline.rescore import in_force, is_stale
from chalicelib.pipeline.services import Services
from chalicelib.pipeline.train import Memory
from chalicelib.pipeline.turns import Turn
from infra.cli.console import say, show_json, show_table
from infra.cli.installation import Installation
from infra.cli.model_cards import cards_of, verdict
from infra.cli.options import DEFAULT_STAGE, AsJson, Stage

_QUEUES = {
    "intake": "IntakeQueueUrl",
    "intake dead letters": "IntakeDeadLettersUrl",
    "write-back": "WriteBackQueueUrl",
    "write-back dead letters": "WriteBackDeadLettersUrl",
    "announce": "AnnounceQueueUrl",
    "announce dead letters": "AnnounceDeadLettersUrl",
}


@dataclass(frozen=True, slots=True)
class ConnectionStatus:
    """``unsubscribed`` is since when the CRM was told to ring no more; empty if it rings.
    ``untrained`` is why training failed; empty if it goes well.
    """

    connection: str
    account: str
    webhooks: str
    cards: int
    rescored: str
    parked: int
    unsubscribed: str
    untrained: str
    paused: str


def status(*, stage: Stage = DEFAULT_STAGE, as_json: AsJson = False) -> None:
    """Show queue depths, and the cards and parked deliveries of every connection."""
    installation = Installation.find(stage)
    services = installation.services
    depths = {name: installation.queue(output).backlog() for name, output in _QUEUES.items()}
    rows = [_connection(one, installation, services) for one in services.settings.connections()]
    cards = {row.connection: _model_cards(row.connection, services) for row in rows}
    if as_json:
        told: list[Json] = [asdict(row) for row in rows]
        models: dict[str, Json] = {name: {**found} for name, found in cards.items()}
        show_json({"queues": dict(depths), "connections": told, "model_cards": models})
        return
    show_table(("queue", "messages"), depths.items())
    if rows:
        columns = [field.name for field in fields(ConnectionStatus)]
        show_table(columns, [tuple(asdict(row).values()) for row in rows])
        for connection, told_of in cards.items():
            for name, card in told_of.items():
                say(f"{connection}: {verdict(name, card)}")
    else:
        say("nothing is connected yet; next: emtiaz connect CRM")


def _connection(
    connection: Connection, installation: Installation, services: Services
) -> ConnectionStatus:
    cards = list(services.store.population(connection.id))
    return ConnectionStatus(
        connection=connection.id,
        account=connection.account_id,
        webhooks=installation.webhook_url(connection.id),
        cards=len(cards),
        rescored=_rescored(connection.id, cards, services),
        parked=len(services.settings.parked(connection.id)),
        unsubscribed=_silent_since(connection.id, services),
        untrained=Turn.of(connection.id, services).fault,
        paused=_pause(connection.id, services),
    )


def _rescored(connection: str, cards: Sequence[Mapping[str, Json]], services: Services) -> str:
    """How many cards are made by what is in force; empty if nothing is."""
    try:
        target = in_force(services.settings.live(connection))
    except ConfigurationError:
        return ""
    stale = sum(is_stale(card, target, whole=True) for card in cards)
    return f"{len(cards) - stale} of {len(cards)}"


def _model_cards(connection: str, services: Services) -> Mapping[str, Any]:
    """Of the models of the future: which are in force, and why the others are not."""
    return cards_of(Memory.of(connection, services).seen)


def _silent_since(connection: str, services: Services) -> str:
    silence = services.settings.checkpoint(connection, SILENT)
    return str(silence["since"]) if silence else ""


def _pause(connection: str, services: Services) -> str:
    """Why its CRM is not called, and until when; empty if it is."""
    try:
        live = services.settings.live(connection)
    except ConfigurationError as error:
        return str(error)
    return f"until {iso(live.paused_until)}: {live.pause_reason}" if live.paused_until else ""
