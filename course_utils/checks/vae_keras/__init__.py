"""Checks of the exercises on lesson 4: a VAE in Keras, and pictures of its prior.

terms       the ELBO, its parts, a step up it, a label beside it
prior       what a grid of latent points shows; what a label tells
linear      a small VAE whose terms and slopes are worked out in NumPy
"""

from course_utils.checks.vae_keras.prior import (
    check_pictures_a_side,
    check_quantile_grid,
    check_worth_of_a_label,
)
from course_utils.checks.vae_keras.terms import (
    check_conditional_elbo,
    check_elbo,
    check_log_likelihood,
    check_train_step,
)

__all__ = [
    "check_conditional_elbo",
    "check_elbo",
    "check_log_likelihood",
    "check_pictures_a_side",
    "check_quantile_grid",
    "check_train_step",
    "check_worth_of_a_label",
]
