"""Answer the messages of a training run: learn of one page of a share, and tell of the next.

A page that is told of twice is learned of twice at worst, and tells of the next once: only who
moves the share's mark goes on. Whoever died in between left the share standing, of which the next
look of ``train`` tells again. Of a page that cannot be learned of the mark says so, and the run is
given up: a message of it that was kept would help nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from chalicelib import logs
from chalicelib.core.errors import ConfigurationError, Retryable
from chalicelib.core.model import Json
from chalicelib.core.ports import LiveSettings
from chalicelib.pipeline.kept_shares import keep, mark_of, move
from chalicelib.pipeline.messages import Envelope, Failure, lesson_message, lesson_of
from chalicelib.pipeline.runs import under_way
from chalicelib.pipeline.scorer import compiled
from chalicelib.pipeline.services import Services
from chalicelib.pipeline.setbacks import postpone
from chalicelib.pipeline.shares import needs_facts, share_of

PAGE, PAGE_OF_ROWS = 1_000, 20_000
"""Subjects of a page, whose facts are read, and of whom the rows of the index are enough."""

HOPELESS_AFTER = 6


def learn_pages(envelopes: Iterable[Envelope], services: Services) -> list[Failure]:
    """Messages of any connections; returns those to bring back."""
    failures: list[Failure] = []
    for envelope in envelopes:
        try:
            _learn(envelope.body, services)
        except Retryable as error:
            failures += postpone([envelope], error, services)
        except Exception as error:
            if envelope.receives < HOPELESS_AFTER:
                raise
            logs.exception("not learned of", page=dict(envelope.body))
            _stop(envelope.body, error, services)
    return failures


def _stop(message: Mapping[str, Json], error: Exception, services: Services) -> None:
    connection, told = str(message["connection"]), lesson_of(message)
    mark, held = mark_of(connection, told.shard, told.run, services.settings)
    if mark.pages == told.page and not mark.is_done:
        fault = f"page {told.page} of share {told.shard}: {type(error).__name__}: {error}"
        move(connection, told.shard, held, replace(mark, fault=fault), services.settings)


def _learn(message: Mapping[str, Json], services: Services) -> None:
    connection, told = str(message["connection"]), lesson_of(message)
    try:
        live = services.settings.live(connection)
    except ConfigurationError:  # it is gone, and so is the run
        return
    run = under_way(live, services)
    if run is None or run.name != told.run:
        return
    mark, held = mark_of(connection, told.shard, run.name, services.settings)
    if mark.is_done or mark.pages != told.page:
        return
    rows, is_last = _page(live, told.shard, mark.after, services)
    share = share_of(rows, compiled(live.policy), services.store, run.began)
    keep(connection, (told.shard, told.page), share, run.name, services.settings)
    last = str(rows[-1]["ref"]) if rows else mark.after
    moved = mark.past(last, is_done=is_last)
    if move(connection, told.shard, held, moved, services.settings) and not is_last:
        message = lesson_message(connection, run.name, told.shard, moved.pages)
        services.intake.send([message])


def _page(
    live: LiveSettings, shard: int, after: str, services: Services
) -> tuple[list[Mapping[str, Json]], bool]:
    """In the order of refs, since that of the index changes while it is read."""
    size = PAGE if needs_facts(compiled(live.policy)) else PAGE_OF_ROWS
    rows = services.store.population(live.connection.id, shard=shard)
    left = sorted((row for row in rows if str(row["ref"]) > after), key=lambda row: str(row["ref"]))
    return left[:size], len(left) <= size
