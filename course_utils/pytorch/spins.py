"""Spins drawn one after the other by a network that knows its own probabilities.

A sampler q of spins bounds the free energy from above: F_q = E_q[E + (ln q) / beta] is
the variational free energy, and beta (F_q - F) = KL(q || Boltzmann). It is trained
without data. Wu, Wang and Zhang, 2019, https://arxiv.org/abs/1809.10606.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.pytorch.capture import captured
from course_utils.pytorch.device import adam, device_of, own_settings, rates_on
from course_utils.records.history import History
from course_utils.records.progress import not_finite, run_epochs
from course_utils.records.recipes import falling
from course_utils.records.runs import whole_number

ROUNDS = 10  # of which the history has a value each
ANNEALED = 0.5  # share of the steps in which beta rises from 0


class SpinSampler(nn.Module):
    """q(s) = prod_i q(s_i given s_1 ... s_(i-1)), the sites in the order of reading.

    Each site has a small network of its own, which sees the spins before it.

    Args:
        side: of the lattice.
        hidden: units of each site's network.
        symmetric: whether q(-s) = q(s), as the Boltzmann distribution has it without a
            field. Then the networks have no biases, so that their logits are odd.
    """

    @own_settings()
    def __init__(self, side: int, hidden: int = 16, symmetric: bool = True) -> None:
        super().__init__()
        self.side = side
        sites = side * side
        self.first = nn.Parameter(0.5 * torch.randn(sites, sites, hidden) / side)
        self.second = nn.Parameter(0.1 * torch.randn(sites, hidden) / hidden**0.5)
        self.direct = nn.Parameter(torch.zeros(sites, sites))
        learns = not symmetric
        self.first_bias = nn.Parameter(torch.zeros(sites, hidden), learns)
        self.bias = nn.Parameter(torch.zeros(sites), learns)
        self.before: Tensor
        self.register_buffer("before", torch.ones(sites, sites).tril(-1))

    def log_prob(self, spins: Tensor) -> Tensor:
        """Ln q of lattices (n, side, side), spins of -1 and 1: (n,)."""
        s = spins.flatten(1)
        first = (self.first * self.before[..., None]).transpose(0, 1).flatten(1)
        hidden = torch.tanh(s @ first + self.first_bias.flatten())
        hidden = hidden.view(len(s), *self.second.shape)
        logits = (hidden * self.second).sum(-1) + s @ (self.direct * self.before).T
        return F.logsigmoid(s * (logits + self.bias)).sum(1)

    @torch.no_grad()
    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Draw lattices, (n, side, side), spins of -1 and 1.

        Args:
            n: how many.
            generator: of the model's device.
        """
        sites = self.side**2
        s = self.bias.new_zeros(n, sites)
        uniform = torch.rand(
            s.shape, generator=generator, device=s.device, dtype=s.dtype
        )
        for i in range(sites):
            seen = s[:, :i]
            hidden = torch.tanh(seen @ self.first[i, :i] + self.first_bias[i])
            logit = hidden @ self.second[i] + seen @ self.direct[i, :i] + self.bias[i]
            s[:, i] = torch.where(uniform[:, i] < logit.sigmoid(), 1.0, -1.0)
        return s.view(n, self.side, self.side)


def energies(spins: Tensor) -> Tensor:
    """The energy of each lattice with periodic edges, (n, side, side) to (n,)."""
    return -(spins * (spins.roll(-1, 1) + spins.roll(-1, 2))).sum((1, 2))


def score_loss(log_q: Tensor, cost: Tensor) -> Tensor:
    """A loss whose gradient is the score function's estimate of E_q[cost]'s.

    Args:
        log_q: of some samples, (n,), with a graph.
        cost: of each, without one; its mean is the baseline.
    """
    return ((cost - cost.mean()) * log_q).mean()


def train_spins(
    model: SpinSampler,
    beta: float,
    steps: int,
    seed: int,
    *,
    batch_size: int = 500,
    learning_rate: float = 3e-3,
    field: float = 0.0,
) -> History:
    """Minimize the variational free energy by the score function, without data.

    Beta rises from 0 in the first half of the steps, so that the sampler follows the
    lattice from disorder; in the second half the learning rate falls.

    Args:
        model: changed in place.
        beta: inverse temperature in the end, with J = 1.
        steps: how many; a multiple of `ROUNDS`.
        seed: of all that is drawn.
        batch_size: lattices a step.
        learning_rate: Adam's, at first.
        field: on while beta rises, and off from then on: each lattice's cost is lowered
            by it, times the sum of the spins.

    Returns:
        For each tenth of the steps the mean of beta F_q, here `bound`, in nats of the
        whole lattice at the beta and field of its step; and `scatter`, the standard
        deviation of its samples, which is 0 where q is the Boltzmann distribution.

    Raises:
        TypeError, ValueError: numbers that are none, or out of their ranges.
        FloatingPointError: the bound was not finite; the message names the step.
    """
    steps = whole_number("steps", steps, least=ROUNDS)
    if steps % ROUNDS:
        raise ValueError(f"{steps} steps are no multiple of {ROUNDS}.")
    device = device_of(model)
    generator = torch.Generator(device).manual_seed(whole_number("seed", seed))
    optimizer = adam(model, learning_rate)
    step = captured(_step_of(model, optimizer, batch_size, generator), generator)
    rates = falling(learning_rate, learning_rate / 300, steps, hold=ANNEALED)
    done = [min(1.0, number / (ANNEALED * steps)) for number in range(steps)]
    others = [(beta * share, field * (share < 1)) for share in done]
    settings = rates_on(
        device, [(rate, *pair) for rate, pair in zip(rates, others, strict=True)]
    )

    def one_round(number: int) -> dict[str, float]:
        own = settings[(number - 1) * steps // ROUNDS : number * steps // ROUNDS]
        found = torch.stack([step(setting) for setting in own]).cpu()
        if not found.isfinite().all():
            wrong = int(found.isfinite().all(1).logical_not().nonzero()[0]) + 1
            raise not_finite(wrong, f"of round {number}")
        bound, scatter = found.double().mean(0).tolist()
        return {"bound": bound, "scatter": scatter}

    return run_epochs(ROUNDS, one_round, "round")


def _step_of(
    model: SpinSampler,
    optimizer: torch.optim.Optimizer,
    batch_size: int,
    generator: torch.Generator,
) -> Callable[[Tensor], Tensor]:
    """One step: learning rate, beta and field, (3,), to bound and scatter, (2,)."""

    def step(setting: Tensor) -> Tensor:
        rate, beta, field = setting
        optimizer.param_groups[0]["lr"].copy_(rate)
        spins = model.sample(batch_size, generator)
        log_q = model.log_prob(spins)
        beta, field = beta.to(log_q.dtype), field.to(log_q.dtype)
        cost = log_q.detach() + beta * energies(spins) - field * spins.sum((1, 2))
        loss = score_loss(log_q, cost)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return torch.stack([cost.mean(), cost.std()])

    return step
