"""The game's closed forms against sums, samples and plays that know nothing of them."""

import cmath

import numpy as np
import pytest
from scipy import stats

from course_utils.data.mixtures import Mixture
from course_utils.exact import games

P, Q = stats.norm(0, 1), stats.norm(2, 1)
# The plain sum is exact for smooth bells, as in test_exact.
X = np.arange(-14, 16.01, 0.02)


class Bimodal:
    """Two bells, with `pdf` alone and no methods of scipy's."""

    def pdf(self, x):
        points = np.asarray(x).reshape(-1, 1)
        mixture = Mixture(np.array([[-2.0], [2.0]]), 0.3)
        return np.exp(mixture.log_prob(points)).reshape(np.shape(x))


def summed_divergence(p, q):
    """The definition, by a plain sum over a grid that leaves 1e-30 outside."""
    x = np.arange(-40, 40, 0.02)
    p, q = p.pdf(x), q.pdf(x)
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = p * np.log(2 * p / (p + q)), q * np.log(2 * q / (p + q))
    return 0.5 * np.nansum(terms) * (x[1] - x[0])


# ------------------------------------------------------------- discriminator


def test_the_best_logit_between_two_normals_is_a_line():
    # log N(x; 0, 1) - log N(x; 2, 1) = (x - 2)^2 / 2 - x^2 / 2
    logit = games.optimal_discriminator_logit(X, P, Q)
    np.testing.assert_allclose(logit, 2 - 2 * X, atol=1e-12)


def test_no_other_logit_has_a_smaller_loss(rng):
    p, q, dx = P.pdf(X), Q.pdf(X), X[1] - X[0]

    def loss(logit):
        return (p * np.logaddexp(0, -logit) + q * np.logaddexp(0, logit)).sum() * dx

    best = games.optimal_discriminator_logit(X, P, Q)
    least = loss(best)
    assert least == pytest.approx(0.7126327, abs=1e-6)
    assert least == pytest.approx(2 * np.log(2) - 2 * games.jensen_shannon(P, Q))
    for _ in range(20):
        assert loss(best + 0.1 * rng.standard_normal(len(X))) > least


def test_a_density_may_come_as_pdf_alone():
    x = np.array([[-2.0, 0.0], [1.0, 3.0]])
    logit = games.optimal_discriminator_logit(x, Bimodal(), P)
    np.testing.assert_allclose(logit, np.log(Bimodal().pdf(x)) - P.logpdf(x))


def test_a_sample_that_cannot_be_fake_has_an_infinite_logit():
    half = stats.uniform(0, 1)
    assert games.optimal_discriminator_logit(2.0, P, half) == np.inf
    assert games.optimal_discriminator_logit(2.0, half, P) == -np.inf


# --------------------------------------------------------- Jensen and Shannon


@pytest.mark.parametrize(
    "p, q",
    [
        (P, Q),
        (P, stats.norm(0, 3)),
        (Bimodal(), P),
        (Bimodal(), stats.norm(0, 2)),
        (stats.logistic(0, 0.3), stats.norm(5, 0.5)),
    ],
)
def test_divergence_is_its_sum(p, q):
    value = games.jensen_shannon(p, q)
    assert value == pytest.approx(summed_divergence(p, q), abs=1e-8)
    assert value == pytest.approx(games.jensen_shannon(q, p), abs=1e-9)
    assert 0 < value < np.log(2)


def test_divergence_of_two_unit_normals():
    assert games.jensen_shannon(P, Q) == pytest.approx(0.3368308, abs=1e-7)


def test_divergence_is_the_mean_of_its_logarithms(rng):
    n = 200_000
    x, y = rng.standard_normal(n), 2 + rng.standard_normal(n)
    first = np.log(2) - np.logaddexp(0, 2 * x - 2)  # ln 2p/(p+q), logit 2 - 2x
    second = np.log(2) - np.logaddexp(0, 2 - 2 * y)
    error = 0.5 * np.hypot(first.std(), second.std()) / n**0.5
    mean = 0.5 * (first.mean() + second.mean())
    assert abs(mean - games.jensen_shannon(P, Q)) < 4 * error


def test_divergence_lies_between_nothing_and_one_bit():
    assert games.jensen_shannon(Bimodal(), Bimodal()) == pytest.approx(0, abs=1e-9)
    assert games.jensen_shannon(P, stats.norm(100, 0.01)) == pytest.approx(np.log(2))


