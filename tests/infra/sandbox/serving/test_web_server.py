from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from http.client import HTTPConnection, IncompleteRead, RemoteDisconnected
from typing import Any

import pytest
from flask import Flask, request

from infra.sandbox._serving import web_server
from infra.sandbox._serving.web_server import LOOPBACK, WebServer

BODY = {"words": ["Farid", "سارا", "café"] * 50}


@pytest.fixture
def passages() -> list[web_server.Passage]:
    """How the next answers travel."""
    return []


@pytest.fixture
def caller(passages: list[web_server.Passage]) -> Iterator[HTTPConnection]:
    app = Flask("echo")

    @app.route("/<path:path>", methods=["GET", "POST"])
    def echo(path: str) -> dict[str, Any]:
        if passages:
            request.environ[web_server.PASSAGE] = passages.pop(0)
        query, length = request.args.get("q"), len(request.get_data())
        return {"path": path, "q": query, "length": length, **BODY}

    server = WebServer(0, app)
    server.start()
    connection = HTTPConnection(LOOPBACK, server.port, timeout=5)
    yield connection
    connection.close()
    server.stop()


def get(caller: HTTPConnection) -> Any:
    caller.request("GET", "/a")
    return json.loads(caller.getresponse().read())


def test_one_connection_serves_many_requests(caller: HTTPConnection) -> None:
    addresses = set()
    for n in range(3):
        caller.request("POST", f"/a%20b/%D8%B3?q=1%2B{n}", body="x" * n)
        answer = json.loads(caller.getresponse().read())
        assert (answer["path"], answer["q"], answer["length"]) == ("a b/س", f"1+{n}", n)
        addresses.add(caller.sock.getsockname())

    assert len(addresses) == 1


def test_a_caller_that_wants_no_second_answer_gets_none(caller: HTTPConnection) -> None:
    with socket.create_connection((LOOPBACK, caller.port), timeout=5) as line:
        line.sendall(b"GET /a HTTP/1.1\r\nConnection: close\r\n\r\n")
        while line.recv(4096):
            pass


def test_a_lost_answer_is_no_answer(
    caller: HTTPConnection, passages: list[web_server.Passage]
) -> None:
    passages += [web_server.lost, web_server.silent_for(0.01)]

    for _ in range(2):
        with pytest.raises(RemoteDisconnected):
            get(caller)
    assert get(caller)["path"] == "a"


def test_a_dribbling_answer_is_complete(
    caller: HTTPConnection, passages: list[web_server.Passage]
) -> None:
    passages.append(web_server.dribbling_for(0.01))

    assert get(caller)["words"] == BODY["words"]
    assert get(caller)["words"] == BODY["words"]


def test_half_an_answer_shows_by_its_length_or_only_by_its_content(
    caller: HTTPConnection, passages: list[web_server.Passage]
) -> None:
    passages += [web_server.cut_in_half, web_server.cut_in_half_unnoticed]

    with pytest.raises(IncompleteRead):
        get(caller)
    caller.close()
    with pytest.raises(json.JSONDecodeError):
        get(caller)
    assert get(caller)["path"] == "a"


def test_stopping_ends_idle_and_silent_connections() -> None:
    server = WebServer(0, Flask("empty"))
    server.start()
    caller = HTTPConnection(LOOPBACK, server.port, timeout=5)
    caller.request("GET", "/")
    caller.getresponse().read()
    server.stop()

    assert caller.sock.recv(1) == b""
    caller.close()
