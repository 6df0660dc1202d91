from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.adapters.batches import batches


@given(st.lists(st.integers(0, 12)), st.integers(1, 5), st.integers(1, 10))
def test_batches_keep_order_and_limits_and_none_could_have_taken_the_next_item(sizes, count, size):
    cut = list(batches(sizes, count=count, size=size, measure=int))
    assert [one for batch in cut for one in batch] == sizes
    for batch in cut:
        assert batch
        assert len(batch) <= count
        assert sum(batch) <= size or len(batch) == 1
    for batch, following in pairwise(cut):
        assert len(batch) == count or sum(batch) + following[0] > size


@given(st.lists(st.integers(1, 3)), st.integers(3, 6))
def test_what_is_sent_in_several_parts_counts_as_so_many(parts, count):
    cut = list(batches(parts, count=count, size=0, measure=lambda _: 0, parts=int))
    assert [one for batch in cut for one in batch] == parts
    assert all(sum(batch) <= count for batch in cut)
    for batch, following in pairwise(cut):
        assert sum(batch) + following[0] > count
