"""The trainer in bfloat16, in double precision, and on a GPU."""

import numpy as np
import pytest
import torch

from course_utils.pytorch.device import computing_in, to_tensor
from course_utils.pytorch.training import evaluate_vae, train_vae
from course_utils.pytorch.vae import vae_step

NO_GPU = pytest.mark.skipif(
    not torch.cuda.is_available(), reason="this machine has no NVIDIA GPU"
)


def parameters_of(model):
    return torch.cat([p.detach().flatten() for p in model.parameters()])


def test_bfloat16_differs_by_no_more_than_its_rounding(small_vae, digits):
    """Five layers in a row, each rounding weights, input and output to eight bits.

    So each changes a term by at most 3 * 2^-8 of its size, if errors do not cancel.
    """
    x = to_tensor(digits[:100])
    epsilon = torch.randn(100, 2, generator=torch.Generator().manual_seed(0))
    terms = {}
    for precision in ("float32", "bfloat16"):
        model = small_vae()
        optimizer = torch.optim.SGD(model.parameters(), 0.0)
        with computing_in(precision, model.encoder, model.decoder):
            terms[precision] = vae_step(model, x, epsilon, optimizer)
    for exact, rounded in zip(terms["float32"], terms["bfloat16"], strict=True):
        assert rounded.dtype == torch.float32
        assert not torch.equal(exact, rounded)
        torch.testing.assert_close(exact, rounded, rtol=15 * 2**-8, atol=0)


def test_bfloat16_trains_as_well_and_keeps_float32_parameters(small_vae, digits):
    model = small_vae()
    history = train_vae(model, digits, 5, 0, batch_size=30, precision="bfloat16")
    exact = train_vae(small_vae(), digits, 5, 0, batch_size=30)
    assert parameters_of(model).dtype == torch.float32
    fallen = exact["loss"][0] - exact["loss"][-1]
    assert abs(history["loss"][-1] - exact["loss"][-1]) < 0.05 * fallen


def test_a_model_in_double_precision_trains_and_agrees(small_vae, pixels, digits):
    model = small_vae().double()
    history = train_vae(model, digits, 2, seed=0, test_images=digits[:9])
    assert parameters_of(model).dtype == torch.float64
    assert np.isfinite(history["test_elbo"]).all()
    spied = small_vae(pixels()).double()
    train_vae(spied, digits[:9], 1, seed=0)
    assert spied.likelihood.seen[0].dtype == torch.float64


@NO_GPU
def test_a_gpu_trains_repeats_itself_and_agrees_with_the_cpu(small_vae, digits):
    def run(device):
        model = small_vae().to(device)
        history = train_vae(model, digits, 3, 0, test_images=digits[:99], batch_size=30)
        return history, evaluate_vae(model, digits[:99], 50)

    (on_gpu, evaluation), (again, _), (on_cpu, _) = map(run, ("cuda", "cuda", "cpu"))
    assert on_gpu == again
    fallen = on_cpu["loss"][0] - on_cpu["loss"][-1]
    # other noise on another device, so only the course of the run is comparable
    assert abs(on_gpu["loss"][-1] - on_cpu["loss"][-1]) < 0.1 * fallen
    bounds = [bound.mean for bound in evaluation.iwae.values()]
    assert bounds == sorted(bounds)
