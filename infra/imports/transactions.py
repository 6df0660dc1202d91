"""A table of who bought when, and for how much, of which predictions are made offline.

Columns are known by their headings, in English or Persian, or named by the caller. Days may stand
in either calendar and digits be Persian or Latin, as in ``infra.imports.sales``.
"""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from itertools import chain
from zoneinfo import ZoneInfo

from chalicelib.core.model import Money
from chalicelib.core.purchases import Sale
from chalicelib.localization.letters import display_form, key_form
from chalicelib.localization.reading import instant_of, money_of
from infra.imports.sales import DELIMITERS, TableUnreadable

HEADINGS: Mapping[str, tuple[str, ...]] = {
    "customer": (
        "customer", "customer id", "customer no", "client", "client id", "user", "user id",
        "contact", "contact id", "buyer", "email", "phone", "mobile",
        "مشتری", "شناسه مشتری", "کد مشتری", "شماره مشتری", "خریدار", "ایمیل", "موبایل",
        "شماره موبایل", "تلفن", "شماره تلفن", "شماره تماس", "نام مشتری",
    ),
    "date": (
        "date", "day", "order date", "invoice date", "purchase date", "occurred at", "ordered at",
        "created at", "timestamp", "time",
        "تاریخ", "تاریخ خرید", "تاریخ سفارش", "تاریخ فاکتور", "تاریخ ثبت", "روز",
    ),
    "amount": (
        "amount", "total", "revenue", "order total", "sum", "sales", "value", "price",
        "مبلغ", "مبلغ کل", "جمع کل", "جمع", "مبلغ خرید", "مبلغ سفارش", "مبلغ فاکتور", "قیمت",
    ),
    "currency": ("currency", "ارز", "واحد پول", "واحد"),
    "id": (
        "id", "order", "order id", "order no", "invoice", "invoice id", "invoice no",
        "transaction", "transaction id",
        "شماره سفارش", "کد سفارش", "شماره فاکتور", "فاکتور", "سفارش", "شناسه", "شماره",
    ),
    "returns": (
        "returns", "return of", "refund of", "refunds", "purchase",
        "برگشت از", "برگشت سفارش", "مرجوعی سفارش", "مرجوعی",
    ),
}  # fmt: skip
"""What a column may be called to be taken for that field; of several, the first that is there."""

FIELDS = tuple(HEADINGS)
NEEDED = ("customer", "date")
IGNORED = "_"
UNPRICED = Money(1, "")
"""What is taken for the sum of a purchase in a table that has no sums."""

_ONE_TOMAN = Money(10, "IRR")
_CODE = re.compile("[A-Z]{3}")
_LONGEST_CELL = 40


@dataclass(frozen=True, slots=True)
class Reading:
    """How a table is meant.

    ``columns`` names the columns of a table without a heading, in order, ``_`` for what is not
    read; ``fields`` maps names of columns whose heading does not say it. ``currency`` is that of
    sums that name none, ``zone`` that of days and times, ``date_format`` one of ``strptime``.
    """

    zone: ZoneInfo
    currency: str | None = None
    columns: Sequence[str] = ()
    fields: Mapping[str, str] = field(default_factory=dict)
    date_format: str | None = None


