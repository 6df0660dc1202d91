"""What an organisation says of itself: modules, fields, pipelines, users, currencies."""

from __future__ import annotations

from functools import partial

from flask import Response, request

from infra.sandbox._serving import request_body
from infra.sandbox._serving.errors import Wire
from infra.sandbox.zoho.batches import Answer, json_body
from infra.sandbox.zoho.errors import ApiError, missing_parameter, refused
from infra.sandbox.zoho.gate import Needs, Routes
from infra.sandbox.zoho.instants import spell
from infra.sandbox.zoho.modules import DEALS, MODULES, RELATED, Module, module_named
from infra.sandbox.zoho.org import Org
from infra.sandbox.zoho.organisation import ROBOT
from infra.sandbox.zoho.records import User
from infra.sandbox.zoho.tags_api import asked_module
from infra.sandbox.zoho.wire import SYMBOLS

_ALL_FAILED = 400


class SettingsApi:
    def __init__(self, org: Org) -> None:
        self._org = org

    def add_to(self, routes: Routes) -> None:
        add = partial(self._add, routes)
        add("GET", "modules", self.modules, "settings.modules.READ")
        add("GET", "modules/<module>", self.module, "settings.modules.READ")
        add("GET", "fields", self.fields, "settings.fields.READ")
        add("POST", "fields", self.create_fields, "settings.fields.CREATE")
        add("PATCH", "fields/<field_id>", self.change_field, "settings.fields.UPDATE")
        add("GET", "layouts", self.layouts, "settings.layouts.READ")
        add("GET", "pipeline", self.pipeline, "settings.pipeline.READ")
        add("GET", "related_lists", self.related_lists, "settings.related_lists.READ")
        routes.add("GET /crm/v8/org", self.org, Needs("org.READ"))
        routes.add("GET /crm/v8/org/currencies", self.currencies, Needs("settings.currencies.READ"))
        routes.add("GET /crm/v8/users", self.users, Needs("users.READ"))

    def _add(self, routes: Routes, method: str, path: str, view: object, scope: str) -> None:
        assert callable(view)
        routes.add(f"{method} /crm/v8/settings/{path}", view, Needs(scope))

    def modules(self) -> Wire:
        return {"modules": [_module(one) for one in MODULES.values()]}

    def module(self, module: str) -> Wire:
        return {"modules": [_module(module_named(module))]}

    def fields(self) -> Wire:
        """Of everybody: the currencies are values of a pick list."""
        with self._org.lock:
            fields = self._org.schema.fields(asked_module())
            return {"fields": [one.to_json() for one in fields.values() if one.name[0] != "$"]}

    def create_fields(self) -> Answer:
        module, body = asked_module(), json_body()
        rows = request_body.objects(body, "fields", refused)
        with self._org.lock:
            entries = self._org.schema.create(module, rows)
        failed = sum(one["status"] == "error" for one in entries)
        mixed = self._org.guesses.mixed_status if failed else 201
        return {"fields": entries}, _ALL_FAILED if failed == len(entries) else mixed

    def change_field(self, field_id: str) -> Wire:
        module, body = asked_module(), json_body()
        rows = request_body.objects(body, "fields", refused)
        with self._org.lock:
            return {"fields": [self._org.schema.change(module, field_id, one) for one in rows]}

    def layouts(self) -> Wire:
        """One, with every field on it."""
        module = asked_module()
        fields = self._org.schema.fields(module).values()
        shown = [{"id": one.id, "api_name": one.name} for one in fields if one.name[0] != "$"]
        layout = {
            "id": _layout_id(module),
            "name": "Standard",
            "display_label": "Standard",
            "status": "active",
            "visible": True,
            "sections": [{"display_label": f"{module.singular} Information", "fields": shown}],
        }
        return {"layouts": [layout]}

    def pipeline(self) -> Wire:
        if "layout_id" not in request.args:
            raise missing_parameter("layout_id")
        if request.args["layout_id"] != _layout_id(DEALS):
            raise ApiError(400, "INVALID_DATA", "the layout_id is invalid")
        stages = self._org.schema.fields(DEALS)["Stage"].values
        one = {
            "id": "5725767000000006817",
            "display_value": "Standard (Standard)",
            "actual_value": "Standard (Standard)",
            "default": True,
            "maps": [stage.to_json(number) for number, stage in enumerate(stages, 1)],
        }
        return {"pipeline": [one]}

    def related_lists(self) -> Wire | Response:
        module = asked_module()
        lists = [
            {
                "id": f"5725767{module.number:06}{number:06}",
                "api_name": name,
                "display_label": name,
                "name": name,
                "module": {"api_name": other.name, "id": other.id},
                "href": f"{module.name}/{{ENTITYID}}/{name}",
                "type": "default",
                "status": "visible",
            }
            for number, (name, (other, _)) in enumerate(RELATED.get(module, {}).items(), 1)
        ]
        return {"related_lists": lists} if lists else Response(status=204)

    def org(self) -> Wire:
        settings = self._org.settings
        license_details = {
            "paid": settings.edition != "free",
            "paid_type": settings.edition,
            "users_license_purchased": settings.users,
        }
        one = {
            "id": settings.org_id,
            "zgid": settings.zgid,
            "company_name": "Stand-in organisation",
            "iso_code": settings.currency,
            "currency": settings.currency,
            "currency_symbol": SYMBOLS.get(settings.currency, settings.currency),
            "mc_status": bool(settings.exchange_rates),
            "time_zone": settings.time_zone,
            "type": "production",
            "license_details": license_details,
        }
        return {"org": [one]}

    def currencies(self) -> Wire:
        with self._org.lock:
            rates = dict(self._org.rates)
        return {"currencies": [self._currency(n, *one) for n, one in enumerate(rates.items(), 1)]}

    def users(self) -> Wire | Response:
        match request.args.get("type", "AllUsers"):
            case "CurrentUser":
                found = [ROBOT]
            case "AllUsers" | "ActiveUsers" | "ActiveConfirmedUsers":
                found = [*self._org.users]
            case _:
                return Response(status=204)
        info = {"per_page": 200, "count": len(found), "page": 1, "more_records": False}
        return {"users": [self._user(one) for one in found], "info": info}

    def _currency(self, number: int, code: str, rate: str) -> Wire:
        return {
            "id": f"5725767{number:012}",
            "iso_code": code,
            "name": code,
            "symbol": SYMBOLS.get(code, code),
            "exchange_rate": f"{float(rate):.9f}",
            "is_base": code == self._org.settings.currency,
            "is_active": True,
            "prefix_symbol": True,
            "modified_time": spell(self._org.now(), self._org.settings.time_zone),
        }

    def _user(self, user: User) -> Wire:
        first, _, last = user.name.partition(" ")
        return {
            "id": user.id,
            "full_name": user.name,
            "first_name": first,
            "last_name": last,
            "email": user.email,
            "status": "active",
            "confirm": True,
            "time_zone": self._org.settings.time_zone,
            "role": {"name": "CEO", "id": "5725767000000026005"},
            "profile": {"name": "Administrator", "id": "5725767000000026011"},
        }


def _module(module: Module) -> Wire:
    return {
        "id": module.id,
        "api_name": module.name,
        "module_name": module.name,
        "singular_label": module.singular,
        "plural_label": module.name,
        "api_supported": True,
        "viewable": True,
        "editable": True,
        "creatable": True,
        "deletable": True,
        "visible": True,
        "generated_type": "default",
    }


def _layout_id(module: Module) -> str:
    return f"5725767{module.number:012}"
