"""Rulers of strokes are held against images whose strokes are known."""

import numpy as np
import pytest
from scipy.ndimage import affine_transform

from course_utils.data.mnist import load_mnist
from course_utils.metrics.strokes import slant, stroke_width


def sheared(x, by):
    """Each row moved to the right by so many columns for each row upwards."""
    middle = (x.shape[1] - 1) / 2
    way = [[1, 0], [by, 1]], [0, -by * middle]
    return np.stack([affine_transform(i, *way, order=1) for i in x[..., 0]])[..., None]


def bar(width, length=20):
    x = np.zeros((1, 28, 28, 1))
    x[:, 4 : 4 + length, 10 : 10 + width] = 1
    return x


@pytest.mark.parametrize("by", [-0.3, 0.2])
def test_a_sheared_digit_leans_by_as_much_more(by):
    # linear interpolation moves the middle of each row by exactly its shift; of a few
    # digits ink is pushed over the edge and lost
    x = load_mnist("test").x[:100]
    change = slant(sheared(x, by)) - slant(x)
    assert np.median(np.abs(change - by)) < 1e-3


def test_an_upright_bar_does_not_lean_and_a_mirrored_digit_leans_the_other_way():
    assert slant(bar(3)).item() == pytest.approx(0, abs=1e-12)
    x = load_mnist("test").x[:10].astype(float)
    np.testing.assert_allclose(slant(x[:, :, ::-1]), -slant(x), atol=1e-12)


@pytest.mark.parametrize("width", [1, 2, 4])
def test_a_bar_is_as_wide_as_its_area_and_its_perimeter_say(width):
    # a forward difference cuts the lower right corner: sqrt(2) of the perimeter for 2
    perimeter = 2 * width + 40 - (2 - np.sqrt(2))
    assert stroke_width(bar(width)).item() == pytest.approx(40 * width / perimeter)


def test_paler_ink_changes_neither():
    x = load_mnist("test").x[:10].astype(float)
    np.testing.assert_allclose(slant(x / 2), slant(x))
    np.testing.assert_allclose(stroke_width(x / 2), stroke_width(x))


@pytest.mark.parametrize("ruler", [slant, stroke_width])
def test_what_is_no_batch_of_images_is_refused(ruler):
    with pytest.raises(ValueError, match="must have shape"):
        ruler(np.zeros((28, 28)))
