"""The exercises on lesson 9: what PyTorch does otherwise, its step, and an average."""

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

from course_utils.checks.exercise import Exercise
from course_utils.checks.torch_tools import gradients, set_weights, tensor

ROWS = 300  # with which an average is finished
KEEP = 0.999  # of the average in the last exercise


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
    """Of some rows in training mode, and of others after that in evaluation mode."""
    rng = np.random.default_rng(features)
    x, fresh = map(tensor, rng.normal(0.05, 0.1, (2, 40, features)))
    return block.train()(x), block.eval()(fresh)


check_keras_block = Exercise(
    keras_block,
    "Two layers, in that order. Which settings have you left to PyTorch?",
    _settings,
    cases=(1, 3),
    gives=("the output in training mode", "that of other rows in evaluation mode"),
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


def _g_loss(on_fake):
    return -logsigmoid(on_fake).mean()


def alternating_step(
    generator: nn.Module,
    discriminator: nn.Module,
    real: Tensor,
    z: Tensor,
    generator_optimizer: Optimizer,
    discriminator_optimizer: Optimizer,
    d_loss: Callable[[Tensor, Tensor], Tensor] = _d_loss,
    g_loss: Callable[[Tensor], Tensor] = _g_loss,
    detach: bool = True,
    zeroed: str = "dg",
    uphill: str = "",
    steps: str = "dg",
) -> tuple[Tensor, Tensor]:
    """Both networks, real (rows, d), z (rows, k), both optimizers -> two losses.

    The discriminator's loss and the generator's, each as it was before its own step.
    """
    optimizers = {"d": discriminator_optimizer, "g": generator_optimizer}

    def turn(player, loss):
        (-loss if player in uphill else loss).backward(retain_graph=True)
        for _ in range(steps.count(player)):
            optimizers[player].step()
        return loss

    for player in zeroed:
        optimizers[player].zero_grad()
    fake = generator(z)
    judged = fake.detach() if detach else fake
    first = turn("d", d_loss(discriminator(real), discriminator(judged)))
    return first, turn("g", g_loss(discriminator(fake)))


def _simultaneous(
    generator, discriminator, real, z, *optimizers, apart=True, told_anew=False
):
    """One step of both, in which losses may reach the other's weights."""
    fake = generator(z)
    logits = discriminator(fake)
    losses = [_d_loss(discriminator(real), logits), _g_loss(logits)]
    for optimizer in optimizers:
        optimizer.zero_grad()
    for loss, network in zip(losses, (discriminator, generator), strict=True):
        weights = list(network.parameters()) if apart else None
        loss.backward(retain_graph=True, inputs=weights)
    optimizers[1].step()
    if told_anew:
        losses[1] = _g_loss(discriminator(fake))
    optimizers[0].step()
    return losses


def _network(rng, inputs, hidden, outputs):
    layers = nn.Linear(inputs, hidden), nn.Tanh(), nn.Linear(hidden, outputs)
    return set_weights(nn.Sequential(nn.Flatten(), *layers), rng)


def _game(rng, rows):
    """Two networks with gradients of an earlier step, rows, and two optimizers."""
    networks = _network(rng, 2, 4, 3), _network(rng, 3, 4, 1)
    for network in networks:
        for p in network.parameters():
            p.grad = tensor(rng.normal(size=p.shape))
    real, z = tensor(rng.normal(size=(rows, 3))), tensor(rng.normal(size=(rows, 2)))
    optimizers = [SGD(n.parameters(), lr=0.3, momentum=0.5) for n in networks]
    return f"two small networks, {rows} rows", *networks, real, z, *optimizers


check_alternating_step = Exercise(
    alternating_step,
    "The networks give logits. And which weights may d_loss.backward() reach?",
    _game,
    cases=(5, 1),
    gives=("the discriminator's loss", "the generator's loss"),
    slips={
        "Which of the two does the discriminator want to call real?": (
            partial(alternating_step, d_loss=lambda r, f: _d_loss(f, r))
        ),
        "A mean over real rows and a mean over fake rows are added: no half.": (
            partial(alternating_step, d_loss=lambda r, f: _d_loss(r, f) / 2)
        ),
        "A mean over the rows, not a sum.": (
            partial(alternating_step, d_loss=lambda r, f: len(r) * _d_loss(r, f)),
            partial(alternating_step, g_loss=lambda f: len(f) * _g_loss(f)),
        ),
        "The discriminator minimizes. Look at the sign.": (
            partial(alternating_step, d_loss=lambda r, f: -_d_loss(r, f))
        ),
        "That loss is flat where the discriminator is sure. Which one is not?": (
            partial(alternating_step, g_loss=lambda f: logsigmoid(-f).mean())
        ),
        "That is what the discriminator minimizes: what should the generator call its "
        "fakes?": partial(alternating_step, g_loss=lambda f: -logsigmoid(-f).mean()),
        "Ask the discriminator again after its step: those are its old logits.": (
            _simultaneous,
            partial(_simultaneous, told_anew=True),
        ),
        "The generator's loss has left gradients in the discriminator.": (
            partial(_simultaneous, apart=False),
            partial(_simultaneous, apart=False, told_anew=True),
        ),
        "It went uphill.": tuple(partial(alternating_step, uphill=who) for who in "dg"),
        "It has not moved. Do gradients arrive, and who calls step()?": (
            tuple(partial(alternating_step, steps=who) for who in "dg")
        ),
        "One step a call, not two.": (
            tuple(partial(alternating_step, steps=twice) for twice in ("ddg", "dgg"))
        ),
        "The gradients of an earlier step lie there still, and were added.": (
            tuple(partial(alternating_step, zeroed=who) for who in "dg")
        ),
        "d_loss.backward() has reached the generator's weights. Cut it off there.": (
            partial(alternating_step, detach=False)
        ),
        "Gradients of an earlier step, and those of d_loss, were added.": (
            partial(alternating_step, zeroed="d", detach=False)
        ),
    },
)


def _squared_length(slopes):
    return slopes.square().flatten(1).sum(1)


def share_penalty(
    discriminator: nn.Module,
    real: Tensor,
    gamma: float,
    share: float,
    least: int = 1,
    size: Callable[[Tensor], Tensor] = _squared_length,
) -> Tensor:
    """discriminator, real (rows, channels, height, width), gamma, share -> a number."""
    x = real[: max(least, round(share * len(real)))].requires_grad_()
    (slopes,) = torch.autograd.grad(discriminator(x).sum(), x, create_graph=True)
    return gamma / 2 * size(slopes).mean()


def _by_backward(discriminator, real, *numbers):
    discriminator(real).sum().backward()
    return share_penalty(discriminator, real, *numbers)


def _in_weights(discriminator, real, gamma, share):
    logit = discriminator(real[: max(1, round(share * len(real)))]).sum()
    weights = list(discriminator.parameters())
    slopes = torch.autograd.grad(logit, weights, create_graph=True)
    return gamma / 2 * sum(slope.square().sum() for slope in slopes)


def _images(rng, rows, share):
    real, gamma = tensor(rng.normal(size=(rows, 1, 2, 3))), rng.uniform(2.5, 5)
    words = f"{rows} rows, share {share}, gamma {gamma:.3g}"
    return words, _network(rng, 6, 5, 1), real, gamma, share


check_share_penalty = Exercise(
    share_penalty,
    "Cut the rows first. Then: whose gradient, with respect to what?",
    _images,
    cases=((10, 0.3), (12, 0.5), (5, 1.0), (6, 0.05)),
    gives="the penalty",
    watch=gradients(),
    refuse={
        "the weights hold gradients now that the loss did not give them.": (
            lambda penalty, discriminator, *_: any(
                p.grad is not None for p in discriminator.parameters()
            )
        )
    },
    slips={
        "Another function of autograd returns gradients and leaves none.": _by_backward,
        "The gradient in the pixels is wanted, not that in the weights.": _in_weights,
        "gamma stands in front.": _with(share_penalty, gamma=2.0),
        "That is the penalty of the whole batch.": _with(share_penalty, share=1.0),
        "The mean is over the rows that were measured.": (
            lambda d, x, g, s: (
                share_penalty(d, x, g, s) * max(1, round(s * len(x))) / len(x)
            )
        ),
        "A share may be less than one row: measure at least one.": (
            partial(share_penalty, least=0)
        ),
        "Each row's gradient is its own: differentiate a sum of logits.": (
            partial(share_penalty, size=lambda s: _squared_length(s / len(s)))
        ),
        "The length is squared in R1.": (
            partial(share_penalty, size=lambda s: _squared_length(s).sqrt())
        ),
        "Over the pixels the squares are added: a squared length.": (
            partial(share_penalty, size=torch.square)
        ),
        "Over the rows, R1 is a mean.": (
            partial(share_penalty, size=lambda s: s.square().sum())
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
    gives="the average",
    # a variance may be over n or over n - 1
    rtol={f"the average, {layer}.running_var": 2 / ROWS for layer in (1, 4)},
    look=lambda came, *_: came.module if isinstance(came, AveragedModel) else came,
    refuse={
        "the average came in training mode.": (
            lambda average, *_: bool(getattr(average, "training", False))
        )
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
    },
)


def worth(keep: float = KEEP) -> float:
    """A number: how many plain values are as steady as the running mean."""
    weights = (1 - keep) * keep ** np.arange(50 / (1 - keep))
    return 1 / (weights**2).sum()


check_worth = Exercise(
    worth,
    "Of independent terms the variances add, each times its weight squared.",
    rtol=0.02,
    slips={
        "That is the mean's memory. But its values do not count alike.": (
            lambda: 1 / (1 - KEEP)
        ),
        "That is when half is forgotten.": lambda: np.log(0.5) / np.log(KEEP),
    },
    changes={
        "Compare variances, not standard deviations.": np.sqrt,
        "How many values is it worth? Yours is a variance.": lambda worth: 1 / worth,
    },
)
