"""Each verdict is given where it is true, and nowhere else."""

import re

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from course_utils.metrics.bounds import Estimate
from course_utils.metrics.verdicts import Findings, verdicts

ZIGZAG = np.tile([-1.0, 1.0], 50)  # of mean 0; its standard error is 0.1005


def findings(**words):
    known = {
        "bound": ZIGZAG * 0,
        "yardsticks": {"one normal": ZIGZAG - 1, "axes": ZIGZAG - 5},
        "kls": np.array([2.0, 0.5]),
        "elbo": Estimate(-1.0, 0.1),
        "train_elbo": Estimate(-1.0, 0.1),
        "watched": np.arange(100.0),
        "best_epoch": 100,
    }
    return Findings(**known | words)


def lead(mean, size=1.0, rows=100):
    return findings(
        bound=mean + size * ZIGZAG[:rows], yardsticks={"one normal": np.zeros(rows)}
    )


@pytest.mark.parametrize(
    "found, words",
    [
        (
            lead(1.0),
            "BETTER: the VAE's bound is 1.00 +- 0.10 nats a row above the best",
        ),
        (lead(-1.0), "NOT BETTER: the VAE's bound is 1.00 +- 0.10 nats a row below"),
        (lead(0.15), r"UNDECIDED: .* in the median row the VAE leads by 0.15"),
        (lead(-0.15), "UNDECIDED"),
        (lead(0.01, 0.1), "EQUAL"),
        (lead(0.25), "BETTER"),
    ],
)
def test_a_lead_counts_if_it_is_more_than_chance(found, words):
    assert re.match(words.replace("+", r"\+"), verdicts(found)[0])


@pytest.mark.parametrize("rows", [4, 8, 100])
def test_counting_is_student_s_test_at_five_per_cent(rng, rows):
    for _ in range(40):
        values = rng.normal(size=rows) + 0.5
        found = findings(bound=values, yardsticks={"one normal": np.zeros(rows)})
        assert found.counts == (ttest_1samp(values, 0).pvalue < 0.05)


def test_the_best_yardstick_is_the_one_to_beat():
    assert findings().best_yardstick == "one normal"
    assert findings().lead.mean == pytest.approx(1)


def test_differences_are_taken_row_by_row():
    hard = 100 * ZIGZAG  # rows that are hard for both models
    found = findings(bound=hard + 1, yardsticks={"one normal": hard})
    assert found.lead.standard_error == pytest.approx(0, abs=1e-12)
    assert verdicts(found)[0].startswith("BETTER")


def test_outliers_that_decide_are_told():
    bound = np.full(400, -0.1)
    bound[:40] = 50.0
    found = findings(bound=bound, yardsticks={"one normal": np.zeros(400)})
    assert (
        "in the median row it leads by -0.10: a few rows decide" in verdicts(found)[0]
    )
    assert "median" not in verdicts(lead(1.0))[0]


@pytest.mark.parametrize(
    "kls, words",
    [
        ([0.0, 0.004], "COLLAPSED"),
        ([2.0, 0.0], "NOT COLLAPSED: 1 of 2"),
        (
            [2.0, 0.5],
            "NOT COLLAPSED: all 2 latent numbers are used, so more of them may help;",
        ),
    ],
)
def test_latent_numbers_that_carry_nothing_are_counted(kls, words):
    assert verdicts(findings(kls=np.array(kls)))[1].startswith(words)


@pytest.mark.parametrize(
    "train_elbo, best_epoch, words",
    [
        (2.0, 30, "OVERFITTING: after epoch 30 of 100"),
        (2.0, 95, "SOME OVERFITTING"),
        (-0.9, 30, "NO OVERFITTING to be seen: its own rows are 0.10 +- 0.14"),
        (-0.9, 95, "NO OVERFITTING to be seen"),
    ],
)
def test_overfitting_is_a_gap_and_a_curve_that_falls(train_elbo, best_epoch, words):
    found = findings(train_elbo=Estimate(train_elbo, 0.1), best_epoch=best_epoch)
    sentence = verdicts(found)[2]
    assert sentence.startswith(words)
    assert ("more steps may help" in sentence) == (
        words[:2] == "NO" and best_epoch > 90
    )


@pytest.mark.parametrize(
    "found, words",
    [
        (lead(1.0), "ENOUGH ROWS: 100 held-out rows tell"),
        (lead(0.01, 0.1), "ENOUGH ROWS: 100 held-out rows rule out more than 0.1"),
        (lead(1.0, rows=8), "TOO FEW ROWS: 8 are held out"),
        # 1.984 * 0.1005 = 0.199 is 1.33 times the lead of 0.15: squared, 1.77
        (lead(0.15), "TOO FEW ROWS to tell: 100 .* count with about 177"),
        (lead(0.01), "TOO FEW ROWS to tell: 100 held-out rows see no difference"),
    ],
)
def test_whether_the_rows_are_enough(found, words):
    assert re.match(words, verdicts(found)[3])


def test_each_verdict_is_sentences():
    for sentence in verdicts(findings()):
        assert sentence.endswith(".")
        assert "\n" not in sentence
