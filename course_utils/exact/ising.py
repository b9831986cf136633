"""The Ising model on a square lattice with periodic edges: exact answers.

Spins are -1 and 1, bonds have strength J = 1, so the energy of a state is minus the sum
of the products of neighbours. Temperatures are given as beta = 1 / (k T); energies are
in units of J, information in nats. Each spin has two bonds, to the right and below; on
a lattice of side 2 the same two spins are neighbours twice.
"""

import math

import numpy as np
import numpy.typing as npt
from scipy.integrate import quad
from scipy.special import ellipk

from course_utils.exact.conditions import Array, require, require_positive

CRITICAL_BETA = math.log(1 + math.sqrt(2)) / 2  # 0.440687
LARGEST_SIDE = 4  # of lattices whose states are enumerated: 65,536


def energies(spins: npt.ArrayLike) -> Array:
    """The energy of each lattice.

    Args:
        spins: -1 or 1, (n, side, side).

    Returns:
        (n,), in units of J: -2 side^2 where all spins agree.
    """
    spins = np.asarray(spins, float)
    right, below = np.roll(spins, -1, 2), np.roll(spins, -1, 1)
    return -(spins * (right + below)).sum((1, 2))


def enumerate_states(side: int = 4) -> npt.NDArray[np.int8]:
    """All states of a small lattice, (2^(side^2), side, side), spins of -1 and 1.

    Raises:
        ValueError: a side that is not 2, 3 or 4.
    """
    require(
        side in range(2, LARGEST_SIDE + 1),
        f"side is {side}; states are enumerated for 2, 3 and {LARGEST_SIDE}.",
    )
    sites = side * side
    bits = np.arange(2**sites)[:, None] >> np.arange(sites) & 1
    return (2 * bits - 1).astype(np.int8).reshape(-1, side, side)


def log_partition(side: int, beta: float) -> float:
    """Return ln Z of side x side spins by Kaufman's formula.

    Kaufman, 1949, https://doi.org/10.1103/PhysRev.76.1232. It sums four products over
    the lattice's momenta; the fourth changes its sign at the critical point.

    Args:
        side: of the lattice, at least 2.
        beta: inverse temperature, above 0.

    Raises:
        ValueError: numbers out of these ranges.
    """
    return _kaufman(side, beta)[0]


def energy_per_spin(side: int, beta: float) -> float:
    """Mean energy, -d ln Z / d beta, of one of side x side spins; in units of J.

    Arguments and errors as in `log_partition`.
    """
    return -_kaufman(side, beta)[1] / side**2


def heat_capacity_per_spin(side: int, beta: float) -> float:
    """Heat capacity of one of side x side spins, in units of k.

    It is beta^2 times the variance of the lattice's energy, divided by the number of
    spins. Arguments and errors as in `log_partition`.
    """
    return beta**2 * _kaufman(side, beta)[2] / side**2


def free_energy_per_spin(side: int, beta: float) -> float:
    """Free energy F / N = -ln Z / (beta N), in units of J; as `log_partition`."""
    return -log_partition(side, beta) / (beta * side**2)


def infinite_free_energy_per_spin(beta: float) -> float:
    """The same of an infinite lattice.

    Onsager, 1944, https://doi.org/10.1103/PhysRev.65.117.
    """
    kappa = _modulus(beta)
    integral, _ = quad(
        lambda phi: math.log((1 + math.sqrt(1 - (kappa * math.sin(phi)) ** 2)) / 2),
        0,
        math.pi / 2,
        epsabs=1e-13,
    )
    return -(math.log(2 * math.cosh(2 * beta)) + integral / math.pi) / beta


def infinite_energy_per_spin(beta: float) -> float:
    """Onsager's energy of one spin of an infinite lattice, in units of J."""
    kappa = _modulus(beta)
    # at the critical point this factor is 0, and beats the logarithm of `ellipk`
    distance = 2 * math.tanh(2 * beta) ** 2 - 1
    product = distance * ellipk(min(kappa**2, 1 - 1e-15))
    return -(1 + 2 / math.pi * product) / math.tanh(2 * beta)


def infinite_magnetization(beta: float) -> float:
    """Onsager's magnetization of an infinite lattice, 0 down to the critical beta.

    Yang, 1952, https://doi.org/10.1103/PhysRev.85.808.
    """
    require_positive(beta=beta)
    if beta <= CRITICAL_BETA:
        return 0.0
    return float((1 - math.sinh(2 * beta) ** -4) ** (1 / 8))


def _modulus(beta: float) -> float:
    """Onsager's modulus, 1 at the critical point and below it elsewhere."""
    require_positive(beta=beta)
    return 2 * math.sinh(2 * beta) / math.cosh(2 * beta) ** 2


