"""Losses, penalties and steps against formulas worked out by hand; samples."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.optim import SGD

from course_utils.pytorch.gan import (
    GENERATED_AT_ONCE,
    descend,
    discriminator_loss,
    gan_step,
    generate,
    generator_loss,
    gradient_penalty,
    input_gradient,
    penalized_step,
    real_penalty_step,
    simultaneous_step,
    zero_centred_penalty,
)
from course_utils.pytorch.networks import (
    MLPDiscriminator,
    MLPGenerator,
)
from course_utils.pytorch.remedies import (
    packed_step,
    relativistic_step,
)


@pytest.fixture
def logits():
    return torch.randn(2, 50, 1, dtype=torch.float64, generator=seeded(0))


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def test_losses_are_cross_entropies_of_the_probability(logits):
    real, fake = logits
    entropy = F.binary_cross_entropy
    expected = entropy(real.sigmoid(), torch.ones_like(real)) + entropy(
        fake.sigmoid(), torch.zeros_like(fake)
    )
    torch.testing.assert_close(discriminator_loss(real, fake), expected)
    fooled = entropy(fake.sigmoid(), torch.ones_like(fake))
    torch.testing.assert_close(generator_loss(fake), fooled)
    caught = -entropy(fake.sigmoid(), torch.zeros_like(fake))
    torch.testing.assert_close(generator_loss(fake, "saturating"), caught)


def test_losses_at_the_equilibrium_are_ln_4_and_ln_2():
    zeros = torch.zeros(3, 1, dtype=torch.float64)
    assert discriminator_loss(zeros, zeros).item() == pytest.approx(math.log(4))
    assert generator_loss(zeros).item() == pytest.approx(math.log(2))
    assert generator_loss(zeros, "saturating").item() == pytest.approx(-math.log(2))


@pytest.mark.parametrize("logit", [-100.0, 100.0])
def test_losses_and_gradients_are_exact_where_the_discriminator_is_sure(logit):
    x = torch.tensor([logit], requires_grad=True)
    # softplus(100) is 100 in float32, and its slope 1; those at -100 are below 1e-43
    softplus, slope = (100.0, 1.0) if logit > 0 else (0.0, 0.0)
    cases = [
        (discriminator_loss(torch.tensor([100.0]), x), softplus, slope),
        (discriminator_loss(x, torch.tensor([-100.0])), max(0, -logit), slope - 1),
        (generator_loss(x), max(0, -logit), slope - 1),
        (generator_loss(x, "saturating"), -softplus, -slope),
    ]
    for loss, value, gradient in cases:
        assert loss.item() == pytest.approx(value, abs=1e-40)
        (found,) = torch.autograd.grad(loss, x)
        assert found.item() == pytest.approx(gradient, abs=1e-40)


def test_an_unknown_loss_is_refused_in_words(logits):
    with pytest.raises(ValueError, match="'hinge'.*non_saturating"):
        generator_loss(logits[0], "hinge")


class Linear(nn.Module):
    """Logits psi . x: their gradient is psi for every x."""

    def __init__(self, *psi):
        super().__init__()
        self.psi = nn.Parameter(torch.tensor(psi, dtype=torch.float64))

    def forward(self, x):
        return x @ self.psi[:, None]


class Point(nn.Module):
    """A generator that makes copies of the point theta."""

    latent_dim = 1

    def __init__(self, *theta):
        super().__init__()
        self.theta = nn.Parameter(torch.tensor(theta, dtype=torch.float64))

    def forward(self, z):
        return self.theta.expand(len(z), -1)


@pytest.mark.parametrize("slope", [(3.0, 4.0), (0.3, -0.4), (0.0, 0.0)])
def test_penalties_of_a_linear_discriminator_are_known(slope):
    discriminator = Linear(*slope)
    x = torch.randn(7, 2, dtype=torch.float64, generator=seeded(0))
    logits, gradient = input_gradient(discriminator, x)
    torch.testing.assert_close(logits, discriminator(x))
    torch.testing.assert_close(gradient, discriminator.psi.expand(7, 2))
    length = math.hypot(*slope)
    assert zero_centred_penalty(gradient).item() == pytest.approx(length**2)
    assert gradient_penalty(gradient).item() == pytest.approx((length - 1) ** 2)


def test_a_penalty_can_be_trained_and_does_not_reach_what_made_x():
    discriminator, made_x = Linear(3.0, 4.0), torch.ones(5, 2, dtype=torch.float64)
    made_x.requires_grad_()
    _, gradient = input_gradient(discriminator, 2 * made_x)
    zero_centred_penalty(gradient).backward()
    # the derivative of psi . psi
    torch.testing.assert_close(discriminator.psi.grad, 2 * discriminator.psi.detach())
    assert made_x.grad is None


def test_penalties_of_images_sum_over_all_pixels():
    x = torch.randn(4, 1, 3, 3, generator=seeded(0))

    def square(x):
        return 0.5 * x.square().flatten(1).sum(1)

    _, gradient = input_gradient(square, x)
    expected = x.square().sum((1, 2, 3)).mean()
    torch.testing.assert_close(zero_centred_penalty(gradient), expected)


RATE, GAMMA = 0.3, 0.8


def dirac_step(theta, psi, gamma):
    """Data at 0, fake at theta, D(x) = psi x: one alternating step, by hand."""
    sigmoid = 1 / (1 + math.exp(-psi * theta))
    psi -= RATE * (theta * sigmoid + gamma * psi)
    theta += RATE * psi / (1 + math.exp(psi * theta))  # - slope of softplus(-psi theta)
    return theta, psi


@pytest.mark.parametrize(
    "step, gamma",
    [
        (gan_step, 0),
        (real_penalty_step(GAMMA), GAMMA),  # gamma/2 psi^2
        (real_penalty_step(GAMMA, share=0.5), GAMMA),
        (penalized_step(GAMMA), 2 * GAMMA),  # R1 + R2 = 2 psi^2, times gamma/2
    ],
)
def test_steps_alternate_as_worked_out_by_hand(step, gamma):
    generator, discriminator = Point(1.5), Linear(-0.7)
    optimizers = [SGD(net.parameters(), RATE) for net in (generator, discriminator)]
    real, z = torch.zeros(4, 1, dtype=torch.float64), torch.zeros(4, 1)
    theta, psi = 1.5, -0.7
    for _ in range(5):
        step(generator, discriminator, real, z, *optimizers)
        theta, psi = dirac_step(theta, psi, gamma)
        assert generator.theta.item() == pytest.approx(theta, rel=1e-12)
        assert discriminator.psi.item() == pytest.approx(psi, rel=1e-12)


def test_a_simultaneous_step_is_worked_out_by_hand():
    generator, discriminator = Point(1.5), Linear(-0.7)
    optimizers = [SGD(net.parameters(), RATE) for net in (generator, discriminator)]
    real, z = torch.zeros(4, 1, dtype=torch.float64), torch.zeros(4, 1)
    theta, psi = 1.5, -0.7
    for _ in range(5):
        d_loss, g_loss = simultaneous_step(
            generator, discriminator, real, z, *optimizers
        )
        logit = psi * theta
        assert d_loss.item() == pytest.approx(math.log(2) + math.log1p(math.exp(logit)))
        assert g_loss.item() == pytest.approx(math.log1p(math.exp(-logit)))
        theta, psi = (
            theta + RATE * psi * sigmoid(-logit),
            psi - RATE * theta * sigmoid(logit),
        )
        assert generator.theta.item() == pytest.approx(theta, rel=1e-12)
        assert discriminator.psi.item() == pytest.approx(psi, rel=1e-12)


@pytest.mark.parametrize("share, rows", [(0.25, 2), (0.01, 1)])
def test_the_penalty_on_real_data_is_measured_on_its_share(share, rows):
    seen = []

    class Judge(Linear):
        def forward(self, x):
            seen.append(x)
            return super().forward(x)

    generator, discriminator = Point(1.5), Judge(-0.7)
    optimizers = [SGD(net.parameters(), 0.0) for net in (generator, discriminator)]
    real = torch.arange(8, dtype=torch.float64)[:, None]
    step = real_penalty_step(1.0, share=share)
    step(generator, discriminator, real, torch.zeros(8, 1), *optimizers)
    assert torch.equal(seen[0], real[:rows])


class Parabola(nn.Module):
    """Logits psi x^2 on the line: their slopes 2 psi x differ from point to point."""

    def __init__(self, psi):
        super().__init__()
        self.psi = nn.Parameter(torch.tensor(psi, dtype=torch.float64))

    def forward(self, x):
        return self.psi * x.square()


def sigmoid(t):
    return 1 / (1 + math.exp(-t))


def parabola_by_hand(theta, psi, gamma, pairs):
    """Data at 1, fake at theta: logits psi, psi theta^2; slopes 2 psi, 2 psi theta."""
    penalty = 4 * gamma * psi * (1 + theta**2)  # of gamma/2 (4 psi^2 + 4 psi^2 theta^2)
    if pairs:
        climb = sigmoid(psi * theta**2 - psi) * (theta**2 - 1)
    else:
        climb = sigmoid(psi * theta**2) * theta**2 - sigmoid(-psi)
    psi -= RATE * (climb + penalty)
    doubt = sigmoid(psi - psi * theta**2) if pairs else sigmoid(-psi * theta**2)
    return theta + RATE * 2 * psi * theta * doubt, psi


@pytest.mark.parametrize("pairs", [False, True])
def test_penalized_steps_are_worked_out_by_hand(pairs):
    generator, discriminator = Point(1.5), Parabola(-0.7)
    optimizers = [SGD(net.parameters(), RATE) for net in (generator, discriminator)]
    real, z = torch.ones(4, 1, dtype=torch.float64), torch.zeros(4, 1)
    theta, psi = 1.5, -0.7
    gammas = [0.2, 0.1, 0.05] if pairs else [0.1] * 3
    step = relativistic_step(gammas) if pairs else penalized_step(0.1)
    for number, gamma in enumerate(gammas):
        counted = {"number": torch.tensor(number)} if pairs else {}
        step(generator, discriminator, real, z, *optimizers, **counted)
        theta, psi = parabola_by_hand(theta, psi, gamma, pairs)
        assert generator.theta.item() == pytest.approx(theta, rel=1e-12)
        assert discriminator.psi.item() == pytest.approx(psi, rel=1e-12)


def test_the_losses_of_a_step_are_those_before_each_update():
    generator, discriminator = Point(1.5), Linear(-0.7)
    optimizers = [SGD(net.parameters(), RATE) for net in (generator, discriminator)]
    real, z = torch.zeros(4, 1, dtype=torch.float64), torch.zeros(4, 1)
    d_loss, g_loss = gan_step(generator, discriminator, real, z, *optimizers)
    assert d_loss.item() == pytest.approx(math.log(2) + math.log1p(math.exp(-1.05)))
    after = -discriminator.psi.item() * 1.5
    assert g_loss.item() == pytest.approx(math.log1p(math.exp(after)))
    assert not (d_loss.requires_grad)
    assert not (g_loss.requires_grad)


class Watching(SGD):
    """Looks at a network's gradients at the moment of its step."""

    def __init__(self, own, other):
        super().__init__(own.parameters(), RATE)
        self.other, self.seen = other, []

    def step(self):
        self.seen += [p.grad for p in self.other.parameters()]
        super().step()


