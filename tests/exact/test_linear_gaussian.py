"""Closed forms against integrals, samples and perturbations that know nothing of them.

Where a tolerance is 1e-10 or less, both sides are sums of at most 1e4 terms of modulus
at most 1e3 in double precision (1e-16 a term, errors partly cancelling): about 1e-11.
"""

import tracemalloc
from itertools import pairwise

import numpy as np
import pytest
from scipy import integrate, stats
from scipy.special import k0

from course_utils.exact.divergences import (
    gaussian_chi_squared,
    gaussian_kl,
    kl_to_standard_normal,
)
from course_utils.exact.estimators import (
    gradient_variances,
    iwae_from_log_weights,
    iwae_gap,
    sine_gradient_variances,
)
from course_utils.exact.linear_gaussian import (
    LinearGaussian,
    beta_vae_optimum,
    gaussian_nll_floor,
    ppca_log_evidence,
    principal_axes,
    rate_distortion,
)

# Trapezoidal sums of an analytic function times a normal density: a step h costs about
# exp(-2 pi^2 / h^2), so 0.05 is exact in double precision, and so is stopping at 12.
NODES = np.arange(-12, 12.01, 0.05)
WEIGHTS = stats.norm.pdf(NODES) * 0.05


def expect(f, mu=0.0, sigma=1.0):
    """E f(z) for z ~ N(mu, sigma^2), by quadrature."""
    return WEIGHTS @ f(mu + sigma * NODES)


