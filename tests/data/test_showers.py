"""Showers follow the law that their module states, and are the same each time."""

import numpy as np
import pytest
from scipy.stats import gamma, kstest

from course_utils.data.showers import Calorimeter, Profiles

BLOCK = Calorimeter()
# so deep that nothing leaks out, so fine that a layer is a point
DEEP = Calorimeter(layers=600, thickness=0.2)


def test_the_same_seed_gives_the_same_showers_and_others_give_others():
    first, again, other = (BLOCK.sample(5, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert first.shape == (5, 12)
    assert (first != other).any()


def test_logarithms_of_maximum_and_shape_have_the_published_moments():
    log_y = np.log(20 / 7.4e-3)
    n = 20_000
    alpha, beta = BLOCK.profiles(n, seed=0)
    logs = np.log([(alpha - 1) / beta, alpha])
    means = np.log([log_y - 0.812, 0.81 + (0.458 + 2.26 / 82) * log_y])
    sd = 1 / np.array([-1.4 + 1.26 * log_y, -0.58 + 0.86 * log_y])
    # five standard errors: of a mean, of a standard deviation, of a correlation
    assert (np.abs(logs.mean(1) - means) < 5 * sd / np.sqrt(n)).all()
    assert (np.abs(logs.std(1) - sd) < 5 * sd / np.sqrt(2 * n)).all()
    rho = 0.705 - 0.023 * log_y
    assert abs(np.corrcoef(logs)[0, 1] - rho) < 5 * (1 - rho**2) / np.sqrt(n)


def test_the_profile_is_that_of_longo_and_sestili():
    alpha, beta = 4.5, 0.5
    (energies,) = DEEP.deposited(Profiles(np.array([alpha]), np.array([beta])))
    share = energies / energies.sum()
    t = DEEP.depths
    mean = share @ t
    # the moments of a gamma density; within a layer of thickness d the profile is
    # nearly flat, which adds d^2 / 12 to the variance at the layers' middles' expense
    assert mean == pytest.approx(alpha / beta, abs=DEEP.thickness**2)
    assert share @ (t - mean) ** 2 == pytest.approx(alpha / beta**2, rel=1e-3)
    assert t[energies.argmax()] == pytest.approx((alpha - 1) / beta, abs=0.2)
    np.testing.assert_allclose(energies.sum(), DEEP.energy, rtol=1e-12)


def test_what_does_not_leak_out_is_deposited():
    profiles = BLOCK.profiles(100, seed=3)
    contained = BLOCK.energy * gamma.cdf(24 * profiles.beta, profiles.alpha)
    np.testing.assert_allclose(BLOCK.deposited(profiles).sum(1), contained)
    assert (contained < BLOCK.energy).all()


def test_without_leakage_the_energy_sum_is_a_gamma_variable():
    n, s = 2_000, DEEP.resolution
    sums = DEEP.sample(n, seed=4).sum(1)
    law = gamma(DEEP.energy / s**2, scale=s**2)
    assert law.mean() == pytest.approx(DEEP.energy)
    assert law.std() == pytest.approx(s * np.sqrt(DEEP.energy))
    assert kstest(sums, law.cdf).pvalue > 1e-3


def test_without_an_error_the_layers_show_what_they_get():
    exact = Calorimeter(resolution=0)
    profiles = exact.profiles(7, seed=5)
    np.testing.assert_array_equal(exact.sample(7, seed=5), exact.deposited(profiles))


def test_a_shower_that_starts_later_is_the_same_one_moved():
    first = BLOCK.deposited(BLOCK.profiles(4, seed=6))
    starts = BLOCK.thickness * np.array([0.0, 1.0, 2.0, 12.0])
    moved = BLOCK.deposited(BLOCK.profiles(4, seed=6), starts)
    for layers, before, after in zip((0, 1, 2, 12), first, moved, strict=True):
        np.testing.assert_allclose(after[layers:], before[: 12 - layers])
        assert (after[:layers] == 0).all()
    np.testing.assert_array_equal(BLOCK.sample(4, 7), BLOCK.sample(4, 7, np.zeros(4)))
    assert (BLOCK.sample(4, 7, starts=2.0)[:, 0] == 0).all()


def test_more_energy_makes_showers_longer():
    depths = [
        (alpha / beta).mean()
        for alpha, beta in (Calorimeter(energy=e).profiles(500, 6) for e in (5, 50))
    ]
    assert depths[1] - depths[0] > 1


@pytest.mark.parametrize(
    "setting, words",
    [
        ({"energy": 0.1}, "hundred critical energies"),
        ({"energy": np.inf}, "hundred critical energies"),
        ({"layers": 0}, "layers must be at least 1"),
        ({"thickness": 0.0}, "thickness must be above 0"),
        ({"resolution": -0.1}, "resolution must be at least 0"),
        ({"critical_energy": np.nan}, "critical_energy must be above 0"),
        ({"charge_number": 0.0}, "charge_number must be above 0"),
    ],
)
def test_impossible_detectors_are_refused(setting, words):
    with pytest.raises(ValueError, match=words):
        Calorimeter(**setting)
