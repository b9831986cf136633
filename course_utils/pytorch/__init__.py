"""Models, losses and trainers in PyTorch.

networks    encoders and decoders
formulas    the terms of the ELBO
models      VAEs put together
vae         the ELBO and its tighter kin, training; hands on the names above
runtime     devices, seeds, layouts, shipped weights, tables of layers
"""
