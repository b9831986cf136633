"""The exercises on lesson 11: spins, in sums, chains and samplers."""

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.signal import lfilter
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.special import entr, expit, logsumexp

from course_utils.checks.examination import Ask, examination
from course_utils.checks.exercise import Exercise
from course_utils.checks.glass import judge_sampler
from course_utils.exact.strip import energies

COLD = 400.0  # a beta at which the exponential of an energy overflows
BETA, FIELD = 0.8, 0.2  # of the ring
# How far errors of chains may be off: their mean over the chains of a kind, from 1, and
# one by itself, as a factor. Over seeds 0 to 19, four kinds of twelve chains: windows
# of 5, 6 and 8 autocorrelation times 0.89 to 1.07; 20 bins 0.87 to 1.08, 40 to 100 ones
# 0.88 to 1.06; sums up to the first negative correlation 0.93 to 1.09; the largest of
# bins that are doubled 0.91 to 1.12. Single ones 0.45 to 1.58. In the kind that is
# worst for it, independent values have 0.18 to 0.19, one correlation alone 0.40, bins
# of 10 values 0.51, a window of 3 times 0.75 to 0.81, 20 lags 0.79 to 0.83. Five bins
# have single ones of 0.15, and two of 0.00.
OFF, FAR_OFF = 0.15, 2.5
CHAINS, LENGTH = 16, 10_000
KINDS = (  # words, shares of the variance, autocorrelation times in steps
    ("values that are independent", (1.0,), (1.0,)),
    ("values that remember long", (1.0,), (30.0,)),
    ("values that remember a little", (1.0,), (4.0,)),
    ("a slow part under a fast one", (0.8, 0.2), (1.0, 40.0)),
)


def averages(
    bonds: NDArray,
    field: NDArray,
    beta: float,
    twice: float = 1.0,
    mean: Callable[[NDArray, NDArray], NDArray] = lambda p, values: p @ values,
) -> tuple[float, float, NDArray]:
    """Bonds J (N, N), each twice in it, fields h (N,), beta -> averages of all states.

    Gives ln Z, the mean energy and the mean of each spin (N,).
    """
    states = _states(len(field))
    energy = energies(states, twice * bonds, field)
    log_z = logsumexp(-beta * energy)
    p = np.exp(-beta * energy - log_z)
    return log_z, float(mean(p, energy)), mean(p, states)


def _states(n: int) -> NDArray:
    """All states of so many spins, (2^n, n)."""
    return 2.0 * (np.arange(2**n)[:, None] >> np.arange(n) & 1) - 1


def _system(rng, kind, n, beta):
    words = f"{n} spins, {kind}, beta = {beta:g}"
    return words, *_couplings(rng, kind, n), beta


def _couplings(rng, kind, n):
    """Bonds (n, n) and fields (n,)."""
    upper = np.triu(rng.normal(size=(n, n)), 1)
    if kind == "an antiferromagnet in a field":  # on a ring
        upper = -np.eye(n, k=1) - (n > 2) * np.eye(n, k=n - 1)
        return upper + upper.T, np.full(n, rng.uniform(0.5, 1.5))
    if kind == "bonds of +-1":
        upper = np.triu(rng.choice([-1.0, 1.0], (n, n)), 1)
    return upper + upper.T, rng.normal(size=n)


def _naively(bonds, field, beta, clip=np.inf):
    states = _states(len(field))
    energy = energies(states, bonds, field)
    weights = np.exp(np.clip(-beta * energy, -clip, clip))
    p = weights / weights.sum()
    return np.log(weights.sum()), p @ energy, p @ states


def _frozen(bonds, field, beta):
    states = _states(len(field))
    energy = energies(states, bonds, field)
    return logsumexp(-beta * energy), energy.min(), states[energy.argmin()]


