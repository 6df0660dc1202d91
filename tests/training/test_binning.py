"""Rows cut into levels."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.training.binning import MOST_VALUES, binned, levels_of, quantiles

anything = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.floats(width=32),
    st.sampled_from(["a", "b", ""]),
)


@given(st.lists(st.fixed_dictionaries({}, optional={"x": anything, "y": anything}), max_size=40))
def test_every_row_has_one_level_of_each_field_and_counts_are_of_rows(rows):
    table = binned(rows)
    for field, column in zip(table.fields, table.columns, strict=True):
        assert len(column) == len(rows) == sum(field.counts)
        assert [column.count(level) for level in range(len(field.counts))] == list(field.counts)
    assert list(table.columns) == levels_of(table.fields, rows)
    names = {name for row in rows for name in row}
    assert {field.name for field in table.fields} | set(table.constant) == names


@given(st.lists(st.integers(0, 30), min_size=20, max_size=200))
def test_no_range_is_empty_in_training(values):
    (field, *_) = binned([{"x": value, "y": place} for place, value in enumerate(values)]).fields
    if field.name == "x":
        assert all(field.counts[: len(field.edges) + 1])
        assert len(field.edges) < 10


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=50), st.integers(2, 10))
def test_quantiles_are_those_of_numpy(values, parts):
    expected = np.quantile(values, [part / parts for part in range(1, parts)])
    assert quantiles(sorted(values), parts) == pytest.approx(list(expected), abs=1e-6)


def test_rare_values_join_other_and_what_is_missing_is_a_level():
    rows = [{"city": "tehran"}] * 20 + [{"city": "rasht"}] * 9 + [{"city": None}] * 3 + [{}] * 2
    (field,) = binned(rows).fields
    assert field.values == ("tehran",)
    assert field.counts == (20, 9, 5)


def test_numbers_that_are_none_are_missing():
    rows = [{"x": n % 2, "y": [1.0, math.nan, math.inf][n % 3]} for n in range(60)]
    fields = {field.name: field for field in binned(rows).fields}
    assert fields["y"].counts[-1] == 40


def test_numbers_mixed_with_texts_are_values():
    (field,) = binned([{"x": 3}] * 12 + [{"x": "three"}] * 12).fields
    assert (field.edges, field.values) == (None, ("3", "three"))


def test_a_field_with_one_level_is_dropped():
    table = binned([{"x": 1.0, "id": f"customer {n}", "y": n} for n in range(40)])
    assert table.constant == ("id", "x")
    assert table.free_parameters == 1 + 3


def test_numbers_beyond_all_measure_do_no_harm():
    table = binned([{"x": (-1) ** n * 1.7e308, "y": n % 4} for n in range(80)])
    assert {field.name for field in table.fields} >= {"y"}


def test_of_many_values_the_most_common_are_levels():
    often = [{"company": f"c{n:03}"} for n in range(200) for _ in range(10 + n % 90)]
    (field,) = binned(often).fields
    assert len(field.values) == MOST_VALUES
    assert {"c089", "c179"} < set(field.values)
    assert field.counts[-2] == len(often) - sum(field.counts[:MOST_VALUES])
