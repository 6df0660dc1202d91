"""``/actions/watch``: channels made, listed, renewed, given up."""

from __future__ import annotations

from collections.abc import Callable

from flask import Response, request

from infra.sandbox._serving.errors import Wire
from infra.sandbox.zoho.batches import Act, Answer, each, rows, success
from infra.sandbox.zoho.channels import Channel, Channels, resource
from infra.sandbox.zoho.errors import ApiError, invalid, missing_parameter
from infra.sandbox.zoho.gate import Needs, Routes
from infra.sandbox.zoho.modules import MODULES, Module
from infra.sandbox.zoho.org import Org

MOST = 50
LONGEST = 512
_PATH = "/crm/v8/actions/watch"


class WatchApi:
    def __init__(self, org: Org, channels: Channels) -> None:
        self._org = org
        self._channels = channels

    def add_to(self, routes: Routes) -> None:
        routes.add(f"POST {_PATH}", self.enable, Needs("notifications.CREATE"))
        routes.add(f"PUT {_PATH}", self.replace, Needs("notifications.UPDATE"))
        routes.add(f"GET {_PATH}", self.list, Needs("notifications.READ"))
        routes.add(f"DELETE {_PATH}", self.disable, Needs("notifications.DELETE"))

    def enable(self) -> Answer:
        return self._each(self._channels.keep, "Successfully subscribed for actions-watch", 201)

    def replace(self) -> Answer:
        return self._each(self._channels.renew, "Successfully updated the subscribe details", 200)

    def list(self) -> Wire | Response:
        wanted, module = request.args.get("channel_id"), request.args.get("module")
        if module and module not in MODULES:
            raise ApiError(400, "INVALID_MODULE", "the module name given seems to be invalid")
        found = [
            self._described(one, kind)
            for one in self._channels.live()
            if not wanted or one.id == wanted
            for kind in _modules(one)
            if not module or kind.name == module
        ]
        if not found:
            return Response(status=204)
        info = {"per_page": 200, "page": 1, "count": len(found), "more_records": False}
        return {"watch": found, "info": info}

    def disable(self) -> Answer:
        text = request.args.get("channel_ids", "")
        if not text:
            raise missing_parameter("channel_ids")
        if len(text) > LONGEST:
            raise invalid("invalid data", param_name="channel_ids", maximum_length=LONGEST)

        def act(item: Wire) -> Wire:
            channel = self._channels.get(item["channel_id"])
            self._channels.drop(channel.id)
            kind = _modules(channel)[0]
            details = {
                "resource_uri": resource(channel, kind, "UTC")["resource_uri"],
                "resource_id": kind.id,
                "channel_id": channel.id,
            }
            return success("Successfully removed the subscribe details", details)

        items: list[Wire] = [{"channel_id": one} for one in text.split(",")]
        return each("watch", items, act, 200, self._org.guesses.mixed_status)

    def _each(self, keep: Callable[[Wire], Channel], message: str, status: int) -> Answer:
        _, items = rows("watch", MOST)
        zone = self._org.settings.time_zone

        def act(item: Wire) -> Wire:
            channel = keep(item)
            told = [resource(channel, kind, zone) for kind in _modules(channel)]
            return success(message, {"events": told})

        acting: Act = act
        return each("watch", items, acting, status, self._org.guesses.mixed_status)

    def _described(self, channel: Channel, kind: Module) -> Wire:
        return resource(channel, kind, self._org.settings.time_zone) | {
            "events": [one for one in channel.events if one.startswith(f"{kind.name}.")],
            "notify_url": channel.url,
            "token": channel.token or None,
            "notify_on_related_action": channel.related,
            "return_affected_field_values": channel.values,
            "notification_condition": list(channel.condition) or None,
        }


def _modules(channel: Channel) -> list[Module]:
    return [MODULES[one] for one in dict.fromkeys(one.partition(".")[0] for one in channel.events)]
