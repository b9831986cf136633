"""Remedies against mode collapse, each a short change to `gan.gan_step`.

Every function here returns a step for `gan.train_gan`. Another remedy needs no step of
its own: `gan.averaged`, a running mean of the generator.
"""

from course_utils.pytorch.gan import (
    Step,
    descend,
    discriminator_loss,
    generator_loss,
    input_gradient,
    zero_centred_penalty,
)


def penalized_step(gamma: float) -> Step:
    """The step with a zero-centred penalty on real and on fake data (R1 and R2).

    Mescheder, Geiger and Nowozin, 2018, https://arxiv.org/abs/1801.04406.

    Args:
        gamma: weight of the penalty, in squared units of the data's length.
    """

    def step(generator, discriminator, real, z, generator_optimizer, d_optimizer):
        fake = generator(z)
        real_logits, real_gradient = input_gradient(discriminator, real)
        fake_logits, fake_gradient = input_gradient(discriminator, fake)
        penalty = zero_centred_penalty(real_gradient)
        penalty = penalty + zero_centred_penalty(fake_gradient)
        d_loss = discriminator_loss(real_logits, fake_logits) + gamma / 2 * penalty
        descend(d_optimizer, d_loss)
        g_loss = generator_loss(discriminator(fake))
        descend(generator_optimizer, g_loss)
        return d_loss.detach(), g_loss.detach()

    return step


def packed_step(samples: int) -> Step:
    """The step of PacGAN: the discriminator judges several samples together.

    Lin et al., 2018, https://arxiv.org/abs/1712.04086.

    Args:
        samples: in a pack; divides the batch. The discriminator's input has so many
            times the data's dimensions.
    """

    def step(generator, discriminator, real, z, generator_optimizer, d_optimizer):
        real, fake = (x.reshape(len(x) // samples, -1) for x in (real, generator(z)))
        d_loss = discriminator_loss(discriminator(real), discriminator(fake.detach()))
        descend(d_optimizer, d_loss)
        g_loss = generator_loss(discriminator(fake))
        descend(generator_optimizer, g_loss)
        return d_loss.detach(), g_loss.detach()

    return step
