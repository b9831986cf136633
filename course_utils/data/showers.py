"""Simulated showers of electrons in the layers of a calorimeter, whose law is known.

An electron that enters a block of lead makes a shower of electrons and photons. The
mean energy that it leaves at a depth t follows the profile of Longo and Sestili, 1975
(Nuclear Instruments and Methods 128, 283),

    dE/dt = E beta (beta t)^(alpha - 1) exp(-beta t) / Gamma(alpha),

a gamma density with its maximum at T = (alpha - 1) / beta. From shower to shower ln T
and ln alpha scatter as two correlated normal variables, with the moments that
Grindhammer and Peters, 1993, give for homogeneous media
(https://arxiv.org/abs/hep-ex/0001020): functions of ln y, where y is the energy over
the critical energy of the material.

The layers are read out with a stochastic error: a layer that gets the energy e shows a
gamma variable of mean e and standard deviation s sqrt(e). Gamma variables of one scale
add up to another of that scale, so the sum of all layers is known in closed form for
each shower. Everything else that a real detector does is left out: noise, a constant
term, dead cells, the direction of the electron.

Energies are in GeV, depths in radiation lengths.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.stats import gamma

from course_utils.records.runs import whole_number


class Profiles(NamedTuple):
    """The longitudinal profiles of n showers.

    Attributes:
        alpha: their shapes, (n,).
        beta: their rates, per radiation length, (n,).
    """

    alpha: npt.NDArray[np.float64]
    beta: npt.NDArray[np.float64]


@dataclass(frozen=True)
class Calorimeter:
    """Layers of one thickness in a block of lead, hit by electrons of one energy.

    Attributes:
        energy: of each electron, in GeV.
        layers: how many.
        thickness: of a layer, in radiation lengths.
        resolution: the stochastic error s, in sqrt(GeV): 0.1 is "10 % over root E".
        critical_energy: of the material, in GeV.
        charge_number: of the material, Z.
    """

    energy: float = 20.0
    layers: int = 12
    thickness: float = 2.0
    resolution: float = 0.1
    critical_energy: float = 7.4e-3
    charge_number: float = 82.0

    def __post_init__(self) -> None:
        whole_number("layers", self.layers, least=1)
        for name in ("thickness", "critical_energy", "charge_number"):
            if not 0 < getattr(self, name) < np.inf:
                raise ValueError(f"{name} must be above 0 and finite.")
        if not 0 <= self.resolution < np.inf:
            raise ValueError("resolution must be at least 0 and finite.")
        if not 100 * self.critical_energy <= self.energy < np.inf:
            raise ValueError(
                f"An electron of {self.energy} GeV is out of the parametrization's "
                "reach: its energy must be at least a hundred critical energies."
            )

    @property
    def edges(self) -> npt.NDArray:
        """Depths where layers begin and end, (layers + 1,)."""
        return self.thickness * np.arange(self.layers + 1, dtype=np.float64)

    @property
    def depths(self) -> npt.NDArray:
        """Depths of the layers' middles, (layers,)."""
        return (self.edges[:-1] + self.edges[1:]) / 2

    def moments(self) -> tuple[npt.NDArray, npt.NDArray[np.float64]]:
        """Means (2,) and covariance (2, 2) of ln T and ln alpha."""
        log_y = np.log(self.energy / self.critical_energy)
        means = np.log(
            [log_y - 0.812, 0.81 + (0.458 + 2.26 / self.charge_number) * log_y]
        )
        sd = 1 / np.array([-1.4 + 1.26 * log_y, -0.58 + 0.86 * log_y])
        correlation = 0.705 - 0.023 * log_y
        return means, np.outer(sd, sd) * [[1, correlation], [correlation, 1]]

    def profiles(self, n: int, seed: int) -> Profiles:
        """The profiles of n showers."""
        return self._profiles(n, np.random.default_rng(seed))

    def deposited(
        self, profiles: Profiles, starts: npt.ArrayLike = 0.0
    ) -> npt.NDArray[np.float64]:
        """The energy that each layer gets, (n, layers); the rest leaks out behind.

        Args:
            profiles: of n showers.
            starts: depths at which they begin, (n,) or one for all. It is 0 for an
                electron; a neutral particle flies some way before it is seen.
        """
        alpha, beta = (parameter[:, None] for parameter in profiles)
        depths = np.maximum(self.edges - np.asarray(starts)[..., None], 0)
        return self.energy * np.diff(gamma.cdf(beta * depths, alpha), axis=1)

    def sample(
        self, n: int, seed: int, starts: npt.ArrayLike = 0.0
    ) -> npt.NDArray[np.float64]:
        """The energies that the layers of n showers show, (n, layers).

        Args:
            n: how many showers.
            seed: of their profiles and of the readout.
            starts: as in `deposited`.
        """
        rng = np.random.default_rng(seed)
        energies = self.deposited(self._profiles(n, rng), starts)
        if self.resolution == 0:
            return energies
        scale = self.resolution**2
        return rng.gamma(energies / scale, scale)

    def _profiles(self, n: int, rng: np.random.Generator) -> Profiles:
        maximum, alpha = np.exp(rng.multivariate_normal(*self.moments(), size=n)).T
        return Profiles(alpha, (alpha - 1) / maximum)
