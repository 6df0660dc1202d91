"""COQL: the part of it that reads records of one module, as strictly as Zoho parses it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from infra.sandbox.zoho.errors import ApiError

MOST_COLUMNS = 50
MOST_CRITERIA = 25
MOST_VALUES = 50
MOST_ROWS = 2_000
DEFAULT_ROWS = 200
DEEPEST = 100_000

_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^'\\]|\\.)*')|(?P<number>-?\d+(?:\.\d+)?)\b|(?P<name>[$A-Za-z_][\w.$]*)"
    r"|(?P<sign><=|>=|!=|<|>|=|\(|\)|,))"
)
_COMPARATORS = ("=", "!=", "<", "<=", ">", ">=", "in", "not in", "like", "between",
                "is null", "is not null")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Criterion:
    field: str
    comparator: str
    value: Any = None


@dataclass(frozen=True, slots=True)
class Pair:
    """``and`` or ``or`` of two; more of them need brackets."""

    operator: str
    left: Condition
    right: Condition


Condition = Criterion | Pair


@dataclass(frozen=True, slots=True)
class Query:
    """``order`` has True for descending."""

    columns: tuple[str, ...]
    module: str
    where: Condition
    order: tuple[tuple[str, bool], ...]
    offset: int
    limit: int

    @property
    def credits(self) -> int:
        return 1 if self.limit <= 200 else 2 if self.limit <= 1_000 else 3  # noqa: PLR2004


def parse(text: str) -> Query:
    """Raises ``ApiError``."""
    return _Parser(_tokens(text)).query()


def criteria(condition: Condition) -> list[Criterion]:
    if isinstance(condition, Criterion):
        return [condition]
    return criteria(condition.left) + criteria(condition.right)


def _tokens(text: str) -> list[tuple[str, str]]:
    found, at = [], 0
    while text[at:].strip():
        token = _TOKEN.match(text, at)
        if token is None or token.lastgroup is None:
            raise syntax_error(text[at:].strip()[:20])
        found.append((token.lastgroup, token[token.lastgroup]))
        at = token.end()
    return found


class _Parser:
    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self._tokens = tokens
        self._at = 0

    def query(self) -> Query:
        self._word("select")
        columns = self._list(self._name)
        self._word("from")
        module = self._name()
        self._word("where")  # Zoho takes no query without
        where = self._condition()
        order = self._order()
        offset, limit = self._limit()
        if self._at < len(self._tokens):
            raise syntax_error(self._peek())
        query = Query(tuple(columns), module, where, order, offset, limit)
        _refuse_excess(query)
        return query

    def _condition(self) -> Condition:
        left = self._operand()
        operator = self._peek().lower()
        if operator not in ("and", "or"):
            return left
        self._at += 1
        pair = Pair(operator, left, self._operand())
        if self._peek().lower() in ("and", "or"):
            raise syntax_error(self._peek())
        return pair

    def _operand(self) -> Condition:
        if self._peek() != "(":
            return self._criterion()
        self._sign("(")
        inner = self._condition()
        self._sign(")")
        return inner

    def _criterion(self) -> Criterion:
        field, comparator = self._name(), self._comparator()
        match comparator:
            case "in" | "not in":
                self._sign("(")
                values = self._list(self._value)
                self._sign(")")
                return Criterion(field, comparator, tuple(values))
            case "between":
                low = self._value()
                self._word("and")
                return Criterion(field, comparator, (low, self._value()))
            case "is null" | "is not null":
                return Criterion(field, comparator)
            case _:
                return Criterion(field, comparator, self._value())

    def _comparator(self) -> str:
        first = self._next()[1].lower()
        if first == "is":
            first += " not" if self._skip("not") else ""
            self._word("null")
            first += " null"
        elif first == "not":
            self._word("in")
            first = "not in"
        if first not in _COMPARATORS:
            raise syntax_error(first)
        return first

    def _order(self) -> tuple[tuple[str, bool], ...]:
        if not self._skip("order"):
            return ()
        self._word("by")

        def one() -> tuple[str, bool]:
            name = self._name()
            return name, not self._skip("asc") and self._skip("desc")

        return tuple(self._list(one))

    def _limit(self) -> tuple[int, int]:
        """``limit 20``, ``limit 20 offset 40`` or ``limit 40, 20``."""
        if not self._skip("limit"):
            return 0, DEFAULT_ROWS
        first = self._whole()
        if self._peek() == ",":
            self._at += 1
            return first, self._whole()
        return (self._whole() if self._skip("offset") else 0), first

    def _list(self, item: Callable[[], Any]) -> list[Any]:
        found = [item()]
        while self._peek() == ",":
            self._at += 1
            found.append(item())
        return found

    def _value(self) -> Any:
        kind, text = self._next()
        match kind, text.lower():
            case "text", _:
                return re.sub(r"\\(.)", r"\1", text[1:-1])
            case "number", _:
                return float(text) if "." in text else int(text)
            case "name", "true" | "false":
                return text.lower() == "true"
        raise syntax_error(text)

    def _whole(self) -> int:
        value = self._value()
        if not isinstance(value, int):
            raise syntax_error(str(value))
        return value

    def _name(self) -> str:
        kind, text = self._next()
        if kind != "name":
            raise syntax_error(text)
        return text

    def _word(self, word: str) -> None:
        if not self._skip(word):
            raise syntax_error(self._peek(), expected=word)

    def _sign(self, sign: str) -> None:
        if self._next()[1] != sign:
            raise syntax_error(sign)

    def _skip(self, word: str) -> bool:
        if self._peek().lower() != word:
            return False
        self._at += 1
        return True

    def _peek(self) -> str:
        return self._tokens[self._at][1] if self._at < len(self._tokens) else ""

    def _next(self) -> tuple[str, str]:
        if self._at >= len(self._tokens):
            raise syntax_error("the end")
        self._at += 1
        return self._tokens[self._at - 1]


def _refuse_excess(query: Query) -> None:
    used = criteria(query.where)
    longest = max((len(one.value) for one in used if isinstance(one.value, tuple)), default=0)
    for name, found, most in (
        ("columns", len(query.columns), MOST_COLUMNS),
        ("criteria", len(used), MOST_CRITERIA),
        ("values", longest, MOST_VALUES),
        ("limit", query.limit, MOST_ROWS),
        ("offset", query.offset + query.limit, DEEPEST + MOST_ROWS),
    ):
        if found > most:
            details = {"clause": name, "limit": most}
            raise ApiError(400, "LIMIT_EXCEEDED", f"too many {name} in the query", details)
    names = sorted(query.columns)
    if any(one == other for one, other in pairwise(names)):
        raise ApiError(400, "DUPLICATE_DATA", "a column is named twice")


def syntax_error(near: str, **details: object) -> ApiError:
    return ApiError(400, "SYNTAX_ERROR", "error in the query", {"near": near, **details})
