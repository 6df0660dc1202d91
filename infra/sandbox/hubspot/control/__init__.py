"""What only a stand-in has: loading, playing the people, planning trouble, looking inside.

Everything is JSON under ``/_control``; nothing here needs a token, counts against the rate
limit or appears in the request log.
"""

from __future__ import annotations

from flask import Blueprint

from infra.sandbox._serving.control import CommonControl
from infra.sandbox.hubspot.control.controls import Controls
from infra.sandbox.hubspot.control.insight import Insight
from infra.sandbox.hubspot.control.people import People
from infra.sandbox.hubspot.control.tokens import Tokens
from infra.sandbox.hubspot.control.trouble import Trouble


def control_api(controls: Controls) -> Blueprint:
    api = Blueprint("control", __name__, url_prefix="/_control")
    People(controls).add_to(api)
    Trouble(controls).add_to(api)
    Tokens(controls).add_to(api)
    Insight(controls).add_to(api)
    CommonControl(controls.faults, controls.requests, controls.clock).add_to(api)
    return api