@dataclass(frozen=True, slots=True)
class RowFault:
    """What is wrong in a line, and what to write instead."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Bills:
    """What one customer bought, by id, and what went back of it, in no order."""

    sales: dict[str, Sale] = field(default_factory=dict)
    refunds: list[Sale] = field(default_factory=list)

    def sell(self, sale: Sale) -> None:
        """Lines of one order are one sale, made when the first of them was."""
        held = self.sales.get(sale.id)
        if held:
            worth = Money(held.worth.amount + sale.worth.amount, sale.worth.currency)
            sale = Sale(sale.id, min(held.at, sale.at), worth, worth, sale.data)
        self.sales[sale.id] = sale


@dataclass(frozen=True, slots=True)
class Transactions:
    """``rows`` counts those that were read; ``unpriced`` says that the table has no sums."""

    by_customer: Mapping[str, Bills]
    faults: Sequence[RowFault]
    rows: int
    zeros: int
    unpriced: bool


def read(lines: Iterable[str], reading: Reading) -> Transactions:
    """Raises ``TableUnreadable`` where not even the columns can be told."""
    texts = iter(lines)
    first = next((line for line in texts if line.strip()), "")
    if not first:
        raise TableUnreadable("is empty: it needs a line for each purchase")
    delimiter = _delimiter(first)
    if reading.columns:
        return _Table(reading, _named(reading.columns), delimiter).read(chain((first,), texts), 0)
    heading = next(csv.reader([first.strip()], delimiter=delimiter, skipinitialspace=True))
    return _Table(reading, _recognised(heading, reading.fields), delimiter).read(texts, 1)


def _delimiter(line: str) -> str:
    """A space where there is nothing better: runs of spaces stand between columns then."""
    best = max(DELIMITERS, key=line.count)
    return best if best in line else " "


def _named(columns: Sequence[str]) -> list[str]:
    unknown = [name for name in columns if name not in (*FIELDS, IGNORED)]
    if unknown:
        known = ", ".join(FIELDS)
        raise TableUnreadable(f"{unknown[0]} is no field; there are {known}, and _ for the rest")
    return _whole(list(columns), "--columns names no {}")


def _recognised(heading: Sequence[str], fields: Mapping[str, str]) -> list[str]:
    names = [display_form(name) for name in heading]
    absent = [name for name in fields if display_form(name) not in names]
    unknown = [name for name in fields.values() if name not in FIELDS]
    if absent:
        raise TableUnreadable(f"no column {absent[0]}; there are {', '.join(names)}")
    if unknown:
        raise TableUnreadable(f"{unknown[0]} is no field; there are {', '.join(FIELDS)}")
    meant = [IGNORED] * len(names)
    for name, known in fields.items():
        meant[names.index(display_form(name))] = known
    plain = [_plain(name) for name in names]
    for known in (one for one in FIELDS if one not in meant):
        places = (plain.index(one) for one in map(_plain, HEADINGS[known]) if one in plain)
        if (place := next((one for one in places if meant[one] == IGNORED), None)) is not None:
            meant[place] = known
    shown = ", ".join(names)
    return _whole(
        meant,
        f"no column tells the {{}}; there are {shown}. Say which with --map COLUMN={{}}, or name "
        "the columns of a table without a heading with --columns",
    )


def _plain(name: str) -> str:
    return re.sub(r"[\s_.#-]+", "", key_form(name))


def _whole(meant: list[str], complaint: str) -> list[str]:
    for need in NEEDED:
        if need not in meant:
            raise TableUnreadable(complaint.format(need, need))
    doubled = [name for name in FIELDS if meant.count(name) > 1]
    if doubled:
        raise TableUnreadable(f"two columns are the {doubled[0]}; one must be")
    return meant


class _RowUnreadable(ValueError):
    """The reason, for ``RowFault``."""


class _Table:
    def __init__(self, reading: Reading, meant: list[str], delimiter: str) -> None:
        self._reading = reading
        self._meant = meant
        self._delimiter = delimiter
        self._places = {name: meant.index(name) for name in FIELDS if name in meant}
        self._currency: str | None = None
        self._zeros = 0

    def read(self, lines: Iterable[str], above: int) -> Transactions:
        """``above`` counts the lines of the file that stand before ``lines``."""
        found: defaultdict[str, Bills] = defaultdict(Bills)
        faults: list[RowFault] = []
        rows = 0
        for line, cells in self._rows(lines, above):
            rows += 1
            try:
                self._take(line, cells, found)
            except _RowUnreadable as error:
                faults.append(RowFault(line, str(error)))
        return Transactions(found, faults, rows, self._zeros, "amount" not in self._places)

    def _rows(self, lines: Iterable[str], above: int) -> Iterator[tuple[int, list[str]]]:
        stripped = (line.strip(" ") for line in lines) if self._delimiter == " " else lines
        reader = csv.reader(stripped, delimiter=self._delimiter, skipinitialspace=True)
        try:
            for cells in reader:
                if any(cell.strip() for cell in cells):
                    yield above + reader.line_num, cells
        except csv.Error as error:
            place = above + reader.line_num
            raise TableUnreadable(f"line {place} is no row of a table: {error}") from error

    def _take(self, line: int, cells: list[str], found: defaultdict[str, Bills]) -> None:
        if len(cells) != len(self._meant):
            raise _RowUnreadable(f"has {len(cells)} cells, and {len(self._meant)} are meant")
        told = {name: cells[place].strip() for name, place in self._places.items()}
        customer = display_form(told["customer"])
        if not customer:
            raise _RowUnreadable("names no customer")
        at, worth = self._at(told["date"]), self._worth(told)
        name = display_form(told.get("id", "")) or f"line {line}"
        back = display_form(told.get("returns", ""))
        if worth.amount == 0:
            self._zeros += 1
        elif worth.amount > 0 and not back:
            found[customer].sell(Sale(name, at, worth, worth, {}))
        elif back:
            found[customer].refunds.append(Sale(name, at, worth, worth, {"purchase": back}))
        else:
            raise _RowUnreadable(
                f"{_quoted(told['amount'])} is below zero and does not say of which purchase it "
                "is the refund: name that purchase's id in a column returns"
            )

    def _at(self, text: str) -> datetime:
        at = self._by_format(text) if self._reading.date_format else _instant(text, self._zone)
        if at is None:
            wanted = self._reading.date_format or "2026-03-21 or ۱۴۰۵/۱/۱"
            hint = "" if self._reading.date_format else ", or say how it is written: --date-format"
            raise _RowUnreadable(
                f"{_quoted(text)} is no day that can be read: write {wanted}{hint}"
            )
        return at

    @property
    def _zone(self) -> ZoneInfo:
        return self._reading.zone

    def _by_format(self, text: str) -> datetime | None:
        try:
            at = datetime.strptime(display_form(text), str(self._reading.date_format))  # noqa: DTZ007
        except ValueError:
            return None
        return at if at.tzinfo else at.replace(tzinfo=self._zone)

    def _worth(self, told: Mapping[str, str]) -> Money:
        if "amount" not in told:
            return UNPRICED
        worth = money_of(told["amount"], self._named_currency(told.get("currency", "")))
        if worth is None:
            raise _RowUnreadable(self._unreadable(told["amount"]))
        self._currency = self._currency or worth.currency
        if worth.currency != self._currency:
            raise _RowUnreadable(
                f"is in {worth.currency}, and what stands above in {self._currency}: convert it"
            )
        return worth

    def _named_currency(self, told: str) -> str | None:
        if not told:
            return self._reading.currency
        code = currency_code(told)
        if code is None:
            raise _RowUnreadable(
                f"{_quoted(told)} is no currency: write USD, IRR, تومان or the like"
            )
        return code

    def _unreadable(self, text: str) -> str:
        if text and money_of(text, "USD") is not None:
            return (
                f"{_quoted(text)} names no currency: say which with --currency, as USD, IRR for "
                "rial or IRT for toman"
            )
        return f"{_quoted(text)} is no sum that can be read: write 19.99, ۲۵۰٬۰۰۰ or ۲ میلیون تومان"


def currency_code(told: str) -> str | None:
    """Of a currency as people name it, IRT for toman; None for what is none.

    >>> currency_code("تومان"), currency_code("rial"), currency_code("chf"), currency_code("much")
    ('IRT', 'IRR', 'CHF', None)
    """
    known = money_of(f"1 {told}")
    if known is None:
        code = display_form(told).upper()
        return code if _CODE.fullmatch(code) else None
    return "IRT" if known == _ONE_TOMAN else known.currency


@lru_cache(maxsize=65536)
def _instant(text: str, zone: ZoneInfo) -> datetime | None:
    return instant_of(text, zone)


def _quoted(text: str) -> str:
    shown = text if len(text) <= _LONGEST_CELL else f"{text[:_LONGEST_CELL]}…"
    return f"“{shown}”" if text else "an empty cell"
