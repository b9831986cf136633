"""Weights have PyTorch's names and layouts, and come back or are refused."""

import numpy as np
import pytest

from course_utils.records.arrays import WeightsError
from course_utils.tfkeras.device import seed_everything
from course_utils.tfkeras.networks import Discriminator, Generator
from course_utils.tfkeras.vae import ConvVAE
from course_utils.tfkeras.weights import export_weights, import_weights


def test_exported_weights_hold_averages_and_no_random_state():
    weights = export_weights(Generator())
    assert {name for name in weights if name.startswith("norm1")} == {
        "norm1.weight",
        "norm1.bias",
        "norm1.running_mean",
        "norm1.running_var",
    }
    assert len(weights) == 16
    assert len(export_weights(Discriminator())) == 6


def test_weights_have_pytorchs_names_and_layouts():
    weights = export_weights(ConvVAE(channels=3))
    assert {name: array.shape for name, array in weights.items()} == {
        "encoder.conv1.weight": (32, 3, 3, 3),
        "encoder.conv1.bias": (32,),
        "encoder.conv2.weight": (64, 32, 3, 3),
        "encoder.conv2.bias": (64,),
        "encoder.hidden.weight": (16, 3136),
        "encoder.hidden.bias": (16,),
        "encoder.mu.weight": (2, 16),
        "encoder.mu.bias": (2,),
        "encoder.logvar.weight": (2, 16),
        "encoder.logvar.bias": (2,),
        "decoder.hidden.weight": (3136, 2),
        "decoder.hidden.bias": (3136,),
        "decoder.deconv1.weight": (64, 64, 3, 3),
        "decoder.deconv1.bias": (64,),
        "decoder.deconv2.weight": (64, 32, 3, 3),
        "decoder.deconv2.bias": (32,),
        "decoder.pixels.weight": (32, 3, 3, 3),
        "decoder.pixels.bias": (3,),
    }


def test_imported_weights_are_those_that_are_exported():
    seed_everything(0)
    weights, model = export_weights(ConvVAE()), ConvVAE()
    assert import_weights(model, weights) is model
    for name, array in export_weights(model).items():
        np.testing.assert_array_equal(array, weights[name])


def test_weights_of_another_model_are_refused_and_nothing_is_changed():
    model = ConvVAE()
    before = export_weights(model)
    with pytest.raises(WeightsError, match=r"conv1\.weight has shape \(32, 3, 3, 3\)"):
        import_weights(model, export_weights(ConvVAE(channels=3)))
    for name, array in export_weights(model).items():
        np.testing.assert_array_equal(array, before[name])
