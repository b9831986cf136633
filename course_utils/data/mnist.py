"""Handwritten digits as NumPy arrays: a sample that ships, or all of MNIST.

MNIST is by Yann LeCun, Corinna Cortes and Christopher Burges (CC BY-SA 3.0).
"""

import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from course_utils import budget
from course_utils.data.download import fetch
from course_utils.data.images import check_pixels
from course_utils.records.files import replacing

SAMPLE = Path(__file__).parent / "mnist_sample.npz"


FILE_NAME = "mnist.npz"


# The copy that Keras hosts.
URL = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"


# SHA-256 of the arrays' bytes in C order, whatever file they came in.
SHA256 = {
    "x_train": "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757",
    "y_train": "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13",
    "x_test": "6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161",
    "y_test": "ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5",
}


SAMPLE_SHA256 = {
    "x_train": "35829e4621e9ed6b5a05d41a2a1e6965bd477f6e10b25631dd2375c643cd73ca",
    "y_train": "35f2326c4cfd43114d3f78a6e3ad55d92fc4b7d92b435fea53569a204c232e54",
    "x_test": "5e6a434be1b63d173660f6935d4621d7bfe71097609ee4a747e118cb80ae250c",
    "y_test": "7fdfd3daa4039eb1281b07913784507ea5f8e98966ed730d7fcf5d93026d71cd",
}


OFFER = 'load_mnist(source="sample") needs no download.'


@dataclass(frozen=True)
class Images:
    """Images with their labels.

    Attributes:
        x: float32, shape (n, height, width, channels), values in [0, 1].
        y: int64, shape (n,), the class of each image.
        source: where they come from, in words.
    """

    x: npt.NDArray[np.float32]
    y: npt.NDArray[np.int64]
    source: str

    def __len__(self) -> int:
        return len(self.x)


class DataUnavailableError(RuntimeError):
    """No intact copy of the data was found; the message says what was tried."""


def load_mnist(
    split: str = "train", source: str = "sample", limit: int | None = None
) -> Images:
    """Handwritten digits, 28 by 28 pixels, one channel.

    Args:
        split: "train" or "test".
        source: "sample" is 10,000 training and 2,000 test digits that ship with the
            package, equally many of each class. "full" is all of MNIST (60,000 and
            10,000): from the folder COURSE_DATA_DIR (or the file itself), else from
            the user's cache, else downloaded into that cache, unless COURSE_OFFLINE=1.
        limit: keep the first `limit` digits. The order of the sample is random; the
            full test split begins with its neater half.

    Raises:
        ValueError: an unknown split or source, a limit that cannot be met, or a
            COURSE_OFFLINE that is neither yes nor no.
        DataUnavailableError: no intact copy of the data.
    """
    if split not in ("train", "test"):
        raise ValueError(f'split is {split!r}; it must be "train" or "test".')
    if source == "sample":
        arrays, found = _read_sample(), "MNIST, shipped sample"
    elif source == "full":
        arrays, found = _find_full(), "MNIST, all of it"
    else:
        raise ValueError(f'source is {source!r}; it must be "sample" or "full".')
    # Bytes were checked, shapes not: some files hold rows of 784 pixels.
    x, y = arrays[f"x_{split}"].reshape(-1, 28, 28, 1), arrays[f"y_{split}"]
    if limit is not None and not 1 <= limit <= len(x):
        raise ValueError(f"limit is {limit}; this split has {len(x)} digits.")
    x, y = x[:limit], y[:limit]
    return Images(
        x=x.astype(np.float32) / np.float32(255),
        y=y.astype(np.int64),
        source=f"{found}, {split} split",
    )


def binarize(x: npt.NDArray, seed: int) -> npt.NDArray[np.float32]:
    """Each pixel drawn once: 1 with its grey level as the probability, else 0.

    Args:
        x: values in [0, 1], any shape.
        seed: of the draws.

    Raises:
        TypeError, ValueError: no grey levels, as `images.check_pixels`.
    """
    check_pixels(x)
    uniform = np.random.default_rng(seed).random(x.shape, dtype=np.float32)
    return (uniform < x).astype(np.float32)


def sha256_of(array: npt.NDArray) -> str:
    """SHA-256 of an array's bytes in C order."""
    return hashlib.sha256(np.ascontiguousarray(array).data).hexdigest()


