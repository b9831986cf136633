"""Support package of the course on deep generative models.

Nothing heavy is imported here; take what you need from its module:

    budget      how much work a cell does: smoke, lecture or full
    datasets    MNIST as NumPy arrays: a shipped sample, or all of it
    exact       closed forms in float64, against which everything else is held
    metrics     how good samples are, with the noise floor of each score
    history     the named series of a training run, saved as JSON
    checkpoints a training run laid down on disk, to be taken up again
    pretrained  trained weights that ship with the package, and their cards
    records     recorded runs, of which the lessons show figures
    latent      ways through a latent space with a normal prior
    plotting    arrays or a History in, a matplotlib Figure out; latent_plots,
                game_plots and digit_plots likewise
    pytorch     models, losses and trainers in PyTorch
    tfkeras     the same in Keras 3 on TensorFlow, under the same names

`python -m course_utils` prints what this machine has.
"""
