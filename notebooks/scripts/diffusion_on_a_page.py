# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Diffusion on a page
#
# From data $x$ at $t = 0$ to noise $\epsilon \sim \mathcal N(0, I)$ at $t = 1$ in $T$ equal steps; $s$ is one step before $t$

# %% tags=["setup"] jupyter={"source_hidden": true}
# @title To print: jupyter nbconvert --to html --no-input diffusion_on_a_page.ipynb
import numpy as np

from course_utils.exact.diffusion import Mixture1D
from course_utils.exact.divergences import gaussian_kl

same = np.testing.assert_allclose  # to 1e-7 of the value
mixture = Mixture1D(weights=[0.3, 0.7], means=[-2, 1.5], sigmas=[0.4, 0.6])
grid = np.arange(-9, 9, 0.01)  # for smooth bells this grid is exact to rounding
bell = 0.01 * np.exp(-0.5 * grid**2) / np.sqrt(2 * np.pi)
small = 1e-5  # differences over it are right to its square


def path(t):
    return np.cos(np.pi / 2 * t), np.sin(np.pi / 2 * t)


def snr(t):
    return 1 / np.tan(np.pi / 2 * t) ** 2


# %% [markdown]
# ### Lesson 12: the chain
#
# - **Path** $x_t = a\,x + b\,\epsilon$, $a = \cos\tfrac{\pi t}2$, $b = \sin\tfrac{\pi t}2$: variance 1 stays 1; $\mathrm{SNR} = a^2/b^2$
# - **One step** $q(x_t \mid x_s) = \mathcal N(\tfrac{a_t}{a_s} x_s,\; b_t^2 - \tfrac{a_t^2}{a_s^2} b_s^2)$, whatever $x$ is
# - **Posterior** $q(x_s \mid x_t, x) = \mathcal N((1 - \rho)\,a_s x + \rho\,\tfrac{a_s}{a_t} x_t,\; \beta)$, $\rho = \tfrac{\mathrm{SNR}_t}{\mathrm{SNR}_s}$, $\beta = (1 - \rho)\,b_s^2$
# - **Bound** $\log p(x) \ge \mathbb E_q[\log p(x \mid x_{1/T}) - \sum_{t > 1/T} \mathrm{KL}(q(x_s \mid x_t, x) \,\Vert\, p(x_s \mid x_t))]$
# - **KL** with $\hat x$ for $x$ and the same variance $\beta$: $\tfrac12(\mathrm{SNR}_s - \mathrm{SNR}_t)\lVert x - \hat x\rVert^2$
# - **Best variance** $r\beta$, $r = 1 + (\mathrm{SNR}_s - \mathrm{SNR}_t)\,m$, $m = \mathbb E[(x - \hat x)^2]$; mean KL $\tfrac12 \log r$
# - **So** the mean bound is $-\tfrac12\log 2\pi e\,m_{1/T} - \tfrac12\sum_{t > 1/T}\log r$ on the line
# - **Gap** with the best $\hat x$: $\tfrac1{4T}\int (\tfrac{d}{dt}\mathrm{SNR})^2\,\mathrm{Var}(\mathrm{Var}(x \mid x_t))\,dt$ for many steps
# - **With $\beta$** for $r\beta$ the gap goes to $\gamma + \pi^2/12 = 1.40$ nats, if $p$ is smooth (equal steps)
# - **Entropy** $\tfrac12\log 2\pi e + \tfrac12\int(\text{error of }\hat\epsilon - \mathrm{sigmoid}\,\lambda)\,d\lambda$, $\lambda = \log\mathrm{SNR}$, best $\hat\epsilon$, $T \to \infty$

# %% tags=["proof"] jupyter={"source_hidden": true}
# @title One step, the posterior, its KL and the best variance
s, t, x = 0.4, 0.6, 0.7
(a_s, b_s), (a_t, b_t), R = path(s), path(t), snr(t) / snr(s)
step_variance = b_t**2 - (a_t / a_s) ** 2 * b_s**2
between = a_t / a_s * b_s**2  # covariance of x_s and x_t given x
weight, beta = between / b_t**2, b_s**2 - between**2 / b_t**2
same((a_t / a_s) ** 2 * b_s**2 + step_variance, b_t**2)
same([R * a_s / a_t, (1 - R) * a_s], [weight, a_s - weight * a_t])
same((1 - R) * b_s**2, beta)
same(1 / beta, 1 / b_s**2 + (a_t / a_s) ** 2 / step_variance)  # Bayes' rule
gain, guess, m = snr(s) - snr(t), x + 0.3, 0.3**2
r, shift = 1 + gain * m, (1 - R) * a_s * (guess - x)
same(gaussian_kl([0], beta, [shift], beta), gain * (x - guess) ** 2 / 2)
same(gaussian_kl([0], beta, [shift], r * beta), np.log(r) / 2)
for other in (0.9 * r, 1.1 * r, 1):
    assert gaussian_kl([0], beta, [shift], other * beta) > np.log(r) / 2

