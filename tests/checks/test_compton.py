"""Scattered photons: what physics says of them, and the best guess by brute force."""

import numpy as np
import pytest

from course_utils.checks.compton import (
    COSINES,
    NOISES,
    UNIT,
    Source,
    draw_readings,
    draw_source,
    excesses,
)

CAESIUM = Source(np.array([662.0, 1_333.0]), np.array([0.5, 0.5]), 0.05)


@pytest.mark.parametrize("cosine, kept", [(1, 662.0), (0, 288.4), (-1, 184.3)])
def test_a_photon_of_caesium_keeps_what_tables_say(cosine, kept):
    assert UNIT * CAESIUM.at(cosine).means[0] == pytest.approx(kept, abs=0.1)


def test_drawn_energies_have_the_mixture_of_their_angle():
    energy, cosine = CAESIUM.draw(np.random.default_rng(0), 400_000)
    near = energy[np.abs(cosine - 0.5) < 0.01] / UNIT
    mixture = CAESIUM.at(0.5)
    mean, variance = mixture.denoised(0, 1), mixture.least_data_loss(1)
    assert abs(near.mean() - mean) < 5 * np.sqrt(variance / len(near))
    # the fourth moment of two lines is below three squared variances
    assert abs(near.var() / variance - 1) < 5 * np.sqrt(2 / len(near))


def test_the_best_guess_is_a_mean_over_the_energies():
    """By sums over a fine grid of energies, with the prior and the noise."""
    source = draw_source(np.random.default_rng(1))
    readings = draw_readings(source, np.random.default_rng(2))
    grid = np.linspace(0, 25, 20_001)
    for i, j in ((0, 2), (3, 5), (5, 0)):
        y = readings.value[i, j, :5, None] / UNIT
        log_p = source.at(COSINES[j]).log_prob(grid)
        log_p = log_p - 0.5 * ((y - grid) * UNIT / NOISES[i]) ** 2
        p = np.exp(log_p - log_p.max(1, keepdims=True))
        guess = UNIT * (p @ grid) / p.sum(1)
        assert readings.best[i, j, :5] == pytest.approx(guess, rel=1e-6)


def test_the_line_is_a_fit_to_many_readings():
    source, rng = draw_source(np.random.default_rng(3)), np.random.default_rng(4)
    readings = draw_readings(source, rng)
    for i, j in ((1, 2), (4, 5)):
        energy = UNIT * source.at(COSINES[j]).sample(400_000, seed=5)
        value = energy + NOISES[i] * rng.standard_normal(len(energy))
        fit = np.polyfit(value, energy, 1)
        error = np.std(energy - np.polyval(fit, value)) / len(energy) ** 0.5
        off = np.polyval(fit, readings.value[i, j]) - readings.line[i, j]
        # of the line's mean and of its slope, at readings some widths away
        assert np.abs(off).max() < 5 * error * 5
    assert excesses(readings, readings.best).max() == 0