@pytest.mark.parametrize(
    "p, q, value",
    [
        (stats.uniform(0, 1), stats.uniform(1, 1), np.log(2)),
        # half of each overlaps, with m = 1/2, 1, 1/2 there
        (stats.uniform(0, 1), stats.uniform(0.5, 1), 0.5 * np.log(2)),
        (stats.uniform(0, 1), stats.uniform(0.1234, 1), 0.1234 * np.log(2)),
    ],
)
def test_densities_with_edges(p, q, value):
    assert games.jensen_shannon(p, q) == pytest.approx(value, abs=1e-8)


def test_far_from_the_origin_and_with_heavy_tails():
    far = games.jensen_shannon(stats.norm(1e4, 1), stats.norm(1e4 + 2, 1))
    assert far == pytest.approx(0.3368308, abs=1e-7)
    cauchy, wide = stats.cauchy(0, 1), stats.cauchy(0, 2)
    tangent = np.linspace(-np.pi / 2, np.pi / 2, 400_001)[1:-1]  # x = tan t
    ratio = 1 / (np.pi * wide.pdf(np.tan(tangent)) * (1 + np.tan(tangent) ** 2))
    terms = np.log(2 / (1 + 1 / ratio)), np.log(2 / (1 + ratio)) / ratio
    expected = 0.5 * np.mean(terms[0] + terms[1])  # p dx = dt / pi
    assert games.jensen_shannon(cauchy, wide) == pytest.approx(expected, abs=1e-5)


class Halved(Bimodal):
    def pdf(self, x):
        return 0.5 * super().pdf(x)


def test_what_is_no_density_is_refused():
    with pytest.raises(ValueError, match="integrate to 0.5 and 1"):
        games.jensen_shannon(Halved(), P)


def test_what_is_too_narrow_to_be_found_is_refused():
    with pytest.raises(ValueError, match="larger unit of length"):
        games.jensen_shannon(P, stats.norm(0.12345, 1e-9))


# ------------------------------------------------------------------ Dirac-GAN


def value(theta, psi, wasserstein):
    """V written down anew: log D(0) + log(1 - D(theta)), or logit(0) - logit(theta)."""
    if wasserstein:
        return 0.0 - psi * theta
    return -np.log(2) - np.log1p(np.exp(psi * theta))


def slopes(theta, psi, wasserstein, e=1e-5):
    """Of V in theta and psi, by central differences: errors of e^2 and 1e-16 / e."""
    v = [
        value(theta + a, psi + b, wasserstein)
        for a, b in ((e, 0), (-e, 0), (0, e), (0, -e))
    ]
    return (v[0] - v[1]) / (2 * e), (v[2] - v[3]) / (2 * e)


def played(method, theta, psi, h, gamma):
    wasserstein = method.startswith("wasserstein")
    centre = np.sign(psi) if method.endswith("gp") else 0
    new = psi + h * (slopes(theta, psi, wasserstein)[1] - gamma * (psi - centre))
    seen = psi if method in ("simultaneous", "wasserstein") else new
    return theta - h * slopes(theta, seen, wasserstein)[0], new


@pytest.mark.parametrize("gamma", [0.0, 0.7])
@pytest.mark.parametrize("method", games.DIRAC_METHODS)
def test_a_step_follows_the_slopes_of_the_value(method, gamma, rng):
    for theta, psi in rng.normal(size=(5, 2)):
        step = games.dirac_gan_step(method, theta, psi, 0.3, gamma)
        np.testing.assert_allclose(
            step, played(method, theta, psi, 0.3, gamma), atol=1e-9
        )


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.5])
@pytest.mark.parametrize("step", [0.1, 0.8, 3.0, 5.0])
@pytest.mark.parametrize("method", [m for m in games.DIRAC_METHODS if m[-2:] != "gp"])
def test_eigenvalues_are_those_of_the_jacobian(method, step, gamma):
    e = 1e-4  # played() is known to 1e-10, so that its slope is to 1e-6
    columns = [
        np.subtract(
            played(method, *point, step, gamma), played(method, *-point, step, gamma)
        )
        / (2 * e)
        for point in e * np.eye(2)
    ]
    jacobian = np.stack(columns, axis=1)
    found = games.dirac_gan_eigenvalues(method, step, gamma)
    # trace and determinant are smooth in the Jacobian; a double root is not
    assert found.sum() == pytest.approx(np.trace(jacobian), abs=1e-5)
    assert found.prod() == pytest.approx(np.linalg.det(jacobian), abs=1e-5)