# %% tags=["proof"] jupyter={"source_hidden": true}
# @title The bound step by step, its gap, the wrong variance, the entropy


def terms(T):
    times = np.arange(1, T + 1) / T
    m = mixture.least_data_loss(times)
    return m, 1 + (snr(times[:-1]) - snr(times[1:])) * m[1:]


m, r = terms(2)  # s = 1/2 and t = 1 = T; then the last step
a, b = path(0.5)
off = x - mixture.denoised(a * x + b * grid, 0.5)
log_last = -0.5 * (np.log(2 * np.pi * m[0]) + bell @ off**2 / m[0])
kl = gaussian_kl([a * x], b**2, [a * mixture.denoised(0, 1)], r[0] * b**2)
same(log_last - kl, mixture.elbo(x, 2))
data = np.exp(mixture.log_prob(grid)) * 0.01
entropy = -data @ mixture.log_prob(grid)
gaps, with_beta = {}, {}
for T in (64, 128, 256, 512):
    m, r = terms(T)
    bound = -0.5 * np.log(2 * np.pi * np.e * m[0]) - 0.5 * np.log(r).sum()
    same(bound, mixture.mean_elbo(T))
    assert bound < -entropy
    gaps[T] = -entropy - bound
    with_beta[T] = gaps[T] + 0.5 * (r - 1 - np.log(r)).sum()
limit = 2 * 128 * gaps[128] - 64 * gaps[64]  # what is left is of the order of 1 / T
assert abs(limit - mixture.gap_times_steps()) < 2e-3
wrong = 2 * with_beta[512] - with_beta[256]  # off by 3.5e-4, at half of both by 1.0e-3
assert abs(wrong - np.euler_gamma - np.pi**2 / 12) < 1e-3
same(mixture.entropy(), entropy)

# %% [markdown]
# ### The guess
#
# - **One guess** $\hat\epsilon = (x_t - a\,\hat x)/b$; the error of $\hat\epsilon$ is that of $\hat x$ times $\mathrm{SNR}$
# - **Score** $\nabla\log p_t(x_t) = -\mathbb E[\epsilon \mid x_t]/b$; best $\hat x = (x_t + b^2\,\nabla\log p_t)/a$ (Tweedie)
# - **Velocity** $v = a\,\epsilon - b\,x$: $\hat x = a\,x_t - b\,\hat v$, $\hat\epsilon = b\,x_t + a\,\hat v$; error of $\hat v$: sum of both
# - **Least loss** $\mathbb E[\mathrm{Var}(\epsilon \mid x_t)]$: 1 at $t = 0$, 0 at $t = 1$; $a^2$ for $x \sim \mathcal N(0, 1)$, mean over $t$ $\tfrac12$

# %% tags=["proof"] jupyter={"source_hidden": true}
# @title Data, noise, score and velocity say the same; the least loss
a, b = path(t)
density = np.exp(mixture.log_prob(grid, t))
score = mixture.log_prob(grid + small, t) - mixture.log_prob(grid - small, t)
score /= 2 * small
x_hat, noise = mixture.denoised(grid, t), mixture.noise(grid, t)
v = mixture.velocity(grid, t)
same(noise, (grid - a * x_hat) / b, atol=1e-12)
same([-noise / b, a * x_hat - b**2 * score], [score, grid], atol=1e-8)
same([a * grid - b * v, b * grid + a * v], [x_hat, noise], atol=1e-12)
least, of_x = mixture.least_loss(t), mixture.least_data_loss(t)
same(least, of_x * snr(t))
same(least, 1 - 0.01 * density @ noise**2)  # Var(epsilon) = 1 in all
v_square = a**2 + b**2 * (data @ grid**2)
same(v_square - 0.01 * density @ v**2, least + of_x)
same(mixture.least_loss([0, 1]), [1, 0], atol=1e-12)
times = np.linspace(0, 1, 101)
normal = Mixture1D([1], [0], [1]).least_loss(times)
same(normal, path(times)[0] ** 2, atol=1e-12)
same(np.trapezoid(normal, times), 1 / 2)

