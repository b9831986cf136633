# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # GANs on a page
#
# Data have the density $p$, fakes $x = G_\theta(z)$, $z \sim \mathcal N(0, I)$, the density $q$; $m = \tfrac12(p + q)$

# %% tags=["setup"] jupyter={"source_hidden": true}
# @title To print: jupyter nbconvert --to html --no-input gans_on_a_page.ipynb
import numpy as np
from scipy.linalg import sqrtm
from scipy.special import expit, ndtr
from scipy.stats import binom, chi2, norm

from course_utils.exact.games import (
    dirac_gan_eigenvalues,
    dirac_gan_path,
    jensen_shannon,
    optimal_discriminator_logit,
)

same = np.testing.assert_allclose  # to 1e-7 of the value
x = np.arange(-12, 14, 0.01)  # for smooth bells this grid is exact to rounding
theta = 1.3
p, q = 0.01 * norm.pdf(x), 0.01 * norm.pdf(x, theta)  # probabilities of its cells
m, p_bell, q_bell = (p + q) / 2, norm(), norm(theta)


def softplus(ell):
    return np.logaddexp(0, ell)


# %% [markdown]
# ### Lesson 5: the game
#
# - **Logit** $D = \mathrm{sigmoid}(\ell)$, $-\log D = \mathrm{softplus}(-\ell)$, $-\log(1 - D) = \mathrm{softplus}(\ell)$
# - **Value** $V = \mathbb E_p[\log D] + \mathbb E_q[\log(1 - D)]$: $D$ raises it, $G$ lowers it; the loss of $D$ is $-V$
# - **Best $D$** if any function may be chosen: $D^* = p/(p + q)$, $\ell^* = \log p - \log q$
# - **Its value** $2\,\mathrm{JSD}(p, q) - \log 4$; any other $D$ has less: a loss is at least $\log 4 - 2\,\mathrm{JSD}$
# - **JSD** $\tfrac12\mathrm{KL}(p \,\Vert\, m) + \tfrac12\mathrm{KL}(q \,\Vert\, m)$: 0 only if $q = p$; $\log 2$, and flat, without overlap
# - **Saturating** $G$ lowers $\log(1 - D)$: $\frac{d}{d\ell} = -D$ dies where $D$ is sure of a fake
# - **Non-saturating** $G$ lowers $-\log D$: $\frac{d}{d\ell} = -(1 - D)$ does not; not zero-sum
# - **Slopes** in $\theta$, $D^*$ held: of $2\,\mathrm{JSD}$; now $2\,\mathrm{KL}(m \,\Vert\, p) = \mathrm{KL}(q \,\Vert\, p) - 2\,\mathrm{JSD}$
# - **At rest** $q = p$, $D = \tfrac12$, losses $\log 4$, $\log 2$; a wrong $q$ has them too if *this* $D$ is blind

# %% tags=["proof"] jupyter={"source_hidden": true}
# @title The best discriminator and its value
ell = optimal_discriminator_logit(x, p_bell, q_bell)
D, jsd = expit(ell), jensen_shannon(p_bell, q_bell)
same(ell, theta**2 / 2 - theta * x, atol=1e-9)
same(D, p / (p + q))
same([-np.log(D), -np.log1p(-D)], [softplus(-ell), softplus(ell)], atol=1e-12)
same(p @ np.log(D) + q @ np.log1p(-D), 2 * jsd - np.log(4))
same(p @ np.log(p / m) / 2 + q @ np.log(q / m) / 2, jsd)
for other in (0.9 * ell, ell + 0.1, 0 * ell, np.sin(x)):
    assert -p @ softplus(-other) - q @ softplus(other) < 2 * jsd - np.log(4)
assert abs(jensen_shannon(norm(), norm())) < 1e-9
same(jensen_shannon(norm(), norm(30)), np.log(2))
same(jensen_shannon(norm(), norm(40)), np.log(2))

# %% tags=["proof"] jupyter={"source_hidden": true}
# @title The slopes of both losses of the generator
small, change = 1e-5, q * (x - theta)  # of q, if theta grows


def slope(of):
    return (of(theta + small) - of(theta - small)) / (2 * small)


same(slope(lambda t: 2 * jensen_shannon(norm(), norm(t))), change @ np.log1p(-D), 1e-4)