check_averages = Exercise(
    averages,
    "All energies first, (2^N,). Then p of each state; what has a sum of 1?",
    _system,
    cases=(
        ("bonds of any strength", 5, 0.7),
        ("an antiferromagnet in a field", 6, 0.9),
        ("bonds of any strength", 1, 1.2),
        ("bonds of +-1", 9, 0.4),
        ("bonds of any strength", 4, 0.0),
        ("bonds of any strength", 8, COLD),
    ),
    gives=("ln Z", "the mean energy", "the spins' means"),
    slips={
        "A pair of spins has one bond, and stands twice in the matrix.": (
            partial(averages, twice=2.0)
        ),
        "Where is the field?": lambda j, h, beta: averages(j, 0 * h, beta),
        "A spin that follows its field has the lower energy.": (
            lambda j, h, beta: averages(j, -h, beta)
        ),
        "Spins that agree over a positive bond have the lower energy.": (
            lambda j, h, beta: averages(-j, h, beta)
        ),
        "The states are not equally likely: weight each by its p.": (
            partial(averages, mean=lambda p, values: values.mean(0))
        ),
        "At low temperature exp overflows. What does logsumexp do about it?": (
            _naively,
            partial(_naively, clip=700.0),
        ),
        "That is the state of lowest energy. Others count, too.": _frozen,
        "The means are those of spins with a sign.": lambda *a: (
            *averages(*a)[:2],
            np.abs(averages(*a)[2]),
        ),
        "The energy itself is asked for, without beta.": lambda *a: (
            averages(*a)[0],
            a[2] * averages(*a)[1],
            averages(*a)[2],
        ),
        "beta is one over the temperature.": lambda j, h, beta: averages(
            j, h, 1 / max(beta, 1e-9)
        ),
        "Z is a sum over the states, and no mean.": lambda *a: (
            averages(*a)[0] - len(a[1]) * np.log(2),
            *averages(*a)[1:],
        ),
        "All spins together are asked for, not one of them.": lambda *a: (
            averages(*a)[0],
            averages(*a)[1] / len(a[1]),
            averages(*a)[2],
        ),
    },
    changes={"Nats have the natural logarithm.": lambda z, *b: (z / np.log(2), *b)},
)


def mean_field(
    bonds: NDArray,
    field: NDArray,
    beta: float,
    m: NDArray,
    pair: float = 0.5,
    entropy: Callable[[NDArray], NDArray] = lambda m: _entropy(m),
    best: Callable[[NDArray], NDArray] = np.tanh,
) -> tuple[float, NDArray]:
    """Bonds (N, N), fields (N,), beta, the spins' means m (N,) -> a bound and means.

    Gives beta F_q of independent spins, and the best mean of each if the others stay.
    """
    pull = bonds @ m
    energy = -pair * m @ pull - field @ m
    return beta * energy - entropy(m).sum(), best(beta * (pull + field))


def _entropy(m):
    return entr((1 + m) / 2) + entr((1 - m) / 2)


def _with_log(m):
    p = np.stack([1 + m, 1 - m]) / 2
    return -(p * np.log(p)).sum(0)


def _means(rng, kind, n, beta):
    bonds, field = _couplings(rng, kind, n)
    m = rng.uniform(-0.9, 0.9, n)
    if n > 3:
        m[:3] = rng.permutation([-1, 1, 0])
    scale = 1 / np.sqrt(n)  # a spin is pulled by about 1, however many there are
    words = f"{n} spins, {kind}, beta = {beta:g}"
    return words, scale * bonds, field, beta, m


def _one_by_one(bonds, field, beta, m):
    """Each spin follows the others' new means."""
    m = m.copy()
    for i in range(len(m)):
        m[i] = np.tanh(beta * (bonds[i] @ m + field[i]))
    return m


