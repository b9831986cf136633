"""Devices, seeds, settings, images as tensors, batches, precision."""

import numpy as np
import pytest
import torch
from torch import nn

from course_utils.data.images import check_images
from course_utils.pytorch.device import (
    batches,
    computing_in,
    device_of,
    pick_device,
    precision_on,
    seed_everything,
    to_images,
    to_numpy,
    to_tensor,
)


def test_bfloat16_sees_weights_as_they_are_now():
    """A cache of casts would keep those from before an optimizer's step."""
    layer, x = nn.Linear(4, 1, bias=False), torch.ones(1, 4)
    with computing_in("bfloat16", layer):
        before = layer(x)
        with torch.no_grad():
            layer.weight += 1.0
        after = layer(x)
    # four products of eight bits
    assert (after - before).item() == pytest.approx(4.0, abs=4 * 2**-6)


@pytest.fixture
def images(rng):
    """Two coloured images, higher than wide."""
    return rng.random((2, 5, 3, 4), dtype=np.float32)


@pytest.mark.parametrize(
    "cuda, mps, expected",
    [
        (True, True, "cuda"),
        (True, False, "cuda"),
        (False, True, "mps"),
        (False, False, "cpu"),
    ],
)
def test_the_fastest_device_is_picked(monkeypatch, cuda, mps, expected):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert pick_device() == torch.device(expected)


def test_a_model_is_where_its_parameters_are():
    assert device_of(torch.nn.Linear(2, 2)) == torch.device("cpu")
    assert device_of(torch.nn.Linear(2, 2, device="meta")) == torch.device("meta")


def test_a_seed_repeats_layers_and_numpys_numbers():
    drawn = []
    for seed in (1, 1, 2):
        seed_everything(seed)
        drawn.append((torch.nn.Linear(3, 3).weight.tolist(), np.random.rand()))
    assert drawn[0] == drawn[1]
    assert drawn[0][0] != drawn[2][0]
    assert drawn[0][1] != drawn[2][1]


def test_tensors_come_back_without_their_graph():
    t = torch.tensor([1.5, -2.0], requires_grad=True)
    assert to_numpy(t).tolist() == [1.5, -2.0]
    assert to_numpy(t.double()).dtype == np.float64


def test_bfloat16_comes_back_as_float32():
    array = to_numpy(torch.tensor([1.5], dtype=torch.bfloat16))
    assert (array.dtype, array.tolist()) == (np.float32, [1.5])


def test_images_change_their_layout_once_and_come_back(images):
    x = to_tensor(images)
    assert x.shape == (2, 4, 5, 3)
    assert x.dtype == torch.float32
    assert x.is_contiguous()
    assert x[1, 2, 4, 0].item() == images[1, 4, 0, 2]
    np.testing.assert_array_equal(to_images(x), images)


def test_a_tensor_owns_its_values(images):
    grey = images[..., :1].copy()
    x = to_tensor(grey)
    expected = x.clone()
    grey[:] = 0
    assert torch.equal(x, expected)


def test_double_precision_becomes_float32(images):
    assert to_tensor(images.astype(np.float64)).dtype == torch.float32


def test_views_and_protected_arrays_are_fine(images):
    images.flags.writeable = False
    x = to_tensor(images[:, ::-1])
    assert x[0, 0, 0, 0].item() == images[0, -1, 0, 0]


@pytest.mark.parametrize("edge", [0.0, 1.0])
def test_the_ends_of_the_range_belong_to_it(edge):
    check_images(np.full((1, 2, 2, 1), edge, dtype=np.float32))


GOOD = np.full((2, 3, 3, 1), 0.5, dtype=np.float32)