@pytest.mark.parametrize("h", [0.1, 1.0, 3.0])
def test_moduli_that_are_known(h):
    both = np.abs(games.dirac_gan_eigenvalues("simultaneous", h))
    np.testing.assert_allclose(both, np.sqrt(1 + h**2 / 4), atol=1e-12)
    np.testing.assert_allclose(
        np.abs(games.dirac_gan_eigenvalues("wasserstein", h)), np.sqrt(1 + h**2)
    )
    np.testing.assert_allclose(
        np.abs(games.dirac_gan_eigenvalues("alternating", h)), 1, atol=1e-12
    )


def test_alternating_steps_turn_until_the_step_is_4():
    def largest(method, h):
        return np.abs(games.dirac_gan_eigenvalues(method, h)).max()

    # at 4 itself both are -1, a double root, which float64 splits by its square root
    assert largest("alternating", 3.99) == pytest.approx(1, abs=1e-12)
    assert largest("alternating", 4.01) > 1.05
    assert largest("wasserstein_alternating", 1.99) == pytest.approx(1, abs=1e-12)
    assert largest("wasserstein_alternating", 2.01) > 1.05


@pytest.mark.parametrize("gamma", [0.3, 1.0, 2.0])
def test_r1_with_simultaneous_steps(gamma):
    h, root = 0.2, cmath.sqrt(gamma**2 / 4 - 1 / 4)
    expected = [1 + h * (-gamma / 2 + root), 1 + h * (-gamma / 2 - root)]
    found = games.dirac_gan_eigenvalues("simultaneous", h, gamma)
    np.testing.assert_allclose(found, expected, atol=1e-12)
    assert np.abs(found).max() < 1


@pytest.mark.parametrize("h", [0.1, 0.3, 1.0])
def test_which_penalties_bring_the_play_home(h):
    for method, low, high, best in (
        ("simultaneous", h / 4, 2 / h + h / 8, 1.0),
        ("alternating", 0.0, 2 / h - h / 8, 1 - h / 4),
    ):
        inside = [low + 1e-3, best, high - 1e-3]
        for gamma in (*inside, low - 1e-3, high + 1e-3):
            moduli = np.abs(games.dirac_gan_eigenvalues(method, h, gamma))
            assert (moduli.max() < 1) == (gamma in inside)
        # a double root, which float64 splits by its square root
        at_best = np.abs(games.dirac_gan_eigenvalues(method, h, best))
        np.testing.assert_allclose(at_best, 1 - h / 2, atol=1e-7)


def test_alternating_steps_stay_on_an_ellipse_in_the_wasserstein_game_alone():
    h = 1.9
    theta, psi = games.dirac_gan_path("wasserstein_alternating", (1, 1), h, 2000).T
    # rounding of 1e-16, along an ellipse 6 times as long as wide, 2000 times
    np.testing.assert_allclose(theta**2 + psi**2 - h * theta * psi, 2 - h, rtol=1e-9)
    far = games.dirac_gan_path("alternating", (1, 1), 2.0, 80)
    near = games.dirac_gan_path("alternating", (0.01, 0.01), 2.0, 2000)
    assert np.hypot(*far.T).max() > 4  # with eigenvalues of modulus 1
    assert np.hypot(*near.T).max() < 0.01415


def test_a_path_is_its_steps():
    path = games.dirac_gan_path("alternating", (1.0, -0.5), 0.4, 3, gamma=0.1)
    assert path.shape == (4, 2)
    np.testing.assert_array_equal(path[0], (1.0, -0.5))
    for before, after in zip(path, path[1:], strict=False):
        np.testing.assert_array_equal(
            games.dirac_gan_step("alternating", *before, 0.4, 0.1), after
        )


def test_near_the_equilibrium_a_path_grows_as_the_eigenvalues_say():
    path = games.dirac_gan_path("simultaneous", (1e-5, 0.0), 0.2, 100)
    grown = np.hypot(*path[-1]) / 1e-5
    # psi theta is under 1e-9, and so is what f' differs from 1/2
    assert grown == pytest.approx((1 + 0.2**2 / 4) ** 50, rel=1e-7)


def test_many_points_step_at_once():
    theta, psi = np.meshgrid([-1.0, 0.0, 2.0], [0.5, 1.0])
    together = games.dirac_gan_step("simultaneous", theta, psi, 0.1)
    for place in np.ndindex(theta.shape):
        one = games.dirac_gan_step("simultaneous", theta[place], psi[place], 0.1)
        assert one == (together[0][place], together[1][place])


def test_unknown_methods_and_kinks_are_refused():
    with pytest.raises(ValueError, match="must be one of 'simultaneous'"):
        games.dirac_gan_step("r1", 0.0, 0.0, 0.1)
    with pytest.raises(ValueError, match="kink"):
        games.dirac_gan_eigenvalues("wasserstein_gp", 0.1, 1.0)