check_mean_field = Exercise(
    mean_field,
    "Independent spins: what is the mean of a product? What is a coin's entropy? Then "
    "derive by one m_i.",
    _means,
    cases=(
        ("bonds of any strength", 3, 0.7),
        ("bonds of any strength", 1, 1.5),
        ("bonds of +-1", 9, 0.6),
        ("bonds of any strength", 500, 1.3),
        ("bonds of any strength", 6, COLD),
    ),
    gives=("beta F_q", "the best means"),
    slips={
        "A pair of spins has one bond, and stands twice in the matrix.": (
            partial(mean_field, pair=1.0)
        ),
        "Each spin is pulled by all of its bonds: derive once more.": lambda *a: (
            mean_field(*a)[0],
            mean_field(a[0] / 2, *a[1:])[1],
        ),
        "Entropy lowers a free energy.": (
            partial(mean_field, entropy=lambda m: -_entropy(m))
        ),
        "A coin has two sides, and each adds to the entropy.": (
            partial(mean_field, entropy=lambda m: entr((1 + m) / 2))
        ),
        "Nats have the natural logarithm.": (
            partial(mean_field, entropy=lambda m: _entropy(m) / np.log(2))
        ),
        "A spin that is sure has no entropy: 0 log 0 is 0, and no nan.": (
            partial(mean_field, entropy=_with_log)
        ),
        "That is F_q. beta F_q is asked for.": lambda j, h, beta, m: (
            mean_field(j, h, beta, m)[0] / beta,
            mean_field(j, h, beta, m)[1],
        ),
        "beta belongs to the energy and not to the entropy.": lambda j, h, beta, m: (
            beta * mean_field(j, h, 1.0, m)[0],
            mean_field(j, h, beta, m)[1],
        ),
        "Where is the field?": lambda j, h, beta, m: mean_field(j, 0 * h, beta, m),
        "A spin that follows its field has the lower energy.": (
            lambda j, h, beta, m: mean_field(j, -h, beta, m)
        ),
        "Where is beta in the means?": lambda j, h, beta, m: (
            mean_field(j, h, beta, m)[0],
            mean_field(j, h, 1.0, m)[1],
        ),
        "The entropy is in the free energy, so no mean is at its end.": (
            partial(mean_field, best=np.sign)
        ),
        "That is a probability to be up. A mean goes from -1 to 1.": (
            partial(mean_field, best=expit),
            partial(mean_field, best=lambda pull: expit(2 * pull)),
        ),
        "Each of the others stays where it was.": lambda *a: (
            mean_field(*a)[0],
            _one_by_one(*a),
        ),
    },
)


def ring_gap(
    h: float = FIELD,
    field: float = FIELD,
    neighbours: float = 2.0,
    m: float | None = None,
    unit: float = 1.0,
    side: int = 1,
) -> float:
    """A number: what mean field lacks of a long ring's ln Z, a spin, in nats.

    The transfer matrix has the entries exp(beta s s' + beta h (s + s') / 2).
    """
    s = np.array([1.0, -1.0])
    step = np.exp(BETA * (np.outer(s, s) + h * np.add.outer(s, s) / 2))
    if m is None:
        ends = (0.1, 1.0) if side > 0 else (-1.0, -0.5)
        m = brentq(lambda x: x - np.tanh(BETA * (neighbours * x + field)), *ends)
    beta_f = -BETA * (m * m + h * m) - _entropy(m)
    return (beta_f + np.log(np.linalg.eigvalsh(step).max())) / unit


check_ring_gap = Exercise(
    ring_gap,
    "One m for all spins; a spin has two neighbours, and half of each bond. Draw beta "
    "F_q against m.",
    rtol=0.01,
    refuse={
        "F_q lies above F, and beta (F_q - F) is the KL.": lambda gap: gap <= 0,
    },
    slips={
        "That is the other valley, against the field. Which one is deeper?": (
            partial(ring_gap, side=-1)
        ),
        "A spin has two neighbours.": partial(ring_gap, neighbours=1.0),
        "Where is the field?": (
            partial(ring_gap, field=0.0),
            partial(ring_gap, h=0.0),
            partial(ring_gap, field=0.0, h=0.0),
        ),
        "That is for fair coins. Which m is best?": partial(ring_gap, m=0.0),
        "Not all spins point up.": partial(ring_gap, m=1.0),
        "That is F_q - F. Times beta it is the KL.": partial(ring_gap, unit=BETA),
        "Nats have the natural logarithm.": partial(ring_gap, unit=np.log(2)),
    },
)


def accept_cluster(
    spins: NDArray,
    cluster: NDArray,
    pairs: NDArray,
    field: float,
    beta: float,
    p: float,
    rule: Callable[[float], float] = lambda log_ratio: np.exp(min(0.0, log_ratio)),
    turned: float = 2.0,
    pulled: float = 2.0,
    proposed: Callable[[float, float, float], float] = lambda p, before, after: (
        (after - before) * np.log1p(-p)
    ),
) -> float:
    """Spins (N,), a cluster (N,), bonds (K, 2), h, beta, p -> how often it is turned.

    By Metropolis and Hastings. The cluster is an array of truth values. It has grown
    over bonds between equal spins, each with the probability p. All bonds have J = 1.
    """
    at_edge = cluster[pairs[:, 0]] != cluster[pairs[:, 1]]
    equal = spins[pairs[:, 0]] == spins[pairs[:, 1]]
    before, after = (at_edge & equal).sum(), (at_edge & ~equal).sum()
    rise = turned * (before - after) + pulled * field * spins[cluster].sum()
    return float(rule(proposed(p, before, after) - beta * rise))


