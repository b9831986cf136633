"""Weights go out and come back, or are refused."""

import numpy as np
import pytest
import torch

from course_utils.pytorch.vae import ConvVAE
from course_utils.pytorch.weights import export_weights, import_weights
from course_utils.records.arrays import WeightsError


def test_exported_weights_are_a_copy_and_come_back():
    model, other = ConvVAE(), ConvVAE()
    weights = export_weights(model)
    assert import_weights(other, weights) is other
    for name, t in other.state_dict().items():
        assert torch.equal(t, model.state_dict()[name])
    with torch.no_grad():
        model.encoder.mu.bias += 1
    assert not weights["encoder.mu.bias"].any()


def test_imported_weights_take_the_models_precision():
    weights = export_weights(ConvVAE())
    model = import_weights(ConvVAE().double(), weights)
    assert {p.dtype for p in model.parameters()} == {torch.float64}


def test_weights_of_another_model_are_refused_and_nothing_is_changed():
    model = ConvVAE()
    before = export_weights(model)
    with pytest.raises(WeightsError, match=r"conv1\.weight has shape \(32, 3, 3, 3\)"):
        import_weights(model, export_weights(ConvVAE(channels=3)))
    for name, array in export_weights(model).items():
        np.testing.assert_array_equal(array, before[name])
