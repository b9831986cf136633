"""Models, losses and trainers in PyTorch.

networks      encoders and decoders, generators and discriminators
formulas      the terms of the ELBO
models        VAEs put together
vae           the ELBO and its tighter kin, training; hands on the names above
gan_formulas  losses and penalties of a GAN
gan           one step of the game, training; hands on the formulas
remedies      steps and a recipe against mode collapse
runtime       devices, seeds, layouts, shipped weights, tables of layers
"""