def _lattice(side):
    """Bonds of a square lattice with periodic edges, (2 side^2, 2)."""
    sites = np.arange(side * side).reshape(side, side)
    moved = [np.roll(sites, -1, axis).ravel() for axis in (0, 1)]
    return np.concatenate([np.stack([sites.ravel(), to], 1) for to in moved])


def _cluster(rng, spins, pairs, p):
    """The cluster of a random spin."""
    first, second = pairs[(spins[pairs].prod(1) > 0) & (rng.random(len(pairs)) < p)].T
    bonds = coo_array((np.ones(len(first)), (first, second)), (len(spins),) * 2)
    _, names = connected_components(bonds, directed=False)
    return names == names[rng.integers(len(spins))]


def _clusters(rng, side, beta, p, field, low, high):
    """Clusters whose log ratio lies between two numbers.

    The lattice lacks some bonds, and its spins are numbered in any order.
    """
    pairs = rng.permutation(side * side)[_lattice(side)]
    pairs = rng.permuted(pairs[rng.random(len(pairs)) > 0.1], axis=1)
    p, log_ratio = -np.expm1(-2 * beta) if p is None else p, np.inf
    while not low < log_ratio < high:
        spins = rng.choice([-1, 1], side * side, p=[0.35, 0.65])
        cluster, h = _cluster(rng, spins, pairs, p), field * rng.choice([-1, 1])
        arguments = spins, cluster, pairs, h, beta, p
        log_ratio = accept_cluster(*arguments, rule=float)
    size = f"{side**2} spins, {cluster.sum()} of them turned"
    return f"{size}, h = {h:g}, beta = {beta:g}, p = {p:.4g}", *arguments


def _by_factors(spins, cluster, pairs, field, beta, p):
    """Each factor by itself."""
    both = spins, cluster, pairs, field
    gain = np.exp(accept_cluster(*both, beta, p=0.0, rule=float))
    tries = np.exp(accept_cluster(*both, beta=0.0, p=p, rule=float))
    return min(1.0, gain * tries)


def _touched(spins, cluster, pairs, field, beta, p):
    """Bonds inside count as if they were at the edge."""
    inside = cluster[pairs].all(1)
    apart = len(spins) + np.arange(inside.sum())  # each gets an end outside
    pairs = pairs.copy()
    more = spins[pairs[inside, 1]]
    pairs[inside, 1] = apart
    cluster = np.r_[cluster, np.zeros(len(apart), bool)]
    return accept_cluster(np.r_[spins, more], cluster, pairs, field, beta, p)


def _proposed(change):
    return partial(accept_cluster, proposed=change)


check_accept_cluster = Exercise(
    accept_cluster,
    "Inside the cluster all is the same on the way back. Which bonds at its edge had "
    "to stay closed on the way there, and which on the way back?",
    _clusters,
    cases=(
        (4, 0.4, 0.3, 0.0, -3, -0.2),
        (4, 0.3, None, 0.2, -3, -0.2),
        (4, 0.5, 0.45, 0.3, -3, -0.2),
        (3, 0.4, 0.0, 0.5, -6, -0.2),
        (5, 0.4, 0.5, 0.1, 0.2, 3),
        (30, 1.6, 0.9594, 0.0, -4, -0.2),
    ),
    gives="the probability",
    slips={
        "That is Metropolis's rule for one spin. How likely is the cluster itself?": (
            _proposed(lambda *_: 0.0)
        ),
        "Upside down: the way back over the way there.": (
            _proposed(lambda p, before, after: (before - after) * np.log1p(-p))
        ),
        "The way back has closed bonds as well: those that are equal afterwards.": (
            _proposed(lambda p, before, after: -before * np.log1p(-p))
        ),
        "The way there has closed bonds as well: those that are equal before.": (
            _proposed(lambda p, before, after: after * np.log1p(-p))
        ),
        "A bond at the edge was not taken: what is the probability of that?": (
            _proposed(lambda p, before, after: (after - before) * np.log(p))
        ),
        "p is given, and need not be Wolff's.": (
            lambda s, c, pairs, h, beta, p: accept_cluster(
                s, c, pairs, h, beta, -np.expm1(-2 * beta)
            )
        ),
        "A bond goes from -1 to 1. By how much does the energy rise?": (
            partial(accept_cluster, turned=1.0)
        ),
        "A spin in a field goes from -h to h. By how much does the energy rise?": (
            partial(accept_cluster, pulled=1.0)
        ),
        "Where is the field?": partial(accept_cluster, pulled=0.0),
        "A spin that follows its field has the lower energy.": (
            partial(accept_cluster, pulled=-2.0)
        ),
        "A bond inside the cluster stays as it is.": _touched,
        "A probability is 1 at most.": partial(accept_cluster, rule=np.exp),
        "That is another rule, with detailed balance as well. Ours takes a minimum.": (
            partial(accept_cluster, rule=expit)
        ),
        "One factor overflows, the other is 0. Add their logarithms first.": (
            _by_factors
        ),
    },
)


