# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # The ELBO on a page
#
# $x$: $d$ numbers; $z$: $k$; prior $p(z)$, likelihood $p_\theta(x \mid z)$; $q$ or $q_\phi(z \mid x)$ is ours

# %%
# To print: jupyter nbconvert --to html --no-input elbo_on_a_page.ipynb
import numpy as np

from course_utils.exact.divergences import gaussian_kl
from course_utils.exact.linear_gaussian import LinearGaussian

epsilon = np.arange(-12, 12, 0.01)  # for smooth bells this grid is exact to rounding
mass = 0.01 * np.exp(-0.5 * epsilon**2) / np.sqrt(2 * np.pi)
mu, sigma = 0.6, 0.5
z, score = mu + sigma * epsilon, epsilon / sigma
model = LinearGaussian([[0.8], [0.5]], np.zeros(2), 0.7)
x, same = np.array([[1.5, 0.4]]), np.testing.assert_allclose  # to 1e-7 of the value

# %% [markdown]
# ### Lesson 1: the bound
#
# - **Marginal** $p(x) = \int p(x \mid z)\,p(z)\,dz$; and $p(x) = p(x,z)/p(z \mid x)$ for *every* $z$
# - **Divergence** $\mathrm{KL}(q \,\|\, p) = \mathbb E_q[\log q - \log p] \ge 0$; zero only if $q = p$; not symmetric
# - **Central equation** (KL's definition, Bayes' rule, $\log p(x)$ out of the mean, rearrange)
#   $\log p_\theta(x) - \mathrm{KL}(q \,\|\, p_\theta(z \mid x)) = \mathbb E_q[\log p_\theta(x \mid z)] - \mathrm{KL}(q \,\|\, p(z)) = \mathrm{ELBO}$
# - **Jensen** $\log p(x) = \log \mathbb E_q[w] \ge \mathbb E_q[\log w] = \mathrm{ELBO}$ with weights $w = p(x,z)/q(z)$
# - **Gap** $\mathrm{KL}(q \,\|\, p(z \mid x))$: zero if $q$ is the posterior; $\mathrm{KL}(p(z) \,\|\, p(z \mid x))$ if the prior
# - **Over** $\phi$ only the gap moves, over $\theta$ $\log p_\theta(x)$ too; only the ELBO is computable
# - **Given** $x$: $\log p(y \mid x) \ge \mathbb E_q[\log p(y \mid z, x)] - \mathrm{KL}(q \,\|\, p(z \mid x))$
# - **Unbiased** prior draws for $p(x)$, variance exponential in $k$; a minibatch for the ELBO

# %%
rows, log_q = np.repeat(x, len(z), 0), np.log(mass / 0.01 / sigma)
log_likelihood = model.log_likelihood(rows, z[:, None])
log_w = model.log_joint(rows, z[:, None]) - log_q
log_p, (mean, cov) = model.log_evidence(x)[0], model.posterior(x)
gap = gaussian_kl([mu], sigma**2, mean[0], cov)
kl = gaussian_kl([mu], sigma**2, [0], 1)
same([log_p - gap, mass @ log_likelihood - kl], mass @ log_w)  # central equation
same(np.log(mass @ np.exp(log_w)), log_p)  # as Jensen has it
log_posterior = -0.5 * ((z - mean) ** 2 / cov + np.log(2 * np.pi * cov))[0]
same(log_w + log_q - log_posterior, log_p)  # for every z
log_likelihood = model.log_likelihood(rows, epsilon[:, None])  # now q is the prior
prior_gap = gaussian_kl([0], 1, mean[0], cov)
same(mass @ log_likelihood, log_p - prior_gap)
same(mass @ np.exp(log_likelihood), np.exp(log_p))  # the marginal
sharp = LinearGaussian(model.W, model.b, 0.7 / np.sqrt(2)).log_evidence(x)[0]
same(mass @ np.exp(2 * log_likelihood), np.exp(sharp) / (4 * np.pi * 0.7**2))

# %% [markdown]
# - **Normals** $\mathrm{KL} = \tfrac12 ( \mathrm{tr}\,\Sigma_1^{-1}\Sigma_0 + (\mu_1 - \mu_0)^\top \Sigma_1^{-1} (\mu_1 - \mu_0) - k + \log\frac{\det\Sigma_1}{\det\Sigma_0} )$
# - **To the prior** $\mathcal N(0, I)$ from a diagonal $q$: $\mathrm{KL} = \tfrac12 \sum_j (\mu_j^2 + \sigma_j^2 - 1 - \log \sigma_j^2)$
# - **Linear** $p(x) = \mathcal N(b, WW^\top + \sigma^2 I)$, $p(z \mid x) = \mathcal N(M^{-1}W^\top (x - b)/\sigma^2, M^{-1})$
# - **Diagonal** $q$, $M = I + W^\top W/\sigma^2$: variances $1/M_{ii}$, gap $\tfrac12 \log(\prod_i M_{ii} / \det M)$
# - **Best mean** $\log p(x)$: $-\tfrac12 [d \log 2\pi + \sum_{i \le k} \log\lambda_i + (d-k) \log\sigma^2 + d\,]$, $\sigma^2 = \overline{\lambda_{i > k}}$

