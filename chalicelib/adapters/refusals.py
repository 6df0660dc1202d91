"""What a refusal of DynamoDB means for the caller, and which ones are worth some patience."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from botocore.exceptions import ClientError
from pynamodb.exceptions import PynamoDBException, TransactWriteError

from chalicelib.core.errors import ConfigurationError, Conflict, Parked, Retryable

T = TypeVar("T")
Sleep = Callable[[float], None]

# Upper bounds, in seconds, of the pauses between attempts.
PAUSES = (0.05, 0.1, 0.2, 0.4)

# Each as the code of a call, and as the reason of one item of a cancelled transaction.
CONDITION_FAILED = frozenset({"ConditionalCheckFailedException", "ConditionalCheckFailed"})
COLLISION = frozenset({"TransactionConflictException", "TransactionConflict"})
_INVALID = frozenset({"ValidationException", "ValidationError", "ItemCollectionSizeLimitExceeded"})
_MISCONFIGURED = frozenset({"ResourceNotFoundException", "AccessDeniedException"})


def codes(error: PynamoDBException) -> frozenset[str]:
    """Why items of a cancelled transaction were refused, or the code of any other refusal.

    Empty if there was no answer at all.
    """
    reasons = frozenset(code for code in item_codes(error) if code)
    if reasons or not isinstance(error.cause, ClientError):
        return reasons
    return frozenset({error.cause.response["Error"]["Code"]})


def item_codes(error: PynamoDBException) -> tuple[str, ...]:
    """One per item of a cancelled transaction, in the order of pynamodb's request: condition
    checks, deletes, puts, updates. Items that were fine have an empty one.
    """
    if not isinstance(error, TransactWriteError):
        return ()
    return tuple(reason.code if reason else "" for reason in error.cancellation_reasons)


def translated(error: PynamoDBException) -> Exception:
    """The project's own exception for it, by what the caller does next."""
    found = codes(error)
    if found & (CONDITION_FAILED | COLLISION):
        return Conflict("somebody else saved first")
    if found & _INVALID:
        return Parked(f"DynamoDB will never take this: {error.cause}")
    if found & _MISCONFIGURED:
        return ConfigurationError(f"a table is missing or access to it refused: {error.cause}")
    return Retryable(f"DynamoDB: {error.cause}")


@contextmanager
def translating() -> Iterator[None]:
    """Raises what ``translated`` makes of an error of pynamodb."""
    try:
        yield
    except PynamoDBException as error:
        raise translated(error) from error


def patiently(step: Callable[[], T], sleep: Sleep, *, through_collisions: bool = False) -> T:
    """The answer of ``step``, repeated while DynamoDB is only busy.

    The SDK itself repeats calls that are throttled, but not a transaction that was cancelled
    because one of its items is throttled, or is being written by another transaction.
    """
    for pause in PAUSES:
        try:
            return step()
        except PynamoDBException as error:
            if not (_is_busy(error) or (through_collisions and _collided(error))):
                raise
            sleep(random.uniform(0, pause))  # noqa: S311 - spreads attempts, guards nothing
    return step()


def _is_busy(error: PynamoDBException) -> bool:
    return type(translated(error)) is Retryable


def _collided(error: PynamoDBException) -> bool:
    return bool(codes(error) & COLLISION) and not codes(error) & CONDITION_FAILED
