"""The exercises on lesson 8: the layers and the step of a DCGAN in Keras."""

import math
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf
from keras import layers, ops
from scipy.stats import wasserstein_distance

from course_utils.checks.calls import Array
from course_utils.checks.examination import Ask, examination
from course_utils.checks.exercise import Exercise, plainly
from course_utils.checks.keras_tools import compiled, set_weights, tensor
from course_utils.checks.seeds import ask_for_other_seeds

RATES = 0.2, 0.3  # of the generator, of the discriminator
LATENT, SAMPLE, WIDTH = 2, 3, 4  # numbers of a latent point, of a sample, of a layer
SURE = 100  # times as large logits
COMPILED = 4  # rows of the question for which a step is compiled


def count_numbers(
    kernel: int, inputs: int, outputs: int, norm: bool
) -> tuple[int, int]:
    """Sizes -> trained numbers, untrained numbers."""
    parts = [layers.Conv2DTranspose(outputs, kernel, use_bias=not norm)]
    parts += [layers.BatchNormalization()] * norm
    network = keras.Sequential([keras.Input((5, 5, inputs)), *parts])
    trained = sum(math.prod(weight.shape) for weight in network.trainable_weights)
    return trained, network.count_params() - trained


def _sizes(rng, norm):
    kernel, inputs, more = map(int, rng.integers((2, 2, 1), (6, 11, 6)))
    outputs = inputs + more
    words = f"kernel {kernel}, {inputs} to {outputs} channels, norm {norm}"
    return words, kernel, inputs, outputs, norm


check_count_numbers = Exercise(
    count_numbers,
    "Count by kind: kernel, bias, gamma and beta, running averages.",
    _sizes,
    cases=(False, True, True),
    gives=("what is trained", "what is not trained"),
    slips={
        "A kernel of an image has two sides.": (
            lambda k, i, o, norm: count_numbers(1, k * i, o, norm)
        ),
        "A bias belongs to a channel that is put out.": (
            lambda k, i, o, norm: (k * k * i * o + i, 0)
        ),
        "In front of a batch normalization a bias is wasted.": (
            lambda k, i, o, norm: (k * k * i * o + (3 if norm else 1) * o, 2 * o * norm)
        ),
        "What else does such a layer learn? It is more than a kernel.": (
            lambda k, i, o, norm: (k * k * i * o, 2 * o * norm)
        ),
        "Averages of what? There is no batch normalization.": (
            lambda k, i, o, norm: (count_numbers(k, i, o, norm)[0], 2 * o)
        ),
    },
    changes={
        "Running averages are not trained.": lambda t, u: (t + u, u),
        "A channel has two running averages.": lambda t, u: (t, u / 2),
        "Gamma and beta are trained.": lambda t, u: (t, 2 * u),
    },
)


