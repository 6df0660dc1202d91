"""What an organisation holds, and how it is looked up."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from itertools import count
from threading import RLock

from infra.sandbox.zoho.errors import wrong_id
from infra.sandbox.zoho.instants import to_seconds
from infra.sandbox.zoho.modules import DEALS, MODULES, PRODUCTS, RELATED, Module
from infra.sandbox.zoho.records import Actor, Record, User, Value
from infra.sandbox.zoho.schema import Schema
from infra.sandbox.zoho.settings import Guesses, Settings
from infra.sandbox.zoho.tags import Palette

REP = User("5725767000000222001", "Parisa Boyle", "p.boyle@example.com")
ROBOT = User("5725767000000411001", "Emtiaz Robot", "robot@example.com")
IMPORT = Actor(REP, "Import")
AT_WORK = Actor(REP)
APP = Actor(ROBOT, "API")
ZOHO = Actor(REP, "Zoho")


class Organisation:
    """``clock`` gives the present."""

    def __init__(self, settings: Settings, clock: Callable[[], datetime]) -> None:
        self.settings = settings
        self.guesses = Guesses()
        self.lock = RLock()
        self.users = (REP, ROBOT)
        self.rates: dict[str, str] = {settings.currency: "1", **settings.exchange_rates}
        self._clock = clock
        self._ids = map(str, count(5725767000000500001))
        self.schema = Schema(settings.limits, self.new_id)
        self.palettes = {one: Palette(settings.limits, self.new_id) for one in MODULES.values()}
        self._products: dict[str, list[str]] = {}
        self._records: dict[Module, dict[str, Record]] = {one: {} for one in MODULES.values()}

    def now(self) -> datetime:
        return to_seconds(self._clock())

    def new_id(self) -> str:
        return next(self._ids)

    def spell_zone(self) -> str:
        return self.settings.time_zone

    def is_user(self, user_id: str) -> bool:
        return any(one.id == user_id for one in self.users)

    def is_record(self, module: str, record_id: str) -> bool:
        modules = MODULES.values() if module == "*" else [MODULES[module]]
        return any(self.find(one, record_id) for one in modules)

    def is_currency(self, code: str) -> bool:
        return code in self.rates

    def user(self, user_id: str) -> User:
        return next(one for one in self.users if one.id == user_id)

    def every(self, module: Module) -> Iterator[Record]:
        """Also what is deleted."""
        return iter(list(self._records[module].values()))

    def records(self, module: Module) -> list[Record]:
        """What is there, in the order of ids."""
        return [one for one in self._records[module].values() if not one.deletion]

    def find(self, module: Module, record_id: str) -> Record | None:
        found = self._records[module].get(record_id)
        return found if found and not found.deletion else None

    def find_anywhere(self, record_id: str) -> Record | None:
        return next((one for m in MODULES.values() if (one := self.find(m, record_id))), None)

    def get(self, module: Module, record_id: str) -> Record:
        """Raises ``ApiError``."""
        if found := self.find(module, record_id):
            return found
        raise wrong_id()

    def get_deleted(self, module: Module, record_id: str) -> Record:
        """What is in the bin. Raises ``ApiError``."""
        found = self._records[module].get(record_id)
        if found and found.deletion and found.deletion.kind(self.now()) == "recycle":
            return found
        raise wrong_id()

    def related(self, record: Record, name: str) -> list[Record]:
        """Of one of the lists of ``RELATED``, and the products of a deal."""
        if (record.module, name) == (DEALS, "Products"):
            linked = (self.find(PRODUCTS, one) for one in self._products.get(record.id, ()))
            return [one for one in linked if one]
        module, lookup = RELATED[record.module][name]
        return [one for one in self.records(module) if one.values.get(lookup) == record.id]

    def link_product(self, deal_id: str, product_id: str) -> None:
        """What the deal is about; nobody is told."""
        self._products.setdefault(deal_id, []).append(product_id)

    def value(self, record: Record, name: str) -> Value:
        """Also of the fields that Zoho keeps itself."""
        own = _OWN.get(name)
        return own(record) if own else record.values.get(name)

    def _add(self, record: Record) -> None:
        self._records[record.module][record.id] = record


_OWN: Mapping[str, Callable[[Record], Value]] = {
    "id": lambda record: record.id,
    "Owner": lambda record: record.owner,
    "Created_Time": lambda record: record.created_at,
    "Modified_Time": lambda record: record.modified_at,
    "Last_Activity_Time": lambda record: record.active_at,
    "Created_By": lambda record: record.created_by.user.id,
    "Modified_By": lambda record: record.modified_by.user.id,
    "Full_Name": lambda record: record.name,
    "Tag": lambda record: list(record.tags),
}
