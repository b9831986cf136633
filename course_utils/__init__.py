"""Support package of the course on deep generative models.

Nothing heavy is imported here; take what you need from its module:

    budget      how much work a cell does: smoke, lecture or full
    datasets    MNIST as NumPy arrays: a shipped sample, or all of it
    exact       closed forms in float64, against which everything else is held
    history     the named series of a training run, saved as JSON
    plotting    arrays or a History in, a matplotlib Figure out
    pytorch     models, losses and trainers in PyTorch

`python -m course_utils` prints what this machine has.
"""
