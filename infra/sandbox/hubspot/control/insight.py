"""What a test asserts on."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Blueprint, request

from infra.sandbox._serving.errors import Wire
from infra.sandbox._serving.instants import spell
from infra.sandbox.hubspot.control.controls import Controls
from infra.sandbox.hubspot.records import ObjectType, Written


class Insight:
    def __init__(self, controls: Controls) -> None:
        self._controls = controls

    def add_to(self, api: Blueprint) -> None:
        api.get("/dump")(self.dump)
        api.get("/history/<kind:kind>/<name>")(self.histories)
        api.get("/history/<kind:kind>/<name>/<record_id>")(self.history)
        api.get("/deliveries")(self.deliveries)
        api.delete("/deliveries")(self.forget_deliveries)
        api.post("/flush")(self.flush)

    def dump(self) -> Wire:
        return self._controls.portal.dump()

    def histories(self, kind: ObjectType, name: str) -> Wire:
        """Of all records that ever had the property: by id, as of a single one."""
        found = self._controls.portal.histories(kind, name)
        return {record_id: _rows(written) for record_id, written in found.items()}

    def history(self, kind: ObjectType, name: str, record_id: str) -> Wire:
        """``{"history": [[value, timestamp, source], …]}``, oldest first."""
        written = self._controls.portal.property_history(kind, record_id, name)
        return {"history": _rows(written)}

    def deliveries(self) -> Wire:
        webhooks, workflows = self._controls.webhooks, self._controls.workflows
        return {
            "attempts": [one.to_json() for one in webhooks.attempts()],
            "lost": list(webhooks.lost()),
            "workflows": [one.to_json() for one in workflows.attempts()],
        }

    def forget_deliveries(self) -> Wire:
        self._controls.webhooks.forget_attempts()
        return {}

    def flush(self) -> tuple[Wire, int]:
        timeout = float(request.args.get("timeout", 30))
        idle = self._controls.webhooks.flush(timeout) and self._controls.workflows.flush(timeout)
        return {"idle": idle}, 200 if idle else 504


def _rows(written: Sequence[Written]) -> list[list[str]]:
    return [[one.value, spell(one.at), one.source] for one in written]
