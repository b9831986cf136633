"""Models, losses and trainers in PyTorch.

networks    encoders and decoders, generators and discriminators
formulas    the terms of the ELBO
models      VAEs put together
vae         the ELBO and its tighter kin, training; hands on the names above
gan         losses, penalties, one step of the game, training
remedies    steps that end mode collapse
runtime     devices, seeds, layouts, shipped weights, tables of layers
"""