def reweight(
    energies: NDArray,
    values: NDArray,
    beta: float,
    new: float,
    sign: float = -1.0,
    error: Callable[[NDArray, NDArray], float] = lambda w, v: _error(w, v),
) -> tuple[float, float, float]:
    """Energies (n,) and values (n,) of samples at beta, another beta -> three numbers.

    The mean of the values there, its standard error, and by how much ln Z is larger.
    """
    log_w = sign * (new - beta) * energies
    change = logsumexp(log_w) - np.log(len(log_w))
    w = np.exp(log_w - logsumexp(log_w))
    return w @ values, error(w, values), change


def _error(w, values):
    return np.sqrt(np.sum(w**2 * (values - w @ values) ** 2))


def _width(w, values):
    return np.sqrt(w @ (values - w @ values) ** 2)


def _samples(rng, n, energy, spread, step):
    """Energies around a mean, values that depend on them, and a step in beta."""
    deviation = rng.standard_normal(n)
    values = rng.uniform(1, 2) + deviation + 0.3 * rng.standard_normal(n)
    beta, step = rng.uniform(0.4, 0.6), step / spread * rng.choice([-1, 1])
    words = f"n = {n}, energies around {energy:g}, beta from {beta:.3g} by {step:.2g}"
    return words, energy + spread * deviation, values, beta, beta + step


def _naive_weights(energies, values, beta, new):
    w = np.exp(-(new - beta) * energies)
    return w @ values / w.sum(), _error(w / w.sum(), values), np.log(w.mean())


def _unnormalized(energies, values, beta, new):
    w = np.exp(-(new - beta) * energies)
    product = w * values
    return product.mean(), product.std() / len(w) ** 0.5, np.log(w.mean())


def _other(place, change):
    """The right three numbers, but for one."""

    def answer(*arguments):
        three = list(reweight(*arguments))
        three[place] = change(*arguments)
        return tuple(three)

    return answer


check_reweight = Exercise(
    reweight,
    "What is p at the new beta over p at the old one, but for a constant? And if the "
    "constant is not left out?",
    _samples,
    cases=(
        (2_000, -12.0, 3.0, 1.0),
        (500, -300.0, 20.0, 0.7),
        (2_000, -4e6, 2e3, 1.0),
        (100, -50.0, 5.0, 0.0),
    ),
    gives=("the mean", "the error", "the change of ln Z"),
    rtol={"the error": 0.15},  # of a bootstrap: 400 resamples scatter by 4 %
    slips={
        "Colder means more weight for low energies.": partial(reweight, sign=1.0),
        "exp overflows. Shift the logarithms first; what becomes of ln Z then?": (
            _naive_weights
        ),
        "Divide by the sum of the weights: Z is not known.": _unnormalized,
        "The samples come from the old beta: their weight has both.": (
            lambda e, v, beta, new: reweight(e, v, 0.0, new)
        ),
        "That is the mean at the old beta.": _other(0, lambda e, v, *_: v.mean()),
        "That is the error of a plain mean.": (
            _other(1, lambda e, v, *_: v.std() / len(v) ** 0.5)
        ),
        "Weights that scatter cost samples: n is too many.": partial(
            reweight, error=lambda w, v: _width(w, v) / len(v) ** 0.5
        ),
        "Heavy samples lie far out here: weight and value are not independent.": (
            partial(reweight, error=lambda w, v: _width(w, v) * np.sqrt(np.sum(w**2)))
        ),
        "Both sums of the ratio vary, and they vary together.": partial(
            reweight, error=lambda w, v: (len(v) * w * v).std() / len(v) ** 0.5
        ),
        "That is a variance: the error is its root.": partial(
            reweight, error=lambda w, v: _error(w, v) ** 2
        ),
        "That is the spread of the values, not the error of their mean.": partial(
            reweight, error=_width
        ),
        "Z is a mean of weights: the logarithm comes last.": (
            _other(2, lambda e, v, beta, new: -(new - beta) * e.mean())
        ),
        "A ratio of two Z is a mean of weights, and no sum.": (
            _other(2, lambda *a: reweight(*a)[2] + np.log(len(a[0])))
        ),
    },
    changes={
        "The new Z over the old one, not the other way.": (
            lambda mean, error, change: (mean, error, -change)
        ),
    },
)


