"""What somebody's array is taken for, and what is refused in a sentence."""

import numpy as np
import pytest

from course_utils.data.tables import DataMistake, Found
from course_utils.data.your_data import Units, as_data, read_data


@pytest.fixture
def rows(rng):
    return rng.normal(size=(60, 3))


def test_real_rows_stay_as_they_are(rows):
    data = as_data(rows)
    assert np.array_equal(data.rows, rows)
    assert data.shape == (3,)
    assert not data.binary
    assert not data.are_images
    assert "60 rows of 3 numbers" in str(data)


@pytest.mark.parametrize(
    "shape, own",
    [
        ((40, 9, 8), (9, 8, 1)),
        ((40, 9, 8, 3), (9, 8, 3)),
        ((40, 3, 9, 8), (9, 8, 3)),
        ((40, 1, 9, 8), (9, 8, 1)),
        ((40, 1, 16), (16,)),
        ((40, 16, 3), (48,)),
        ((40, 16), (16,)),
    ],
)
def test_axes_are_told_by_their_lengths(rng, shape, own):
    x = rng.normal(size=shape)
    data = as_data(x)
    assert data.shape == own
    turned = x.transpose(0, 2, 3, 1) if len(shape) == 4 and shape[1] < 4 else x
    assert np.array_equal(data.whole(data.rows), turned.reshape(40, *own))
    assert ("Channels came first" in str(data)) == (len(shape) == 4 and shape[1] < 4)


def test_rows_become_images_if_the_user_says_so(rng):
    x = rng.normal(size=(40, 12))
    assert as_data(x, shape=(3, 4)).shape == (3, 4, 1)
    with pytest.raises(DataMistake, match=r"12 numbers.*SHAPE = \(3, 3\).*must be 12"):
        as_data(x, shape=(3, 3))


@pytest.mark.parametrize("low, high", [(0, 1), (-1, 1), (0, 255)])
def test_two_values_are_bits(rng, low, high):
    bits = rng.integers(2, size=(40, 25))
    data = as_data(np.where(bits, high, low).astype(np.int16))
    assert data.binary
    assert np.array_equal(data.rows, bits)
    assert ("called 0 and 1" in str(data)) == ((low, high) != (0, 1))
    assert "SHAPE = (5, 5)" in str(data)


def test_whole_numbers_get_noise_that_leaves_them_what_they_are(rng):
    x = np.stack([rng.integers(9, size=50), rng.normal(size=50)], axis=1)
    data = as_data(x, seed=3)
    assert np.array_equal(np.floor(data.rows[:, 0]), x[:, 0])
    assert np.unique(data.rows[:, 0]).size == 50
    assert np.array_equal(data.rows[:, 1], x[:, 1])
    assert "1 of 2 columns are whole" in str(data)
    assert np.array_equal(as_data(x, seed=3).rows, data.rows)
    assert not np.array_equal(as_data(x, seed=4).rows, data.rows)


def test_bytes_of_grey_levels_are_images_of_whole_numbers(rng):
    x = rng.integers(256, size=(40, 5, 6), dtype=np.uint8)
    data = as_data(x)
    assert data.are_images
    assert np.array_equal(np.floor(data.whole(data.rows))[..., 0], x)


def test_constant_columns_are_left_out_and_put_back(rows):
    x = np.insert(rows, 1, 7.0, axis=1)
    data = as_data(Found(x, ("a", "b", "c", "d")))
    assert np.array_equal(data.rows, rows)
    assert np.array_equal(data.whole(data.rows), x)
    assert "Columns b never change" in str(data)


def test_a_column_that_counts_the_rows_is_left_out(rows):
    for first in (0, 1):
        x = np.insert(rows, 0, np.arange(first, 60 + first), axis=1)
        data = as_data(Found(x, ("n", "a", "b", "c")))
        assert np.array_equal(data.rows, rows)
        assert data.columns == ("a", "b", "c")
        assert data.shape == (3,)
        assert "(n) counts the rows" in str(data)


def test_copies_and_decades_are_told(rng):
    x = np.exp(3 * rng.normal(size=(200, 1)))
    data = as_data(np.concatenate([x, x[:5]]))
    assert "Copies of other rows: 5." in str(data)
    assert "Columns 0 span decades" in str(data)


def test_records_become_columns(rows):
    records = np.zeros(60, dtype=[("a", "f8"), ("b", "i4")])
    records["a"], records["b"] = rows[:, 0], np.arange(60) % 7
    assert as_data(records).shape == (2,)
    named = np.zeros(60, dtype=[("a", "f8"), ("name", "U3")])
    with pytest.raises(DataMistake, match=r"field 'name' is no column.*np\.stack"):
        as_data(named)


