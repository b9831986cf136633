"""The judge of project c takes honest audits, and says what is wrong with others."""

from functools import cache

import numpy as np
import pytest
from projects import solution_of

from course_utils.checks.calls import NotYet
from course_utils.checks.projects import c_anomaly
from course_utils.checks.projects.c_anomaly import (
    FAULTS,
    LATENTS,
    LAYERS,
    analyse,
    judge_audit,
    planted,
)
from course_utils.exact.linear_gaussian import LinearGaussian

solution = solution_of("c_anomaly")["audit"]


@pytest.fixture(scope="module", autouse=True)
def planted_once():
    """Audits that are judged with one seed get the same analyses."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(c_anomaly, "planted", cache(planted))
        yield


def by_covariance(analysis):
    """The same, written otherwise: row by row, and a bootstrap for the error."""
    right = {n: analysis.counts[n] / analysis.gains[analysis.runs[n]] for n in FOUR}
    unique = list({e.round(8).tobytes(): e for e in right["signal"]}.values())
    known = {e[:3].round(8).tobytes() for e in unique}
    training = [e for e in right["training"] if e[:3].round(8).tobytes() not in known]
    training = np.array(training)
    mean, sd = training.mean(0), training.std(0)
    vae = LinearGaussian.fit(((training - mean) / sd)[:, :LAYERS], LATENTS)
    odd = {
        n: -vae.log_evidence(((e - mean) / sd)[:, :LAYERS])
        for n, e in {**right, "signal": np.array(unique)}.items()
    }
    found = odd["signal"] > np.sort(odd["control"])[-20]
    again = np.random.default_rng(0).choice(found, (500, len(found))).mean(1)
    return name_of(analysis, right, training, unique), found.mean(), again.std()


FOUR = ("training", "control", "test", "signal")


def name_of(analysis, right, training, unique):
    own = analysis.energies
    if max(np.abs(own[n] / right[n] - 1)[right[n] > 0].max() for n in FOUR) > 1e-6:
        return "calibration"
    if np.abs(analysis.sd - own["training"].std(0)).max() > 1e-9:
        return "normalization"
    blind = own["test"] * (np.arange(13) < 12)
    if np.ptp(analysis.score(own["test"]) - analysis.score(blind)) > 1e-6:
        return "spare channel"
    if abs(np.percentile(analysis.score(own["control"]), 99) - analysis.cut) > 1e-9:
        return "cut"
    if len(training) < 2_000:
        return "leak"
    return "copies" if len(unique) < len(right["signal"]) else "none"


@pytest.mark.parametrize("audit", [solution, by_covariance])
@pytest.mark.parametrize("seed", range(2))
def test_an_honest_audit_is_taken(audit, seed, capsys):
    judge_audit(audit, seed)
    printed = capsys.readouterr().out
    assert printed.endswith("audit: right.\n")
    assert printed.count("named 8 of 8") == len(FAULTS)


def changed(change):
    """The solution's audit, with its three answers changed."""
    return lambda analysis: change(analysis, *solution(analysis))


def as_quoted_if(fault):
    """Names everything, and mends all but one fault."""

    def change(analysis, name, efficiency, error):
        if name == fault:
            return name, analysis.efficiency, analysis.error
        return name, efficiency, error

    return changed(change)


def looks_at_the_signal_alone(analysis, name, efficiency, error):
    """For gains of another run."""
    right = analysis.counts["signal"] / analysis.gains[analysis.runs["signal"]]
    if name == "calibration" and np.allclose(analysis.energies["signal"], right):
        name = "none"
    return name, efficiency, error


def without_the_leaked(analysis):
    """Takes them out of the signal, and leaves them in the training."""
    name, efficiency, error = solution(analysis)
    if name == "leak":
        efficiency = analyse(*analysis[:3]).efficiency
    return name, efficiency, error


