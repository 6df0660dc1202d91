"""The app's installation, as its admin sees it."""

from __future__ import annotations

from flask import Blueprint

from infra.sandbox._serving.control import read_as
from infra.sandbox._serving.errors import Wire
from infra.sandbox._serving.rate_limit import Rate
from infra.sandbox.hubspot import request_body
from infra.sandbox.hubspot.control.controls import Controls
from infra.sandbox.hubspot.oauth import TokenPolicy


class Tokens:
    def __init__(self, controls: Controls) -> None:
        self._controls = controls
        self._oauth = controls.oauth

    def add_to(self, api: Blueprint) -> None:
        api.post("/oauth/install")(self.install)
        api.delete("/oauth/grants")(self.uninstall)
        api.put("/oauth/policy")(self.set_policy)
        api.put("/oauth/limit")(self.limit_oauth_rate)
        api.get("/oauth")(self.state)

    def install(self) -> Wire:
        return self._oauth.install()

    def uninstall(self) -> Wire:
        self._oauth.uninstall()
        return {}

    def set_policy(self) -> Wire:
        self._oauth.policy = read_as(TokenPolicy, request_body.json_object())
        return {}

    def limit_oauth_rate(self) -> Wire:
        self._controls.oauth_limit.reset(read_as(Rate, request_body.json_object()))
        return {}

    def state(self) -> Wire:
        return {
            "refreshes": [one.to_json() for one in self._oauth.refreshes()],
            "refresh_tokens": list(self._oauth.refresh_tokens()),
        }