# %%
W = np.array([[1.0, 0.8], [0.2, 0.9], [0.8, 0.3]])
plane = LinearGaussian(W, np.zeros(3), 0.6)
data, M = plane.sample(50, seed=0)[0], np.eye(2) + W.T @ W / 0.6**2
centre = data @ W / 0.6**2 @ np.linalg.inv(M)  # here b = 0; M is symmetric
same(plane.posterior(data)[0], centre)
bound = plane.elbo(data, centre, np.diag(1 / np.diag(M)))
left = 0.5 * np.log(np.diag(M).prod() / np.linalg.det(M))
same(plane.log_evidence(data) - bound, left)
trace, shift = np.trace(M), np.array([0.3, -0.2])  # from N(0, I) to N(shift, 1/M)
kl = 0.5 * (trace + shift @ M @ shift - 2 - np.log(np.linalg.det(M)))
same(gaussian_kl(np.zeros(2), np.eye(2), shift, np.linalg.inv(M)), kl)
simple = 0.5 * (shift**2 + np.diag(M) - 1 - np.log(np.diag(M))).sum()
same(gaussian_kl(shift, np.diag(np.diag(M)), np.zeros(2), np.eye(2)), simple)
log_l = np.log(np.linalg.eigvalsh(np.cov(data.T, bias=True)))  # k = 2 of d = 3
best = LinearGaussian.fit(data, 2).log_evidence(data).mean()
same(best, -0.5 * (3 * np.log(2 * np.pi) + log_l.sum() + 3))

# %% [markdown]
# ### Lesson 2: its gradient
#
# - **Over** $\theta$ it moves inside: $\nabla_\theta \mathbb E_{q_\phi}[f_\theta(z)] = \mathbb E_{q_\phi}[\nabla_\theta f_\theta(z)]$
# - **Over** $\phi$ it does not: $\nabla_\phi \mathbb E_{q_\phi}[f_\phi(z)] = \mathbb E_{q_\phi}[\nabla_\phi f_\phi(z)] + \int f_\phi \nabla_\phi q_\phi\, dz$
# - **Score function** $\nabla_\phi \mathbb E_q[f] = \mathbb E_q[(f - c)\, s]$, $s = \nabla_\phi \log q_\phi$, $c^* = \mathbb E_q[f s^2] / \mathbb E_q[s^2]$
# - **Pathwise** $z = \mu + \sigma\epsilon$, $\epsilon \sim \mathcal N(0, 1)$: $\partial_\mu \mathbb E_q[f] = \mathbb E_\epsilon[f'(z)]$, $\partial_\sigma \mathbb E_q[f] = \mathbb E_\epsilon[f'(z)\,\epsilon]$
# - **Families** $z = \mu + \sigma\epsilon$ with any noise; covariance: $z = \mu + L\epsilon$, $LL^\top = \Sigma$ (Cholesky)
# - **Both** $\nabla_{\theta,\phi}\,\mathrm{ELBO} = \mathbb E_\epsilon[ \nabla_{\theta,\phi} \log p_\theta(x \mid \mu_\phi + \sigma_\phi \epsilon) ] - \nabla_\phi \mathrm{KL}(q_\phi \,\|\, p(z))$

# %%
same(mass @ np.stack([score, z**2 * score], 1), [0, 2 * mu], atol=1e-12)
same(mass @ np.stack([2 * z, 2 * z * epsilon], 1), [2 * mu, 2 * sigma])
slope = ((x - z[:, None] @ model.W.T) @ model.W / 0.7**2)[:, 0]  # of log p(x|z) in z
ends = [model.elbo(x, np.array([[mu + h]]), sigma**2)[0] for h in (0.5, -0.5)]
same(mass @ slope - mu, ends[0] - ends[1])  # the ELBO is a parabola in mu
ends = [
    LinearGaussian(model.W + h, model.b, 0.7).reconstruction(x, [[mu]], sigma**2)
    for h in (np.array([[0.5], [0]]), np.array([[-0.5], [0]]))
]
inside = (x[0, 0] - z * model.W[0, 0]) * z / 0.7**2  # d log p(x|z) / d theta, z held
same(mass @ inside, (ends[0] - ends[1])[0])  # a parabola in theta = W_11 as well
same(np.linalg.cholesky(M) @ np.linalg.cholesky(M).T, M)

# %% [markdown]
# - **Variance** for $\mathbb E[z^2]$ in $\mu$: path $4\sigma^2$, score $\mu^4/\sigma^2 + 14\mu^2 + 15\sigma^2$, with $c^*$ $8\mu^2 + 6\sigma^2$
# - **Counter-example** $\sin 5z$, $\sigma = 1$: path 12.5, score 0.5, at every $\mu$
# - **Classes** $\arg\max_k (\phi_k + g_k)$, $g = -\log(-\log u)$; relaxed $\mathrm{softmax}((\phi + g)/\tau)$

# %%
plain = mu**4 / sigma**2 + 14 * mu**2 + 15 * sigma**2
best = (mass @ (z * score) ** 2) / (mass @ score**2)
same(best, mu**2 + 3 * sigma**2)
for c, noise in [(0, plain), (best, 8 * mu**2 + 6 * sigma**2)]:
    same(mass @ ((z**2 - c) * score) ** 2 - (2 * mu) ** 2, noise)
same(mass @ (2 * z) ** 2 - (2 * mu) ** 2, 4 * sigma**2)
wave = 5 * (mu + epsilon)  # here the squares of the means are below 1e-9
same(mass @ (5 * np.cos(wave)) ** 2, 12.5)
same(mass @ (np.sin(wave) * epsilon) ** 2, 0.5)
weights, g = np.exp([0.0, 0.7, -0.4]), np.arange(-5, 40, 0.005)[:, None]
wins = (np.exp(-np.exp(-g) * weights).prod(1) * np.exp(-g[:, 0])).sum() * 0.005
same(wins, 1 / weights.sum())  # times weights[k]: how often class k is drawn
