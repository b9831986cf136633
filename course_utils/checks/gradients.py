"""Checks that follow gradients through a graph of PyTorch."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from course_utils.checks.asking import Ask, asking


def slopes(
    ask: Ask, what: str, value: Any, inputs: Sequence[Any], hint: str
) -> list[npt.NDArray]:
    """The gradient of a tensor's sum in each input; zeros where it has none.

    Args:
        ask: who asks.
        what: the tensor in words.
        value: the tensor.
        inputs: tensors which require gradients.
        hint: if the tensor has no graph.

    Raises:
        NotYet: the tensor has no graph, or it cannot be gone through.
    """
    import torch

    if not value.requires_grad:
        ask.fail(f"{what} has the right form, but no gradient flows back.", hint)
    try:
        found = torch.autograd.grad(
            value.sum(), inputs, allow_unused=True, materialize_grads=True
        )
    except RuntimeError as error:
        ask.fail(f"backward from {what} stops: {str(error).splitlines()[0][:200]}")
    return [np.asarray(gradient.detach(), np.float64) for gradient in found]


def check_surrogate(surrogate: Any, seed: int | None = None) -> None:
    """A PyTorch expression whose gradient is the score function's estimate.

    Args:
        surrogate: of f, a callable from tensors z (n, k) to (n,), the tensors mu and
            logvar (k,) and epsilon (n, k), to a tensor without axes.
        seed: of the inputs.
    """
    import torch

    def smooth(z):
        return torch.sin(2 * z + 1).sum(-1)

    def step(z):
        return (z.sum(-1) > 0).to(z.dtype)

    hint = "Which two tensors have to count as plain numbers here? `detach` makes them."
    no_graph = "What in the surrogate knows mu, if f must not?"
    with asking(surrogate, "surrogate", hint, seed) as ask:
        for f, n, k in ((smooth, 6, 2), (smooth, 1, 3), (step, 9, 2)):
            numbers = [*ask.rng.normal(size=(2, k)), ask.rng.normal(size=(n, k))]
            mu, logvar, epsilon = map(torch.FloatTensor, numbers)
            inputs = [mu.requires_grad_(), logvar.requires_grad_()]
            tried = f"a {f.__name__} function as f, n = {n}, k = {k}"
            value = ask.call(tried, f, *inputs, epsilon.clone())
            value = ask.kind("the surrogate", value, torch.Tensor)
            ask.array("the surrogate", value, ())
            found = slopes(ask, "the surrogate", value, inputs, no_graph)
            right = _score_slopes(f, *inputs, epsilon)
            slips = _surrogate_slips(f, *inputs, epsilon, right)
            for at, name in enumerate(("mu", "logvar")):
                ask.close(
                    f"the gradient in {name} ({tried})",
                    found[at],
                    right[at],
                    slips={words: wrong[at] for words, wrong in slips.items()},
                )


def _score_slopes(f: Callable, mu: Any, logvar: Any, epsilon: Any) -> npt.NDArray:
    """The score function's estimates for mu and logvar, (2, k), by their formula."""
    sigma = (0.5 * logvar).exp()
    values = f(mu + sigma * epsilon).detach().numpy()[:, None]
    score_mu = (epsilon / sigma).detach().numpy()
    score_logvar = 0.5 * (epsilon.numpy() ** 2 - 1)
    return np.array([(values * score_mu).mean(0), (values * score_logvar).mean(0)])


def _surrogate_slips(
    f: Callable, mu: Any, logvar: Any, epsilon: Any, right: npt.NDArray
) -> dict[str, npt.NDArray]:
    """The gradients (2, k) of mistaken surrogates, by their hints."""
    import torch

    def gradients(f_rests: bool, z_rests: bool, half: float = 0.5) -> npt.NDArray:
        sigma = torch.exp(half * logvar)
        z = mu + sigma * epsilon
        point, values = z.detach() if z_rests else z, f(z.detach() if f_rests else z)
        log_q = torch.distributions.Normal(mu, sigma).log_prob(point).sum(-1)
        found = torch.autograd.grad((values * log_q).mean(), (mu, logvar))
        return np.array([gradient.numpy() for gradient in found])

    def path() -> npt.NDArray:
        value = (
            f(mu + torch.exp(0.5 * logvar) * epsilon).mean() + 0 * (mu + logvar).sum()
        )
        found = torch.autograd.grad(value, (mu, logvar))
        return np.array([gradient.numpy() for gradient in found])

    return {
        "f keeps its path, and its gradient flows as well.": gradients(False, True),
        "Inside log q, z still moves with mu and logvar.": gradients(True, False),
        "Neither f nor z stands still.": gradients(False, False),
        "That is the path: it asks f for a slope.": path(),
        "Normal wants a standard deviation; exp(logvar) is a variance.": (
            gradients(True, True, half=1.0)
        ),
        "A mean over the n draws is wanted, not their sum.": right * len(epsilon),
        "Logarithms of independent densities add over the k dimensions.": (
            right / len(mu)
        ),
        "backward should give the gradient itself, not its negative.": -right,
    }