def kl_of_mean_to_p(t):
    cells = 0.005 * (norm.pdf(x) + norm.pdf(x, t))
    return cells @ np.log(cells / p)


same(slope(lambda t: 2 * kl_of_mean_to_p(t)), -change @ np.log(D), 1e-6)
same(q @ np.log(q / p) - 2 * jsd, 2 * kl_of_mean_to_p(theta))
ends = ell + np.array([[small], [-small]])
for loss, slopes in [
    (lambda ell: -softplus(ell), -D),
    (lambda ell: softplus(-ell), D - 1),
]:
    same(np.subtract(*loss(ends)) / (2 * small), slopes, atol=1e-8)
same([2 * softplus(0), softplus(0)], [np.log(4), np.log(2)])

# %% [markdown]
# ### Lesson 6: does it settle?
#
# - **Dirac-GAN** data at 0, fake at $\theta$, $\ell = \psi x$: $\dot\theta = u\psi$, $\dot\psi = -u\theta$, $u = \mathrm{sigmoid}(\psi\theta)$
# - **A step** of size $h$ near $(0, 0)$ is a matrix; it arrives exactly if $\det < 1$ and $\lvert\mathrm{tr}\rvert < 1 + \det$
# - **Both at once** $\mathrm{tr} = 2$, $\det = 1 + h^2u^2$: the radius grows by $\sqrt{1 + h^2u^2}$, near and far
# - **In turns** $\mathrm{tr} = 2 - h^2u^2$, $\det = 1$: circles near $(0, 0)$ for $hu < 2$, where $u = \tfrac12$
# - **R1** $D$ pays $\tfrac\gamma2\,\mathbb E_p\lVert\nabla_x\ell\rVert^2$: $\ddot\theta + \gamma\dot\theta + \tfrac14\theta = 0$, a damped pendulum, critical at $\gamma = 1$
# - **R1, at once** $\det = 1 - h\gamma + \tfrac{h^2}4$, $\mathrm{tr} = 2 - h\gamma$: $\tfrac h4 < \gamma < \tfrac2h + \tfrac h8$, best $\gamma = 1$
# - **R1, in turns** $\det = 1 - h\gamma$, $\mathrm{tr} = 2 - h\gamma - \tfrac{h^2}4$: $0 < \gamma < \tfrac2h - \tfrac h8$, best $1 - \tfrac h4$ ($h < 2$)
# - **Wasserstein** on the line: $W_1 = \int \lvert F_p - F_q\rvert\,dx$, where $F(x)$ is the share left of $x$
# - **Prices** $\mathbb E_p[\ell] - \mathbb E_q[\ell] \le W_1$ if $\lvert\ell'\rvert \le 1$; the best one has $\ell' = \mathrm{sign}(F_q - F_p)$
# - **Its game** has $u = 1$ everywhere; in turns it keeps $\theta^2 + \psi^2 - h\,\theta\psi$, an ellipse for $h < 2$
# - **Noise floor** twice $n$ points of $\mathcal N(0, \sigma^2)$: $\frac{2\sigma}{\sqrt{\pi n}}\int\!\sqrt{\Phi(1 - \Phi)}\,dx = 1.82\,\sigma/\sqrt n$

# %% tags=["proof"] jupyter={"source_hidden": true}
# @title Traces, determinants, and where the steps arrive
h, u, gamma = 0.4, 0.5, 0.7
values = [
    ("simultaneous", 0, 2, 1 + h**2 * u**2),
    ("alternating", 0, 2 - h**2 * u**2, 1),
    ("simultaneous", gamma, 2 - h * gamma, 1 - h * gamma + h**2 / 4),
    ("alternating", gamma, 2 - h * gamma - h**2 / 4, 1 - h * gamma),
]
for method, weight, trace, det in values:
    pair = dirac_gan_eigenvalues(method, h, weight)
    same([pair.sum().real, pair.prod().real], [trace, det])
