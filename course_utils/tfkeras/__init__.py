"""Models, losses and trainers in Keras 3 on TensorFlow, named as in `pytorch`.

    networks    encoders and decoders
    vae         formulas, the ELBO and its tighter kin, the model, training
    dcgan       generator and discriminator
    gan         formulas, the game, training, samples
    bookkeeping what a model needs besides: noise, means over an epoch, a log
    runtime     devices, seeds, shipped weights, tables of layers

Whichever of them is imported, TensorFlow starts here first, without its start-up noise.
"""

from course_utils.tfkeras import runtime

__all__ = ["runtime"]
