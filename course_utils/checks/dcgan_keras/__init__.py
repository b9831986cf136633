"""Checks of the exercises on lesson 7: a convolutional GAN in Keras.

layers      their sizes, batch normalization, stamps that overlap
step        both networks, moved at once
"""

from course_utils.checks.dcgan_keras.layers import (
    check_contrast,
    check_count_numbers,
    check_count_stamps,
    check_normalize,
    check_update_averages,
)
from course_utils.checks.dcgan_keras.step import check_gan_step

__all__ = [
    "check_contrast",
    "check_count_numbers",
    "check_count_stamps",
    "check_gan_step",
    "check_normalize",
    "check_update_averages",
]
