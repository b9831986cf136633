# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Ising on a page
#
# $N = L^2$ spins $s_i = \pm 1$ on a square with periodic edges; $1/\beta$ is the temperature; $q(s)$ is ours

# %% tags=["setup"] jupyter={"source_hidden": true}
# @title To print: jupyter nbconvert --to html --no-input ising_on_a_page.ipynb
import numpy as np
from scipy.special import ellipk, logsumexp

from course_utils.exact import ising

same = np.testing.assert_allclose  # to 1e-7 of the value
beta, small, L, N = 0.5, 1e-4, 4, 16  # differences over `small` are right to its square
states = ising.enumerate_states(L)
spins, E = states.reshape(-1, N).astype(float), ising.energies(states)
log_z = logsumexp(-beta * E)
p = np.exp(-beta * E - log_z)


def log_z_at(beta):
    return ising.log_partition(L, beta)


# %% [markdown]
# ### Lesson 11: the law
#
# - **Boltzmann** $p(s) = e^{-\beta E(s)}/Z$, $E(s) = -\sum_{\text{neighbours}} s_i s_j$, $Z = \sum_s e^{-\beta E(s)}$: $2^N$ terms
# - **Free energy** $F = -\tfrac1\beta \log Z$; the entropy of $p$ is $H(p) = \log Z + \beta\,\mathbb E_p[E]$
# - **Slopes** $\mathbb E_p[E] = -\frac{d}{d\beta} \log Z$; heat capacity $\beta^2\,\mathrm{Var}_p(E) = \beta^2 \frac{d^2}{d\beta^2} \log Z$
# - **Kaufman** any $L$: $Z = \tfrac12 (2 \sinh 2\beta)^{N/2}(C_{\text{odd}} + S_{\text{odd}} + C_{\text{even}} + S_{\text{even}})$
# - **Products** $C$ of $2\cosh \tfrac{L g_k}2$, $S$ of $2\sinh \tfrac{L g_k}2$, over the odd or even $k$ from 0 to $2L - 1$
# - **There** $\cosh g_k = \tfrac{\cosh^2 2\beta}{\sinh 2\beta} - \cos\tfrac{\pi k}L$, $g_k > 0$; $g_0 = 2\beta + \log\tanh\beta$
# - **Onsager** $L = \infty$: $-\tfrac{\beta F}N = \log(2\cosh 2\beta) + \tfrac1\pi \int_0^{\pi/2} \log \tfrac{1 + \sqrt{1 - \kappa^2\sin^2\varphi}}2\,d\varphi$, $\kappa = \tfrac{2\sinh 2\beta}{\cosh^2 2\beta}$
# - **Energy** $L = \infty$, a spin: $-\coth 2\beta\,[1 + \tfrac2\pi (2\tanh^2 2\beta - 1)\,K(\kappa)]$, $K$ elliptic
# - **Critical** $\sinh 2\beta = 1$, $\beta = 0.4407$; colder, $L = \infty$: magnetization $(1 - \sinh^{-4} 2\beta)^{1/8}$

# %% tags=["proof"] jupyter={"source_hidden": true}
# @title By enumeration: Z and its slopes
same(log_z, log_z_at(beta))
same(-ising.free_energy_per_spin(L, beta) * beta * N, log_z)
same(-p @ np.log(p), log_z + beta * p @ E)
ends = [log_z_at(beta + step) for step in (-small, 0, small)]
same(p @ E, (ends[0] - ends[2]) / (2 * small))
variance = p @ E**2 - (p @ E) ** 2
same(variance, (ends[0] - 2 * ends[1] + ends[2]) / small**2, 1e-5)  # rounding
same(
    [p @ E, beta**2 * variance],
    N
    * np.array([ising.energy_per_spin(L, beta), ising.heat_capacity_per_spin(L, beta)]),
)

# %% tags=["proof"] jupyter={"source_hidden": true}
# @title Kaufman, Onsager, Yang
k = np.arange(2 * L)
for at in (0.3, beta):
    g = np.arccosh(np.cosh(2 * at) / np.tanh(2 * at) - np.cos(np.pi * k / L))
    g[0] = 2 * at + np.log(np.tanh(at))
    factors = [2 * f(L / 2 * g[i::2]) for i in (0, 1) for f in (np.cosh, np.sinh)]
    four = sum(each.prod() for each in factors)
    same(np.log(0.5 * (2 * np.sinh(2 * at)) ** (N / 2) * four), log_z_at(at))
    kappa = 2 * np.sinh(2 * at) / np.cosh(2 * at) ** 2
    phi = (np.arange(2_000) + 0.5) * np.pi / 4_000
    root = np.sqrt(1 - (kappa * np.sin(phi)) ** 2)
    mean = np.log((1 + root) / 2).mean() / 2  # pi / 2 wide, over pi
    infinite = ising.infinite_free_energy_per_spin
    same(np.log(2 * np.cosh(2 * at)) + mean, -at * infinite(at))
    odd = (2 * np.tanh(2 * at) ** 2 - 1) * ellipk(kappa**2)
    energy = -(1 + 2 / np.pi * odd) / np.tanh(2 * at)
    low, high = at - small, at + small
    same(energy, (high * infinite(high) - low * infinite(low)) / (2 * small), 1e-6)
same(np.sinh(2 * ising.CRITICAL_BETA), 1)
assert abs(ising.CRITICAL_BETA - 0.4407) < 5e-5
same((1 - np.sinh(2 * beta) ** -4) ** (1 / 8), ising.infinite_magnetization(beta))
assert ising.infinite_magnetization(0.44) == 0

