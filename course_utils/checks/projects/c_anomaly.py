"""Project c, an anomaly found in showers: analyses with a planted fault, and the judge.

A neutral particle flies some way into a calorimeter before it showers. An analysis
learns what showers of electrons look like and calls others anomalies. Its model is a
VAE with a linear decoder, whose best weights have a closed form; so it is trained in
milliseconds, and an audit can be judged on many analyses.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2, norm

from course_utils.checks.calls import as_numbers
from course_utils.checks.examination import Ask, examination
from course_utils.checks.projects.seeds import seed_of_a_judge
from course_utils.data.showers import Calorimeter
from course_utils.exact.linear_gaussian import LinearGaussian

Array: TypeAlias = NDArray[np.float64]
Samples: TypeAlias = Mapping[str, Array]

FAULTS = {
    "none": "all is well",
    "calibration": "one sample was calibrated with the gains of another run",
    "normalization": "mean and spread are those of all samples, not of the training's",
    "spare channel": "the score looks at the channel that has no detector",
    "cut": "the cut was set on the test sample, not on the control sample",
    "leak": "some of the signal's events are among the training's",
    "copies": "some of the signal's events are in its file many times",
}
CALORIMETER = Calorimeter()
LAYERS, CHANNELS = 12, 13  # the last channel is a spare one
LATENTS, FALSE_ALARMS = 2, 0.01
SIZES = {"training": 2_000, "control": 2_000, "test": 300, "signal": 400}
LEAKED, HOT, COPIES = 150, 5, 40
FLIGHTS = 2.0, 8.0  # least and greatest mean flight of the particle, radiation lengths
# Right audits name all. Who overlooks one kind loses 8 of 56; who looks for another
# run's gains in one sample of three, about 5.
MISSED = 2
RARELY = 1e-4
EACH = 8  # analyses with each fault, and without one
ENDLESS = 5_000  # signal events behind the true efficiency
HINT = "Plant each fault with `planted`. Which question finds this one, and no other?"


class Analysis(NamedTuple):
    """What an analysis had, what it did, and what it quotes.

    Attributes:
        gains: counts per GeV, (runs, channels).
        runs: in which run each sample was taken, by the sample's name.
        counts: of each sample, (n, channels), by name.
        energies: what the analysis took them for, in GeV.
        mean: which it subtracts from energies, (channels,).
        sd: by which it divides them then, (channels,).
        score: of energies (n, channels) to how odd they are, (n,).
        cut: events with a higher score are called anomalies.
        efficiency: the share of the signal that is found.
        error: its standard deviation.
    """

    gains: Array
    runs: Mapping[str, int]
    counts: Samples
    energies: Samples
    mean: Array
    sd: Array
    score: Callable[[Array], Array]
    cut: float
    efficiency: float
    error: float


def analyse(
    gains: Array,
    runs: Mapping[str, int],
    counts: Samples,
    believed: Mapping[str, int] | None = None,
    reference: Sequence[str] = ("training",),
    channels: int = LAYERS,
    cut_on: str = "control",
) -> Analysis:
    """The whole analysis. The arguments from `believed` on are there for faults.

    Args:
        gains: as in `Analysis`, like `runs` and `counts`.
        runs: in which the samples were taken.
        counts: of the samples.
        believed: in which run each sample is taken to be; in its own if None.
        reference: samples behind mean and spread.
        channels: how many of them the score looks at.
        cut_on: the sample of which one in a hundred is above the cut.
    """
    energies = {n: c / gains[(believed or runs)[n]] for n, c in counts.items()}
    together = np.concatenate([energies[name] for name in reference])
    mean, sd = together.mean(0), together.std(0)

    def seen(energies: Array) -> Array:
        return ((energies - mean) / sd)[:, :channels]

    vae = LinearGaussian.fit(seen(energies["training"]), LATENTS)

    def score(energies: Array) -> Array:
        return -vae.log_evidence(seen(energies))

    cut = float(np.quantile(score(energies[cut_on]), 1 - FALSE_ALARMS))
    found = score(energies["signal"]) > cut
    efficiency = float(found.mean())
    error = float(np.sqrt(efficiency * (1 - efficiency) / len(found)))
    made = energies, mean, sd, score, cut, efficiency, error
    return Analysis(gains, runs, counts, *made)


def planted(fault: str, seed: int) -> tuple[Analysis, float]:
    """An analysis with a fault, and the true efficiency of the same one without it.

    That is the share of endless signal events above the cut of an analysis which had
    the same events and did all that it should.

    Args:
        fault: one of `FAULTS`.
        seed: of all that is drawn.
    """
    rng = np.random.default_rng(seed)
    flight = rng.uniform(*FLIGHTS)
    energies = {n: _events(rng, s, flight * (n == "signal")) for n, s in SIZES.items()}
    runs = {
        name: int(run)
        for name, run in zip(SIZES, rng.permutation(len(SIZES)), strict=True)
    }
    gains = rng.lognormal(np.log(50), 0.1, (len(SIZES), CHANNELS))
    right = analyse(gains, runs, _counts(gains, runs, energies))
    endless = _events(rng, ENDLESS, flight)
    truth = float((right.score(endless) > right.cut).mean())
    if fault == "leak":
        own = rng.choice(energies["signal"], LEAKED, replace=False)
        energies["training"][: len(own)] = own
        energies["training"] = rng.permutation(energies["training"])
    if fault == "copies":
        own = rng.choice(energies["signal"], HOT, replace=False)
        own = np.repeat(own, COPIES, axis=0)
        energies["signal"] = rng.permutation(np.concatenate([energies["signal"], own]))
    settings = _settings(fault, runs, rng)
    return analyse(gains, runs, _counts(gains, runs, energies), **settings), truth


def _settings(fault: str, runs: Mapping[str, int], rng: Any) -> dict[str, Any]:
    """What `analyse` is told to do wrong."""
    name, other = rng.choice(["training", "control", "signal"]), runs["test"]
    settings: dict[str, dict[str, Any]] = {
        "calibration": {"believed": {**runs, name: other}},
        "normalization": {"reference": tuple(runs)},
        "spare channel": {"channels": CHANNELS},
        "cut": {"cut_on": "test"},
    }
    return settings.get(fault, {})


def _events(rng: np.random.Generator, n: int, flight: float) -> Array:
    """Energies in GeV, (n, channels); of electrons if nothing flies."""
    seed, starts = int(rng.integers(2**32)), flight * rng.exponential(size=n)
    layers = CALORIMETER.sample(n, seed, starts)
    # A spare channel shows its offset, which the simulation of the signal has wrong.
    spare = rng.normal(2.5 if flight else 2.0, 0.2, (n, 1))
    return np.concatenate([layers, spare], axis=1)


def _counts(gains: Array, runs: Mapping[str, int], energies: Samples) -> Samples:
    return {name: e * gains[runs[name]] for name, e in energies.items()}


def judge_audit(audit: Any, seed: int | None = None) -> None:
    """Judge an audit by analyses that nobody has seen; print what it has named.

    Args:
        audit: an Analysis -> the fault's name, the efficiency without it, its error.
        seed: of all that is drawn; fresh if None.

    Raises:
        NotYet: with the first thing that is not right.
    """
    _examine(audit, seed_of_a_judge(seed))


@examination("audit", HINT)
def _examine(ask: Ask) -> None:
    faults = [str(f) for f in ask.rng.permutation(np.repeat(list(FAULTS), EACH))]
    names, pulls = [], []
    for fault in faults:
        analysis, truth = planted(fault, int(ask.rng.integers(2**32)))
        name, efficiency, error = _answer(ask, ask.call("an analysis", analysis))
        spread = np.hypot(error, np.sqrt(truth * (1 - truth) / ENDLESS))
        names.append(name)
        pulls.append((efficiency - truth) / spread)
    _tell(faults, names, pulls)
    _judge_names(ask, faults, names)
    _judge_pulls(ask, np.array(pulls))


def _answer(ask: Ask, value: Any) -> tuple[str, float, float]:
    """What was answered, if it is an answer."""
    if not isinstance(value, tuple | list) or len(value) != 3:
        ask.fail("an audit gives three things: a fault, an efficiency, an error.")
    name, *numbers = value
    if not isinstance(name, str) or name not in FAULTS:
        ask.fail(f"{name!r:.40} is no fault's name. They are: {', '.join(FAULTS)}.")
    efficiency, error = (as_numbers("the efficiency and its error", n) for n in numbers)
    if efficiency.shape or error.shape or not 0 <= efficiency <= 1:
        ask.fail("an efficiency is one number between 0 and 1, and so is its error.")
    if not 0 < error < 1:
        ask.fail(f"an error of {error} is none.")
    return name, float(efficiency), float(error)


def _tell(faults: Sequence[str], names: Sequence[str], pulls: Sequence[float]) -> None:
    """Print how many of each fault were named, and how far off efficiencies were."""
    for fault in FAULTS:
        of_it = [place for place, other in enumerate(faults) if other == fault]
        named = sum(names[place] == fault for place in of_it)
        off = np.sqrt(np.mean([pulls[place] ** 2 for place in of_it]))
        print(f"{fault:14} named {named} of {len(of_it)}, off by {off:.1f} errors")


def _judge_names(ask: Ask, faults: Sequence[str], names: Sequence[str]) -> None:
    mistaken = [pair for pair in zip(faults, names, strict=True) if len({*pair}) > 1]
    if len(mistaken) > MISSED:
        (fault, name), times = Counter(mistaken).most_common(1)[0]
        ask.fail(
            f"{len(names) - len(mistaken)} of {len(names)} are named. Where the truth "
            f"is {fault!r}, {name!r} was answered {times} times."
        )


def _judge_pulls(ask: Ask, pulls: Array) -> None:
    """Whether (answer - truth) / error are numbers of mean 0 and standard deviation 1.

    Honest errors are refused once in some thousand times.
    """
    root, mean = np.sqrt(np.mean(pulls**2)), pulls.mean()
    least, most = np.sqrt(chi2(len(pulls)).ppf([RARELY, 1 - RARELY]) / len(pulls))
    if root > most:
        ask.fail(
            f"efficiencies are {root:.1f} of their errors off, root mean square.",
            "Mend the analysis, and do not only name what is wrong. How many different "
            "events are behind an error?",
        )
    if root < least:
        ask.fail(
            f"efficiencies are only {root:.2f} of their errors off, root mean square.",
            "These errors are too large. What is left to chance, once the cut is set?",
        )
    if abs(mean) > norm.isf(RARELY) / np.sqrt(len(pulls)):
        ask.fail(
            f"efficiencies are {mean:+.2f} of their errors off, in the mean.",
            "Is it always the same sample that you leave as it was?",
        )