def fold(
    kernel: tf.Tensor,
    gamma: tf.Tensor,
    beta: tf.Tensor,
    moving_mean: tf.Tensor,
    moving_variance: tf.Tensor,
    epsilon: float,
    gain: Callable[..., Any] = lambda g, v, e: g / (v + e) ** 0.5,
    offset: Callable[..., Any] = lambda b, m, gain: b - m * gain,
    axis: int = 2,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Kernel (height, width, out, in), four of (out,), epsilon -> kernel, bias (out,).

    A transposed convolution without a bias and the batch normalization behind it, with
    running averages, in one transposed convolution.
    """
    factor = gain(gamma, moving_variance, epsilon)
    shape = [-1 if place == axis else 1 for place in range(4)]
    return kernel * ops.reshape(factor, shape), offset(beta, moving_mean, factor)


def _layers(rng, height, width, outputs, inputs):
    """A kernel, gamma, beta, averages, and an epsilon that is not too small to see."""
    kernel = rng.normal(0, 1, (height, width, outputs, inputs))
    gamma, beta, mean = rng.normal((1, 0, 1), 0.5, (outputs, 3)).T
    variance = rng.uniform(0.3, 0.8, outputs)
    epsilon = float(rng.uniform(0.1, 0.5))
    words = f"a kernel of shape {kernel.shape}, epsilon {epsilon:.3g}"
    return words, *map(tensor, (kernel, gamma, beta, mean, variance)), epsilon


check_fold = Exercise(
    fold,
    "Write down both layers for one output channel. What multiplies, what is added?",
    _layers,
    # As many channels go in as out: wrong axes give wrong numbers, and no error.
    cases=((3, 2, 4, 4), (5, 5, 3, 2), (1, 4, 1, 6)),
    gives=("the kernel", "the bias"),
    slips={
        "Which axis of a transposed convolution's kernel holds what is put out?": (
            partial(fold, axis=3)
        ),
        "Where does epsilon stand: under the root or beside it?": (
            partial(fold, gain=lambda g, v, e: g / (v**0.5 + e))
        ),
        "The variance lacks its epsilon.": (
            partial(fold, gain=lambda g, v, e: g / v**0.5)
        ),
        "A variance is divided by; what has the unit of a map?": (
            partial(fold, gain=lambda g, v, e: g / (v + e))
        ),
        "Gamma belongs to the factor.": (
            partial(fold, gain=lambda g, v, e: 1 / (v + e) ** 0.5)
        ),
        "Is the mean taken off before the factor, or after it?": (
            partial(fold, offset=lambda b, m, gain: b - m)
        ),
        "The mean is not taken off yet.": partial(fold, offset=lambda b, m, gain: b),
        "With which sign does the mean come?": (
            partial(fold, offset=lambda b, m, gain: b + m * gain)
        ),
        "Beta is added behind the factor.": (
            partial(fold, offset=lambda b, m, gain: (b - m) * gain)
        ),
    },
)


def _but_channels(h):
    return list(range(len(h.shape) - 1))


def update_averages(
    h: tf.Tensor,
    moving_mean: tf.Tensor,
    moving_variance: tf.Tensor,
    momentum: float,
    axes: Callable[..., Any] = _but_channels,
    spread: Callable[..., Any] = lambda h, variance: variance,
    fades: bool = True,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Maps h (rows, ..., channels), two of (channels,), momentum -> the new two."""
    mean, variance = tf.nn.moments(h, axes(h))
    kept, share = momentum if fades else 1.0, 1 - momentum
    new_variance = kept * moving_variance + share * spread(h, variance)
    return kept * moving_mean + share * mean, new_variance


def _divided_by_one_less(h, variance):
    count = math.prod(h.shape[:-1])
    return variance * count / (count - 1)


def _averages(rng, *shape):
    """Maps whose mean and variance are far from both averages."""
    mean, variance = rng.normal(1, 0.5, shape[-1]), rng.uniform(0.3, 0.8, shape[-1])
    h, mean, variance = map(tensor, (rng.normal(-1, 2, shape), mean, variance))
    momentum = float(rng.uniform(0.6, 0.9))
    return f"h of shape {shape}, momentum {momentum:.3g}", h, mean, variance, momentum


check_update_averages = Exercise(
    update_averages,
    "What should a momentum of 1 do, and one of 0? Which axes are averaged?",
    _averages,
    cases=((5, 3), (1, 2, 2, 4), (3, 2, 3, 2), (4, 6, 2)),
    gives=("the mean", "the variance"),
    slips={
        "A momentum of 0.99 keeps 99 % of the old.": (
            lambda h, m, v, s: update_averages(h, m, v, 1 - s)
        ),
        "The old average is remembered as well.": (
            lambda h, m, v, s: update_averages(h, m, v, 0.0)
        ),
        "The old one fades by as much as the new one comes in.": (
            partial(update_averages, fades=False)
        ),
        "One mean a channel, over images and places.": (
            partial(update_averages, axes=lambda h: [0])
        ),
        "Keras divides by the number of values, not by one less.": (
            partial(update_averages, spread=_divided_by_one_less)
        ),
        "A variance is kept, no standard deviation.": (
            partial(update_averages, spread=lambda h, variance: variance**0.5)
        ),
    },
)


def count_stamps(n: int, kernel: int, stride: int) -> Array:
    """Whole numbers -> ((n - 1) * stride + kernel,)."""
    return _stamped(np.ones(n), kernel, stride)


def _stamped(values, kernel, stride):
    """What a kernel of ones makes of a line of values."""
    spread = np.zeros((len(values) - 1) * stride + 1)
    spread[::stride] = values
    return np.convolve(spread, np.ones(kernel))


def _stamps(rng, n, kernel, stride):
    """These, or any if there are no stamps."""
    if not n:
        n, more, stride = map(int, rng.integers((2, 0, 2), (9, 4, 5)))
        kernel = stride + more
    return f"n = {n}, kernel {kernel}, stride {stride}", n, kernel, stride


check_count_stamps = Exercise(
    count_stamps,
    "Stamp i begins at pixel i * stride. Draw two stamps on squared paper.",
    _stamps,
    cases=((4, 5, 2), (1, 3, 2), (0, 0, 0)),
    gives="the stamps",
    slips={
        "Kernel and stride have changed places.": lambda n, k, s: count_stamps(n, s, k),
        "Nothing is cropped here: the last stamp ends inside the line.": (
            lambda n, k, s: count_stamps(n, k, s)[(k - s) // 2 :][: n * s]
        ),
        "Is the next stamp one pixel further, or a stride?": (
            lambda n, k, s: count_stamps(n, k, 1)
        ),
    },
    changes={
        "Where stamps overlap they are added.": lambda stamps: np.minimum(stamps, 1),
    },
)


def gan_step(
    generator: keras.Model,
    discriminator: keras.Model,
    real: tf.Tensor,
    z: tf.Tensor,
    generator_optimizer: keras.Optimizer,
    discriminator_optimizer: keras.Optimizer,
    smoothing: float,
    *,
    d_loss: Callable[..., Any] = lambda real, fake, s: (
        _loss(real, 1 - s) + _loss(fake, 0)
    ),
    g_loss: Callable[..., Any] = lambda fake, s: _loss(fake, 1),
    training: tuple[bool, bool] = (True, True),
    followed: Callable[..., Any] = lambda of_d, of_g: (of_d, of_g),
    moved: tuple[bool, bool] = (True, True),
) -> tuple[tf.Tensor, tf.Tensor]:
    """Networks, real (rows, 3), z (rows, 2), optimizers, smoothing -> D's loss, G's.

    The discriminator is to call a real sample real with probability 1 - smoothing.
    """
    with tf.GradientTape(persistent=True) as tape:
        fake = discriminator(generator(z, training=training[0]), training=training[1])
        of_d = d_loss(discriminator(real, training=training[1]), fake, smoothing)
        of_g = g_loss(fake, smoothing)
        losses = followed(of_d, of_g)
    weights = discriminator.trainable_variables, generator.trainable_variables
    slopes = [tape.gradient(*pair) for pair in zip(losses, weights, strict=True)]
    optimizers = discriminator_optimizer, generator_optimizer
    for place in (0, 1):
        if moved[place]:
            optimizers[place].apply(slopes[place], weights[place])
    return of_d, of_g


def _loss(logits, label):
    labels = label * ops.ones_like(logits)
    return ops.mean(tf.nn.sigmoid_cross_entropy_with_logits(labels, logits))


def _by_sigmoid(real, fake, smoothing):
    real, fake = ops.sigmoid(real), ops.sigmoid(fake)
    on_real = (1 - smoothing) * ops.log(real) + smoothing * ops.log(1 - real)
    return -ops.mean(on_real) - ops.mean(ops.log(1 - fake))


def _in_turns(*arguments):
    of_d, _ = gan_step(*arguments, moved=(True, False))
    _, of_g = gan_step(*arguments, moved=(False, True))
    return of_d, of_g


def _in_turns_with_early_losses(*arguments):
    losses = gan_step(*arguments, moved=(False, False))
    _in_turns(*arguments)
    return losses


def _followed(*losses):
    """Steps down other losses than their own, of both losses in turn."""
    return tuple(partial(gan_step, followed=pair) for pair in losses)


class _Halved(layers.Layer):
    """Works otherwise in training, as dropout does, but without chance."""

    def call(self, h: Any, training: bool = False) -> Any:
        return h / 2 if training else h


@cache
def _networks():
    """A generator with batch normalization, a discriminator with a tame dropout.

    With a momentum of 1 the running averages stay, so fakes may be drawn twice.
    """
    norm = layers.BatchNormalization(momentum=1.0)
    drawing = [layers.Dense(WIDTH, use_bias=False), norm, layers.LeakyReLU()]
    judging = [layers.Dense(WIDTH), _Halved(), layers.LeakyReLU(), layers.Dense(1)]
    return (
        keras.Sequential([keras.Input((LATENT,)), *drawing, layers.Dense(SAMPLE)]),
        keras.Sequential([keras.Input((SAMPLE,)), *judging]),
    )


def _game(rng, rows, smoothing, sure=1):
    """Networks, samples, latent points, an optimizer of each network, a smoothing."""
    networks = [set_weights(network, rng) for network in _networks()]
    optimizers = [keras.optimizers.SGD(rate) for rate in RATES]
    for network, optimizer in zip(networks, optimizers, strict=True):
        # A step that is compiled could not make the optimizer's variables.
        optimizer.build(network.trainable_variables)
    real, z = rng.normal(1, 1, (rows, SAMPLE)), rng.normal(size=(rows, LATENT))
    if sure > 1:
        _make_sure(networks[1], real, sure)
    words = f"{rows} real samples, {rows} latent points, smoothing {smoothing}"
    words += ", compiled" * (rows == COMPILED)
    words += ", logits of some hundreds" * (sure > 1)
    return words, *networks, tensor(real), tensor(z), *optimizers, smoothing


def _make_sure(discriminator, real, sure):
    """Make logits larger, and shift them: of some real rows they stay below zero."""
    kernel, bias = discriminator.layers[-1].weights
    kernel.assign(sure * kernel)
    bias.assign_sub([float(ops.mean(discriminator(tensor(real), training=True)))])


def _plain_or_compiled(call, arguments):
    watch = compiled if len(arguments["real"]) == COMPILED else plainly
    return watch(call, arguments)


HALVES = "It learns from real samples and from fakes. Do both halves count?"
check_gan_step = Exercise(
    gan_step,
    "One pass, two tapes; to each network its own loss, weights and optimizer.",
    _game,
    cases=((5, 0.2), (COMPILED, 0.1), (6, 0.3, SURE)),
    gives=("the discriminator's loss", "the generator's loss"),
    watch=_plain_or_compiled,
    refuse={
        "for each loss a Tensor is wanted: a compiled step has no numbers yet.": (
            lambda losses, *_: (
                isinstance(losses, tuple | list) and not all(map(tf.is_tensor, losses))
            )
        ),
    },
    slips={
        "While it learns, a generator normalizes by its batch: training=True.": (
            partial(gan_step, training=(False, True))
        ),
        "While it learns, a discriminator drops out: training=True.": (
            partial(gan_step, training=(True, False))
        ),
        "Tell both networks that they learn: training=True.": (
            partial(gan_step, training=(False, False))
        ),
        "A sigmoid of 200 is 1, and the logarithm of 1 - 1 is endless: softplus has no "
        "such step.": partial(gan_step, d_loss=_by_sigmoid),
        "Both move at once: take the generator's slopes before the discriminator "
        "moves.": (_in_turns, _in_turns_with_early_losses),
        HALVES: partial(gan_step, d_loss=lambda real, fake, s: _loss(real, 1 - s)),
        "Who is to be called real, who fake? Softplus of which logit is which?": (
            partial(
                gan_step,
                d_loss=lambda real, fake, s: _loss(real, s) + _loss(fake, 1),
            )
        ),
        "A real sample's label is not 1 here.": (
            partial(
                gan_step, d_loss=lambda real, fake, s: _loss(real, 1) + _loss(fake, 0)
            )
        ),
        "A label of 1 - smoothing has a logit on both sides: real and fake.": partial(
            gan_step,
            d_loss=lambda real, fake, s: (1 - s) * _loss(real, 1) + _loss(fake, 0),
        ),
        "The smoothing is one-sided: fakes keep the label 0.": (
            partial(
                gan_step,
                d_loss=lambda real, fake, s: _loss(real, 1 - s) + _loss(fake, s),
            )
        ),
        "The smoothing is the discriminator's alone.": (
            partial(gan_step, g_loss=lambda fake, s: _loss(fake, 1 - s))
        ),
        "That is the saturating loss, flat where D finds fakes out.": (
            partial(gan_step, g_loss=lambda fake, s: -_loss(fake, 0))
        ),
        "That is what the discriminator wants of fakes. And the generator?": (
            partial(gan_step, g_loss=lambda fake, s: _loss(fake, 0))
        ),
        "It followed the generator's loss. Which tape was asked?": _followed(
            lambda of_d, of_g: (of_g, of_g)
        ),
        "It followed the discriminator's loss. Which tape was asked?": _followed(
            lambda of_d, of_g: (of_d, of_d)
        ),
        "It followed both losses. Each network has one.": _followed(
            lambda of_d, of_g: (of_d + of_g, of_d + of_g)
        ),
    },
    changes={
        "Two means are added. What is their sum where D is 1/2?": (
            lambda of_d, of_g: (of_d / 2, of_g)
        ),
    },
)


def contrast(deconvolutions: int = 2, sides: int = 2) -> float:
    """A number: most stamps over fewest, inside an image after two layers."""
    line = np.ones(40)
    for _ in range(deconvolutions):
        line = _stamped(line, 5, 2)
    inside = line[len(line) // 4 : -len(line) // 4]
    return (inside.max() / inside.min()) ** sides


check_contrast = Exercise(
    contrast,
    "A pixel of the second layer adds pixels of the first. Let Keras count.",
    rtol=1e-3,
    slips={
        "That is one layer.": partial(contrast, 1),
        "That is a line. An image has two sides.": partial(contrast, sides=1),
        "That is one layer, and a line.": partial(contrast, 1, sides=1),
        "The second layer adds up the unevenness of the first.": (
            partial(contrast, 1, sides=4)
        ),
    },
    changes={"Most over fewest, so it is above 1.": lambda contrast: 1 / contrast},
)


SAMPLES, PULSE_LATENT = 32, 4  # of a pulse, of what it is made from
RECORDED, JUDGED = 4_000, 4_000  # pulses to learn from, pulses to compare with
# Two healthy programs gave 0.03 to 0.17 (heights) and 0.07 to 0.30 (widths), over ten
# seeds each; the floor is 0.03. Sick, two seeds each: 200 steps of 1,500, heights
# 0.75 and 1.03; squared errors in place of a judge, heights 0.58 and 0.65, widths
# 0.85 and 0.65; a judge that never moves or a wrong loss, heights 8 and more; pulses
# of another detector, heights 0.98 and 0.72. The median pulse alone has 0.78 in both.
ENOUGH = {"heights": 0.3, "widths": 0.5}


def pulses(
    rng: np.random.Generator, rows: int, gain: float = 1.0, decay: float = 4.0
) -> npt.NDArray[np.float32]:
    """Pulses of a scintillator, (rows, 32, 1), one sample a nanosecond.

    Args:
        rng: draws them.
        rows: how many.
        gain: the mean amplitude, in volts. Amplitudes have a gamma density.
        decay: the median time in which the light decays, in nanoseconds. From pulse to
            pulse it varies by a quarter.
    """
    amplitude = rng.gamma(9, gain / 9, (rows, 1))
    time = decay * np.exp(rng.normal(0, 0.25, (rows, 1)))
    since = np.maximum(np.arange(SAMPLES) - 6, 0)
    light = amplitude * (np.exp(-since / time) - np.exp(-since))
    noise = rng.normal(0, 0.02 * gain, light.shape)
    return (light + noise).astype(np.float32)[..., None]


def heights_and_widths(x: npt.ArrayLike) -> dict[str, Array]:
    """Of pulses (rows, 32, 1): largest samples, in volts; areas over them, in ns."""
    samples = np.asarray(x, np.float64)[..., 0]
    heights = np.maximum(samples.max(axis=1), 1e-3)
    return {"heights": heights, "widths": samples.sum(axis=1) / heights}


def pulse_networks(seed: int) -> tuple[keras.Model, keras.Model]:
    """A generator and a discriminator of pulses with fresh weights.

    The generator takes z, (rows, 4), and gives (rows, 32, 1); the discriminator takes
    this and gives logits, (rows, 1).
    """
    seeds = iter(range(10 * seed, 10 * seed + 6))

    def start(**more: Any) -> dict[str, Any]:
        return {
            "kernel_initializer": keras.initializers.GlorotUniform(next(seeds))
        } | more

    double = {"kernel_size": 4, "strides": 2, "padding": "same"}
    z, x = keras.Input((PULSE_LATENT,)), keras.Input((SAMPLES, 1))
    h = layers.Dense(8 * 16, use_bias=False, **start())(z)
    h = layers.LeakyReLU(0.3)(layers.BatchNormalization()(h))
    h = layers.Reshape((8, 16))(h)
    h = layers.Conv1DTranspose(16, use_bias=False, **double, **start())(h)
    h = layers.LeakyReLU(0.3)(layers.BatchNormalization()(h))
    drawn = layers.Conv1DTranspose(1, **double, **start())(h)
    h = layers.LeakyReLU(0.3)(layers.Conv1D(16, **double, **start())(x))
    h = layers.LeakyReLU(0.3)(layers.Conv1D(32, **double, **start())(h))
    logit = layers.Dense(1, **start())(layers.Flatten()(h))
    return (
        keras.Model(z, drawn, name="generator"),
        keras.Model(x, logit, name="discriminator"),
    )


def _filled(network, numbers):
    """A network with these weights, all in one row."""
    ends = np.cumsum([weight.size for weight in network.get_weights()])
    parts = zip(np.split(numbers, ends), network.get_weights(), strict=False)
    network.set_weights([part.reshape(weight.shape) for part, weight in parts])
    return network


def _distances(generator, real, rng):
    """W1 of both observables, in standard deviations of the real ones."""
    z = tensor(rng.normal(size=(JUDGED, PULSE_LATENT)))
    drawn = heights_and_widths(generator(z, training=False))
    return {
        what: wasserstein_distance(drawn[what], values) / values.std()
        for what, values in heights_and_widths(real).items()
    }


@examination(
    "train_pulse_gan",
    "Look at heights and widths of your own fakes every hundred steps, as the check "
    "does, with training=False. Do they still come nearer?",
    seconds=20,
)
def check_train_pulse_gan(ask: Ask) -> None:
    """(generator, discriminator, pulses (rows, 32, 1), seed) -> the generator's.

    Its weights come in one row, as get_weights() orders them, with running averages.
    """
    start, seed = map(int, ask.rng.integers(2**27, size=2))
    detector = ask.rng.uniform(0.6, 1.6), ask.rng.uniform(3, 5)
    fresh, _ = pulse_networks(start)  # the answer may move others
    words = "{:,} pulses, gain {:.2f}, decay time {:.2f}".format(RECORDED, *detector)
    recorded = pulses(ask.rng, RECORDED, *detector)

    def trained(seed: int) -> Array:
        value = ask.call(words, *pulse_networks(start), recorded.copy(), seed)
        shapes = {"the generator's weights": (fresh.count_params(),)}
        return ask.arrays(value, shapes)[0]

    numbers = trained(seed)
    before = [weight.numpy() for weight in fresh.non_trainable_weights]
    generator = _filled(fresh, numbers)
    if any(map(np.array_equal, before, generator.non_trainable_weights)):
        ask.fail(
            "the running averages are those of a new layer.",
            "In which mode does batch normalization collect its averages?",
        )
    real = pulses(ask.rng, JUDGED, *detector)
    distances = _distances(generator, real, ask.rng)
    if any(not distances[what] < most for what, most in ENOUGH.items()):
        came = " and ".join(f"{d:.2f} ({what})" for what, d in distances.items())
        most = " and ".join(f"{most:.2f}" for most in ENOUGH.values())
        ask.fail(f"W1 is {came} standard deviations; less than {most} was expected.")
    ask_for_other_seeds(ask, trained, seed, numbers)
