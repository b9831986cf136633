"""The machine's sums against enumerations of everything, visible units included."""

import itertools

import numpy as np
import pytest

from course_utils.exact.boltzmann import BoltzmannMachine


def machine(visible, hidden, seed=0, scale=1.0):
    rng = np.random.default_rng(seed)
    W = scale * rng.normal(size=(visible, hidden))
    return BoltzmannMachine(W, rng.normal(size=visible), rng.normal(size=hidden))


def all_states(units):
    return np.array(list(itertools.product((0.0, 1.0), repeat=units)))


@pytest.mark.parametrize(("visible", "hidden"), [(1, 1), (5, 3), (3, 6)])
def test_the_partition_function_is_the_sum_over_all_states(visible, hidden):
    rbm = machine(visible, hidden)
    x, h = all_states(visible), all_states(hidden)
    energies = (x @ rbm.b)[:, None] + h @ rbm.c + x @ rbm.W @ h.T
    assert rbm.log_partition() == pytest.approx(np.log(np.exp(energies).sum()))


def test_probabilities_of_all_rows_sum_to_one():
    rbm = machine(8, 4)
    assert np.exp(rbm.log_prob(all_states(8))).sum() == pytest.approx(1)


def test_blocks_of_hidden_states_are_all_counted():
    rbm = machine(6, 12)  # four blocks; its roles swapped, one
    swapped = BoltzmannMachine(rbm.W.T, rbm.c, rbm.b)
    assert rbm.log_partition() == pytest.approx(swapped.log_partition())


def test_without_weights_pixels_are_coins():
    b = np.array([-2.0, 0.5])
    rbm = BoltzmannMachine(np.zeros((2, 3)), b, np.ones(3))
    p = 1 / (1 + np.exp(-b))
    assert rbm.log_prob([[1, 0]])[0] == pytest.approx(np.log(p[0] * (1 - p[1])))


def test_large_energies_do_not_overflow():
    rbm = machine(4, 3, scale=1e4)
    assert np.isfinite(rbm.log_prob(all_states(4))).all()


@pytest.mark.parametrize(
    ("W", "b", "c", "words"),
    [
        (np.zeros((3, 2)), np.zeros(2), np.zeros(3), "Pass W as"),
        (np.zeros(3), np.zeros(3), np.zeros(0), "Pass W as"),
        (np.zeros((3, 21)), np.zeros(3), np.zeros(21), "at most 20"),
    ],
)
def test_what_does_not_fit_is_refused(W, b, c, words):
    with pytest.raises(ValueError, match=words):
        BoltzmannMachine(W, b, c)


def test_rows_of_another_width_are_refused():
    with pytest.raises(ValueError, match="pass \\(n, 5\\)"):
        machine(5, 2).log_prob(np.zeros((1, 4)))
