"""The token endpoint of a My Domain."""

from __future__ import annotations

from flask import Blueprint, request

from infra.sandbox._serving.errors import Wire
from infra.sandbox.salesforce.errors import OAuthRefused
from infra.sandbox.salesforce.sessions import Sessions

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


class OAuthApi:
    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def blueprint(self) -> Blueprint:
        api = Blueprint("oauth", __name__, url_prefix="/services/oauth2")
        api.post("/token")(self.give_token)
        return api

    def give_token(self) -> Wire:
        form, url = request.form, request.host_url.rstrip("/")
        match form.get("grant_type"):
            case "client_credentials":
                return self._sessions.by_client(*_client(), url)
            case other if other == JWT_BEARER:
                return self._sessions.by_assertion(form.get("assertion", ""), url)
            case _:
                raise OAuthRefused("unsupported_grant_type", "grant type not supported")


def _client() -> tuple[str, str]:
    """From the body, or from HTTP's basic authentication."""
    basic = request.authorization
    if basic and basic.type == "basic":
        return basic.username or "", basic.password or ""
    return request.form.get("client_id", ""), request.form.get("client_secret", "")
