"""A stand-in Salesforce: stateful, strict, on loopback, for the demo and the tests.

It grants tokens, describes its objects, answers queries, reads and writes collections, runs bulk
queries, limits its callers, locks rows and enforces what admins demand; and it rings in three
ways when a record changes: with outbound messages, with callouts of flows, and with change events
on an event bus. What only a stand-in has lives under ``/_control``.

It is our reading of Salesforce's documentation, not Salesforce: figures taken against it say so.

>>> with StandIn.start() as salesforce:
...     salesforce.url.startswith("http://127.0.0.1:")
True
"""

from infra.sandbox.salesforce.acting import start
from infra.sandbox.salesforce.server import StandIn

__all__ = ["StandIn", "start"]
