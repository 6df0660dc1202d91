"""What is installed inside a CRM is written for: an installation, an account and a policy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from chalicelib.core.connector import Connection
from chalicelib.core.model import Kind, Language
from chalicelib.core.outputs import Output
from chalicelib.core.policy import Attribute


@dataclass(frozen=True, slots=True)
class Site:
    """``url`` is where webhooks go, ``redirect_urls`` where OAuth of an app returns to.

    ``outputs`` are written onto records of ``kinds``. ``connection`` and ``webhook_secret`` are
    known as far as the account was asked already.
    """

    url: str
    attributes: Sequence[Attribute]
    redirect_urls: Sequence[str] = ()
    outputs: Sequence[Output] = ()
    kinds: Sequence[Kind] = ("contact",)
    language: Language = "en"
    connection: Connection | None = None
    webhook_secret: str = field(default="", repr=False)
