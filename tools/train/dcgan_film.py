"""The film of the DCGAN's training: one mosaic of the same latent points per epoch.

    python tools/train/dcgan_film.py

Made from the generators that tools/train/dcgan.py has kept.
"""

from pathlib import Path

import numpy as np
from dcgan import epochs_of, generator_after
from PIL import Image, ImageDraw, ImageFont

from course_utils.figures.style import tile
from course_utils.pytorch.gan import generate
from course_utils.records import RESULTS
from course_utils.records.files import replacing

FILM = RESULTS / "dcgan_film.gif"
SIDE = 8
TITLE = 22  # pixels above the mosaic
GREYS = 16
MILLISECONDS, LAST = 300, 2_000


def frame(epoch: int, z: np.ndarray) -> Image.Image:
    """The mosaic after an epoch, with its number above."""
    images = generate(generator_after("best", epoch), z)
    mosaic = (255 * tile(images, SIDE)).round().astype(np.uint8).squeeze()
    height, width = mosaic.shape
    picture = Image.new("L", (width, height + TITLE), 255)
    picture.paste(Image.fromarray(mosaic), (0, TITLE))
    font = ImageFont.load_default(TITLE - 5)
    ImageDraw.Draw(picture).text((4, 0), f"epoch {epoch}", fill=0, font=font)
    return picture.quantize(GREYS)


def save_film(path: Path = FILM) -> None:
    """Write the GIF, which repeats for ever."""
    z = np.random.default_rng(0).standard_normal((SIDE**2, 100), dtype=np.float32)
    frames = [frame(epoch, z) for epoch in range(1, epochs_of("best") + 1)]
    durations = [MILLISECONDS] * (len(frames) - 1) + [LAST]
    with replacing(path) as temporary:
        first, *others = frames
        first.save(
            temporary,
            "GIF",
            save_all=True,
            append_images=others,
            duration=durations,
            loop=0,
        )


if __name__ == "__main__":
    save_film()