# %% [markdown]
# ### A guess
#
# - **ELBO** $\log Z = \mathbb E_q[-\beta E - \log q] + \mathrm{KL}(q \,\Vert\, p)$, for every $q$
# - **Variational free energy** $F_q = \mathbb E_q[E] - \tfrac1\beta H(q) \ge F$; $\beta(F_q - F) = \mathrm{KL}(q \,\Vert\, p)$
# - **Cost** $\log q + \beta E$: mean $\beta F_q$; $-\log Z$ at *every* $s$ if $q = p$; gap $\approx$ half its variance near $p$
# - **Trap** $q = 2p$ on half of the states: no scatter, but $\mathrm{KL}(q \,\Vert\, p) = \log 2$, unseen
# - **Mean field** all spins of mean $m$: best $m = \tanh 4\beta m$; for $\beta > \tfrac14$ it takes a side
# - **Coins** $q(s) = \prod_i q(s_i \mid s_1, \ldots, s_{i-1})$ sums to 1 whatever the weights are
# - **Gradient** $\nabla\,\beta F_q = \mathbb E_q[(\text{cost} - c)\,\nabla \log q]$ for any constant $c$

# %% tags=["proof"] jupyter={"source_hidden": true}
# @title The bound, mean field, the trap, the gradient


def independent(m):
    up = spins.sum(1) / 2 + N / 2  # how many
    return up * np.log((1 + m) / 2) + (N - up) * np.log((1 - m) / 2)


def beta_f(log_q):
    return np.exp(log_q) @ (log_q + beta * E)


def kl(q, p):
    return q[q > 0] @ np.log(q[q > 0] / p[q > 0])


for m in (0.1, 0.6):
    log_q = independent(m)
    q = np.exp(log_q)
    same(q @ (-beta * E - log_q) + kl(q, p), log_z)
    F = -log_z / beta
    entropy = -q @ log_q
    same(beta * (q @ E - entropy / beta - F), kl(q, p))
    slope = (spins.sum(1) - N * m) / (1 - m**2)  # of log q in m
    ends = beta_f(independent(m + small)), beta_f(independent(m - small))
    for c in (0, 7):
        gradient = q @ ((log_q + beta * E - c) * slope)
        same(gradient, (ends[0] - ends[1]) / (2 * small), 1e-5)
assert np.ptp(np.log(p) + beta * E) < 1e-9
near = np.exp(-1.001 * beta * E - log_z_at(1.001 * beta))
cost = np.log(near) + beta * E
scatter = near @ cost**2 - (near @ cost) ** 2
same(kl(near, p), scatter / 2, 1e-2)  # to the relative change

# %% tags=["proof"] jupyter={"source_hidden": true}
# @title The side that mean field takes; half of the states; any coins
for hot_or_cold, is_flat in ((0.24, True), (beta, False)):
    m = 0.9
    for _ in range(2_000):
        m = np.tanh(4 * hot_or_cold * m)
    assert (m < 1e-3) == is_flat
best = beta_f(independent(m))
assert all(beta_f(independent(m + d)) > best for d in (-0.01, 0.01, -m))
half = np.where(spins[:, 0] > 0, 2 * p, 0)
seen = half > 0
same(kl(half, p), np.log(2))
half_cost = np.log(half[seen]) + beta * E[seen]
same(half_cost, np.log(2) - log_z)  # of all states that are drawn
same(half.sum(), 1)
couplings = np.tril(np.random.default_rng(0).standard_normal((N, N)), -1)
logits = spins @ couplings.T
same(np.exp(-np.logaddexp(0, -spins * logits).sum(1)).sum(), 1)

# %% [markdown]
# ### Averages
#
# - **Weights** $w = e^{-\beta E}/q$: $Z = \mathbb E_q[w]$ and $\mathbb E_p[O] = \mathbb E_q[wO]/\mathbb E_q[w]$, if $q > 0$ everywhere
# - **Effective share** $n_{\text{eff}}/n = (\sum w)^2/n\sum w^2 \to Z^2/\mathbb E_q[w^2]$; 1 in the trap, too
# - **Another** $\beta'$ from samples at $\beta$: $w = e^{-(\beta' - \beta)E}$, $\mathbb E_p[w] = Z'/Z$; energies must overlap
# - **Metropolis** flips a spin with $\min(1, e^{-\beta\,\Delta E})$; times $p(s)$ the same both ways: $p$ stays
# - **Autocorrelation** $\tau = 1 + 2\sum_t \rho_t$: $n$ steps are worth $n/\tau$; $\tau = \tfrac{1 + r}{1 - r}$ if $\rho_t = r^t$

# %% tags=["proof"] jupyter={"source_hidden": true}
# @title Weights of a broad guess, another temperature, a flip, a chain
q = np.exp(independent(0.6))
w, order = np.exp(-beta * E) / q, np.abs(spins.mean(1))
same([np.log(q @ w), (q @ (w * order)) / (q @ w)], [log_z, p @ order])
share = (q @ w) ** 2 / (q @ w**2)
chi_squared = p @ (p / q) - 1
same(share, 1 / (1 + chi_squared))
half_w = np.exp(-beta * E[seen]) / half[seen]
same((half[seen] @ half_w) ** 2, half[seen] @ half_w**2)  # a share of 1
same(np.log(p @ np.exp(-0.1 * E)), log_z_at(beta + 0.1) - log_z)
flipped = np.arange(len(p)) ^ 1  # of one spin
rate = np.minimum(1, np.exp(-beta * (E[flipped] - E)))
same(p * rate, (p * rate)[flipped])
assert (np.abs(spins - spins[flipped]).sum(1) == 2).all()
r, n = 0.8, 3_000
lags = np.arange(-n + 1, n)
error = ((n - np.abs(lags)) * r ** np.abs(lags)).sum() / n**2  # squared, of the mean
same(error, (1 + r) / (1 - r) / n, 3e-3)  # both ends of the chain