STEPS = [
    gan_step,
    penalized_step(0.1),
    packed_step(2),
    relativistic_step(0.1),
    real_penalty_step(0.1),
]


NAMES = ["plain", "penalized", "packed", "relativistic", "penalized on real data"]


@pytest.mark.parametrize("step", STEPS, ids=NAMES)
def test_no_gradient_of_the_discriminators_loss_reaches_the_generator(step):
    generator, discriminator = MLPGenerator(), MLPDiscriminator(2)
    if step is STEPS[2]:
        discriminator = MLPDiscriminator(4)
    optimizer = Watching(discriminator, generator)
    real, z = torch.randn(2, 8, 2, generator=seeded(0))
    step(generator, discriminator, real, z, SGD(generator.parameters(), 0), optimizer)
    assert optimizer.seen
    assert all(gradient is None for gradient in optimizer.seen)


def test_generated_images_come_back_between_zero_and_one():
    class Flat(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm = nn.BatchNorm1d(6)

        def forward(self, z):
            assert not self.training
            return torch.tanh(self.norm(z)).view(-1, 1, 2, 3)

    z = np.linspace(-9, 9, 24).reshape(4, 6)
    generator = Flat()
    x = generate(generator, z)
    assert (x.shape, x.dtype) == ((4, 2, 3, 1), np.float32)
    assert generator.training
    expected = 0.5 * (np.tanh(z / math.sqrt(1 + 1e-5)) + 1)
    np.testing.assert_allclose(x.reshape(4, 6), expected, atol=1e-6)


def test_many_samples_are_made_in_parts():
    seen = []

    class Counting(MLPGenerator):
        def forward(self, z):
            seen.append(len(z))
            return super().forward(z)

    torch.manual_seed(0)
    generator = Counting()
    z = np.random.default_rng(0).standard_normal((2 * GENERATED_AT_ONCE + 1, 2))
    x = generate(generator, z)
    assert seen == [GENERATED_AT_ONCE] * 2 + [1]
    # sums of 128 products in float32, perhaps in another order
    np.testing.assert_allclose(x[-1:], generate(generator, z[-1:]), atol=1e-5)


def test_descend_follows_the_gradient_and_forgets_older_ones():
    point = nn.Parameter(torch.tensor([2.0]))
    optimizer = SGD([point], 0.1)
    for _ in range(2):
        descend(optimizer, 0.5 * point.square().sum())
    assert point.item() == pytest.approx(2 * 0.9**2)
