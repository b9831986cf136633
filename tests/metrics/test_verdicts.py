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


RISING = np.minimum(np.arange(100.0), 60) + 0.05 * ZIGZAG  # and then level
FALLING = RISING - 0.1 * np.maximum(np.arange(100) - 70, 0)  # by 3 at last


@pytest.mark.parametrize(
    "train_elbo, watched, words",
    [
        (2.0, FALLING, "OVERFITTING: the watched rows were best after epoch 70"),
        (2.0, RISING, "SOME OVERFITTING"),
        (-0.9, FALLING, "NO OVERFITTING to be seen: its own rows are 0.10 +- 0.14"),
        (-0.9, RISING, "NO OVERFITTING to be seen"),
    ],
)
def test_overfitting_is_a_gap_and_a_curve_that_falls(train_elbo, watched, words):
    gap = Estimate(train_elbo, 0.1)
    found = findings(train_elbo=gap, watched=watched, best_epoch=70)
    assert verdicts(found)[2].startswith(words)
    assert "more steps" not in verdicts(found)[2]


def test_the_loss_told_is_that_of_means_over_a_tenth():
    found = findings(train_elbo=Estimate(2.0, 0.1), watched=FALLING, best_epoch=70)
    # the last ten lie 2.0 to 2.9 below the level, 2.45 on average
    assert "then lost 2.45 nats" in verdicts(found)[2]


def test_a_training_that_gains_to_the_end_is_too_short():
    assert "more steps may help" in verdicts(findings(best_epoch=95))[2]


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