# %% [markdown]
# ### Drawing
#
# - **Sampler** $x_s = a_s \hat x + \sqrt{b_s^2 - \eta^2\beta}\;\hat\epsilon + \eta\sqrt\beta\;\epsilon'$: $\eta = 1$ draws $q(x_s \mid x_t, \hat x)$, 0 no noise
# - **Flow** $T \to \infty$, $\eta = 0$: $\frac{dx_t}{dt} = \tfrac\pi2\,\hat v$; with the best $\hat v$ the points have the density $p_t$ at each $t$
# - **Density** of what it draws: $\log p(x) = \log\mathcal N(x_1; 0, I) + \int_0^1 \mathrm{div}\,\frac{dx_t}{dt}\,dt$, no bound
# - **Guidance** $\hat v + w\,(\hat v_{\text{class}} - \hat v)$: the score of $p_t(x_t)\,p(\text{class} \mid x_t)^w$ at each $t$
# - **Flow matching** $a = 1 - t$, $b = t$, $v = \epsilon - x$: the circle's $x_t/(a + b)$, at time $b/(a + b)$

# %% tags=["proof"] jupyter={"source_hidden": true}
# @title A step with fresh noise, the flow and its density
for eta in (0, 0.5, 1):  # with x known, x_s has the right width, and for 1 the mean
    kept = np.sqrt(b_s**2 - eta**2 * beta)
    same(kept**2 + eta**2 * beta, b_s**2)
same(kept * (2 - a_t * x) / b_t, weight * (2 - a_t * x))  # x_t is 2


def change(f, at):
    return (f(at + small) - f(at - small)) / (2 * small)


def moved(t):
    return np.pi / 2 * mixture.velocity(grid, t)


def current(y):
    return np.pi / 2 * mixture.velocity(y, t) * np.exp(mixture.log_prob(y, t))


gained = change(lambda t: np.exp(mixture.log_prob(grid, t)), t)
same(gained, -change(current, grid), atol=1e-8)
points = np.array([-2.2, -0.5, 1.9])
y, log_p = points.copy(), 0
for step in range(400):  # by midpoints
    now, h = step / 400, 1 / 400
    half = y + h / 2 * np.pi / 2 * mixture.velocity(y, now)
    slope = change(lambda y, now=now + h / 2: mixture.velocity(y, now), half)
    y = y + h * np.pi / 2 * mixture.velocity(half, now + h / 2)
    log_p = log_p + h * np.pi / 2 * slope
log_p = log_p - 0.5 * (y**2 + np.log(2 * np.pi))
same(log_p, mixture.log_prob(points), atol=1e-3)  # of the order of h^2

# %% tags=["proof"] jupyter={"source_hidden": true}
# @title Guidance sharpens a class; the straight path is the circle, seen at other times
w, own = 3, Mixture1D([1], mixture.means[:1], mixture.sigmas[:1])  # the left bell
guided = v + w * (own.velocity(grid, t) - v)


def sharpened(y):
    log_class = np.log(0.3) + own.log_prob(y, t) - mixture.log_prob(y, t)
    return mixture.log_prob(y, t) + w * log_class


noise_of_guided = b * grid + a * guided
same(change(sharpened, grid), -noise_of_guided / b, atol=1e-6)


def on_the_line(y, tau):  # density and velocity at tau, from those of the circle
    t = np.arctan2(tau, 1 - tau) * 2 / np.pi
    size = sum(path(t))
    epsilon, x = mixture.noise(size * y, t), mixture.denoised(size * y, t)
    return size * np.exp(mixture.log_prob(size * y, t)), epsilon - x


tau = 0.3
means, widths = 0.7 * mixture.means, np.sqrt((0.7 * mixture.sigmas) ** 2 + 0.3**2)
straight = Mixture1D(mixture.weights, means, widths).log_prob(grid)
same(on_the_line(grid, tau)[0], np.exp(straight), atol=1e-12)
gained = change(lambda tau: on_the_line(grid, tau)[0], tau)
flux = change(lambda y: np.prod(on_the_line(y, tau), axis=0), grid)
same(gained, -flux, atol=1e-8)
