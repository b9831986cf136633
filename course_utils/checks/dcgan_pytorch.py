"""The exercises on lesson 9: what PyTorch does otherwise, steps, averages, pulses."""

import inspect
from collections.abc import Callable
from copy import deepcopy
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import logsigmoid
from torch.optim import SGD, Optimizer
from torch.optim.swa_utils import AveragedModel

from course_utils.checks.examination import Ask, examination
from course_utils.checks.exercise import Exercise
from course_utils.checks.pulse_laws import judge_pulses
from course_utils.checks.torch_tools import (
    Halved,
    gradients,
    set_weights,
    tensor,
    with_gradients,
)

SURE = 100  # times as large logits
ROWS = 300  # with which an average is finished


def _with(right: Callable[..., Any], **others: Any) -> Callable[..., Any]:
    """The right function, for which some of what it is given is replaced."""
    signature = inspect.signature(right)
    return lambda *given: right(**signature.bind(*given).arguments | others)


def same_padding(
    pixels: int, kernel: int, stride: int, least: int = 0
) -> tuple[int, int]:
    """pixels, kernel, stride -> how many zeros before, and how many after."""
    windows = -(-pixels // stride)
    total = max((windows - 1) * stride + kernel - pixels, least)
    return total // 2, total - total // 2


def _sizes(rng, *sizes):
    pixels, kernel, stride = sizes or rng.integers((5, 2, 1), (40, 7, 4)).tolist()
    words = f"pixels = {pixels}, kernel = {kernel}, stride = {stride}"
    return words, pixels, kernel, stride


check_same_padding = Exercise(
    same_padding,
    "How many pixels do so many windows cover, a stride apart? What is missing?",
    _sizes,
    cases=((28, 4, 2), (28, 6, 3), (28, 5, 2), (7, 5, 1), (8, 1, 2), *[()] * 5),
    gives=("the zeros before", "the zeros after"),
    slips={
        "kernel - 1 zeros are right at stride 1. Where does the last of the windows "
        "end here?": lambda pixels, kernel, stride: ((kernel - 1) // 2, kernel // 2),
        "Can a number of zeros be negative?": partial(same_padding, least=-1_000),
    },
    changes={
        "An odd zero is left over: at which end does lesson 9 put it?": (
            lambda before, after: (after, before)
        ),
        "Half of an odd number is rounded down at both ends.": (
            lambda before, after: (before, before)
        ),
        "Half of an odd number is rounded up at both ends.": (
            lambda before, after: (after, after)
        ),
        "That is the sum of both ends, twice.": (
            lambda before, after: (before + after, before + after)
        ),
    },
)


def keras_block(
    features: int, momentum: float, epsilon: float, slope: float
) -> nn.Module:
    """features, Keras's momentum, epsilon, slope -> a network for (rows, features)."""
    norm = nn.BatchNorm1d(features, epsilon, 1 - momentum)
    return nn.Sequential(norm, nn.LeakyReLU(slope))


def _settings(rng, features):
    keep, epsilon, slope = rng.uniform((0.8, 2e-3, 0.1), (0.88, 5e-3, 0.4))
    words = f"features = {features}, momentum = {keep:.3g}, epsilon = {epsilon:.3g}"
    return f"{words}, slope = {slope:.3g}", features, keep, epsilon, slope


def _outputs(block, features, *settings):
    """In training mode, of other rows after that in evaluation mode; what is learnt."""
    rng = np.random.default_rng(features)
    x, fresh = map(tensor, rng.normal(0.05, 0.1, (2, 40, features)))
    outputs = block.train()(x), block.eval()(fresh)
    # A lazy layer has no numbers before it is called.
    return *outputs, sum(p.numel() for p in block.parameters() if p.requires_grad)


def _block(norm, activation):
    """With the same settings, of other layers."""
    return lambda n, m, e, s: nn.Sequential(norm(n, e, 1 - m), activation(s))


check_keras_block = Exercise(
    keras_block,
    "Two layers, in that order. Which settings have you left to PyTorch?",
    _settings,
    cases=(1, 3),
    gives=(
        "the output in training mode",
        "that of other rows in evaluation mode",
        "the count of numbers that it learns",
    ),
    look=_outputs,
    refuse={"a Module is wanted.": lambda block, *_: not isinstance(block, nn.Module)},
    slips={
        "What is added to the variance by default?": _with(keras_block, epsilon=1e-5),
        "Which slope has a leaky ReLU by default?": _with(keras_block, slope=0.01),
        "Neither default of PyTorch's is Keras's.": (
            _with(keras_block, epsilon=1e-5, slope=0.01)
        ),
        "There is no slope below zero.": _with(keras_block, slope=0.0),
        "Whose share is momentum, in Keras and in PyTorch?": (
            lambda n, m, e, s: keras_block(n, 1 - m, e, s)
        ),
        "Which momentum has a normalization by default?": (
            _with(keras_block, momentum=0.9)
        ),
        "Is something kept of the batch?": _with(keras_block, momentum=1.0),
        "A batch normalization of Keras's learns a scale and a shift.": (
            _block(partial(nn.BatchNorm1d, affine=False), nn.LeakyReLU),
            lambda *settings: keras_block(*settings).requires_grad_(False),
        ),
        "The slope is a setting, and is not learnt.": (
            _block(nn.BatchNorm1d, lambda slope: nn.PReLU(init=slope))
        ),
    },
    changes={
        "The normalization comes first, then the leaky ReLU.": (
            lambda block: nn.Sequential(*list(block)[::-1])
        ),
    },
)


def keras_variance(theirs: Tensor, momentum: float, batches: int, n: int) -> Tensor:
    """PyTorch's running variance (features,), momentum, batches, n -> Keras's."""
    return _corrected(theirs, momentum**batches, (n - 1) / n)


def _corrected(theirs, start, factor):
    return start + (theirs - start) * factor


def _running_variance(rng, batches, n, features):
    keep, theirs = rng.uniform(0.9, 0.99), np.ones(features)
    scales = rng.uniform(0.5, 2, features)
    for x in scales * rng.normal(size=(batches, n, features)):
        theirs = keep * theirs + (1 - keep) * x.var(0, ddof=1)
    words = f"batches = {batches}, n = {n}, momentum = {keep:.3g}"
    return words, tensor(theirs), keep, batches, n


check_keras_variance = Exercise(
    keras_variance,
    "Both started from 1. How much of that 1 is left, and what was added to it?",
    _running_variance,
    cases=((1, 4, 1), (30, 8, 3), (100, 64, 5)),
    gives="the running variance",
    slips={
        "The 1 at the start came from no batch: leave it as it is.": (
            lambda v, m, b, n: v * (n - 1) / n
        ),
        "Whose variance is larger? Yours went the wrong way.": (
            lambda v, m, b, n: _corrected(v, m**b, n / (n - 1))
        ),
        "Not all of the 1 is left after so many batches.": (
            _with(keras_variance, batches=0)
        ),
        "After one batch Keras keeps momentum of the old value.": (
            lambda v, m, b, n: keras_variance(v, 1 - m, b, n)
        ),
        "How much of the 1 is left after all batches, not after one?": (
            _with(keras_variance, batches=1)
        ),
        "Nothing is corrected.": lambda v, m, b, n: v.clone(),
    },
    changes={"One value a feature is wanted.": lambda variance: variance.mean()},
)


def _d_loss(on_real, on_fake):
    return -logsigmoid(on_real).mean() - logsigmoid(-on_fake).mean()


def _by_sigmoid(on_real, on_fake):
    on_real, on_fake = on_real.sigmoid(), on_fake.sigmoid()
    return -on_real.log().mean() - (1 - on_fake).log().mean()


def _g_loss(on_fake):
    return -logsigmoid(on_fake).mean()


def step_in_pieces(
    generator: nn.Module,
    discriminator: nn.Module,
    real: Tensor,
    z: Tensor,
    generator_optimizer: Optimizer,
    discriminator_optimizer: Optimizer,
    most: int,
    d_loss: Callable[[Tensor, Tensor], Tensor] = _d_loss,
    g_loss: Callable[[Tensor], Tensor] = _g_loss,
    share: Callable[[int, int], float] = lambda rows, all_rows: rows / all_rows,
    detach: bool = True,
    zeroed: str = "dg",
    forgetful: str = "",
    hasty: str = "",
    uphill: str = "",
    still: str = "",
) -> tuple[Tensor, Tensor]:
    """Networks, real (rows, d), z (rows, k), optimizers, most rows -> two losses.

    The discriminator's loss and the generator's, each as it was before its own step.
    """
    optimizers = {"d": discriminator_optimizer, "g": generator_optimizer}

    def judged(real, z):
        fake = generator(z)
        return d_loss(discriminator(real), discriminator(fake.detach()))

    def undetached(real, z):
        return d_loss(discriminator(real), discriminator(generator(z)))

    def turn(player, loss_of, *batches):
        total, optimizer = 0, optimizers[player]
        for piece in zip(*(batch.split(most) for batch in batches), strict=True):
            if player in forgetful:
                optimizer.zero_grad()
            loss = share(len(piece[0]), len(z)) * loss_of(*piece)
            (-loss if player in uphill else loss).backward()
            total += loss.detach()
            if player in hasty:
                optimizer.step()
        if player not in hasty + still:
            optimizer.step()
        return total

    for player in zeroed:
        optimizers[player].zero_grad()
    first = turn("d", judged if detach else undetached, real, z)
    return first, turn("g", lambda z: g_loss(discriminator(generator(z))), z)


def _simultaneous(generator, discriminator, real, z, g_optimizer, d_optimizer, most):
    """Both gradients from the same state, and then both steps."""
    for optimizer in (g_optimizer, d_optimizer):
        optimizer.zero_grad()
    totals = [0, 0]
    for some, points in zip(real.split(most), z.split(most), strict=True):
        logits = discriminator(generator(points))
        losses = _d_loss(discriminator(some), logits), _g_loss(logits)
        for place, network in enumerate((discriminator, generator)):
            loss = len(points) / len(z) * losses[place]
            loss.backward(retain_graph=True, inputs=list(network.parameters()))
            totals[place] += loss.detach()
    d_optimizer.step()
    g_optimizer.step()
    return totals


class _Cramped(nn.Sequential):
    """A network on a small machine.

    Args:
        most: rows that fit at a time.
        *layers: called one after the other.
    """

    def __init__(self, most: int, *layers: nn.Module) -> None:
        super().__init__(*layers)
        self.most = most

    def forward(self, x: Tensor) -> Tensor:
        if len(x) > self.most:
            raise MemoryError(f"{self.most} rows fit at a time, and {len(x)} came.")
        return super().forward(x)


def _make_sure(discriminator, real, most, sure):
    """Make logits larger, and shift them: of some real rows they stay below zero."""
    last = discriminator[-1]
    last.weight.data *= sure
    logits = torch.cat([discriminator(some) for some in real.split(most)])
    last.bias.data -= logits.mean().detach()


def _layers_between(inputs, hidden, outputs):
    return nn.Linear(inputs, hidden), nn.Tanh(), Halved(), nn.Linear(hidden, outputs)


def _game(rng, rows, most, sure=1):
    """Two networks with gradients of an earlier step, rows, and two optimizers."""
    sizes = (2, 4, 3), (3, 4, 1)
    networks = [set_weights(_Cramped(most, *_layers_between(*s)), rng) for s in sizes]
    for network in networks:
        with_gradients(network, rng)
    real, z = tensor(rng.normal(size=(rows, 3))), tensor(rng.normal(size=(rows, 2)))
    if sure > 1:
        _make_sure(networks[1], real, most, sure)
    optimizers = [SGD(n.parameters(), lr=0.3, momentum=0.5) for n in networks]
    words = f"two small networks, {rows} rows of which {most} fit"
    words += ", logits of some hundreds" * (sure > 1)
    return words, *networks, real, z, *optimizers, most


check_step_in_pieces = Exercise(
    step_in_pieces,
    "One network, one batch: gradients of all pieces are added up. Then one step.",
    _game,
    cases=((10, 4), (6, 3), (5, 8), (3, 1), (6, 4, SURE)),
    gives=("the discriminator's loss", "the generator's loss"),
    slips={
        "Neither network may see all rows: tensors have a method split.": (
            _with(step_in_pieces, most=1_000)
        ),
        "Is the last piece as long as the others? Each row counts the same.": (
            # 10 rows in pieces of 4: a third for each
            partial(step_in_pieces, share=lambda rows, n: 1 / max(1, -(-n // 4)))
        ),
        "A mean over all rows is no sum of the means of pieces.": (
            partial(step_in_pieces, share=lambda rows, n: 1)
        ),
        "Which of the two does the discriminator want to call real?": (
            partial(step_in_pieces, d_loss=lambda r, f: _d_loss(f, r))
        ),
        "A mean over real rows and a mean over fake rows are added: no half.": (
            partial(step_in_pieces, d_loss=lambda r, f: _d_loss(r, f) / 2)
        ),
        "A mean over the rows, not a sum.": (
            partial(step_in_pieces, share=lambda rows, n: rows)
        ),
        "A sigmoid of 200 is 1, and the logarithm of 1 - 1 is endless: softplus has no "
        "such step.": partial(step_in_pieces, d_loss=_by_sigmoid),
        "That loss is flat where the discriminator is sure. Which one is not?": (
            partial(step_in_pieces, g_loss=lambda f: logsigmoid(-f).mean())
        ),
        "That is what the discriminator minimizes: what should the generator call its "
        "fakes?": partial(step_in_pieces, g_loss=lambda f: -logsigmoid(-f).mean()),
        "The generator meets the new discriminator: those are its old logits.": (
            _simultaneous
        ),
        "It went uphill.": tuple(partial(step_in_pieces, uphill=who) for who in "dg"),
        "It has not moved. Do gradients arrive, and who calls step()?": (
            tuple(partial(step_in_pieces, still=who) for who in "dg")
        ),
        "One step for all pieces, not one for each.": (
            tuple(partial(step_in_pieces, hasty=who) for who in ("d", "g", "dg"))
        ),
        "What earlier pieces left in .grad is part of the sum: when is it cleared?": (
            tuple(partial(step_in_pieces, forgetful=who) for who in ("d", "g", "dg"))
        ),
        "The gradients of an earlier step lie there still, and were added.": (
            tuple(partial(step_in_pieces, zeroed=who) for who in "dg")
        ),
        "The discriminator's backward has reached the generator's weights.": (
            partial(step_in_pieces, detach=False)
        ),
        "Gradients of an earlier step, and those of the other's loss, were added.": (
            partial(step_in_pieces, zeroed="d", detach=False)
        ),
    },
)


def _squared_length(slopes):
    return slopes.square().flatten(1).sum(1)


def noise_penalty(
    discriminator: nn.Module,
    real: Tensor,
    gamma: float,
    sigma: Tensor,
    measured: Callable[[Tensor, Tensor], Tensor] = lambda slopes, sigma: (
        slopes * sigma[:, None]
    ),
    size: Callable[[Tensor], Tensor] = _squared_length,
) -> Tensor:
    """discriminator, real (rows, channels, samples), gamma, sigma (channels,) -> loss.

    A number with a graph.
    """
    x = real.clone().requires_grad_()
    (slopes,) = torch.autograd.grad(discriminator(x).sum(), x, create_graph=True)
    return gamma / 2 * size(measured(slopes, sigma)).mean()


def _by_backward(discriminator, real, *numbers):
    discriminator(real).sum().backward()
    return noise_penalty(discriminator, real, *numbers)


def _clearing(discriminator, *inputs):
    penalty = noise_penalty(discriminator, *inputs)
    discriminator.zero_grad()
    return penalty


def _in_weights(discriminator, real, gamma, sigma):
    logit = discriminator(real).sum()
    weights = list(discriminator.parameters())
    slopes = torch.autograd.grad(logit, weights, create_graph=True)
    return gamma / 2 * sum(slope.square().sum() for slope in slopes)


def _signals(rng, rows, channels, samples):
    real, gamma = rng.normal(size=(rows, channels, samples)), rng.uniform(2.5, 5)
    sigma = rng.uniform(0.5, 3, channels) * np.resize([1, 0.2], channels)
    layers = nn.Flatten(), *_layers_between(channels * samples, 5, 1)
    network = with_gradients(set_weights(nn.Sequential(*layers), rng), rng)
    words = f"{rows} rows, {channels} channels, {samples} samples, gamma {gamma:.3g}"
    return words, network, tensor(real), gamma, tensor(sigma)


check_noise_penalty = Exercise(
    noise_penalty,
    "Which gradient, with respect to what? And what does sigma do to its unit?",
    _signals,
    cases=((6, 2, 5), (1, 1, 4), (5, 3, 3)),
    gives="the penalty",
    watch=gradients(),
    slips={
        "Another function of autograd returns gradients and leaves none.": _by_backward,
        "Gradients of an earlier step lie there, and are not yours.": _clearing,
        "The gradient in the samples is wanted, not that in the weights.": _in_weights,
        "gamma stands in front.": _with(noise_penalty, gamma=2.0),
        "Where is sigma? That still changes with the unit.": (
            partial(noise_penalty, measured=lambda slopes, sigma: slopes)
        ),
        "A slope is in logits per volt. Volts divided by volts, or times?": (
            partial(noise_penalty, measured=lambda g, sigma: g / sigma[:, None])
        ),
        "Is what you square free of units?": (
            partial(noise_penalty, measured=lambda g, sigma: g * sigma[:, None].sqrt())
        ),
        "sigma has one value a channel: which axis is that?": (
            partial(noise_penalty, measured=lambda slopes, sigma: slopes * sigma)
        ),
        "Each row's gradient is its own: differentiate a sum of logits.": (
            partial(noise_penalty, size=lambda s: _squared_length(s / len(s)))
        ),
        "The length is squared in R1.": (
            partial(noise_penalty, size=lambda s: _squared_length(s).sqrt())
        ),
        "Over channels and samples the squares are added: a squared length.": (
            partial(noise_penalty, size=torch.square)
        ),
        "Over the rows, R1 is a mean.": (
            partial(noise_penalty, size=lambda s: s.square().sum())
        ),
    },
    changes={
        "gamma / 2 stands in front.": lambda penalty: 2 * penalty,
        "A gradient can be differentiated again if its graph is kept.": torch.detach,
    },
)


def _running_mean(networks, decay):
    """Of all numbers that a network keeps, by their names."""
    mean = dict(networks[0].state_dict())
    for network in networks[1:]:
        new = network.state_dict()
        mean = {name: decay * mean[name] + (1 - decay) * new[name] for name in mean}
    return mean


def _plain_mean(networks, decay):
    states = [network.state_dict() for network in networks]
    return {name: sum(s[name] for s in states) / len(states) for name in states[0]}


def _from_zeros(networks, decay):
    """Like a moment of Adam's, which begins at zero."""
    mean, first = _running_mean(networks, decay), networks[0].state_dict()
    return {name: mean[name] - decay ** len(networks) * first[name] for name in mean}


def finished_average(
    generators: list[nn.Sequential],
    decay: float,
    z: Tensor,
    mean: Callable[..., dict[str, Tensor]] = _running_mean,
    kept: Callable[..., dict[str, Tensor]] = _running_mean,
    momentum: float = 1.0,
) -> nn.Module:
    """generators, decay, z (rows, k) -> a network in evaluation mode."""
    average, running = deepcopy(generators[0]), kept(generators, decay)
    average.load_state_dict(mean(generators, decay))
    average.load_state_dict(
        {name: running[name] for name in running if "running" in name}, strict=False
    )
    for layer in average:
        if isinstance(layer, nn.BatchNorm1d):
            layer.momentum = momentum
    with torch.no_grad():
        average.train()(z)
    return average.eval()


def _with_its_samples(came, *_):
    """A network out of its wrapping, and what it makes of points of the check's own."""
    network = came.module if isinstance(came, AveragedModel) else came
    points = tensor(np.random.default_rng(0).normal(size=(ROWS, 3)))
    with torch.no_grad():
        return network, network(points.to(next(network.parameters()).dtype))


def _average_in_place(generators, *others):
    average = finished_average(generators, *others)
    generators[0].load_state_dict(average.state_dict())
    return average


def _layers():
    first = nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Tanh()
    return nn.Sequential(*first, nn.Linear(4, 2), nn.BatchNorm1d(2))


def _generators(rng, count, decay):
    """Networks with statistics in them as if they had been trained."""
    generators = [set_weights(_layers(), rng) for _ in range(count)]
    for generator in generators:
        for layer in (generator[1], generator[4]):
            layer.running_mean = tensor(rng.normal(size=layer.num_features))
            layer.running_var = tensor(rng.uniform(0.3, 3, layer.num_features))
    words = f"generators: {count}, decay = {decay}, {ROWS} rows of z"
    return words, generators, decay, tensor(rng.normal(size=(ROWS, 3)))


def _kept_by(whose, kept):
    """Slips in which running statistics are not, or not quite, measured."""
    return {
        f"That was kept by {whose}, under other weights: measure anew.": (
            partial(finished_average, kept=kept, momentum=0.0)
        ),
        f"Nine tenths are still those of {whose}: PyTorch's momentum is 0.1.": (
            partial(finished_average, kept=kept, momentum=0.1)
        ),
    }


check_finished_average = Exercise(
    finished_average,
    "Weights are averaged. What batch normalization keeps is measured: with z.",
    _generators,
    cases=((4, 0.7), (9, 0.8), (1, 0.9)),
    gives=("the average", "its samples"),
    # a variance may be over n or over n - 1
    rtol={f"the average, {layer}.running_var": 2 / ROWS for layer in (1, 4)},
    # ninety questions: 0.032 off for that reason, 0.12 and more with other layers (3)
    atol={"its samples": 0.1},
    look=_with_its_samples,
    refuse={
        "a Module is wanted.": lambda came, *_: not isinstance(came, nn.Module),
        "the average, or a layer of it, came in training mode.": (
            lambda came, *_: any(layer.training for layer in came.modules())
        ),
    },
    slips={
        "decay is the share of the old mean that a step keeps.": (
            lambda g, decay, z: finished_average(g, 1 - decay, z)
        ),
        "Later generators count more than earlier ones.": (
            partial(finished_average, mean=_plain_mean)
        ),
        "That is the last generator.": (
            lambda g, decay, z: finished_average(g[-1:], decay, z)
        ),
        "That is the first generator.": (
            lambda g, decay, z: finished_average(g[:1], decay, z)
        ),
        "The mean begins with the first generator, not with zeros.": (
            partial(finished_average, mean=_from_zeros)
        ),
        "Begin with a copy: copy.deepcopy makes one of a network.": _average_in_place,
    }
    | _kept_by("the last generator", lambda g, decay: g[-1].state_dict())
    | _kept_by("the first generator", lambda g, decay: g[0].state_dict())
    | _kept_by("generators of other moments", _running_mean)
    | _kept_by("a fresh layer", lambda g, decay: _layers().state_dict()),
    changes={
        "A sample should not depend on the others of its batch.": (
            lambda average: average.train()
        ),
        "Layers without weights belong to the network, too.": (
            lambda average: nn.Sequential(*average[:2], nn.ReLU(), *average[3:]).eval()
        ),
    },
)


@examination(
    "fit_pulses",
    "Draw twenty of your pulses beside twenty real ones, every 100 steps.",
    seconds=20,
)
def check_fit_pulses(ask: Ask) -> None:
    """Pulses x (n, 1, 16), z (m, 4), seed -> what the generator makes of z, as x."""
    judge_pulses(ask)
