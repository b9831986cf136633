"""The oracle: closed forms in float64 that everything else is held against.

`gaussian` has normal distributions and linear models, `importance` the bounds of many
samples, `games` generators against discriminators. Information is in nats.
"""

from course_utils.exact.games import (
    DIRAC_METHODS,
    dirac_gan_eigenvalues,
    dirac_gan_path,
    dirac_gan_step,
    jensen_shannon,
    optimal_discriminator_logit,
)
from course_utils.exact.gaussian import (
    GradientVariances,
    LinearGaussian,
    RateDistortion,
    beta_vae_optimum,
    gaussian_kl,
    gaussian_nll_floor,
    gradient_variances,
    kl_to_standard_normal,
    ppca_log_evidence,
    principal_axes,
    rate_distortion,
    sine_gradient_variances,
)
from course_utils.exact.importance import (
    gaussian_chi_squared,
    iwae_from_log_weights,
    iwae_gap,
)

__all__ = [
    "DIRAC_METHODS",
    "GradientVariances",
    "LinearGaussian",
    "RateDistortion",
    "beta_vae_optimum",
    "dirac_gan_eigenvalues",
    "dirac_gan_path",
    "dirac_gan_step",
    "gaussian_chi_squared",
    "gaussian_kl",
    "gaussian_nll_floor",
    "gradient_variances",
    "iwae_from_log_weights",
    "iwae_gap",
    "jensen_shannon",
    "kl_to_standard_normal",
    "optimal_discriminator_logit",
    "ppca_log_evidence",
    "principal_axes",
    "rate_distortion",
    "sine_gradient_variances",
]
