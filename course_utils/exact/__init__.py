"""The oracle: closed forms in float64 that everything else is held against.

divergences      between normal distributions
linear_gaussian  the model whose evidence, posterior and ELBO are known
estimators       variances of gradients, importance weighting and its gap
games            generators against discriminators
boltzmann        a machine whose partition function is a sum over hidden states
ising            spins on a square lattice, finite and infinite
chain            the transverse-field Ising chain: levels, correlations, H psi
diffusion        a mixture on its way to noise: score, least loss, bound
conditions       what arguments must be

Information is in nats.
"""
