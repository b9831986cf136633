"""Sliders over pictures; `frame` says how they behave and are tested.

posterior           the bound and the posterior
reparameterization  the trick
latent              a latent plane
games               games of two
digits              walks between digits
"""