def expect_gaussian(f, mean, cov):
    """E f(z) for a quadratic f and a Gaussian z (k,): 3^k nodes are exact."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(3)
    k, weights = len(mean), weights / weights.sum()
    grid = np.stack(np.meshgrid(*[nodes] * k, indexing="ij"), -1).reshape(-1, k)
    mass = np.stack(np.meshgrid(*[weights] * k, indexing="ij"), -1).reshape(-1, k)
    return mass.prod(-1) @ f(mean + grid @ np.linalg.cholesky(cov).T)


@pytest.fixture
def rng():
    return np.random.default_rng(7)


@pytest.fixture
def model(rng):
    """Four dimensions, two latent ones, and columns of W that are not orthogonal."""
    W = rng.normal(size=(4, 2)) + np.array([[1.0, 0.6]])
    return LinearGaussian(W, rng.normal(size=4), 0.7)


@pytest.fixture
def x(rng):
    """Correlated data of five dimensions that are not Gaussian, off centre."""
    return rng.uniform(size=(200, 5)) @ rng.normal(size=(5, 5)) * 2 + 3


def random_cov(rng, k):
    root = rng.normal(size=(k, k))
    return root @ root.T + 0.3 * np.eye(k)


# ----------------------------------------------------------------- Gaussians


def test_kl_of_full_gaussians_is_its_integral(rng):
    mu0, mu1, cov0, cov1 = (
        *rng.normal(size=(2, 3)),
        random_cov(rng, 3),
        random_cov(rng, 3),
    )
    p, q = (stats.multivariate_normal(mu0, cov0), stats.multivariate_normal(mu1, cov1))
    integral = expect_gaussian(lambda z: p.logpdf(z) - q.logpdf(z), mu0, cov0)
    assert gaussian_kl(mu0, cov0, mu1, cov1) == pytest.approx(integral, abs=1e-11)


def test_kl_on_the_line_takes_numbers():
    kl = gaussian_kl(0.5, 1.5, 0, 1)
    assert kl == pytest.approx(0.1722674, abs=5e-8)  # the digits given
    p, q = stats.norm(0.5, np.sqrt(1.5)), stats.norm(0, 1)
    integral = expect(lambda z: p.logpdf(z) - q.logpdf(z), 0.5, np.sqrt(1.5))
    assert kl == pytest.approx(integral, abs=1e-12)


def test_kl_to_standard_normal_sums_over_the_last_axis(rng):
    mu, logvar = rng.normal(size=(2, 3, 4))
    full = [
        gaussian_kl(m, np.diag(np.exp(v)), np.zeros(4), np.eye(4))
        for m, v in zip(mu, logvar, strict=True)
    ]
    np.testing.assert_allclose(kl_to_standard_normal(mu, logvar), full, atol=1e-12)


def test_unit_variance_costs_720_nats_on_784_pixels():
    assert gaussian_nll_floor(784) == pytest.approx(720.4478, abs=5e-5)
    perfect = -stats.norm(0, 0.3).logpdf(np.zeros(784)).sum()
    assert gaussian_nll_floor(784, 0.3) == pytest.approx(perfect, abs=1e-10)


# ------------------------------------------------- the linear-Gaussian model


@pytest.mark.parametrize("latent_dim", [1, 2, 4])
def test_evidence_at_maximum_likelihood_follows_from_the_eigenvalues(x, latent_dim):
    eigenvalues = np.linalg.eigvalsh((x - x.mean(0)).T @ (x - x.mean(0)) / len(x))
    evidence = LinearGaussian.fit(x, latent_dim).log_evidence(x).mean()
    closed = ppca_log_evidence(eigenvalues, latent_dim)
    assert evidence == pytest.approx(closed, abs=1e-10)


def test_the_fit_is_a_maximum(x, rng):
    best = LinearGaussian.fit(x, 2)
    evidence = best.log_evidence(x).mean()
    for size in (1e-3, 1e-2, 0.1, 0.5):
        for _ in range(10):
            W = best.W + size * rng.normal(size=best.W.shape)
            b = best.b + size * rng.normal(size=5)
            sigma = best.sigma * np.exp(size * rng.normal())
            other = LinearGaussian(W, b, sigma).log_evidence(x).mean()
            assert other < evidence


def test_samples_have_the_moments_of_the_model(model):
    n = 200_000
    x, z = model.sample(n, seed=3)
    cov = model.W @ model.W.T + 0.49 * np.eye(4)
    # An entry of a Gaussian sample covariance has variance (C_ii C_jj + C_ij^2) / n.
    sd = np.sqrt((np.outer(np.diag(cov), np.diag(cov)) + cov**2) / n)
    assert np.all(np.abs(np.cov(x.T) - cov) < 5 * sd)
    assert np.all(np.abs(x.mean(0) - model.b) < 5 * np.sqrt(np.diag(cov) / n))
    assert np.all(np.abs(np.cov(z.T) - np.eye(2)) < 5 * np.sqrt((1 + np.eye(2)) / n))
    # Cov(x, z) = W: the latents belong to their rows. Entry variance (C_ii + W_ij^2)/n.
    cross = (x - model.b).T @ z / n
    sd = np.sqrt((np.diag(cov)[:, None] + model.W**2) / n)
    assert np.all(np.abs(cross - model.W) < 5 * sd)
    np.testing.assert_array_equal(x, model.sample(n, seed=3)[0])


def test_evidence_integrates_the_joint(model):
    x, _ = model.sample(5, seed=1)
    # Over z the joint is a Gaussian of width 0.2 or more: steps of 0.05 are exact.
    assert np.linalg.eigvalsh(model.posterior(x)[1]).min() > 0.2**2
    z = np.stack(np.meshgrid(NODES, NODES), -1).reshape(-1, 2)
    log_joint = [model.log_joint(np.tile(row, (len(z), 1)), z) for row in x]
    integral = np.log(np.exp(log_joint).sum(-1) * 0.05**2)
    np.testing.assert_allclose(model.log_evidence(x), integral, atol=1e-10)


def test_with_the_exact_posterior_every_latent_gives_the_evidence(model, rng):
    x, _ = model.sample(20, seed=1)
    mean, cov = model.posterior(x)
    z = mean + rng.normal(size=mean.shape) * 3
    log_q = stats.multivariate_normal(np.zeros(2), cov).logpdf(z - mean)
    evidence = model.log_evidence(x)
    np.testing.assert_allclose(model.log_joint(x, z) - log_q, evidence, atol=1e-10)
    np.testing.assert_allclose(model.elbo(x, mean, cov), evidence, atol=1e-10)
    assert model.log_evidence(x[:1]).shape == (1,)


def test_elbo_and_its_two_terms_are_expectations_under_q(model, rng):
    x, _ = model.sample(3, seed=1)
    q_mean, q_cov = rng.normal(size=(3, 2)), np.stack([random_cov(rng, 2) for _ in x])
    prior = stats.multivariate_normal(np.zeros(2))
    for row, m, S in zip(x, q_mean, q_cov, strict=True):
        q = stats.multivariate_normal(m, S)
        tiled = np.tile(row, (9, 1))  # one row for each node of the quadrature
        wanted = (
            expect_gaussian(lambda z, t=tiled: model.log_likelihood(t, z), m, S),
            expect_gaussian(lambda z, q=q: q.logpdf(z) - prior.logpdf(z), m, S),
        )
        args = row[None], m[None], S
        terms = model.reconstruction(*args)[0], model.kl(m[None], S)[0]
        np.testing.assert_allclose(terms, wanted, atol=1e-10)
        assert model.elbo(*args)[0] == pytest.approx(wanted[0] - wanted[1], abs=1e-10)
    one_by_one = [
        model.elbo(x[i : i + 1], q_mean[i : i + 1], q_cov[i])[0] for i in range(3)
    ]
    np.testing.assert_allclose(model.elbo(x, q_mean, q_cov), one_by_one, atol=1e-10)


def test_the_log_likelihood_is_the_density_of_the_noise(model):
    x, z = model.sample(5, seed=2)
    density = stats.norm(z @ model.W.T + model.b, model.sigma).logpdf(x).sum(-1)
    np.testing.assert_allclose(model.log_likelihood(x, z), density, atol=1e-11)


def test_the_best_diagonal_posterior_leaves_the_diagonal_gap(model, rng):
    x, _ = model.sample(20, seed=1)
    mean, cov = model.best_diagonal_posterior(x)
    best = model.elbo(x, mean, cov)
    gap = model.diagonal_gap()
    assert gap > 0.1
    np.testing.assert_allclose(model.log_evidence(x) - best, gap, atol=1e-10)
    np.testing.assert_array_equal(cov, np.diag(np.diag(cov)))
    for size in (1e-3, 0.1, 0.5):
        spread = np.diag(np.diag(cov) * np.exp(size * rng.normal(size=2)))
        assert np.all(model.elbo(x, mean, spread) < best)
        assert np.all(model.elbo(x, mean + size * rng.normal(size=2), cov) < best)


def test_orthogonal_columns_leave_no_diagonal_gap(x):
    fitted = LinearGaussian.fit(x, 3)
    assert fitted.diagonal_gap() == pytest.approx(0, abs=1e-12)


def test_principal_axes_rebuild_the_covariance_with_fixed_signs(x):
    values, vectors = principal_axes(x)
    cov = np.cov(x.T, bias=True)
    np.testing.assert_allclose((vectors * values) @ vectors.T, cov, atol=1e-11)
    assert np.all(np.diff(values) < 0)
    assert np.all(vectors.max(0) == np.abs(vectors).max(0))


# ------------------------------------------------------------- the beta-VAE


def mean_objective(x, model, q_map, q_cov, beta):
    """Rate, distortion, and mean of reconstruction - beta kl, for q_mean = q_map."""
    q_mean = (x - x.mean(0)) @ q_map
    rate = model.kl(q_mean, q_cov).mean()
    error = ((x - model.b - q_mean @ model.W.T) ** 2).sum(-1).mean()
    distortion = error + np.trace(model.W @ q_cov @ model.W.T)
    objective = model.reconstruction(x, q_mean, q_cov).mean() - beta * rate
    return rate, distortion, objective


@pytest.fixture
def optimum(x):
    def build(latent_dim, beta):
        # Between the third and the fourth eigenvalue when beta = 1.
        values, _ = principal_axes(x)
        sigma = np.sqrt(values[2] * values[3]) ** 0.5
        model, inference = beta_vae_optimum(x, latent_dim, sigma, beta)
        q_map = np.linalg.lstsq(x - x.mean(0), inference.posterior(x)[0], rcond=None)[0]
        return values, model, q_map, inference.posterior(x)[1]

    return build


@pytest.mark.parametrize("beta, active", [(1e-3, 5), (1.0, 3), (1e3, 0)])
def test_the_beta_vae_fills_eigenvalues_like_water(x, optimum, beta, active):
    values, model, q_map, q_cov = optimum(5, beta)
    closed = rate_distortion(values, model.sigma, beta)
    rate, distortion, _ = mean_objective(x, model, q_map, q_cov, beta)
    assert closed.rate == pytest.approx(rate, abs=1e-8)
    assert closed.distortion == pytest.approx(distortion, abs=1e-8)
    used = np.abs(model.W).max(0) > 0
    assert closed.active_units == used.sum() == active
    # A dimension that is not used has collapsed: its q is the prior.
    np.testing.assert_allclose(q_cov[~used], np.eye(5)[~used], atol=1e-12)
    np.testing.assert_allclose(q_map[:, ~used], 0, atol=1e-12)


@pytest.mark.parametrize("latent_dim", [2, 5])
@pytest.mark.parametrize("beta", [0.3, 1.0, 4.0])
def test_nothing_near_the_beta_optimum_is_better(x, optimum, rng, latent_dim, beta):
    _, model, q_map, q_cov = optimum(latent_dim, beta)
    best = mean_objective(x, model, q_map, q_cov, beta)[-1]
    d, q = model.W.shape
    for size in (1e-3, 0.03, 0.3):
        for _ in range(10):
            W, b = model.W + size * rng.normal(size=(d, q)), model.b
            other = LinearGaussian(W, b + size * rng.normal(size=d), model.sigma)
            turn = np.eye(q) + size * rng.normal(size=(q, q))
            moved = q_map + size * rng.normal(size=(d, q)), turn @ q_cov @ turn.T
            assert mean_objective(x, other, q_map, q_cov, beta)[-1] < best
            assert mean_objective(x, model, *moved, beta)[-1] < best
            assert mean_objective(x, other, *moved, beta)[-1] < best


# ------------------------------------------------------- gradient estimators

SQUARE = (gradient_variances, np.square, lambda z: 2 * z)
SINE = (
    lambda mu, sigma: sine_gradient_variances(mu, sigma, 5.0),
    lambda z: np.sin(5 * z),
    lambda z: 5 * np.cos(5 * z),
)


def estimators(f, slope, mu, sigma, e):
    """One-sample estimates from e ~ N(0, 1), with the best baseline by quadrature."""
    c = expect(lambda e: f(mu + sigma * e) * e**2)  # least squares of f e on e
    z = mu + sigma * e
    return slope(z), f(z) * e / sigma, (f(z) - c) * e / sigma


@pytest.mark.parametrize("closed, f, slope", [SQUARE, SINE], ids=["square", "sine"])
@pytest.mark.parametrize("mu, sigma", [(0, 1), (2, 1), (-0.7, 0.4), (0.3, 0.1)])
def test_gradient_variances_are_their_integrals(closed, f, slope, mu, sigma):
    integrals = [
        WEIGHTS @ g**2 - (WEIGHTS @ g) ** 2
        for g in estimators(f, slope, mu, sigma, NODES)
    ]
    np.testing.assert_allclose(closed(mu, sigma), integrals, rtol=1e-11)


@pytest.mark.parametrize(
    "closed, f, slope, mu, sds",
    [
        (*SQUARE, 0.0, (0.0014, 0.0067, 0.0096)),
        (*SQUARE, 2.0, (0.0014, 0.0051, None)),
        (*SINE, 0.4, (0.0007, 0.0019, None)),
    ],
    ids=["square at 0", "square at 2", "sine"],
)
def test_sampled_variances_agree(closed, f, slope, mu, sds):
    n = 1_000_000
    e = np.random.default_rng(11).standard_normal(n)
    sampled = estimators(f, slope, mu, 1.0, e)
    integrand = estimators(f, slope, mu, 1.0, NODES)
    for g, h, variance, sd in zip(
        sampled, integrand, closed(mu, 1.0), sds, strict=True
    ):
        # The variance of a sample variance is (m4 - m2^2) / n, up to 1/n^2.
        centred = h - WEIGHTS @ h
        relative = (
            np.sqrt((WEIGHTS @ centred**4) / (WEIGHTS @ centred**2) ** 2 - 1) / n**0.5
        )
        assert sd is None or relative == pytest.approx(sd, abs=5e-5)  # its four digits
        assert g.var() == pytest.approx(variance, rel=5 * relative)


def test_for_a_fast_sine_the_score_function_wins_everywhere():
    mu = np.linspace(-3, 3, 50)
    pathwise, score, baseline = sine_gradient_variances(mu, 1.0, 5.0)
    # With a = 25, what depends on mu is below a e^-a and e^-2a (1 + 4a) / 2.
    ripple = 25 * np.exp(-25) + 51 * np.exp(-50) + 1e-14
    np.testing.assert_allclose(pathwise, 12.5, atol=ripple)
    np.testing.assert_allclose(score, 0.5, atol=ripple)
    assert np.all(baseline <= score)


def test_gradient_variances_broadcast():
    variances = gradient_variances(np.array([0.0, 2.0]), 1.0)
    assert variances.pathwise.tolist() == [4, 4]
    np.testing.assert_array_equal(variances.score_function, [15, 16 + 56 + 15])
    np.testing.assert_array_equal(variances.score_function_baseline, [6, 38])


# ------------------------------------------------------ importance weighting

PAIR = (0.0, 1.0, 0.5, 1.5)  # p = N(0, 1), q = N(0.5, variance 1.5)


def log_weight(z, mean_p, var_p, mean_q, var_q):
    p, q = stats.norm(mean_p, np.sqrt(var_p)), stats.norm(mean_q, np.sqrt(var_q))
    return p.logpdf(z) - q.logpdf(z)


@pytest.mark.parametrize("pair", [PAIR, (1.0, 1.2, 0.0, 0.7), (0.0, 0.3, 0.2, 0.3)])
def test_chi_squared_is_its_integral(pair):
    mean_p, var_p, mean_q, var_q = pair
    integral, error = integrate.quad(
        lambda z: np.exp(
            2 * log_weight(z, *pair) + stats.norm.logpdf(z, mean_q, var_q**0.5)
        ),
        *(-30, 30),
        points=[0, 5],
        epsabs=1e-12,
        epsrel=1e-12,
        limit=500,
    )
    chi_squared = gaussian_chi_squared(*pair)
    assert chi_squared == pytest.approx(integral - 1, abs=error + 1e-11)


def test_chi_squared_is_infinite_where_q_is_too_narrow():
    assert gaussian_chi_squared(0, 2, 0, 1) == np.inf
    # At the same mean and var_p = r var_q, it is 1/sqrt(r (2 - r)) - 1.
    edge = gaussian_chi_squared(0, 1.9999, 0, 1)
    assert edge == pytest.approx((1.9999 * 1e-4) ** -0.5 - 1, rel=1e-11)


@pytest.mark.parametrize(
    "pair", [PAIR, (0.0, 1.0, 0.0, 0.3), (0.0, 1.0, 3.0, 0.2), (0.0, 0.1, 3.0, 1.0)]
)
def test_the_gap_of_one_sample_is_the_kl(pair):
    mean_p, var_p, mean_q, var_q = pair
    kl = gaussian_kl(mean_q, var_q, mean_p, var_p)
    # Relative 1e-12: a sum over a few hundred steps, each rounded as 1 - phi is.
    assert iwae_gap(*pair, samples=1) == pytest.approx(kl, rel=1e-12)


FAR = [
    (0, 1, 0, 1e-6),  # q much narrower than p: once arrays of 2.6 GB
    (0, 1e-6, 0, 1),
    (0, 1e-6, 5, 1),
    (0, 1, 5, 1e-6),
    (0, 1e-12, 7, 1),
    (0, 1, 100, 1),
    (0, 1, 1e8, 1),
    (0, 1, 1e4, 1e-3),
    (0, 1, 0, 1e-300),
    (0, 1e-20, 0, 1),
    (1e12, 1e-8, 1e12 + 1, 1e-2),
    (0, 1e300, 1e150, 3e299),
]


@pytest.mark.parametrize("pair", FAR)
@pytest.mark.parametrize("samples", [1, 1000])
def test_the_gap_of_narrow_and_distant_bells_takes_no_more_memory(pair, samples):
    tracemalloc.start()
    iwae_gap(*pair, samples)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20e6


@pytest.mark.parametrize("pair", FAR)
def test_the_gap_of_narrow_and_distant_bells_is_right(pair):
    mean_p, var_p, mean_q, var_q = pair
    r = var_q / var_p
    kl = 0.5 * (r - 1 - np.log(r) + (mean_p - mean_q) ** 2 / var_p)
    # A sum over pieces of up to a thousand sizes, which are rounded.
    assert iwae_gap(*pair, samples=1) == pytest.approx(kl, rel=1e-12)


@pytest.mark.parametrize("var_q", [1e-30, 1e-6, 0.1, 0.9, 1.1, 4, 1e6, 1e20])
def test_the_gap_of_two_samples_about_one_mean_is_a_single_integral(var_q):
    # z = sd(q) u gives ln w = a/2 u^2 + ln(sd(q)), a = 1 - var_q. Two of them differ by
    # a x y, where x, y ~ N(0, 1), since u^2 - v^2 = (u - v)(u + v). |x y| has the
    # density 2/pi K0, its mean is 2/pi, and ln(w + w') = max + ln(1 + e^-|difference|).
    a = abs(1 - var_q)

    def overlap(x):
        return k0(np.exp(x)) * np.log1p(np.exp(-a * np.exp(x))) * np.exp(x)

    ends = np.linspace(-40 - max(0, np.log(a)), 6, 30)
    pieces = [integrate.quad(overlap, *end, epsabs=1e-15) for end in pairwise(ends)]
    mean_max = 0.5 * (1 - var_q + a * 2 / np.pi) + 0.5 * np.log(var_q)
    expected = np.log(2) - mean_max - 2 / np.pi * sum(value for value, _ in pieces)
    gap = iwae_gap(0, 1, 0, var_q, samples=2)
    assert gap == pytest.approx(expected, rel=1e-12, abs=1e-13)


@pytest.mark.parametrize("k", [2, 50, 1000])
@pytest.mark.parametrize("pair", [(0, 1e-4, 5, 1), (0, 1, 5, 1e-6), (0, 1, 100, 1)])
def test_the_gap_of_narrow_and_distant_bells_agrees_with_sampling(pair, k):
    mean_p, var_p, mean_q, var_q = pair
    u = np.random.default_rng(5).standard_normal((1_000_000 // k, k))
    z = (mean_q - mean_p + np.sqrt(var_q) * u) / np.sqrt(var_p)
    log_w = 0.5 * (u**2 - z**2 + np.log(var_q / var_p))
    bounds = -iwae_from_log_weights(log_w)
    error = bounds.std() / np.sqrt(len(bounds))
    assert iwae_gap(*pair, samples=k) == pytest.approx(bounds.mean(), abs=5 * error)


@pytest.mark.parametrize("pair", [(0, 1e-6, 2, 1), (0, 1e-12, 0, 1), (0, 0.5, 1, 1)])
def test_very_many_samples_reach_half_of_chi_squared(pair):
    half = gaussian_chi_squared(*pair) / 2
    k = 1e7 * half  # the next term is about half/k of the first, or 1e-7
    assert k * iwae_gap(*pair, samples=int(k)) == pytest.approx(half, rel=1e-6)


def test_equal_bells_have_no_gap_and_nearly_equal_ones_none_below_zero():
    for var_q in (1, 1 + 1e-12, 1 - 1e-9):
        assert 0 <= iwae_gap(0, 1, 0, var_q, samples=3) < 1e-15


@pytest.mark.parametrize(
    "arguments",
    [
        (np.nan, 1, 0, 1, 1),
        (0, np.inf, 0, 1, 1),
        (0, 1, 0, np.nan, 1),
        (0, 1, 0, 1, np.inf),
        (0, 1, 0, 1, 10**400),
    ],
)
def test_a_gap_of_what_is_not_finite_is_refused(arguments):
    with pytest.raises(ValueError, match="Pass finite numbers"):
        iwae_gap(*arguments)


@pytest.mark.parametrize("pair", [(0, 1, 1e155, 1), (0, 1e-308, 0, 1e308)])
def test_bells_whose_ratio_no_float_can_hold_are_refused(pair):
    with pytest.raises(ValueError, match="overflows: pass p and q that differ less"):
        iwae_gap(*pair, samples=2)


@pytest.mark.parametrize("pair", [PAIR, (0.0, 1.0, 0.3, 0.8)])
def test_the_gap_of_two_samples_is_a_double_integral(pair):
    log_w = log_weight(pair[2] + np.sqrt(pair[3]) * NODES, *pair)
    both = iwae_from_log_weights(
        np.stack(np.broadcast_arrays(log_w[:, None], log_w), axis=-1)
    )
    integral = -WEIGHTS @ both @ WEIGHTS
    assert iwae_gap(*pair, samples=2) == pytest.approx(integral, abs=1e-12)


def test_the_gap_of_eight_samples_agrees_with_sampling():
    z = np.random.default_rng(5).normal(0.5, np.sqrt(1.5), size=(200_000, 8))
    bounds = -iwae_from_log_weights(log_weight(z, *PAIR))
    error = bounds.std() / np.sqrt(len(bounds))
    assert iwae_gap(*PAIR, samples=8) == pytest.approx(bounds.mean(), abs=5 * error)


def test_k_times_the_gap_tends_to_half_of_chi_squared():
    half = gaussian_chi_squared(*PAIR) / 2
    assert half == pytest.approx(0.1009427, abs=5e-8)  # the digits given
    w = np.exp(log_weight(0.5 + np.sqrt(1.5) * NODES, *PAIR))
    m2, m3, m4 = (WEIGHTS @ (w - 1) ** power for power in (2, 3, 4))
    # From ln(1 + u) = u - u^2/2 + ... and the moments of a mean u of k terms w - 1:
    second = 3 / 4 * m2**2 - m3 / 3
    third = (m4 - 3 * m2**2) / 4 - 2 * m2 * m3 + 5 / 2 * m2**3
    for k in (100, 1000, 10_000):
        rest = k * iwae_gap(*PAIR, samples=k) - half - second / k
        # What is left is third/k^2, up to a few 1/k of itself, and rounding, k 1e-16.
        assert rest == pytest.approx(third / k**2, abs=0.1 * abs(third) / k**2 + 1e-12)


def test_more_samples_never_loosen_the_bound():
    gaps = [iwae_gap(*PAIR, samples=k) for k in range(1, 30)]
    assert np.all(np.diff(gaps) < 0)
    assert gaps[-1] > 0


def test_the_bound_is_at_least_the_mean_of_its_halves(rng):
    log_weights = rng.normal(scale=3, size=(1000, 10))
    whole = iwae_from_log_weights(log_weights)
    halves = iwae_from_log_weights(log_weights.reshape(1000, 2, 5)).mean(-1)
    assert np.all(whole >= halves - 1e-12)
    np.testing.assert_allclose(whole, np.log(np.exp(log_weights).mean(-1)), atol=1e-12)


# ------------------------------------------------------------------- errors

LINE = LinearGaussian([[1.0], [2.0]], [0.0, 0.0], 1.0)


@pytest.mark.parametrize(
    "call, remedy",
    [
        (
            lambda: LinearGaussian(np.ones((3, 1)), np.zeros(2), 1.0),
            r"b as \(d,\)",
        ),
        (lambda: LinearGaussian(np.ones((3, 1)), np.zeros(3), 0.0), "positive"),
        (lambda: LINE.log_evidence([1.0, 2.0]), r"x\[None\]"),
        (lambda: LINE.log_likelihood([[1.0, 2.0]], [[1.0, 1.0]]), r"pass \(n, 1\)"),
        (lambda: LINE.kl([[0.0]], [[-1.0]]), "symmetric positive"),
        (lambda: LINE.kl([[0.0]], [[0.0]]), "symmetric positive"),
        (lambda: gaussian_kl([0, 0], [1, 1], [0, 0], np.eye(2)), r"np\.diag"),
        (lambda: LINE.kl([[0.0]], [[1.0, 0.5], [0.0, 1.0]]), "symmetric positive"),
        (lambda: gaussian_kl([0], np.eye(2), [0], np.eye(2)), "the same k"),
        (lambda: LinearGaussian.fit(np.eye(3), 3), "from 1 to d - 1"),
        (lambda: LinearGaussian.fit(np.eye(3), 2), "below the rank"),
        (lambda: LinearGaussian.fit(np.ones(3), 1), "two or more rows"),
        (lambda: beta_vae_optimum(np.eye(3), 4, 1.0, 1.0), "from 1 to d"),
        (lambda: rate_distortion([1.0, 2.0], 1.0, beta=0.0), "beta is 0.0"),
        (lambda: gradient_variances(0.0, -1.0), "sigma is -1.0"),
        (lambda: iwae_gap(0, 1, 0, 1, samples=0), "samples is 0"),
        (lambda: gaussian_chi_squared(0, -1, 0, 1), "var_p is -1"),
    ],
)
def test_errors_name_the_remedy(call, remedy):
    with pytest.raises(ValueError, match=remedy):
        call()
