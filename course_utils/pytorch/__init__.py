"""Models, losses and trainers in PyTorch.

networks      encoders and decoders, generators and discriminators
formulas      the terms of the ELBO
models        VAEs put together
vae           the ELBO and its tighter kin, training; hands on the names above
dcgan         the generator and the discriminator of images
gan_formulas  losses and penalties of a GAN
game          steps of the game, averages, all that a checkpoint holds
gan           training and samples; hands on the formulas and the game
remedies      steps and a recipe against mode collapse
runtime       devices, seeds, layouts, shipped weights, tables of layers
"""
