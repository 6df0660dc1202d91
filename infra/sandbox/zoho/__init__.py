"""A stand-in Zoho CRM: stateful, strict, on loopback, for the demo and the tests.

It answers version 8 of the API (records, COQL, tags, settings, notification channels), grants
OAuth tokens as Zoho does, limits credits and concurrency, rings the channels and fires the
webhooks of workflow rules when a record changes, and shows a record as a rep would see it.

It is our reading of Zoho's documentation, not Zoho: figures taken against it say so.

>>> with start() as zoho:
...     zoho.url.startswith("http://127.0.0.1:")
True
"""

from infra.sandbox.zoho.server import StandIn, start

__all__ = ["StandIn", "start"]
