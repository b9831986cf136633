"""Support package of the course on deep generative models.

Nothing heavy is imported here; take what you need from where it is defined:

    budget      how much work a cell does: smoke, lecture or full
    records     what a run leaves behind: histories, checkpoints, recorded results
    data        digits and mixtures as NumPy arrays, and what counts as images
    weights     trained weights that ship with the package, and their cards
    exact       closed forms in float64, against which everything else is held
    metrics     how good samples are, with the noise floor of each score
    pytorch     models, losses and trainers in PyTorch
    tfkeras     the same in Keras 3 on TensorFlow: the same files, the same names
    figures     arrays or a History in, a matplotlib Figure out
    widgets     sliders over figures
    checks      what judges the exercises

`python -m course_utils` prints what this machine has.
"""
