"""OAuth over HTTP, on the accounts server: the consent page, and tokens."""

from __future__ import annotations

from urllib.parse import urlencode

from flask import Blueprint, redirect, request
from werkzeug.wrappers import Response

from infra.sandbox._serving.errors import Wire
from infra.sandbox.zoho.oauth import OAuth, OAuthRefused


class OAuthApi:
    def __init__(self, oauth: OAuth) -> None:
        self._oauth = oauth

    def page(self) -> Blueprint:
        page = Blueprint("oauth_page", __name__)
        page.get("/oauth/v2/auth")(self.authorize)
        return page

    def tokens(self) -> Blueprint:
        api = Blueprint("oauth_tokens", __name__)
        api.post("/oauth/v2/token")(self.give_token)
        api.post("/oauth/v2/token/revoke")(self.revoke)
        return api

    def authorize(self) -> Response:
        """Whoever is asked agrees. Back with a code, and with where to exchange it."""
        asked = request.args
        if asked.get("client_id") != self._oauth.app.client_id:
            raise OAuthRefused("invalid_client")
        target = asked.get("redirect_uri", "")
        scopes = [one for one in asked.get("scope", "").replace(",", " ").split() if one]
        offline = asked.get("access_type") == "offline"
        code = self._oauth.grant_code(scopes, redirect_uri=target, offline=offline)
        answer = {"code": code, "location": "us", "accounts-server": self._oauth.api_domain}
        answer |= {"state": asked["state"]} if "state" in asked else {}
        return redirect(f"{target}{'&' if '?' in target else '?'}{urlencode(answer)}")

    def give_token(self) -> Wire:
        form = request.values
        client = form.get("client_id", ""), form.get("client_secret", "")
        match form.get("grant_type"):
            case "authorization_code":
                code, target = form.get("code", ""), form.get("redirect_uri", "")
                return self._oauth.exchange(*client, code, target)
            case "refresh_token":
                return self._oauth.refresh(*client, form.get("refresh_token", ""))
            case _:
                raise OAuthRefused("unsupported_grant_type")

    def revoke(self) -> Wire:
        self._oauth.revoke(request.values.get("token", ""))
        return {"status": "success"}
