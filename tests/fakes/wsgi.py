"""The routes of ``app.py`` as a WSGI application, for what speaks that."""

from http import HTTPStatus
from urllib.parse import quote

from chalice.test import Client

import app

METHODS = {"GET", "POST"}
FROM_THE_GATEWAY = 403, {"Content-Type": "application/json"}, b'{"message":"Forbidden"}'
"""What it answers for a method that no route has; no function hears of it."""


def application(environ, start_response):
    status, headers, body = answer_to(environ)
    told = [(name, str(value)) for name, value in headers.items()]
    start_response(f"{status} {HTTPStatus(status).phrase}", told)
    return [body]


def answer_to(environ):
    method = environ["REQUEST_METHOD"]
    if method not in METHODS:
        return FROM_THE_GATEWAY
    path = quote(environ["PATH_INFO"].encode("latin-1"))
    if environ.get("QUERY_STRING"):
        path += "?" + environ["QUERY_STRING"]
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    with Client(app.app) as client:
        answer = client.http.request(method, path, headers_of(environ), body)
    return answer.status_code, answer.headers, answer.body


def headers_of(environ):
    headers = {
        name.removeprefix("HTTP_").replace("_", "-").lower(): value
        for name, value in environ.items()
        if name.startswith("HTTP_")
    }
    if environ.get("CONTENT_TYPE"):
        headers["content-type"] = environ["CONTENT_TYPE"]
    return headers
