"""The exercises on lesson 2: two ways to a gradient. One of them is in PyTorch."""

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from scipy.optimize import brentq
from scipy.stats import norm
from torch import Tensor
from torch.distributions import Normal

from course_utils.checks.calls import Array
from course_utils.checks.exercise import ROWS, Exercise, moments
from course_utils.checks.seen import outputs_of
from course_utils.checks.torch_tools import gradients, leaf, tensor
from course_utils.exact.estimators import sine_gradient_variances

DRAWS = 40_000
ONE_BY_ONE = "Return the estimates one by one, not their mean."
# A function on the line, in words and as such, and its slope.
SQUARE = "z^2", np.square, lambda z: 2 * z
SINE = "sin(1.5 z)", lambda z: np.sin(1.5 * z), lambda z: 1.5 * np.cos(1.5 * z)
# With mu and sigma of q, such that usual slips give numbers that differ.
ON_THE_LINE = (SQUARE, 2.5, 1.5), (SQUARE, 2.5, 0.5), (SINE, 0.3, 0.5)


def score_estimates(
    f: Callable[[Array], Array],
    mu: float,
    sigma: float,
    n: int,
    rng: np.random.Generator,
    power: float = -1.0,
) -> Array:
    """A function f of z (n,), mu, sigma, n, rng -> n estimates of the slope in mu."""
    noise = rng.standard_normal(n)
    return f(mu + sigma * noise) * noise * sigma**power


def _near(rng, words, mu, sigma):
    mu, sigma = mu + rng.uniform(-0.1, 0.1), sigma + rng.uniform(0, 0.15)
    return f"f(z) = {words}, mu = {mu:.2f}, sigma = {sigma:.2f}", mu, sigma


def _values(rng, curve, mu, sigma):
    words, mu, sigma = _near(rng, curve[0], mu, sigma)
    return words, curve[1], mu, sigma, DRAWS, rng


def _with_baseline(f, mu, sigma, n, rng):
    noise = rng.standard_normal(n)
    values = f(mu + sigma * noise)
    return (values - (values * noise**2).mean()) * noise / sigma


def _by_differences(f, mu, sigma, n, rng):
    z = rng.normal(mu, sigma, n)
    return (f(z + 1e-4) - f(z - 1e-4)) / 2e-4


check_score_estimates = Exercise(
    score_estimates,
    "Each estimate is a value of f times the score at the same z.",
    _values,
    cases=ON_THE_LINE,
    gives=("the number of estimates", "their mean", "their variance"),
    rtol={"the number of estimates": 0.0},
    look=moments,
    slips={
        "One sigma too many in z, or one too few below the score.": (
            partial(score_estimates, power=0.0),
            lambda f, m, s, *r: s * score_estimates(f, m, s**2, *r),
        ),
        "One sigma too many below the score.": partial(score_estimates, power=-2.0),
        "How wide is q? The score has to know.": partial(score_estimates, power=1.0),
        "Those are values of f. Where is the score?": (
            lambda f, m, s, n, rng: f(rng.normal(m, s, n))
        ),
        "f and the score must meet at the same z, drawn from q.": (
            lambda f, m, s, *r: score_estimates(f, 0.0, 1.0, *r) / s,
            lambda f, m, s, n, rng: f(rng.normal(m, s, n)) * rng.normal(size=n) / s,
        ),
        "That is as quiet as the path. Only values of f are allowed.": _by_differences,
        "That is as quiet as with a baseline; leave it for later.": _with_baseline,
    },
    changes={
        "Does a z above mu get likelier or not when mu grows?": lambda values: -values,
        ONE_BY_ONE: lambda values: values.mean() + 0 * values,
    },
)


def path_estimates(
    slope: Callable[[Array], Array],
    mu: float,
    logvar: float,
    n: int,
    rng: np.random.Generator,
    half: float = 0.5,
    shift: Callable[[float, Array], Array | float] = lambda sigma, noise: (
        sigma * noise / 2
    ),
) -> tuple[Array, Array]:
    """The slope of f at z (n,), mu, logvar, n, rng -> estimates in both, (n,) each."""
    sigma, noise = np.exp(half * logvar), rng.standard_normal(n)
    pull = slope(mu + sigma * noise)
    return pull, pull * shift(sigma, noise)


def _slopes(rng, curve, mu, sigma):
    words, mu, sigma = _near(rng, curve[0], mu, sigma)
    return words, curve[2], mu, 2 * np.log(sigma), DRAWS, rng


def _moments_of_both(pair, *arguments):
    both = outputs_of(("the estimates in mu", "those in logvar"), pair)
    return [moment for estimates in both.values() for moment in moments(estimates)]


