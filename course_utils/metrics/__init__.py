"""How good are these samples? NumPy arrays in, numbers with their noise floor out.

Also a perfect sampler scores worse than perfection when it is given a finite number of
draws. Each score therefore comes with its floor: what a perfect sampler would score on
average with as many samples, and by how much that varies.

`modes` has points in the plane and on the line, `digits` has images of digits, as
`classifier` sees them.
"""

from course_utils.metrics.classifier import DigitClassifier
from course_utils.metrics.digits import (
    DigitScores,
    digit_scores,
    frechet_distance,
    memorized_share,
    nearest_digits,
)
from course_utils.metrics.modes import (
    MEAN_SQUARE_INSIDE,
    ModeCoverage,
    Score,
    mode_coverage,
    wasserstein_1d,
)

__all__ = [
    "MEAN_SQUARE_INSIDE",
    "DigitClassifier",
    "DigitScores",
    "ModeCoverage",
    "Score",
    "digit_scores",
    "frechet_distance",
    "memorized_share",
    "mode_coverage",
    "nearest_digits",
    "wasserstein_1d",
]
