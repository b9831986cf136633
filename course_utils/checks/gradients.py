"""The exercise on lesson 2 that is in PyTorch."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor
from torch.distributions import Normal

from course_utils.checks.exercise import Exercise
from course_utils.checks.torch_tools import gradients, leaf, tensor


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