def _kaufman(side: int, beta: float) -> tuple[float, float, float]:
    """Return ln Z and its first two derivatives in beta.

    Z is (2 sinh 2 beta)^(N / 2) / 2 times the sum of four products of N^(1/2) factors:
    2 cosh(L g / 2) and 2 sinh(L g / 2) over the odd momenta, and both over the even
    ones. The g of momentum 0 passes through 0 at the critical point, so its factors are
    derived as they are, and all others by their logarithms.
    """
    require(side >= 2 and side == int(side), f"side is {side}; it is 2 or more.")
    require_positive(beta=beta)
    sites, double = side * side, 2 * beta
    odd = _gammas(np.arange(1, 2 * side, 2), side, beta)
    even = _gammas(np.arange(2, 2 * side, 2), side, beta)
    first_cosh, first_sinh, size = _factors_of_momentum_zero(side, beta)
    one = np.array([1.0, 0, 0])
    products = [
        (_log_product(odd, side, +1), one, 0.0),
        (_log_product(odd, side, -1), one, 0.0),
        (_log_product(even, side, +1), first_cosh, size),
        (_log_product(even, side, -1), first_sinh, size),
    ]
    largest = max(log[0] + size for log, _, size in products)
    total = np.zeros(3)  # the sum of all four and its derivatives, over e^largest
    for (log, slope, bend), (f, df, ddf), size in products:
        derived = [
            f,
            slope * f + df,
            (bend + slope**2) * f + 2 * slope * df + ddf,
        ]
        total += math.exp(log + size - largest) * np.array(derived)
    log_sum = np.array(
        [
            math.log(total[0] / 2) + largest,
            total[1] / total[0],
            total[2] / total[0] - (total[1] / total[0]) ** 2,
        ]
    )
    prefactor = [
        _log_2_sinh(double),
        2 / math.tanh(double),
        -4 / math.sinh(double) ** 2,
    ]
    return tuple(log_sum + sites / 2 * np.array(prefactor))


def _gammas(momenta: npt.NDArray, side: int, beta: float) -> Array:
    """The g of momenta other than 0, and its two derivatives in beta: (3, n).

    cosh g = s + 1 / s - cos(pi momentum / side) with s = sinh 2 beta.
    """
    s, c = math.sinh(2 * beta), math.cosh(2 * beta)
    # cosh g - 1, without a difference of nearly equal numbers
    excess = (s - 1) ** 2 / s + 2 * np.sin(momenta * math.pi / (2 * side)) ** 2
    sinh_g = np.sqrt(excess * (2 + excess))
    rise, bend = 2 * c * (1 - 1 / s**2), 4 * s + 4 / s + 8 / s**3
    slope = rise / sinh_g
    second = (bend - (1 + excess) * slope**2) / sinh_g
    return np.array([np.log1p(excess + sinh_g), slope, second])


def _log_product(gammas: Array, side: int, sign: int) -> Array:
    """The logarithm of a product over momenta, and its two derivatives: (3,).

    Of 2 cosh(side g / 2) for a sign of 1, of 2 sinh for -1.
    """
    g, slope, bend = gammas
    half = side / 2
    value = half * g + np.log1p(sign * np.exp(-side * g))
    ratio = np.tanh(half * g) ** sign  # of the derivative to the function
    first = half * slope * ratio
    second = half * bend * ratio + (half * slope) ** 2 * (1 - ratio**2)
    return np.array([value.sum(), first.sum(), second.sum()])


def _factors_of_momentum_zero(side: int, beta: float) -> tuple[Array, Array, float]:
    """2 cosh and 2 sinh of side g / 2 for momentum 0, each with two derivatives.

    Here g = 2 beta + ln tanh beta, which is negative above the critical temperature.
    All six are divided by the exponential of the third value.
    """
    half, s = side / 2, math.sinh(2 * beta)
    angle = half * (2 * beta + math.log(math.tanh(beta)))
    slope = half * (2 + 2 / s)
    bend = -half * 4 * math.cosh(2 * beta) / s**2
    rest = math.exp(-2 * abs(angle))
    cosh, sinh = 1 + rest, math.copysign(1 - rest, angle)
    return (
        np.array([cosh, slope * sinh, bend * sinh + slope**2 * cosh]),
        np.array([sinh, slope * cosh, bend * cosh + slope**2 * sinh]),
        abs(angle),
    )


def _log_2_sinh(x: float) -> float:
    """The logarithm of 2 sinh x for x above 0."""
    return x + math.log1p(-math.exp(-2 * x))