def bad(row, column, value):
    x = np.random.default_rng(0).normal(size=(60, 3))
    x[row, column] = value
    return x


MISTAKES = {
    "one row": (np.ones((1, 100)), r"has 1 row; at least 30.*save x\.T"),
    "too few": (np.eye(12), "has 12 rows; at least 30 are needed.*measure more"),
    "one axis": (np.arange(50.0), r"one row or one column; .*x\[:, None\]"),
    "a number": (np.float64(3), "one row or one column"),
    "five axes": (np.zeros((40, 2, 2, 2, 2)), r"save x\.reshape\(n, -1\)"),
    "no channels": (np.zeros((40, 9, 8, 7)), r"images need their 1, 3 or 4 channels"),
    "NaN": (bad(17, 2, np.nan), "NaN or infinity in 1 of 60 .*in row 17 .*column 2;"),
    "infinity": (bad(5, 0, np.inf), "in row 5 .*keep the other rows"),
    "all the same": (np.full((60, 3), 7.0), "All rows .*are the same"),
    "words": (np.full((60, 3), "a"), r"are no numbers; save x\.astype\(float\)"),
    "objects": (np.full((60, 3), None), "are no numbers"),
    "complex": (np.full((60, 3), 1j), "complex numbers; save np.abs"),
    "too wide": (np.zeros((40, 4_000)), "4,000 numbers, and this page takes at most"),
    "no columns": (np.zeros((40, 0)), "are empty"),
}


@pytest.mark.parametrize("x, message", MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_a_sentence_with_its_remedy(x, message):
    with pytest.raises(DataMistake, match=message) as caught:
        as_data(x)
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)


def test_too_many_numbers_are_refused():
    many = np.broadcast_to(np.float32(0), (40_000, 300))
    with pytest.raises(DataMistake, match=r"12,000,000 numbers.*x\[:33_333\]"):
        as_data(many)


def test_a_named_column_is_called_by_its_name():
    with pytest.raises(DataMistake, match="column 'energy'"):
        as_data(Found(bad(3, 1, np.nan), ("time", "energy", "angle")))


def test_a_file_is_read_and_taken_for_what_it_is(tmp_path, rows):
    path = tmp_path / "mine.csv"
    np.savetxt(path, rows, delimiter=";", header="a;b;c", comments="")
    data = read_data(path)
    np.testing.assert_allclose(data.rows, rows, rtol=1e-15)
    assert data.columns == ("a", "b", "c")
    assert str(data).startswith("mine.csv: 60 rows of 3 numbers (a, b, c)")
    assert "parted by semicolons" in str(data)


def test_a_split_deals_each_row_once(rng):
    x = rng.normal(size=(200, 1))
    parts = as_data(x).split(seed=1)
    assert [len(part) for part in parts] == [140, 30, 30]
    assert sorted(np.concatenate(parts)[:, 0]) == sorted(x[:, 0])
    again = as_data(x).split(seed=2)
    assert not np.array_equal(parts.train, again.train)


def test_units_come_from_training_alone_and_their_jacobian_is_that_of_the_map(rng):
    x = rng.normal(size=(300, 4)) * [1, 1e-9, 1e6, 3] + [0, 1e-3, 5, -1]
    data = as_data(x)
    train = data.split(0).train
    units = data.units(train)
    assert np.array_equal(units.middle, train.mean(axis=0))
    assert np.array_equal(units.spread, train.std(axis=0))
    slope = np.diag(units.into(units.middle + units.spread))
    np.testing.assert_allclose(slope.diagonal(), 1, rtol=1e-6)
    _, log_det = np.linalg.slogdet(np.diag(1 / units.spread))
    assert units.log_jacobian == pytest.approx(log_det, rel=1e-12)
    np.testing.assert_allclose(units.back(units.into(x)), x, rtol=0, atol=1e-6 * 1e6)


def test_pixels_share_one_spread_and_bits_none(rng):
    images = as_data(rng.normal(size=(100, 5, 6)) * np.arange(1, 7))
    units = images.units(images.rows)
    assert np.ptp(units.spread) == 0
    mean_square = images.rows.var(axis=0).mean()
    assert units.spread[0] ** 2 == pytest.approx(mean_square, rel=1e-12)
    bits = as_data(rng.integers(2, size=(100, 5, 6)))
    units = bits.units(bits.rows)
    assert np.array_equal(units.into(bits.rows), bits.rows)
    assert units.log_jacobian == 0


def test_a_column_that_varies_outside_training_alone_has_a_spread(rng):
    x = rng.normal(size=(40, 2))
    x[:, 1] = 0.5
    x[-1, 1] = 2.5
    units = as_data(x).units(x[:30])
    assert isinstance(units, Units)
    assert units.spread[1] == pytest.approx(x[:, 1].std())
