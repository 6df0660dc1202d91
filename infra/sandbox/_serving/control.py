"""What the control API of every stand-in offers: faults, outages, the log of requests, time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from flask import Blueprint, request

from infra.sandbox._serving import request_body
from infra.sandbox._serving.clock import Clock
from infra.sandbox._serving.errors import Wire, invalid
from infra.sandbox._serving.fault_plan import FaultPlan
from infra.sandbox._serving.faults import Fault, Faults
from infra.sandbox._serving.instants import read, spell
from infra.sandbox._serving.request_log import RequestLog

Shape = TypeVar("Shape")


def read_as(shape: Callable[..., Shape], body: Wire) -> Shape:
    """Raises ``ApiError`` for other members than the shape has."""
    try:
        return shape(**body)
    except TypeError as wrong:
        raise invalid(str(wrong)) from wrong


class CommonControl:
    def __init__(self, faults: Faults, requests: RequestLog, clock: Clock) -> None:
        self._faults = faults
        self._requests = requests
        self._clock = clock

    def add_to(self, api: Blueprint) -> None:
        api.post("/faults")(self.plan_fault)
        api.put("/fault-plan")(self.follow_plan)
        api.get("/faults")(self.faults)
        api.delete("/faults")(self.clear_faults)
        api.put("/outage")(self.begin_outage)
        api.delete("/outage")(self.lift_outage)
        api.get("/requests")(self.requests)
        api.delete("/requests")(self.forget_requests)
        api.post("/clock")(self.advance)

    def plan_fault(self) -> Wire:
        self._faults.plan(read_as(Fault, request_body.json_object()))
        return {}

    def follow_plan(self) -> Wire:
        self._faults.follow(FaultPlan.from_json(request_body.json_object()))
        return {}

    def faults(self) -> Wire:
        return self._faults.to_json()

    def clear_faults(self) -> Wire:
        self._faults.clear()
        return {}

    def begin_outage(self) -> Wire:
        """``{"mode": "503" or "close", "until": an instant}``, both optional."""
        body = request_body.json_object()
        until = body.get("until")
        self._faults.outage(body.get("mode", "503"), read(until) if until else None)
        return {}

    def lift_outage(self) -> Wire:
        self._faults.lift()
        return {}

    def requests(self) -> Wire:
        """``?entries=no`` for the counts alone."""
        return self._requests.to_json(entries=request.args.get("entries") != "no")

    def forget_requests(self) -> Wire:
        self._requests.reset()
        return {}

    def advance(self) -> Wire:
        """``{"seconds": 1800}``: that much later all at once."""
        seconds = float(request_body.json_object().get("seconds", 0))
        self._clock.advance(timedelta(seconds=seconds))
        return {"now": spell(self._clock.now())}
