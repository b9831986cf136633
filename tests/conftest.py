"""What several tests share."""

import hashlib
import importlib.util
import io
import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager

import numpy as np
import pytest

from course_utils.data import mnist
from course_utils.data.mnist import load_mnist
from course_utils.records import progress


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch):
    """No test depends on how the course's own variables are set outside."""
    for name in ("BUDGET", "DATA_DIR", "OFFLINE", "STATIC"):
        monkeypatch.delenv(f"COURSE_{name}", raising=False)


@pytest.fixture(scope="session")
def require():
    """Skips a test whose tool is missing; where CI requires all tools, fails it."""

    def missing(what):
        if os.environ.get("COURSE_REQUIRE_ALL") == "1":
            pytest.fail(what)
        pytest.skip(what)

    def require(module):
        if importlib.util.find_spec(module) is None:
            missing(f"{module} is missing: pip install -r requirements-ci.txt")

    require.missing = missing
    return require


@pytest.fixture(scope="session")
def chromium(require):
    """A headless Chromium, driven by Playwright."""
    require("playwright")
    from playwright.sync_api import sync_playwright

    names = ("chromium", "chromium-browser", "google-chrome")
    path = next(filter(None, map(shutil.which, names)), None)
    if path is None:
        require.missing("No Chromium: apt-get install chromium (Debian, Ubuntu).")
    options = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=options)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def serve_lab():
    """Runs JupyterLab in a folder, as `make lab` does, for the length of a block."""
    options = ["--no-browser", "--allow-root", "--ServerApp.port=0"]
    options += ["--IdentityProvider.token=", "--ServerApp.disable_check_xsrf=True"]

    @contextmanager
    def serve(folder, **environment):
        runtime = folder / "runtime"
        environment = os.environ | environment | {"JUPYTER_RUNTIME_DIR": str(runtime)}
        environment.pop("COURSE_STATIC", None)
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyter", "lab", *options],
            cwd=folder,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield _address(server, runtime)
        finally:
            server.terminate()
            server.wait(60)

    return serve


def _address(server, folder):
    """Where the server answers, once it does."""
    for _ in range(1200):
        assert server.poll() is None, "JupyterLab ended"
        for path in folder.glob("jpserver-*.json"):
            try:
                address = json.loads(path.read_text())["url"]
                urllib.request.urlopen(f"{address}api", timeout=5).close()
                return address
            except (OSError, ValueError):
                pass
        time.sleep(0.1)
    raise TimeoutError("JupyterLab does not answer")


@pytest.fixture(scope="session")
def digits():
    """300 digits of the sample, NHWC; write-protected, since all tests share them."""
    images = load_mnist("train", limit=300).x
    images.flags.writeable = False
    return images


@pytest.fixture
def notebook(monkeypatch):
    """As if a notebook's kernel ran the test, with a stop button."""
    monkeypatch.setattr(progress, "in_notebook", lambda: True)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def arrays(rng):
    """Small random stand-ins for the arrays of all of MNIST."""
    return {
        "x_train": rng.integers(0, 256, (30, 28, 28), dtype=np.uint8),
        "y_train": rng.integers(0, 10, 30, dtype=np.uint8),
        "x_test": rng.integers(0, 256, (7, 28, 28), dtype=np.uint8),
        "y_test": rng.integers(0, 10, 7, dtype=np.uint8),
    }


@pytest.fixture
def intact(arrays):
    """The bytes of the stand-ins' file."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


@pytest.fixture
def cache(tmp_path, monkeypatch, arrays):
    """A cache folder, not made yet, for the stand-ins instead of MNIST."""
    folder = tmp_path / "cache"
    hashes = {
        name: hashlib.sha256(array.tobytes()).hexdigest()
        for name, array in arrays.items()
    }
    monkeypatch.setattr(mnist, "SHA256", hashes)
    monkeypatch.setattr(mnist, "_cache_folder", lambda: folder)
    monkeypatch.setenv("NO_PROXY", "*")
    return folder


@pytest.fixture
def keras_precision(monkeypatch):
    """Sets the precision in which Keras makes layers, and sets it back."""
    import keras

    from course_utils.tfkeras import device

    before = keras.config.floatx()

    def choose(dtype):
        keras.config.set_floatx(dtype)
        keras.config.set_dtype_policy(dtype)
        monkeypatch.setattr(device, "FLOAT", dtype)

    yield choose
    choose(before)
