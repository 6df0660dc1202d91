"""MiniStack, in which what a partner puts on its event source comes to the source's bus.

MiniStack itself says yes to PutPartnerEvents and drops them, and rightly refuses anybody else who
calls himself ``aws.partner/…``. A partner event bus has the name of its source.
"""

from __future__ import annotations

from typing import Any

from ministack.app import main  # type: ignore[import-untyped]
from ministack.services import eventbridge  # type: ignore[import-untyped]


def put_partner_events(data: dict[str, Any]) -> Any:
    entries = [{**one, "EventBusName": one.get("Source")} for one in data.get("Entries", [])]
    return eventbridge._put_events({"Entries": entries}, allow_aws_source=True)  # noqa: SLF001


if __name__ == "__main__":
    eventbridge._put_partner_events = put_partner_events  # noqa: SLF001
    main()
