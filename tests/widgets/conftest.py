"""How fast a picture follows a slider, on machines of any speed."""

import io
import time

import matplotlib.pyplot as plt
import numpy as np
import pytest


def _plain_picture():
    """Two panels with a line each, as PNG."""
    figure, panels = plt.subplots(1, 2, figsize=(9, 4.5))
    for axes in panels:
        axes.plot(np.arange(100))
        axes.set(title="plain", xlabel="x", ylabel="y")
    figure.savefig(io.BytesIO(), format="png")
    plt.close(figure)


@pytest.fixture
def redraw_in_plain_pictures():
    """Seconds of computing for a redraw over those for a plain picture, in turns.

    A busy neighbour or a slow processor lengthens both. All redraws took 1.0 to 1.3
    plain pictures when this was written; fitting the margins anew at each redraw would
    double them.
    """

    def ratio(control, places):
        seconds = []
        for place in places:
            start = time.process_time()
            control.value = place
            middle = time.process_time()
            _plain_picture()
            seconds.append((middle - start, time.process_time() - middle))
        redraw, plain = np.median(seconds, axis=0)
        return redraw / plain

    return ratio
