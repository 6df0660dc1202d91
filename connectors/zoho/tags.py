"""Tags of records: ours are added and removed, those of reps are never touched.

The tags of a record are few, so ours give way: first the ones that say least.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from chalicelib.core.errors import RateLimited, RecordBusy, RecordGone
from connectors._http import Refused
from connectors.zoho.answers import SUCCESS, code, outcomes
from connectors.zoho.api import TAGGED, ZohoApi, chunks
from connectors.zoho.batch_write import Refusals, refusal, refusals_of
from connectors.zoho.records import TAG, Record

PREFIXES = ("tier:", "class:", "segment:", "customer:", "product:", "emtiaz:")
"""What our tags begin with, the most telling first."""

OTHERS = "emtiaz:"
"""Before a name that begins with none of them, or it could not be told from a rep's."""

LONGEST = 25

PER_RECORD: Mapping[str, int] = {"free": 0, "bigin": 0, "standard": 5, "starter": 5}
"""By edition; every other takes ten."""

OTHER_EDITIONS = 10

_FULL = frozenset({"LICENSE_LIMIT_EXCEEDED", "LIMIT_EXCEEDED", "LIMIT_REACHED"})
"""The organisation can have no more different tags: what a tag says stands in fields as well."""

Change = Callable[[str, Sequence[str], Sequence[str]], Any]


def tag(name: str) -> str:
    """What a tag of ours is called in Zoho.

    >>> tag("tier:gold"), tag("vip"), tag("segment:potential-loyalist")
    ('tier:gold', 'emtiaz:vip', 'segment:potential-loyalis')
    """
    own = name if name.startswith(PREFIXES) else OTHERS + name
    return own[:LONGEST].rstrip()


def tags_of(record: Record) -> tuple[list[str], list[str]]:
    """Those that are ours, and those of others."""
    rows = record.get(TAG) or ()
    names = [str(one["name"]) for one in rows if isinstance(one, dict) and one.get("name")]
    ours = [one for one in names if one.startswith(PREFIXES)]
    return ours, [one for one in names if one not in ours]


def shown(record: Record, known: Iterable[str]) -> tuple[str, ...]:
    """Our tags by their whole names, as far as those are known."""
    whole = {tag(one): one for one in known}
    ours, _ = tags_of(record)
    return tuple(sorted(whole.get(one, one.removeprefix(OTHERS)) for one in ours))


def room(edition: str) -> int:
    """How many tags a record of an organisation takes, whoever sets them."""
    return PER_RECORD.get(edition.lower(), OTHER_EDITIONS)


def set_tags(api: ZohoApi, module: str, wanted: Mapping[str, Sequence[str]], most: int) -> Refusals:
    """Old ones go before new ones come, by as few calls as there are different changes."""
    if not wanted or not most:
        return {}
    records = {row["id"]: row for row in api.records(module, wanted, [TAG])}
    removed: dict[str, tuple[str, ...]] = {}
    added: dict[str, tuple[str, ...]] = {}
    for identity, record in records.items():
        ours, others = tags_of(record)
        own = _chosen(wanted[identity], most - len(others))
        removed[identity] = tuple(sorted(set(ours) - set(own)))
        added[identity] = tuple(sorted(set(own) - set(ours)))
    gone = RecordGone("the record is deleted or merged")
    refusals: Refusals = {one: gone for one in wanted if one not in records}
    refusals |= _change(api.remove_tags, module, removed)
    return refusals | _change(api.add_tags, module, added)


def _chosen(names: Iterable[str], most: int) -> list[str]:
    own = dict.fromkeys(map(tag, names))
    return sorted(own, key=_rank)[: max(0, most)]


def _rank(name: str) -> tuple[int, str]:
    return next(rank for rank, prefix in enumerate(PREFIXES) if name.startswith(prefix)), name


def _change(change: Change, module: str, tags: Mapping[str, tuple[str, ...]]) -> Refusals:
    refusals: Refusals = {}
    for names, ids in sorted(_lots(tags).items()):
        for some in chunks(ids, TAGGED):
            refusals |= _outcome(some, partial(change, module, some, names))
    return refusals


def _lots(tags: Mapping[str, tuple[str, ...]]) -> Mapping[tuple[str, ...], list[str]]:
    """Records by the tags of one call: by all that are theirs, or tag by tag if that is less.

    >>> _lots({"1": ("a", "b"), "2": ("a", "b")})
    {('a', 'b'): ['1', '2']}
    >>> _lots({"1": ("a", "b"), "2": ("a",), "3": ("b",)})
    {('a',): ['1', '2'], ('b',): ['1', '3']}
    """
    whole: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
    single: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
    for identity, names in tags.items():
        if names:
            whole[names].append(identity)
        for name in names:
            single[name,].append(identity)
    return dict(whole if len(whole) <= len(single) else single)


def _outcome(ids: Sequence[str], ask: Callable[[], Any]) -> Refusals:
    """None for those that there was no room for, whatever status Zoho gives that.

    Raises RateLimited where Zoho had no time for some: their fields may be written already.
    """
    try:
        answer = ask()
    except Refused as refused:
        answer = refused.body if isinstance(refused.body, dict) else {"message": str(refused)}
    told = outcomes(answer)
    if code(answer) in _FULL or (told and all(code(one) in _FULL for one in told)):
        return {}
    if not told:
        return {one: refusal(answer) for one in ids}
    refusals = refusals_of(ids, {"data": [_as_done(one) for one in told]})
    for busy in (one for one in refusals.values() if isinstance(one, RecordBusy)):
        raise RateLimited(str(busy), retry_after=busy.retry_after)
    return refusals


def _as_done(outcome: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"status": SUCCESS} if code(outcome) in _FULL else outcome
