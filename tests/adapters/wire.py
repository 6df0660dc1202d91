"""Watching and disturbing what a store sends to DynamoDB."""

import json
from contextlib import contextmanager

from botocore.awsrequest import AWSResponse

from chalicelib.adapters.tables import connection_of


@contextmanager
def before_each(store, act):
    """Calls ``act(operation, request)`` before each request of the store.

    It may answer in the server's place, or raise as a broken line would.
    """

    def on_send(request, event_name, **_):
        return act(event_name.rsplit(".", 1)[-1], request)

    events = connection_of(store.item).client.meta.events
    events.register("before-send.dynamodb", on_send)
    try:
        yield
    finally:
        events.unregister("before-send.dynamodb", on_send)


@contextmanager
def operations_of(store):
    """Lists the requests that the store sends."""
    operations = []
    with before_each(store, lambda operation, _: operations.append(operation)):
        yield operations


@contextmanager
def answers_to(store, operation, *answers):
    """The first requests of ``operation`` get these answers; None lets one through."""
    waiting = list(answers)

    def act(name, _):
        return waiting.pop(0) if name == operation and waiting else None

    with before_each(store, act):
        yield waiting


def cancelled(*reasons):
    """A transaction that DynamoDB cancelled; one reason per item, None for those in order."""
    return refusal(
        "TransactionCanceledException",
        CancellationReasons=[{"Code": reason or "None"} for reason in reasons],
    )


def refusal(code, status=400, **more):
    body = {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": code, **more}
    return answer(status, body)


def answer(status, body):
    return AWSResponse("http://127.0.0.1", status, {}, Raw(json.dumps(body).encode()))


class Raw:
    """A body as urllib3 hands it over."""

    def __init__(self, content):
        self.content = content

    def stream(self, *_, **__):
        yield self.content