check_path_estimates = Exercise(
    path_estimates,
    "Write z as a function of mu, logvar and epsilon, and use the chain rule.",
    _slopes,
    cases=ON_THE_LINE,
    gives=tuple(
        f"the {moment} of the estimates in {parameter}"
        for parameter in ("mu", "logvar")
        for moment in ("number", "mean", "variance")
    ),
    rtol={f"the number of the estimates in {name}": 0.0 for name in ("mu", "logvar")},
    look=_moments_of_both,
    slips={
        "What is sigma if logvar is the logarithm of a variance?": (
            partial(path_estimates, half=1.0),
            partial(path_estimates, shift=lambda sigma, noise: sigma**2 * noise),
        ),
        "The slope is wanted at z, not at the bare noise.": (
            lambda slope, m, v, *r: path_estimates(slope, 0.0, 0.0, *r)
        ),
        "How far does z move if mu moves by one? sigma has no say.": (
            lambda slope, m, v, *r: [
                np.exp(v / 2) * part for part in path_estimates(slope, m, v, *r)
            ]
        ),
        "That is the slope in sigma. How does sigma move with logvar?": (
            partial(path_estimates, shift=lambda sigma, noise: noise)
        ),
        "sigma is exp(logvar / 2): the half comes down.": (
            partial(path_estimates, shift=lambda sigma, noise: sigma * noise)
        ),
        "Does sigma itself survive when you differentiate exp(logvar / 2)?": (
            partial(path_estimates, shift=lambda sigma, noise: noise / 2)
        ),
        "How far z moves with logvar depends on its epsilon.": (
            partial(path_estimates, shift=lambda sigma, noise: sigma / 2)
        ),
    },
    changes={
        ONE_BY_ONE: lambda *pair: [part.mean() + 0 * part for part in pair],
        "The estimates in mu come first.": lambda in_mu, in_logvar: (in_logvar, in_mu),
    },
)


def leave_one_out(f: Array, scores: Array) -> Array:
    """Values f and scores, both (k, rows), draws first -> (rows,)."""
    return ((f - f.mean(0)) * scores).sum(0) / (len(f) - 1)  # a covariance


def _draws(rng, k, rows):
    words = f"k = {k} draws, {rows} rows"
    return words, rng.normal(10, 1, (k, rows)), rng.normal(size=(k, rows))


check_leave_one_out = Exercise(
    leave_one_out,
    "Take one row and k = 3, and write all three terms out.",
    _draws,
    cases=((5, 3), (2, 6), (2, 1)),
    gives="the estimates",
    slips={
        "A mean over the draws is wanted, not their sum.": (
            lambda f, s: len(f) * leave_one_out(f, s)
        ),
        "Your baseline has seen the draw itself: a bias. Leave that one out.": (
            lambda f, s: ((f - f.mean(0)) * s).mean(0)
        ),
        "Your baseline divides by k - 1, but has all k values in its sum.": (
            lambda f, s: ((f - f.sum(0) / (len(f) - 1)) * s).mean(0)
        ),
        "Nothing has been subtracted from f.": lambda f, s: (f * s).mean(0),
        "The others are draws of the same row, not other rows.": (
            lambda f, s: ((f - f.mean(1, keepdims=True)) * s).mean(0)
        ),
        "f meets the score of the same draw; its baseline is free of it.": (
            lambda f, s: (f - f.mean(0)).mean(0) * s.mean(0)
        ),
    },
    changes=ROWS,
)


def surrogate(
    f: Callable[[Tensor], Tensor],
    mu: Tensor,
    logvar: Tensor,
    epsilon: Tensor,
    f_rests: bool = True,
    z_rests: bool = True,
    half: float = 0.5,
) -> Tensor:
    """A function f from z (n, k) to (n,), mu, logvar (k,), epsilon (n, k) -> a number.

    Its gradient is the score function's estimate.
    """
    sigma = torch.exp(half * logvar)
    z = mu + sigma * epsilon
    values = f(z).detach() if f_rests else f(z)
    log_q = Normal(mu, sigma).log_prob(z.detach() if z_rests else z).sum(-1)
    return (values * log_q).mean()


def _smooth(z):
    return torch.sin(2 * z + 1).sum(-1)


def _step(z):
    return (z.sum(-1) > 0).to(z.dtype)


def _inputs(rng, f, n, k):
    mu, logvar = map(leaf, rng.normal(size=(2, k)))
    words = f"a {f.__name__[1:]} function as f, n = {n}, k = {k}"
    return words, f, mu, logvar, tensor(rng.normal(size=(n, k)))


