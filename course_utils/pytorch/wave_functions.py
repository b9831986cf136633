"""Wave functions of a ring of spins that are generative models.

The transverse-field Ising chain, H = - sum sz_i sz_(i+1) - field sum sx_i, has no
positive matrix element between different states. So its ground state has positive
amplitudes, psi = sqrt(q), and q = psi^2 is all there is to learn. The energy of any
psi is a mean over q of the local energy, and bounds the ground energy from above.
Carleo and Troyer, 2017, https://arxiv.org/abs/1606.02318; Hibat-Allah and others,
2020, https://arxiv.org/abs/2002.02973.

Spins are -1 and 1, (n, sites); energies are in units of the coupling.
"""

from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.pytorch.device import Network, adam, device_of, own_settings
from course_utils.pytorch.spins import score_loss
from course_utils.records.history import History
from course_utils.records.progress import not_finite, run_epochs
from course_utils.records.recipes import falling
from course_utils.records.runs import whole_number

ROUND = 10  # steps, of which the history has a value
STATES_AT_ONCE = 2**14


class WaveFunction(Network, Protocol):
    """What is asked of a wave function here."""

    sites: int

    def log_psi(self, spins: Tensor) -> Tensor:
        """Ln psi of states (n, sites), up to a constant: (n,)."""

    def renewed(self, spins: Tensor, generator: torch.Generator) -> Tensor:
        """Samples of psi^2 in the place of others, (n, sites).

        A Markov chain goes on from the old ones; other models draw afresh.
        """


class MeanField(nn.Module):
    """All spins are independent, and equally likely to be up.

    Args:
        sites: of the ring.
    """

    @own_settings()
    def __init__(self, sites: int) -> None:
        super().__init__()
        self.sites = sites
        self.logit = nn.Parameter(torch.ones(()))  # leans up a little: it takes a side

    def log_psi(self, spins: Tensor) -> Tensor:
        """Ln psi of states (n, sites): (n,)."""
        return 0.5 * F.logsigmoid(spins * self.logit).sum(1)

    @torch.no_grad()
    def renewed(self, spins: Tensor, generator: torch.Generator) -> Tensor:
        """Independent samples, of the shape of others, (n, sites)."""
        up = self.logit.sigmoid().expand_as(spins)
        return 2 * torch.bernoulli(up, generator=generator) - 1


