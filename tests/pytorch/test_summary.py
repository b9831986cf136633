"""The table of a network's layers."""

import pytest
import torch

from course_utils.pytorch.networks import ConvEncoder
from course_utils.pytorch.summary import layer_table, summary
from course_utils.pytorch.vae import MLPVAE


def test_the_table_of_layers_has_names_sizes_and_parameters():
    rows = layer_table(ConvEncoder(), torch.zeros(1, 1, 28, 28))
    assert rows == [
        ("conv1 (SameConv2d)", (32, 14, 14), 320, False),
        ("conv2 (SameConv2d)", (64, 7, 7), 18_496, False),
        ("hidden (Linear)", (16,), 50_192, False),
        ("mu (Linear)", (2,), 34, False),
        ("logvar (Linear)", (2,), 34, True),
    ]


@pytest.mark.parametrize("training", [True, False])
def test_looking_at_layers_changes_nothing(training):
    network = torch.nn.Sequential(torch.nn.BatchNorm1d(2), torch.nn.Dropout())
    network.train(training)
    x = torch.tensor([[1.0, 2.0]])  # a single row would break training mode
    rows = layer_table(network, x)
    assert [row.parameters for row in rows] == [4, 0]
    assert network.training is training
    assert network[0].num_batches_tracked == 0
    assert not network[0]._forward_hooks


def test_an_error_leaves_no_hook_behind():
    layer = torch.nn.Linear(2, 2)
    with pytest.raises(RuntimeError):
        layer_table(layer, torch.zeros(1, 3))
    assert not layer._forward_hooks


def test_the_summary_ends_with_the_sum():
    text = summary(MLPVAE().encoder, torch.zeros(1, 1, 28, 28))
    assert text.splitlines()[-1].split() == ["sum", "672,784"]
