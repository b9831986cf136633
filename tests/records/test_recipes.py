"""Schedules of learning rates."""

import numpy as np
import pytest

from course_utils.records.recipes import falling


def test_falling_is_constant_and_then_loses_an_equal_factor():
    assert falling(8.0, 1.0, 4).tolist() == pytest.approx([8, 4, 2, 1])
    held = falling(100.0, 1.0, 5, hold=0.5)
    assert held.tolist() == pytest.approx([100, 100, 100, 10, 1])


@pytest.mark.parametrize(
    "arguments, words",
    [
        ((1.0, 0.1, 5, 1.0), "hold must be at least 0 and below 1, not 1.0"),
        ((1.0, 0.1, 5, 1.5), "hold must be"),
        ((1.0, 0.1, 5, -0.5), "hold must be"),
        ((1.0, 0.1, 5, np.nan), "hold must be"),
        ((0.0, 0.1, 5), "goes from 0.0 to 0.1; both must be above 0"),
        ((1.0, 0.0, 5), "both must be above 0"),
        ((1.0, -1.0, 5), "both must be above 0"),
        ((np.nan, 1.0, 5), "both must be above 0"),
        ((1.0, np.inf, 5), "both must be above 0 and finite"),
        ((1.0, 0.1, 0), "steps must be at least 1"),
    ],
)
def test_falling_gives_no_nan(arguments, words):
    with pytest.raises(ValueError, match=words):
        falling(*arguments)


def test_falling_takes_integers_of_numpy():
    assert np.array_equal(falling(1.0, 0.1, np.int64(5)), falling(1.0, 0.1, 5))
    assert falling(1, 1, 1).tolist() == [1]
    assert np.isfinite(falling(1.0, 0.1, 5, np.nextafter(1, 0))).all()
