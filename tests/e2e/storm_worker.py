"""One worker of a storm: it polls a queue as Lambda would, and hands what it gets to ``app``.

``python storm_worker.py process``, ``write_back``, or ``receive PORT``, which serves the webhooks.
``nursery`` forks workers that are as warm as Lambda's: it reads a role from each line of its input,
and writes the process id of the worker.
``EMTIAZ_CRASH_AT`` may name an input or output at which the process ends, see
``tests.e2e.crashing``.
"""

import os
import signal
import sys
import time
from dataclasses import replace
from datetime import timedelta
from importlib import import_module

from tests.e2e.crashing import Points, watch

WRITE_TIMEOUT_S = 2.5
"""A stand-in applies what hangs within two seconds or never, where a CRM takes a hundred."""


HASTE = 10
"""A worker lives for some seconds only, so it waits for a tenth of what it would between tries."""

FORCED_EVERY = timedelta(seconds=1)
"""A stand-in ends tokens before their time, which no CRM does every few seconds."""


def main(role, *arguments):
    from chalicelib.pipeline import tokens
    from connectors import _http, names

    for crm in names():
        api = import_module(f"connectors.{crm}.api")
        api.DIALECT = replace(api.DIALECT, write_timeout_s=WRITE_TIMEOUT_S)
    tokens.FORCED_EVERY = FORCED_EVERY
    _http.sleep = lambda seconds: time.sleep(seconds / HASTE)
    if role == "receive":
        serve(int(arguments[0]))
    if role == "nursery":
        role = nursery()
    poll(role)


def serve(port):
    """One request at a time, as a Lambda function has it: Chalice keeps the request that it is at
    in the app, where threads would take each other's.
    """
    from http.server import HTTPServer

    from chalice.config import Config
    from chalice.local import LocalDevServer

    import app

    LocalDevServer(app.app, Config(), "127.0.0.1", port, server_cls=HTTPServer).serve_forever()


def nursery():
    """Returns in each child, with its role; whatever takes long to make is made before."""
    warm_up()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the dead
    for line in sys.stdin:
        child = os.fork()
        if not child:
            os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
            return line.strip()
        print(child, flush=True)
    return sys.exit()


def warm_up():
    """Everything imported, and the clients made: none has a connection yet."""
    import app
    import chalicelib.pipeline.process
    import chalicelib.pipeline.write_back
    from chalicelib.adapters.aws import client
    from chalicelib.adapters.tables import connection_of
    from connectors import names

    services = app.services()
    queues_and_secrets = services.intake, services.write_back, services.secrets
    made = [connection_of(store.item).client for store in (services.store, services.settings)]
    made += [client("sqs"), *(one.client for one in queues_and_secrets)]
    assert all(made)
    assert chalicelib.pipeline.process, chalicelib.pipeline.write_back
    assert all(import_module(f"connectors.{crm}.client") for crm in names())


def poll(role):
    import app
    from chalicelib.adapters.aws import client

    settings = app.settings()
    url = {"process": settings.intake_url, "write_back": settings.write_back_url}[role]
    handler = {"process": app.process, "write_back": app.write_back}[role]
    sqs = client("sqs")
    acknowledge = finish
    if "EMTIAZ_CRASH_AT" in os.environ:
        points = Points(os.environ["EMTIAZ_CRASH_AT"])
        watch(app.services(), points)
        acknowledge = points.around("queue.delete", finish)
    while True:
        if records := received(sqs, url):
            answer = handler({"Records": records}, None)
            acknowledge(sqs, url, records, answer["batchItemFailures"])


def received(sqs, url):
    answer = sqs.receive_message(
        QueueUrl=url,
        MaxNumberOfMessages=10,
        WaitTimeSeconds=1,
        AttributeNames=["ApproximateReceiveCount"],
    )
    return [
        {
            "messageId": message["MessageId"],
            "receiptHandle": message["ReceiptHandle"],
            "body": message["Body"],
            "attributes": message["Attributes"],
        }
        for message in answer.get("Messages", [])
    ]


def finish(sqs, url, records, failures):
    failed = {failure["itemIdentifier"] for failure in failures}
    done = [record for record in records if record["messageId"] not in failed]
    if done:
        entries = [
            {"Id": str(number), "ReceiptHandle": record["receiptHandle"]}
            for number, record in enumerate(done)
        ]
        sqs.delete_message_batch(QueueUrl=url, Entries=entries)


if __name__ == "__main__":
    main(*sys.argv[1:])
