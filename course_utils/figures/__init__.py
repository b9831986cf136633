"""Arrays or a History in, a matplotlib Figure out; no framework.

style        colours, letters, mosaics of images
pieces       what diagrams are drawn with
diagrams     models
layers       the layers of a network
histories    the series of a training
densities    bound, prior and posterior
gradients    arrows
latent_maps  latent planes
game_frames  games of two
digit_rows   rows of digits
latent_walks a shell, ways on it, directions
spins        lattices, the sampler of spins, what is measured of both
your_data    somebody's images or rows, and models of them
wave_functions  energies of a chain of spins, their scatter, correlations

Figures are closed before they are returned: a notebook shows one when it is the last
expression of a cell, and nothing is drawn twice.
"""
