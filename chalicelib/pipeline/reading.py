"""Reading many subjects: each is a request of its own, and requests can wait side by side."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

from chalicelib.core.model import Ref
from chalicelib.core.ports import SubjectStore
from chalicelib.core.stored import Collection
from chalicelib.pipeline.messages import REFS_PER_MESSAGE, chunks

READERS = 8


def collections(refs: Iterable[Ref], store: SubjectStore) -> Iterator[Collection]:
    """In the order of ``refs``, of which no more than some hundred are read ahead."""
    with ThreadPoolExecutor(READERS) as readers:
        for chunk in chunks(refs, REFS_PER_MESSAGE):
            yield from readers.map(store.load, chunk)
