"""The losses of a GAN, on tensors.

A discriminator gives logits: log D(x) - log(1 - D(x)) of the probability D(x) that x is
real. Losses are in nats, means over a batch.
"""

import tensorflow as tf
from keras import ops


def discriminator_loss(real_logits: tf.Tensor, fake_logits: tf.Tensor) -> tf.Tensor:
    """The cross-entropy -E log D(real) - E log(1 - D(fake)); ln 4 where D is 1/2.

    Goodfellow et al., 2014, https://arxiv.org/abs/1406.2661. Written with softplus, so
    that it is finite for any logit.
    """
    return ops.mean(ops.softplus(-real_logits)) + ops.mean(ops.softplus(fake_logits))


def generator_loss(fake_logits: tf.Tensor, kind: str = "non_saturating") -> tf.Tensor:
    """What the generator minimizes, from the discriminator's logits of its samples.

    Args:
        fake_logits: any shape.
        kind: "non_saturating", -E log D(fake), as everyone trains; or "saturating",
            E log(1 - D(fake)), the generator's part of the zero-sum game, whose
            gradient vanishes where the discriminator is sure (section 3 of the same).

    Raises:
        ValueError: another kind.
    """
    if kind == "non_saturating":
        return ops.mean(ops.softplus(-fake_logits))
    if kind == "saturating":
        return -ops.mean(ops.softplus(fake_logits))
    raise ValueError(f'kind is {kind!r}; it must be "non_saturating" or "saturating".')
