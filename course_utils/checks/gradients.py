"""Checks that follow gradients through a graph of PyTorch."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils.checks.asking import Ask, asking

Array = NDArray[np.float64]

_CUT = "A detach, an item() or a tensor made anew cuts the graph."


def leaf(numbers: ArrayLike) -> Any:
    """A tensor in single precision that asks for gradients."""
    import torch

    return torch.tensor(numbers, dtype=torch.float32, requires_grad=True)


def slopes(
    ask: Ask, what: str, value: Any, inputs: Sequence[Any], hint: str
) -> list[Array]:
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
        ask.fail(f"no gradient flows back from {what}.", hint)
    try:
        found = torch.autograd.grad(
            value.sum(),
            inputs,
            retain_graph=True,  # others may ask the same graph
            allow_unused=True,
            materialize_grads=True,
        )
    except RuntimeError as error:
        ask.fail(f"backward from {what} stops: {str(error).splitlines()[0][:200]}")
    return [np.asarray(gradient.detach(), np.float64) for gradient in found]


def hold_tensor(
    ask: Ask, what: str, value: Any, right: ArrayLike, slips: Mapping[str, ArrayLike]
) -> Any:
    """Hold a tensor's values against the right ones, and return it.

    Raises:
        NotYet: it is no tensor, or its values are others.
    """
    import torch

    no_numpy = "Only PyTorch's own functions pass gradients on; NumPy's do not."
    value = ask.kind(what, value, torch.Tensor, no_numpy)
    ask.close(what, value, right, slips=slips)
    return value


def hold_slopes(
    ask: Ask, what: str, value: Any, inputs: Mapping[str, Any], right: Mapping
) -> None:
    """Hold the gradients of a tensor's sum against the right ones, by input.

    Raises:
        NotYet: the graph is cut, or a gradient is another.
    """
    found = slopes(ask, what, value, list(inputs.values()), _CUT)
    for name, gradient in zip(inputs, found, strict=True):
        expected = np.asarray(right[name], np.float64)
        words = f"the gradient of {what} in {name}"
        ask.close(words, gradient, expected, slips={_CUT: 0 * expected})


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

    hint = (
        "z is made of the given epsilon. Then `detach` what must not be differentiated."
    )
    no_graph = "What in the surrogate knows mu, if f must not?"
    with asking(surrogate, "surrogate", hint, seed) as ask:
        for f, n, k in ((smooth, 6, 2), (smooth, 1, 3), (step, 9, 2)):
            inputs = [leaf(numbers) for numbers in ask.rng.normal(size=(2, k))]
            epsilon = leaf(ask.rng.normal(size=(n, k))).detach()
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


def _score_slopes(f: Callable, mu: Any, logvar: Any, epsilon: Any) -> Array:
    """The score function's estimates for mu and logvar, (2, k), by their formula."""
    sigma = (0.5 * logvar).exp()
    values = f(mu + sigma * epsilon).detach().numpy()[:, None]
    score_mu = (epsilon / sigma).detach().numpy()
    score_logvar = 0.5 * (epsilon.numpy() ** 2 - 1)
    return np.array([(values * score_mu).mean(0), (values * score_logvar).mean(0)])


def _surrogate_slips(
    f: Callable, mu: Any, logvar: Any, epsilon: Any, right: Array
) -> dict[str, Array]:
    """The gradients (2, k) of mistaken surrogates, by their hints."""
    import torch

    def gradients(f_rests: bool, z_rests: bool, half: float = 0.5) -> Array:
        sigma = torch.exp(half * logvar)
        z = mu + sigma * epsilon
        point, values = z.detach() if z_rests else z, f(z.detach() if f_rests else z)
        log_q = torch.distributions.Normal(mu, sigma).log_prob(point).sum(-1)
        found = torch.autograd.grad((values * log_q).mean(), (mu, logvar))
        return np.array([gradient.numpy() for gradient in found])

    def path() -> Array:
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