class Jastrow(nn.Module):
    """ln psi = sum over pairs of J(distance) s_i s_j, one number for each distance.

    Its norm is unknown, so that its samples come from a Markov chain.

    Args:
        sites: of the ring.
        sweeps: of the Markov chain from one set of samples to the next.
    """

    @own_settings()
    def __init__(self, sites: int, sweeps: int = 3) -> None:
        super().__init__()
        self.sites, self.sweeps = sites, sweeps
        self.J = nn.Parameter(torch.zeros(sites // 2))
        steps = (torch.arange(sites)[:, None] - torch.arange(sites)).abs()
        self.distance: Tensor
        self.register_buffer("distance", torch.minimum(steps, sites - steps))

    def couplings(self) -> Tensor:
        """J of each pair, (sites, sites); none of a spin with itself."""
        return F.pad(self.J, (1, 0))[self.distance]

    def log_psi(self, spins: Tensor) -> Tensor:
        """Ln psi of states (n, sites), up to a constant: (n,)."""
        return 0.5 * ((spins @ self.couplings()) * spins).sum(1)

    @torch.no_grad()
    def renewed(self, spins: Tensor, generator: torch.Generator) -> Tensor:
        """The next samples of Markov chains, (n, sites), each spin given all others."""
        spins, couplings = spins.clone(), self.couplings()
        for _ in range(self.sweeps):
            for site in range(self.sites):
                up = torch.sigmoid(4 * spins @ couplings[site])
                spins[:, site] = 2 * torch.bernoulli(up, generator=generator) - 1
        return spins


class Autoregressive(nn.Module):
    """psi = sqrt(q), q(s) = prod_i q(s_i given s_1 ... s_(i-1)).

    Each site has a small network of its own, without biases: its logit is odd in the
    spins, so that flipping all of them changes nothing.

    Args:
        sites: of the ring.
        hidden: units of each site's network.
    """

    @own_settings()
    def __init__(self, sites: int, hidden: int = 32) -> None:
        super().__init__()
        self.sites = sites
        self.first = nn.Parameter(0.5 * torch.randn(sites, sites, hidden) / sites**0.5)
        self.second = nn.Parameter(0.2 * torch.randn(sites, hidden) / hidden**0.5)

    def logits(self, spins: Tensor, site: int) -> Tensor:
        """Of a site's spin to be up, given those before it: (n,)."""
        hidden = torch.tanh(spins[:, :site] @ self.first[site, :site])
        return hidden @ self.second[site]

    def log_psi(self, spins: Tensor) -> Tensor:
        """Half of ln q of states (n, sites): (n,)."""
        logits = [self.logits(spins, site) for site in range(self.sites)]
        return 0.5 * F.logsigmoid(spins * torch.stack(logits, 1)).sum(1)

    @torch.no_grad()
    def renewed(self, spins: Tensor, generator: torch.Generator) -> Tensor:
        """Independent samples, of the shape of others, (n, sites)."""
        spins = torch.empty_like(spins)
        for site in range(self.sites):
            up = self.logits(spins, site).sigmoid()
            spins[:, site] = 2 * torch.bernoulli(up, generator=generator) - 1
        return spins


def local_energies(model: WaveFunction, spins: Tensor, field: float = 1.0) -> Tensor:
    """(H psi)(s) / psi(s) of states (n, sites) on a ring: (n,).

    The field flips one spin, so that each state has a neighbour for each site.
    """
    flipped = spins[:, None] * (1 - 2 * torch.eye(model.sites, device=spins.device))
    log_flipped = model.log_psi(flipped.flatten(0, 1)).view_as(spins)
    ratios = torch.exp(log_flipped - model.log_psi(spins)[:, None])
    bonds = spins * spins.roll(-1, 1)
    return -bonds.sum(1) - field * ratios.sum(1)


def energy_step(
    model: WaveFunction,
    optimizer: torch.optim.Optimizer,
    spins: Tensor,
    generator: torch.Generator,
) -> tuple[Tensor, Tensor]:
    """Draw, look, and go one step down in energy.

    Args:
        model: changed in place.
        optimizer: of its parameters.
        spins: the samples of the step before, (n, sites).
        generator: of the model's device.

    Returns:
        The samples, (n, sites), and their local energies before the step, (n,).
    """
    spins = model.renewed(spins, generator)
    with torch.no_grad():
        energies = local_energies(model, spins)
    loss = score_loss(2 * model.log_psi(spins), energies)  # ln q is 2 ln psi
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return spins, energies


def train_wave_function(
    model: WaveFunction,
    steps: int,
    seed: int,
    *,
    batch_size: int = 500,
    learning_rate: float = 0.01,
) -> History:
    """Minimize the energy at a field of 1; the learning rate falls in the second half.

    Args:
        model: changed in place.
        steps: how many; a multiple of `ROUND`.
        seed: of all that is drawn.
        batch_size: states a step.
        learning_rate: Adam's, at first.

    Returns:
        For every ten steps the mean of the local energies, `energy`, and `variance`,
        the mean of their variances, which is 0 at an eigenstate.

    Raises:
        TypeError, ValueError: numbers that are none, or out of their ranges.
        FloatingPointError: an energy was not finite; the message names the step.
    """
    steps = whole_number("steps", steps, least=ROUND)
    if steps % ROUND:
        raise ValueError(f"{steps} steps are no multiple of {ROUND}.")
    device = device_of(model)
    generator = torch.Generator(device).manual_seed(whole_number("seed", seed))
    optimizer = adam(model, learning_rate)
    rates = falling(learning_rate, learning_rate / 100, steps, hold=0.5)
    spins = random_spins(model, batch_size, generator)

    def one_round(number: int) -> dict[str, float]:
        nonlocal spins
        found = []
        for step in range((number - 1) * ROUND, number * ROUND):
            optimizer.param_groups[0]["lr"].fill_(rates[step])
            spins, energies = energy_step(model, optimizer, spins, generator)
            if not energies.isfinite().all():
                raise not_finite(step + 1, f"of {steps}")
            found.append([energies.mean(), energies.var()])
        energy, variance = torch.tensor(found).double().mean(0).tolist()
        return {"energy": energy, "variance": variance}

    return run_epochs(steps // ROUND, one_round, "round")


def random_spins(model: WaveFunction, n: int, generator: torch.Generator) -> Tensor:
    """States to begin with, all equally likely: (n, sites)."""
    half = torch.full((n, model.sites), 0.5, device=generator.device)
    return 2 * torch.bernoulli(half, generator=generator) - 1


@torch.inference_mode()
def amplitudes(
    model: WaveFunction, spins: npt.NDArray[np.integer]
) -> npt.NDArray[np.float64]:
    """Psi of given states (n, sites), over the largest of them: (n,)."""
    blocks = torch.from_numpy(spins).split(STATES_AT_ONCE)
    device = device_of(model)
    parts = [model.log_psi(block.to(device, torch.float32)).cpu() for block in blocks]
    log_psi = torch.cat(parts).double().numpy()
    return np.exp(log_psi - log_psi.max())