far = dirac_gan_path("simultaneous", (3, -2), h, 20)
force = expit(far.prod(1))[:-1]
growth = np.sqrt(1 + (h * force) ** 2)
same(np.linalg.norm(far[1:], axis=1), growth * np.linalg.norm(far[:-1], axis=1))
ranges = {
    "simultaneous": (h / 4, 2 / h + h / 8, 1),
    "alternating": (0, 2 / h - h / 8, 1 - h / 4),
}
for method, (low, high, best) in ranges.items():
    tried = {g: abs(dirac_gan_eigenvalues(method, h, g)).max() for g in (low, high)}
    same(list(tried.values()), 1)
    inside, outside = [low + 1e-3, high - 1e-3], [low - 1e-3, high + 1e-3]
    assert all(abs(dirac_gan_eigenvalues(method, h, g)).max() < 1 for g in inside)
    assert all(abs(dirac_gan_eigenvalues(method, h, g)).max() > 1 for g in outside)
    at_best = [abs(dirac_gan_eigenvalues(method, h, best + d)).max() for d in (0, 0.01)]
    same(at_best[0], 1 - h / 2, 1e-6)  # a double root: to the root of rounding
    assert at_best[1] > at_best[0]
same(np.poly([[0, 0.5], [-0.5, -gamma]]), [1, gamma, 1 / 4])  # the pendulum
for trace, det in np.random.default_rng(0).uniform(-3, 3, (1_000, 2)):
    arrives = abs(np.roots([1, -trace, det])).max() < 1
    assert arrives == (det < 1 and abs(trace) < 1 + det)

# %% tags=["proof"] jupyter={"source_hidden": true}
# @title Distances, prices, the ellipse and the floor
wide = norm.cdf(x, theta, 1.5)  # a wider heap: the two F cross
moved = norm.cdf(x) - wide
best = np.cumsum(0.01 * np.sign(-moved))
for_p, for_q = 0.01 * norm.pdf(x), 0.01 * norm.pdf(x, theta, 1.5)
distance = 0.01 * np.abs(moved).sum()
same(for_p @ best - for_q @ best, distance, 2e-4)  # the grid's step at the kink
for price in (x, -x, np.sin(x), np.abs(x - 1)):
    assert for_p @ price - for_q @ price < distance
levels = (np.arange(200_000) + 0.5) / 200_000  # the same by sorted points
sorted_points = np.abs(norm.ppf(levels) - norm.ppf(levels, theta, 1.5)).mean()
same(sorted_points, distance, 1e-4)
ring = dirac_gan_path("wasserstein_alternating", (1, 0.3), 1.1, 50).T
same(ring[0] ** 2 + ring[1] ** 2 - 1.1 * ring.prod(0), 1 + 0.3**2 - 1.1 * 0.3)
floor = 2 / np.sqrt(np.pi) * 0.01 * np.sqrt(ndtr(x) * ndtr(-x)).sum()
assert abs(floor - 1.82) < 5e-3

# %% [markdown]
# ### Lessons 7 and 8: is everything drawn?
#
# - **High quality** within $3\sigma$ of a mode: of true samples in the plane $1 - e^{-4.5} = 98.9\,\%$
# - **Shares** $s_k$ of $K$ equal modes: $\sum_k s_k \log(K s_k)$ is 0 if equal, $\frac{K - 1}{2n}$ for $n \gg K$ true draws
# - **Fréchet** $\lVert\mu - \mu'\rVert^2 + \mathrm{tr}(S + S' - 2(SS')^{1/2})$ of features' means and covariances

# %% tags=["proof"] jupyter={"source_hidden": true}
# @title Counts of true samples; two normals
same(chi2(2).cdf(3**2), 1 - np.exp(-4.5))  # a squared radius in the plane
K, n = 25, 2_500
counts = np.arange(1, n + 1)
terms = counts / n * np.log(K * counts / n)
same(K * (binom.pmf(counts, n, 1 / K) @ terms), (K - 1) / (2 * n), 0.01)  # next order
between = (norm.ppf(levels) - norm.ppf(levels, theta, 1.5)) ** 2
same(between.mean(), theta**2 + 0.5**2, 1e-4)  # the squared distance of a transport
turn = np.array([[0.6, -0.8], [0.8, 0.6]])  # the same of two slanted normals
S, S2 = turn @ np.diag([4, 1]) @ turn.T, turn @ np.diag([1, 9]) @ turn.T
same(np.trace(S + S2 - 2 * sqrtm(S @ S2)), (2 - 1) ** 2 + (1 - 3) ** 2)
