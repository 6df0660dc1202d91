"""OAuth over HTTP: the page that a person is sent to, and the tokens that an app asks for."""

from __future__ import annotations

from urllib.parse import urlencode

from flask import Blueprint, redirect, request
from werkzeug.wrappers import Response

from infra.sandbox._serving.errors import Wire
from infra.sandbox.hubspot.errors import ApiError, invalid
from infra.sandbox.hubspot.gate import acting_token
from infra.sandbox.hubspot.oauth import OAuth, OAuthRefused

_FORM = "application/x-www-form-urlencoded"


class OAuthApi:
    def __init__(self, oauth: OAuth) -> None:
        self._oauth = oauth

    def page(self) -> Blueprint:
        """``/oauth/authorize``; with an account id in between it is preselected."""
        page = Blueprint("oauth_page", __name__)
        page.get("/oauth/authorize")(self.authorize)
        page.get("/oauth/<int:hub_id>/authorize")(self.authorize)
        return page

    def tokens(self) -> Blueprint:
        api = Blueprint("oauth_tokens", __name__, url_prefix="/oauth/<oauth_version:version>/token")
        api.post("")(self.give_token)
        api.post("/introspect")(self.introspect)
        api.post("/revoke")(self.revoke)
        return api

    def installation(self) -> Blueprint:
        """For an app with its portal's token."""
        api = Blueprint("installation", __name__)
        api.delete("/appinstalls/<version:version>/external-install")(self.uninstall)
        return api

    def authorize(self, hub_id: int | None = None) -> Response:
        """Back to the app with a code; what is wrong is shown to the person instead."""
        asked = request.args
        if hub_id not in (None, self._oauth.hub_id):
            raise invalid(f"You have no access to account {hub_id}")
        redirect_uri = asked.get("redirect_uri", "")
        code = self._oauth.authorize(
            asked.get("client_id", ""),
            redirect_uri,
            asked.get("scope", "").split(),
            asked.get("optional_scope", "").split(),
        )
        answer = {"code": code} | ({"state": asked["state"]} if "state" in asked else {})
        return redirect(f"{redirect_uri}{'&' if '?' in redirect_uri else '?'}{urlencode(answer)}")

    def give_token(self) -> Wire:
        form = _form()
        client = form.get("client_id", ""), form.get("client_secret", "")
        match form.get("grant_type"):
            case "authorization_code":
                code, target = form.get("code", ""), form.get("redirect_uri", "")
                return self._oauth.exchange(*client, code, target)
            case "refresh_token":
                return self._oauth.refresh(*client, form.get("refresh_token", ""))
            case other:
                message = f"missing or unknown grant_type {other!r}"
                raise OAuthRefused("unsupported_grant_type", "BAD_GRANT_TYPE", message)

    def introspect(self) -> Wire:
        return self._oauth.introspect(self._hinted_token())

    def revoke(self) -> tuple[str, int]:
        self._oauth.revoke(self._hinted_token())
        return "", 200

    def uninstall(self) -> tuple[str, int]:
        if not acting_token().oauth:
            raise invalid("A static token was not installed by OAuth")
        self._oauth.uninstall()
        return "", 204

    def _hinted_token(self) -> str:
        """The guide sends it under the hint's own name, the API description as ``token``."""
        form = _form()
        self._oauth.refuse_wrong_client(form.get("client_id", ""), form.get("client_secret", ""))
        return form.get("token") or form.get(form.get("token_type_hint", ""), "")


def _form() -> dict[str, str]:
    """The body; a secret in the address, or another kind of body, is refused."""
    if request.mimetype != _FORM:
        raise ApiError(415, "VALIDATION_ERROR", f"Unsupported media type {request.mimetype!r}")
    if request.args:
        message = "parameters belong into the body"
        raise OAuthRefused("invalid_request", "BAD_REQUEST", message)
    return request.form.to_dict()