def read_arrays(path: Path, sha256: dict[str, str]) -> dict[str, npt.NDArray]:
    """The named arrays of an .npz file, each checked against its hash.

    Raises:
        FileNotFoundError: there is no such file.
        DataUnavailableError: the file is damaged or is not what it should be.
    """
    try:
        # Opened here, because np.load leaves a truncated file open.
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            arrays = {name: file[name] for name in sha256}
    except FileNotFoundError:
        raise
    # A damaged archive may raise anything: zlib.error, NotImplementedError, ...
    except Exception as error:
        raise DataUnavailableError(f"{path} cannot be read: {error}") from error
    for name, expected in sha256.items():
        if sha256_of(arrays[name]) != expected:
            raise DataUnavailableError(
                f"{path} is damaged: the array {name} is not the published one."
            )
    return arrays


def own_file() -> Path | None:
    """The user's own copy of MNIST as COURSE_DATA_DIR says; None if that is unset."""
    path = budget.path("COURSE_DATA_DIR")
    if path is None or os.path.isfile(path):
        return path
    return path / FILE_NAME


def _read_sample() -> dict[str, npt.NDArray]:
    remedy = "Restore it from the repository, or install the course anew."
    try:
        return read_arrays(SAMPLE, SAMPLE_SHA256)
    except FileNotFoundError as error:
        raise DataUnavailableError(f"{SAMPLE} is missing. {remedy}") from error
    except DataUnavailableError as error:
        raise DataUnavailableError(f"{error} {remedy}") from error


def _find_full() -> dict[str, npt.NDArray]:
    """All of MNIST from the first place that has it intact."""
    tried: list[str] = []
    for place in (_read_own, _read_cached, _download):
        arrays = place(tried)
        if arrays is not None:
            return arrays
    raise DataUnavailableError(
        "All of MNIST was asked for and not found. Tried:\n- "
        + "\n- ".join(tried)
        + f"\nPut {FILE_NAME} into a folder and set COURSE_DATA_DIR to it, or take "
        f"the smaller set: {OFFER}"
    )


def _read_own(tried: list[str]) -> dict[str, npt.NDArray] | None:
    """The user's own copy, or None after a word on why not."""
    path = own_file()
    if path is None:
        tried.append("COURSE_DATA_DIR: not set")
        return None
    try:
        return read_arrays(path, SHA256)
    except FileNotFoundError:
        tried.append(f"{path} (COURSE_DATA_DIR): no such file")
        return None
    except DataUnavailableError as error:
        # The user's own file: neither changed nor passed over in silence.
        raise DataUnavailableError(
            f"{error} Replace it, or unset COURSE_DATA_DIR. {OFFER}"
        ) from error


def _read_cached(tried: list[str]) -> dict[str, npt.NDArray] | None:
    """The copy in the cache, or None after a word on why not."""
    try:
        cached = _cache_folder() / FILE_NAME
        return read_arrays(cached, SHA256)
    except FileNotFoundError:
        tried.append(f"{cached}: no such file")
    except DataUnavailableError as error:
        tried.append(f"{error} {_set_aside(cached)}")
    except LookupError as error:
        tried.append(f"your cache: {error}")
    return None


def _set_aside(cached: Path) -> str:
    """Copy a damaged file, and say in a sentence whether that worked."""
    aside = cached.with_name(cached.name + ".damaged")
    try:
        shutil.copyfile(cached, aside)
    except OSError as error:
        return f"It could not be copied: {error}."
    return f"A copy is kept as {aside.name}."


def _cache_folder() -> Path:
    """Where the user's programs keep what can be had again.

    Raises:
        LookupError: the user has no home folder.
    """
    import pooch

    try:
        folder = Path(pooch.os_cache("course_utils"))
    except (RuntimeError, KeyError, OSError) as error:
        raise LookupError(f"there is no home folder ({error})") from error
    if not folder.is_absolute():  # a "~" that could not be expanded
        raise LookupError(f"there is no home folder (its place would be {folder})")
    return folder


def _download(tried: list[str]) -> dict[str, npt.NDArray] | None:
    """Fetch the file that Keras hosts, check it, and only then put it in the cache.

    Returns:
        None, after a word on why not: offline, no home folder, no network, no room on
        the disk, or what came is not MNIST.
    """
    if budget.flag("COURSE_OFFLINE"):
        tried.append(f"{URL}: not tried, because COURSE_OFFLINE=1")
        return None
    try:
        with replacing(_cache_folder() / FILE_NAME) as temporary:
            fetch(URL, temporary, seconds=4)
            return read_arrays(temporary, SHA256)
    except LookupError:
        tried.append(f"{URL}: not tried, because there is no folder to keep it in")
    except (OSError, DataUnavailableError) as error:
        tried.append(f"{URL}: {error}")
    return None
