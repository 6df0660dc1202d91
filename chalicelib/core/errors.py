"""The exceptions of Emtiaz, sorted by what the caller does next.

::

    EmtiazError
    ├── Rejected              answer 4xx; nothing is stored, the body is never kept
    │   ├── SignatureInvalid      401
    │   ├── UnknownConnection     404
    │   ├── BodyTooLarge          413
    │   ├── UnsupportedMedia      415
    │   └── PayloadInvalid        400
    │       └── NothingAccepted       each item of the body has a fault of its own
    ├── Retryable             raise; the queue brings it back, after ``retry_after`` if known
    │   ├── Conflict              somebody else saved first: read again
    │   │   └── Awaited               something waits for whom a save would make known
    │   ├── Superseded            something newer was published: begin again by that
    │   ├── RateLimited           the CRM asks for patience
    │   ├── RecordBusy            this record could not be written now; others could
    │   ├── CrmUnavailable        the CRM is down or did not answer
    │   │   └── CrmStumbled           it failed inside, over this request or over any
    │   └── OutOfService          nobody may call this account before ``until``
    ├── Parked                keep it with the reason; it can be listed and replayed
    │   ├── CredentialsInvalid    the CRM refuses the token or a scope is missing
    │   ├── RequestRefused        the CRM refuses a request, whatever it is of
    │   ├── WriteRefused          the CRM refuses this record's values
    │   │   └── RecordGone            it is deleted or merged: read it again instead
    │   ├── InDoubt               it may have been done, and must not be done twice
    │   └── DeliveryUnreadable    signed, but not in a shape we can read
    ├── WrittenInPart         all but some fields, which the CRM does not have for us
    ├── SubjectUnknown        no card stands for them: what is told of them has to wait
    └── SubjectErased         this person asked to be forgotten: drop what is told of them
    ConfigurationError        outside the tree, so that nobody swallows it by accident
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from chalicelib.core.model import Json


class EmtiazError(Exception):
    """Base of everything that a use case may sort and handle."""


class Rejected(EmtiazError):
    status = 400


class SignatureInvalid(Rejected):
    status = 401


class UnknownConnection(Rejected):
    status = 404


class BodyTooLarge(Rejected):
    status = 413


class UnsupportedMedia(Rejected):
    status = 415


class PayloadInvalid(Rejected):
    status = 400


class NothingAccepted(PayloadInvalid):
    """``refused`` tells of each item its index, the pointer to its fault and the reason."""

    def __init__(self, message: str, refused: Sequence[Mapping[str, Json]]) -> None:
        super().__init__(message)
        self.refused = refused


class Retryable(EmtiazError):
    """Worth trying again. ``retry_after`` is in seconds; None leaves the wait to the queue."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Conflict(Retryable):
    pass


class Awaited(Conflict):
    pass


class Superseded(Retryable):
    """A card was made by a later publication than its reader knows of."""


class RateLimited(Retryable):
    pass


class RecordBusy(Retryable):
    """Such as one that somebody else has locked, or over which the CRM ran out of time."""


class CrmUnavailable(Retryable):
    """The CRM is down or silent. ``in_doubt`` is true if a write may still be applied."""

    def __init__(
        self, message: str, *, retry_after: float | None = None, in_doubt: bool = False
    ) -> None:
        super().__init__(message, retry_after=retry_after)
        self.in_doubt = in_doubt


class CrmStumbled(CrmUnavailable):
    """An internal error, which the CRM may have with everybody or with one record alone."""


class OutOfService(Retryable):
    """The account rests until an instant: its day's calls are spent, or it is being moved."""

    def __init__(self, message: str, *, until: datetime, retry_after: float | None = None) -> None:
        super().__init__(message, retry_after=retry_after)
        self.until = until


class Parked(EmtiazError):
    """Will not succeed by itself: kept with its reason until a person replays or drops it."""


class CredentialsInvalid(Parked):
    pass


class RequestRefused(Parked):
    """For the sake of all records that it names, or of one among them."""


class WriteRefused(Parked):
    """``correlation_id`` is what the CRM's support asks for."""

    def __init__(self, message: str, *, correlation_id: str = "") -> None:
        super().__init__(message)
        self.correlation_id = correlation_id


class RecordGone(WriteRefused):
    pass


class InDoubt(Parked):
    """Whether it was done is for a person to find out."""


class DeliveryUnreadable(Parked):
    pass


class WrittenInPart(EmtiazError):
    """``left_out`` names outputs, with the field of the CRM that would hold each."""

    def __init__(self, left_out: Mapping[str, str]) -> None:
        super().__init__(f"without {', '.join(sorted(left_out.values()))}")
        self.left_out = left_out


class SubjectUnknown(EmtiazError):
    pass


class SubjectErased(EmtiazError):
    pass


class ConfigurationError(Exception):
    """The installation or the policy is wrong: loud, for a person, never retried."""