def _gradients_alone(call, arguments):
    """A `watch` for which a value matters by its gradients and its shape only."""
    outputs, seen = gradients()(call, arguments)
    return {what: 0 * value.detach() for what, value in outputs.items()}, seen


check_surrogate = Exercise(
    surrogate,
    "z is made of the given epsilon. Then `detach` what must not be differentiated.",
    _inputs,
    cases=((_smooth, 6, 2), (_smooth, 1, 3), (_step, 9, 2)),
    gives="the surrogate",
    watch=_gradients_alone,
    slips={
        "f keeps its path, and its gradient flows as well.": (
            partial(surrogate, f_rests=False)
        ),
        "Inside log q, z still moves with mu and logvar.": (
            partial(surrogate, z_rests=False)
        ),
        "Neither f nor z stands still.": (
            partial(surrogate, f_rests=False, z_rests=False)
        ),
        "That is the path: it asks f for a slope.": (
            lambda f, m, v, e: f(m + torch.exp(v / 2) * e).mean()
        ),
        "Normal wants a standard deviation; exp(logvar) is a variance.": (
            partial(surrogate, half=1.0)
        ),
        "A mean over the n draws is wanted, not their sum.": (
            lambda f, m, v, e: surrogate(f, m, v, e) * len(e)
        ),
        "Logarithms of independent densities add over the k dimensions.": (
            lambda f, m, v, e: surrogate(f, m, v, e) / len(m)
        ),
    },
    changes={
        "backward should give the gradient itself, not its negative.": lambda s: -s,
        "What in the surrogate knows mu, if f must not?": lambda s: s.detach(),
    },
)


def mixture_path(
    z: Array,
    weight: float,
    mu: Array,
    sigma: Array,
    curve: Callable[..., Array] = norm.cdf,
    weighs: bool = True,
) -> Array:
    """Points z (n,), weight of the first, mu (2,), sigma (2,) -> dz/dweight (n,)."""
    first, second = curve(z[:, None], mu, sigma).T
    weights = [weight, 1 - weight] if weighs else [1, 1]
    return (second - first) / (norm.pdf(z[:, None], mu, sigma) @ weights)


def _mixture(rng, n):
    weight, sigma = rng.uniform(0.3, 0.7), rng.uniform(0.6, 1.2, 2)
    mu = np.array([-1.0, 1.0]) + rng.normal(0, 0.3, 2)
    component = (rng.random(n) > weight).astype(int)
    z = rng.normal(mu[component], sigma[component])
    return f"n = {n}, weight = {weight:.2f}", z, weight, mu, sigma


check_mixture_path = Exercise(
    mixture_path,
    "F(z, weight) = u stays as it is. Differentiate that equation in the weight.",
    _mixture,
    cases=(7, 1),
    gives="dz/dweight",
    slips={
        "How steep is F in z? That slope is missing.": (
            lambda z, w, *normals: np.diff(norm.cdf(z[:, None], *normals))[:, 0]
        ),
        "F is a distribution function, and pdf a density.": (
            partial(mixture_path, curve=norm.pdf)
        ),
        "The slope of F in z is the density of the mixture: weigh it.": (
            partial(mixture_path, weighs=False)
        ),
        "The weight is that of the first normal.": (
            lambda z, w, *normals: mixture_path(z, 1 - w, *normals)
        ),
    },
    changes={
        "If F rises at a fixed z, z must give way: the other sign.": lambda dz: -dz,
        "With u fixed, some z must move when the weight does.": lambda dz: 0 * dz,
    },
)


def crossing_frequency(
    sigma: float = 0.5, over_mu: Callable[[Array], Array] = np.min
) -> float:
    """A number c: from which on the score function wins at every mu for sin(c z)."""
    phases = np.linspace(0, np.pi, 721)

    def lead(c):
        """How much noisier the path is, at the mu where that is least."""
        variances = sine_gradient_variances(phases / c, sigma, c)
        return over_mu(variances.pathwise - variances.score_function)

    return brentq(lead, 0.5 / sigma, 2 / sigma)


check_crossing_frequency = Exercise(
    crossing_frequency,
    "Plot both variances over mu for one c. Where is the path at its best? A little "
    "below your c it should still win there.",
    rtol=0.01,
    slips={
        "Is that for sigma = 1, or for 1/2?": lambda: crossing_frequency(sigma=1.0),
        "There the score function begins to win, at some mu; wanted is every mu.": (
            lambda: crossing_frequency(over_mu=np.max)
        ),
        "There the two are equal on an average over mu; wanted is every mu.": (
            lambda: crossing_frequency(over_mu=np.mean)
        ),
    },
)
