"""A stand-in HubSpot: stateful, strict, on loopback, for the demo and the tests.

It answers the dated CRM API (contacts, companies, deals, tickets, products, line items, feedback;
searches, properties, associations, merges, pipelines, currencies, account details), grants OAuth
tokens, limits its callers, sends signed webhooks when a record changes, and shows a record as a
rep would see it. What only a stand-in has lives under ``/_control``, and in Python in ``remote``:
loading, playing people, faults by plan, outages, the guesses about HubSpot, insight.

It is our reading of HubSpot's documentation, not HubSpot: figures taken against it say so.

>>> with StandIn.start() as hubspot:
...     hubspot.url.startswith("http://127.0.0.1:")
True
"""

from infra.sandbox.hubspot.acting import start
from infra.sandbox.hubspot.server import StandIn

__all__ = ["StandIn", "start"]
