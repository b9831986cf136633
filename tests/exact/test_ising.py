"""Kaufman's formula against enumeration, differences and Onsager's limits."""

import math

import numpy as np
import pytest
from scipy.special import logsumexp

from course_utils.exact import ising
from course_utils.exact.ising import CRITICAL_BETA

BETAS = (0.05, 0.4, 0.440687, CRITICAL_BETA, 0.5, 1.5)
KNOWN = {  # ln Z of 4 x 4 and a spin's energy, by another enumeration
    0.4: (14.561093023844, -1.379116),
    0.440687: (15.521920631333, -1.565625),
    0.5: (17.105367118732, -1.755380),
}


@pytest.mark.parametrize("beta", BETAS)
@pytest.mark.parametrize("side", [2, 3, 4])
def test_the_formula_and_its_derivatives_are_sums_over_all_states(side, beta):
    energy = ising.energies(ising.enumerate_states(side))
    log_p = -beta * energy
    log_z = logsumexp(log_p)
    p = np.exp(log_p - log_z)
    mean = p @ energy
    variance = p @ (energy - mean) ** 2
    assert ising.log_partition(side, beta) == pytest.approx(log_z, rel=1e-13)
    per_spin = ising.energy_per_spin(side, beta)
    assert per_spin == pytest.approx(mean / side**2, rel=1e-11)
    heat = ising.heat_capacity_per_spin(side, beta)
    assert heat == pytest.approx(beta**2 * variance / side**2, rel=1e-6, abs=1e-12)


@pytest.mark.parametrize("beta", KNOWN)
def test_four_by_four_has_the_known_numbers(beta):
    log_z, energy = KNOWN[beta]
    assert ising.log_partition(4, beta) == pytest.approx(log_z, abs=1e-12)
    assert ising.energy_per_spin(4, beta) == pytest.approx(energy, abs=1e-6)


@pytest.mark.parametrize("side, beta", [(5, 0.44), (16, CRITICAL_BETA), (17, 0.9)])
def test_derivatives_are_differences(side, beta):
    step = 1e-4
    below, here, above = (
        ising.log_partition(side, b) for b in (beta - step, beta, beta + step)
    )
    energy = -(above - below) / (2 * step) / side**2
    assert ising.energy_per_spin(side, beta) == pytest.approx(energy, rel=1e-6)
    heat = beta**2 * (above - 2 * here + below) / step**2 / side**2
    assert ising.heat_capacity_per_spin(side, beta) == pytest.approx(heat, rel=1e-3)


@pytest.mark.parametrize(
    "side, beta, expected",
    [(16, 0.440687, -2.115326), (8, 0.440687, -2.132388), (28, 0.440687, -2.111503)]
    + [(16, 0.4, -2.199500), (16, 0.5, -2.057002)],
)
def test_free_energies_are_the_known_ones(side, beta, expected):
    assert ising.free_energy_per_spin(side, beta) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("beta", [0.2, 0.35, 0.55, 1.0])
def test_large_lattices_are_nearly_infinite(beta):
    free = ising.free_energy_per_spin(300, beta)
    # below the critical temperature two signs remain: ln 2 of the whole lattice
    free += math.log(2) / (beta * 300**2) if beta > CRITICAL_BETA else 0
    assert free == pytest.approx(ising.infinite_free_energy_per_spin(beta), rel=1e-12)
    energy = ising.infinite_energy_per_spin(beta)
    assert ising.energy_per_spin(300, beta) == pytest.approx(energy, rel=1e-11)


def test_onsagers_energy_is_the_derivative_of_his_free_energy_and_known_at_the_point():
    def beta_f(beta):
        return beta * ising.infinite_free_energy_per_spin(beta)

    slope = (beta_f(0.5001) - beta_f(0.4999)) / 0.0002
    assert ising.infinite_energy_per_spin(0.5) == pytest.approx(slope, rel=1e-6)
    critical = ising.infinite_energy_per_spin(CRITICAL_BETA)
    assert critical == pytest.approx(-math.sqrt(2), rel=1e-7)


def test_the_magnetization_vanishes_at_the_critical_point():
    assert ising.infinite_magnetization(CRITICAL_BETA) == 0
    assert 0 < ising.infinite_magnetization(CRITICAL_BETA + 1e-9) < 0.2
    # sinh(2 beta) = 2^(1/4) where 1 - 1/2 is left
    beta = math.asinh(2**0.25) / 2
    assert ising.infinite_magnetization(beta) == pytest.approx(0.5 ** (1 / 8))


def test_huge_lattices_do_not_overflow():
    assert ising.energy_per_spin(2_000, 1.5) == pytest.approx(
        ising.infinite_energy_per_spin(1.5), rel=1e-12
    )


def test_a_state_of_equal_spins_and_a_single_turned_one():
    spins = np.ones((2, 5, 5))
    spins[1, 2, 3] = -1
    assert ising.energies(spins).tolist() == [-50, -50 + 8]


def test_all_states_are_different():
    states = ising.enumerate_states(3)
    assert states.shape == (512, 3, 3)
    assert set(np.unique(states)) == {-1, 1}
    assert len({state.tobytes() for state in states}) == 512


@pytest.mark.parametrize("side", [1, 5, 2.5])
def test_lattices_that_are_too_large_to_enumerate_are_refused(side):
    with pytest.raises(ValueError, match="enumerated for 2, 3 and 4"):
        ising.enumerate_states(side)


@pytest.mark.parametrize("side, beta", [(1, 0.4), (2.5, 0.4), (4, 0.0), (4, -1.0)])
def test_sides_and_temperatures_that_are_none_are_refused(side, beta):
    with pytest.raises(ValueError, match="side is|beta is"):
        ising.log_partition(side, beta)