@examination(
    "error_of_mean",
    "Group neighbours into long bins, whose means are nearly independent. Or sum the "
    "autocorrelations, up to where there is noise alone.",
)
def check_error_of_mean(ask: Ask) -> None:
    """Values of one chain, (n,) -> the standard error of their mean."""
    for words, shares, times in KINDS:
        exact = _exact_error(shares, times)
        errors = []
        for _ in range(CHAINS):
            unit, origin = 10.0 ** ask.rng.uniform(-3, 3), ask.rng.normal(0, 100)
            chain = unit * (origin + _chain(ask.rng, shares, times))
            answer = ask.call(f"a chain of {LENGTH:,}, {words}", chain)
            (error,) = ask.arrays(answer, {"the error": ()})
            errors.append(float(error) / unit / exact)
        _refuse_errors(ask, words, np.array(errors))
    answer = ask.call("a chain that does not move", np.full(1_000, 7.0))
    (error,) = ask.arrays(answer, {"the error": ()})
    if abs(error) > 1e-9:
        ask.fail(f"a chain that does not move has the error 0, and {error:.3g} came.")


def _chain(rng, shares, times):
    """A sum of independent chains, each with a variance and a memory in steps."""
    total = np.zeros(LENGTH)
    for share, memory in zip(shares, _memories(times), strict=True):
        noise = rng.standard_normal(LENGTH)
        noise[1:] *= np.sqrt(1 - memory**2)
        total += np.sqrt(share) * lfilter([1.0], [1.0, -memory], noise)
    return total


def _memories(times):
    """The correlation of neighbours, of chains with such autocorrelation times."""
    return (np.array(times) - 1) / (np.array(times) + 1)


def _exact_error(shares, times):
    """From var(mean) = sum over lags of (n - |lag|) rho(lag) / n^2."""
    lags = np.arange(1, LENGTH)
    sums = [
        share * (LENGTH + 2 * ((LENGTH - lags) * memory**lags).sum())
        for share, memory in zip(shares, _memories(times), strict=True)
    ]
    return float(np.sqrt(sum(sums)) / LENGTH)


def _refuse_errors(ask, words, ratios):
    """Refuse errors that are too small or too large, over the exact ones."""
    off, worst = ratios.mean(), ratios[np.abs(np.log(ratios.clip(1e-9))).argmax()]
    if abs(off - 1) > OFF:
        ask.fail(
            f"of {CHAINS} chains, {words}, your errors were {off:.2f} times the exact "
            f"one on average; {1 - OFF:.2f} to {1 + OFF:.2f} are allowed."
        )
    if not 1 / FAR_OFF < worst < FAR_OFF:
        ask.fail(
            f"of a chain, {words}, your error was {worst:.2f} times the exact one."
        )


@examination(
    "train_sampler",
    "Draw the mean of the cost and its spread against the steps. Where p = q the "
    "spread is 0. Is beta raised slowly, and what is the baseline?",
    seconds=20.0,
)
def check_train_sampler(ask: Ask) -> None:
    """Bonds, fields, beta, states (m, N), n, a seed -> samples and log q, twice.

    Samples (n, N) of a trained sampler, ln q of each (n,), and of the states (m,).
    """
    judge_sampler(ask)
