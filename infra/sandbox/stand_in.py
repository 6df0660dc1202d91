"""What the demo, the benchmarks and the end-to-end suites ask of any stand-in CRM.

A folder of ``infra/sandbox`` that declares ``start`` is a stand-in, and being there is being
registered, as in ``connectors``. What people do in a CRM has words of no CRM here.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, Protocol

from chalicelib.core.connector import Secret
from chalicelib.core.errors import UnknownConnection
from chalicelib.core.model import Kind, Ref
from chalicelib.core.policy import Attribute, Policy

if TYPE_CHECKING:
    from infra.sandbox._serving.deliveries import Attempt
    from infra.sandbox._serving.fault_plan import FaultPlan

Stage = Literal["open", "won", "lost"]


@dataclass(frozen=True, slots=True)
class Person:
    """``active`` is when they last did something, by kind of activity, as the CRM itself notes it:
    a kind that it has no place for is left out. ``created_at`` counts for whom one loads.
    """

    email: str
    title: str = ""
    name: tuple[str, str] = ("", "")
    country: str = ""
    phone: str = ""
    active: Mapping[str, datetime] = field(default_factory=dict, hash=False)
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Deal:
    """``amount`` is in major units, as ``"10.00"``; an open deal is only expected ``closed_at``.

    ``step`` is a place in the pipeline by the CRM's own name, where ``stage`` says too little.
    """

    amount: str
    currency: str
    stage: Stage = "open"
    closed_at: datetime | None = None
    name: str = "Order"
    step: str = ""


@dataclass(frozen=True, slots=True)
class Revision:
    """One time that a field was written, be it with the value that it had; ``ours`` by Emtiaz."""

    at: datetime
    value: str
    ours: bool


class People(Protocol):
    """At work in the CRM. Records are named by their ids there; ``load_…`` tells nobody."""

    def now(self) -> datetime: ...

    def pass_time(self, span: timedelta) -> None: ...

    def load_company(self, name: str, employees: int) -> str: ...

    def load_person(self, person: Person, company: str = "") -> str: ...

    def load_deal(self, person: str, deal: Deal) -> str: ...

    def add_person(self, person: Person) -> str: ...

    def add_deal(self, person: str, deal: Deal) -> str: ...

    def set_title(self, person: str, title: str) -> None: ...

    def set_country(self, person: str, country: str) -> None: ...

    def set_phone(self, person: str, phone: str) -> None: ...

    def set_email(self, person: str, email: str) -> None: ...

    def set_amount(self, deal: str, amount: str) -> None: ...

    def set_deal(self, deal: str, to: Deal) -> None: ...

    def win(self, deal: str) -> None: ...

    def part(self, deal: str, person: str) -> None:
        """The deal is no longer that person's."""
        ...

    def delete_person(self, person: str) -> None: ...

    def restore_person(self, person: str) -> None: ...

    def erase_person(self, person: str) -> None:
        """For good, in whatever way the CRM offers."""
        ...

    def delete_deal(self, deal: str) -> None: ...

    def merge(self, survivor: str, loser: str) -> None: ...

    def keep(self, kind: Kind, fields: Mapping[str, str], record: str = "") -> str:
        """Change a record, or make a new one, by the CRM's own names of fields. Returns its id.

        A person's id is like those of ``add_person``. A company that is new is nobody's yet.
        """
        ...

    def join(self, person: str, company: str) -> None: ...

    def note(self, person: str, field: str, at: datetime) -> None:
        """The CRM itself notes an instant in one of its own fields, and tells nobody."""
        ...

    def everybody(self) -> Sequence[str]:
        """Ids of the people that the CRM shows."""
        ...

    def shown(self, person: str) -> Mapping[str, str]:
        """What the record shows of ours, by output name; what is empty is left out."""
        ...

    def revisions(self, person: str, output: str) -> Sequence[Revision]:
        """Of one of our fields, oldest first."""
        ...

    def record_url(self, person: str) -> str: ...


class Faults(Protocol):
    """Unkindness of the CRM's API."""

    def follow(self, plan: FaultPlan) -> None: ...

    def clear(self) -> None: ...

    def struck(self) -> Mapping[str, int]: ...

    def outage(self) -> None: ...

    def lift(self) -> None: ...

    def outage_calls(self) -> Sequence[datetime]: ...


class Requests(Protocol):
    """Calls of the CRM's API so far, by route."""

    def counts(self) -> Mapping[str, int]: ...

    def reset(self) -> None: ...


class StandIn(Protocol):
    """A stand-in CRM, running in this process and serving on loopback."""

    @property
    def url(self) -> str: ...

    @property
    def faults(self) -> Faults: ...

    @property
    def requests(self) -> Requests: ...

    @property
    def people(self) -> People: ...

    def ref(self, connection: str, person: str) -> Ref: ...

    def credentials(self) -> tuple[Sequence[str], Mapping[str, str]]:
        """What ``emtiaz connect CRM`` is given: arguments, and environment."""
        ...

    def granted(self, address: str) -> Secret:
        """Of a connection whose webhooks go to ``address``, by OAuth: its tokens come to an end."""
        ...

    def define(self, attribute: Attribute) -> None:
        """Make the field that a policy asks an admin to add, if it is not there."""
        ...

    def subscribe(self, address: str, policy: Policy, **unkindness: Any) -> None:
        """What an admin does in the CRM, so that it rings; and how unkindly it does from now on:

        ``duplicate_share``, ``shuffle``, ``delay_ms``, ``gather_ms``, ``seed``.
        """
        ...

    def flush(self, seconds: float) -> bool:
        """Wait until everything that rang is delivered; whether it was."""
        ...

    def told(self) -> int:
        """Events of changes that people made so far, each once however often it is sent."""
        ...

    def attempts(self) -> Sequence[Attempt]:
        """To deliver something, in the order in which they ended."""
        ...

    def writes(self) -> int:
        """Calls of the API so far that wrote to records of people."""
        ...

    def dump(self) -> Mapping[str, Any]:
        """All that it holds, in the CRM's own words: records by kind, deleted ones too, with
        whatever ``tests/oracle`` has to know of them.
        """
        ...

    def least_calls(self, people: int, deals: int, companies: int) -> Mapping[str, int]:
        """How few calls of the API can read so many records of changed people and write these
        people, by what they are for.
        """
        ...

    def promotion(self, person: str) -> str:
        """A line for a shell that makes somebody a CEO, for whoever tries the demo."""
        ...

    def allow(self, calls_per_second: int) -> None:
        """Set the limits of the API aside for a storm."""
        ...


Start = Callable[..., AbstractContextManager[StandIn]]
"""``start(currency="USD", account=1)`` serves a stand-in until its context ends.

``account`` tells apart several of one CRM, by id and by credentials. Currencies other than that
of the account are not known there, where it is not ``USD``.
"""


def names() -> tuple[str, ...]:
    """Of the CRMs that there is a stand-in of; sorted."""
    import infra.sandbox as here

    rooms = (one.name for one in pkgutil.iter_modules(here.__path__) if one.ispkg)
    return tuple(sorted(name for name in rooms if not name.startswith("_")))


def starter(crm: str) -> Start:
    """Raises UnknownConnection."""
    if crm not in names():
        raise UnknownConnection(f"no stand-in {crm!r}; there are {', '.join(names())}")
    start: Start = import_module(f"infra.sandbox.{crm}").start
    return start
