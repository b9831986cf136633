"""What this machine has, in one screen: `python -m course_utils`."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version

from course_utils import budget, pretrained
from course_utils.datasets import DataUnavailableError, load_mnist

PACKAGES = {
    "PyTorch": ("torch",),
    "TensorFlow": ("tensorflow-cpu", "tensorflow"),
    "Keras": ("keras",),
    "NumPy": ("numpy",),
    "matplotlib": ("matplotlib",),
    "ipywidgets": ("ipywidgets",),
    "JupyterLab": ("jupyterlab",),
}


def installed(distributions: tuple[str, ...]) -> str:
    """The version of the first of these that is installed, or words that none is."""
    for distribution in distributions:
        try:
            return version(distribution)
        except PackageNotFoundError:
            continue
    return "not installed"


def device() -> str:
    """The device that PyTorch lessons compute on."""
    try:
        from course_utils.pytorch.runtime import pick_device
    except ImportError:
        return "PyTorch is not installed"
    return str(pick_device())


def sample() -> str:
    """How many digits of the shipped sample are intact and readable."""
    try:
        return f"{len(load_mnist('train'))} + {len(load_mnist('test'))} digits"
    except (OSError, DataUnavailableError) as error:
        return f"unusable: {error}"


def weights() -> str:
    """The trained weights that are shipped and intact."""
    try:
        for name in pretrained.available():
            pretrained.read_weights(name)
    except (OSError, pretrained.WeightsError) as error:
        return f"unusable: {error}"
    return ", ".join(pretrained.available())


def report() -> str:
    """The whole screen."""
    lines = {
        "Python": platform.python_version(),
        "system": f"{platform.system()}, {os.cpu_count()} CPU cores",
        **{name: installed(names) for name, names in PACKAGES.items()},
        "PyTorch computes on": device(),
        "budget": budget.level(),
        "digits shipped": sample(),
        "weights shipped": weights(),
        "folder of all of MNIST": os.environ.get("COURSE_DATA_DIR") or "not set",
    }
    return "\n".join(f"{name:<24}{value}" for name, value in lines.items())


if __name__ == "__main__":
    print(report())