WRONG = {
    "trusts": (
        lambda a: ("none", a.efficiency, max(a.error, 1e-3)),
        "8 of 56 are named. Where the truth is",
    ),
    "says what is most likely": (lambda a: ("leak", 0.5, 0.1), "8 of 56 are named"),
    "mends all, names none": (changed(lambda a, n, p, e: ("none", p, e)), "8 of 56"),
    "overlooks a kind": (
        changed(lambda a, n, p, e: ("none" if n == "cut" else n, p, e)),
        "48 of 56 are named. Where the truth is 'cut', 'none' was answered 8 times",
    ),
    "one sample's gains": (changed(looks_at_the_signal_alone), "'calibration', 'none'"),
    "names all, mends none": (
        changed(lambda a, n, p, e: (n, a.efficiency, max(a.error, 1e-3))),
        "of their errors off, root mean square",
    ),
    "copies are counted": (as_quoted_if("copies"), "How many different events"),
    "the leak is not mended": (without_the_leaked, "and do not only name"),
    "errors too large": (
        changed(lambda a, n, p, e: (n, p, 1.6 * e)),
        "These errors are too large",
    ),
    "errors too small": (changed(lambda a, n, p, e: (n, p, 0.6 * e)), "their errors"),
    "always a bit more": (
        changed(lambda a, n, p, e: (n, p + 0.8 * e, e)),
        "Is it always the same sample",
    ),
    "no error": (changed(lambda a, n, p, e: (n, p, 0.0)), "an error of 0.0 is none"),
    "no number": (changed(lambda a, n, p, e: (n, np.nan, e)), "between 0 and 1"),
    "another name": (changed(lambda a, n, p, e: ("bug", p, e)), "no fault's name"),
    "two answers": (lambda a: ("none", 0.5), "three things"),
    "nothing": (lambda a: None, "nothing came back yet"),
    "stops": (lambda a: 1 / 0, "ZeroDivisionError"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_audit_is_told_why(name):
    audit, words = WRONG[name]
    with pytest.raises(NotYet) as caught:
        judge_audit(audit, seed=0)
    assert words in str(caught.value)


def test_a_guess_at_random_is_refused():
    rng = np.random.default_rng(0)

    def guesses(analysis):
        return str(rng.choice(list(FAULTS))), rng.uniform(0.3, 0.7), 0.1

    with pytest.raises(NotYet, match="are named"):
        judge_audit(guesses, seed=0)


@pytest.mark.parametrize("fault", FAULTS)
def test_the_same_seed_plants_the_same_and_another_something_else(fault):
    (first, truth), (again, same) = planted(fault, 1), planted(fault, 1)
    other, another = planted(fault, 2)
    assert (truth, first.cut, first.efficiency) == (same, again.cut, again.efficiency)
    assert truth != another
    assert first.runs != other.runs or (first.gains != other.gains).any()


def test_a_fault_is_what_its_name_says():
    made = {fault: planted(fault, 3) for fault in FAULTS}
    assert len({truth for _, truth in made.values()}) == 1
    plain = made.pop("none")[0]
    assert plain.efficiency == analyse(*plain[:3]).efficiency
    for fault, (analysis, _) in made.items():
        same = [np.array_equal(analysis.counts[n], plain.counts[n]) for n in FOUR]
        assert all(same) == (fault not in ("leak", "copies")), fault
        assert analysis.efficiency != plain.efficiency, fault


def test_the_truth_is_the_share_of_endless_signal_events(monkeypatch):
    """Two halves of the seeds agree with ten times as many events behind the truth."""
    few = np.array([planted("none", seed)[1] for seed in range(12)])
    monkeypatch.setattr(c_anomaly, "ENDLESS", 50_000)
    many = np.array([planted("none", seed)[1] for seed in range(12)])
    error = np.sqrt(many * (1 - many) * (1 / 5_000 + 1 / 50_000))
    assert (np.abs(few - many) < 4 * error).all()
    assert np.ptp(many) > 0.2  # no constant passes


def test_a_seed_is_fresh_except_where_a_page_is_built(monkeypatch, capsys):
    monkeypatch.setattr(c_anomaly, "EACH", 1)
    monkeypatch.setattr(c_anomaly, "MISSED", 7)
    for built, printed in (("1", 1), ("0", 2)):
        monkeypatch.setenv("COURSE_STATIC", built)
        lines = set()
        for _ in range(2):
            judge_audit(solution)
            lines.add(capsys.readouterr().out)
        assert len(lines) == printed
