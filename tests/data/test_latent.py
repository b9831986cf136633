import numpy as np
import pytest

from course_utils.data.latent import great_circle, to_shell

T = np.linspace(0, 1, 11)


def test_points_on_the_shell_have_its_radius_and_their_direction(rng):
    z = rng.standard_normal((7, 5, 100))
    moved = to_shell(z)
    np.testing.assert_allclose(np.linalg.norm(moved, axis=-1), 10)
    ratio = moved / z
    np.testing.assert_allclose(ratio, np.broadcast_to(ratio[..., :1], z.shape))


def test_the_great_circle_turns_at_a_constant_rate_in_one_plane(rng):
    a, b = to_shell(rng.standard_normal((2, 100)))
    path = great_circle(a, b, T)
    np.testing.assert_allclose(np.linalg.norm(path, axis=1), 10)
    np.testing.assert_allclose(path[[0, -1]], [a, b])
    cosines = np.sum(path[1:] * path[:-1], axis=1) / 100
    whole = np.arccos(a @ b / 100)
    np.testing.assert_allclose(np.arccos(cosines), whole / 10)
    assert np.linalg.matrix_rank(path) == 2


def test_lengths_change_linearly(rng):
    a, b = rng.standard_normal((2, 100))
    a, b = 3 * a / np.linalg.norm(a), 8 * b / np.linalg.norm(b)
    lengths = np.linalg.norm(great_circle(a, b, T), axis=1)
    np.testing.assert_allclose(lengths, 3 + 5 * T)


@pytest.mark.parametrize("factor", [1, 2.5, 1 + 1e-9])
def test_along_one_direction_it_is_the_straight_line(rng, factor):
    a = rng.standard_normal(100)
    path = great_circle(a, factor * a, T)
    np.testing.assert_allclose(path, a + np.outer(T, (factor - 1) * a))


def test_halfway_between_orthogonal_points_both_have_the_same_part():
    (middle,) = great_circle(np.array([2.0, 0]), np.array([0, 2.0]), [0.5])
    np.testing.assert_allclose(middle, [np.sqrt(2), np.sqrt(2)])