@pytest.mark.parametrize(
    "bad, error, hint",
    [
        (GOOD.tolist(), TypeError, "not list"),
        (None, TypeError, "not NoneType"),
        (torch.from_numpy(GOOD), TypeError, "not Tensor"),
        ((GOOD * 255).astype(np.uint8), TypeError, r"astype\('float32'\) / 255"),
        (GOOD > 0, TypeError, "not bool; zeros and ones"),
        (GOOD.astype(complex), TypeError, "not complex"),
        (GOOD[..., 0], ValueError, r"images\[\.\.\., None\]"),
        (GOOD[0], ValueError, r"not \(3, 3, 1\)"),
        (GOOD.reshape(2, 9), ValueError, r"not \(2, 9\)"),
        (GOOD[:0], ValueError, r"no images: .*\(0, 3, 3, 1\)"),
        (GOOD * np.nan, ValueError, "NaN"),
        (GOOD * 510, ValueError, "from 255 to 255; divide bytes by 255"),
        (GOOD - 0.5001, ValueError, r"Pixels must lie in \[0, 1\]"),
        (GOOD + 0.5001, ValueError, r"Pixels must lie in \[0, 1\]"),
        (GOOD * np.inf, ValueError, "NaN or infinity"),
        (GOOD * -np.inf, ValueError, "NaN or infinity"),
    ],
)
def test_what_is_no_batch_of_images_is_refused_with_a_hint(bad, error, hint):
    with pytest.raises(error, match=hint):
        check_images(bad)
    with pytest.raises(error, match=hint):
        to_tensor(bad)


def test_one_bad_pixel_is_enough():
    for value in (np.nan, -0.001, 1.001):
        images = np.full((100, 28, 28, 1), 0.5, dtype=np.float32)
        images[57, 13, 27] = value
        with pytest.raises(ValueError, match=r"NaN|\[0, 1\]"):
            check_images(images)


@pytest.mark.parametrize("shuffled", [False, True])
def test_each_row_comes_once_and_the_last_batch_is_smaller(shuffled):
    generator = torch.Generator().manual_seed(0) if shuffled else None
    parts = list(batches(torch.arange(10.0), 4, generator))
    assert [len(part) for part in parts] == [4, 4, 2]
    rows = torch.cat(parts).tolist()
    assert sorted(rows) == list(range(10))
    assert (rows == list(range(10))) is not shuffled


def test_each_pass_shuffles_anew_and_a_seed_repeats_it():
    x = torch.arange(100)

    def two_passes(seed):
        generator = torch.Generator().manual_seed(seed)
        return [torch.cat(list(batches(x, 30, generator))).tolist() for _ in range(2)]

    assert two_passes(0) == two_passes(0)
    assert two_passes(0)[0] != two_passes(0)[1]
    assert two_passes(0) != two_passes(1)


@pytest.mark.parametrize(
    "precision, product", [("float32", torch.float32), ("bfloat16", torch.bfloat16)]
)
def test_the_precision_of_products_is_chosen(precision, product):
    layer, other, x = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2), torch.ones(1, 2)
    with computing_in(precision, layer):
        assert layer(x).dtype == product
        assert other(x).dtype == torch.float32
        assert not torch.is_autocast_enabled("cpu")
    assert layer(x).dtype == torch.float32
    assert "forward" not in vars(layer)


def test_a_network_with_a_forward_of_its_own_gets_it_back():
    layer, x = torch.nn.Linear(2, 2), torch.ones(1, 2)
    layer.forward = own = lambda x: 2 * torch.nn.functional.linear(x, layer.weight)
    with computing_in("bfloat16", layer):
        assert layer(x).dtype == torch.bfloat16
    assert layer.forward is own


def test_an_unknown_precision_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match='"float32", "bfloat16" or "auto"'):
        computing_in("float16", torch.nn.Linear(2, 2)).__enter__()


@pytest.mark.parametrize(
    "known, meant", [({"avx512_bf16": True}, "bfloat16"), ({"avx2": True}, "float32")]
)
def test_auto_is_bfloat16_where_the_processor_multiplies_in_it(
    known, meant, monkeypatch
):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: known)
    assert precision_on(torch.device("cpu"), "auto") == meant
    assert precision_on(torch.device("mps"), "auto") == "float32"
    layer = torch.nn.Linear(2, 2)
    with computing_in("auto", layer):
        assert layer(torch.ones(1, 2)).dtype == getattr(torch, meant)
