"""Make reps the owners of whom nobody owns in the CRM, when a person asks for it."""

from __future__ import annotations

from collections.abc import Mapping

from chalicelib.core.errors import EmtiazError
from chalicelib.core.model import Ref
from chalicelib.pipeline.messages import Reason, chunks, refs_messages
from chalicelib.pipeline.pause import Guard
from chalicelib.pipeline.scorer import compiled
from chalicelib.pipeline.services import Services


def assign(
    connection: str, owners: Mapping[Ref, str], services: Services
) -> Mapping[Ref, EmtiazError]:
    """Returns who was left as they were, and why; the cards of all others are made anew.

    May be repeated: who has an owner by then is left alone. Raises what the CRM's client raises.
    """
    live = services.settings.live(connection)
    client = services.client(live, compiled(live.policy).attributes)
    guard = Guard(live, services.settings, services.clock)
    refusals: dict[Ref, EmtiazError] = {}
    for refs in chunks(sorted(owners), client.write_batch):
        with guard:
            refused = client.assign({ref: owners[ref] for ref in refs})
        refusals |= refused
        owned = [ref for ref in refs if ref not in refused]
        services.intake.send(refs_messages(connection, owned, Reason.READ))
    return refusals
