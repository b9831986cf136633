"""How good are these samples? NumPy arrays in, numbers with their noise floor out.

Also a perfect sampler scores worse than perfection when it is given a finite number of
draws. Each score therefore comes with its floor: what a perfect sampler would score on
average with as many samples, and by how much that varies.

bounds      on log p(x): a mean over images with its standard error
modes       points in the plane and on the line
digits      images of digits, as
classifier  sees them
strokes     how they lean, how thick they are
spins       on a lattice: observables
weights     averages over samples with importance weights
series      means of what a Markov chain gave
yardsticks  closed forms that a model of rows should beat
verdicts    what such a comparison says, in words
"""
