"""Models, losses and trainers in Keras 3 on TensorFlow, under the names of `pytorch`.

The files are the same too, but for `batches`: Keras's own shuffling mixes a global seed
into the one that it is given. Whichever is imported, TensorFlow starts here first,
without its start-up noise.
"""

import course_utils.tfkeras.device  # noqa: F401
