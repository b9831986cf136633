"""No test needs data from outside: small random arrays stand in for all of MNIST."""

import dataclasses
import io
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from course_utils.data import mnist
from course_utils.data.mnist import DataUnavailableError, load_mnist

ROOT = Path(__file__).parents[2]


def altered(intact, arrays):
    """A readable file with one other pixel."""
    arrays = {name: array.copy() for name, array in arrays.items()}
    arrays["x_test"][3, 14, 14] ^= 1
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def truncated(intact, arrays):
    return intact[: len(intact) // 2]


def scratched(intact, arrays):
    """Zeros in the middle of the compressed pixels; the zip's directory is whole."""
    return intact[:5000] + bytes(500) + intact[5500:]


def without_an_array(intact, arrays):
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **{k: v for k, v in arrays.items() if k != "y_test"})
    return buffer.getvalue()


def one_array_alone(intact, arrays):
    buffer = io.BytesIO()
    np.save(buffer, arrays["x_train"])
    return buffer.getvalue()


def words(intact, arrays):
    return b"<html>404 not found</html>"


def nothing(intact, arrays):
    return b""


DAMAGES = [
    altered,
    truncated,
    scratched,
    without_an_array,
    one_array_alone,
    words,
    nothing,
]


@pytest.fixture
def offline(monkeypatch):
    monkeypatch.setenv("COURSE_OFFLINE", "1")


@pytest.fixture
def own_file(tmp_path, monkeypatch, cache, offline, intact):
    """The user's own intact copy, in a folder with a space in its name."""
    folder = tmp_path / "my data"
    folder.mkdir()
    monkeypatch.setenv("COURSE_DATA_DIR", str(folder))
    file = folder / "mnist.npz"
    file.write_bytes(intact)
    return file


@pytest.fixture
def sockets(monkeypatch):
    """What was opened or looked up in the network: should stay empty."""
    opened = []

    def forbidden(*args, **kwargs):
        opened.append(args)
        raise OSError("no sockets in this test")

    for name in ("socket", "create_connection", "getaddrinfo"):
        monkeypatch.setattr(socket, name, forbidden)
    return opened


def assert_is_the_stand_in(images, arrays, split="train"):
    pixels = arrays[f"x_{split}"][..., None]
    np.testing.assert_array_equal(images.x, pixels.astype(np.float32) / 255)
    np.testing.assert_array_equal(images.y, arrays[f"y_{split}"])


@pytest.mark.parametrize("split, n", [("train", 10_000), ("test", 2_000)])
def test_the_sample_keeps_the_promises_about_arrays(split, n):
    images = load_mnist(split)
    assert images.x.shape == (n, 28, 28, 1)
    assert images.y.shape == (n,)
    assert (images.x.dtype, images.y.dtype) == (np.float32, np.int64)
    assert (images.x.min(), images.x.max()) == (0, 1)
    assert len(images) == n
    assert images.source == f"MNIST, shipped sample, {split} split"


@pytest.mark.parametrize("split, each", [("train", 1000), ("test", 200)])
def test_the_sample_has_equally_many_of_each_class(split, each):
    assert np.bincount(load_mnist(split).y).tolist() == [each] * 10


def test_pixels_are_bytes_over_255():
    x = load_mnist("test").x
    np.testing.assert_array_equal(np.rint(x * 255).astype(np.float32) / 255, x)


def test_the_sample_has_no_image_twice_and_none_in_both_splits():
    images = np.concatenate([load_mnist("train").x, load_mnist("test").x])
    assert len({image.tobytes() for image in images}) == 12_000


def test_a_limit_takes_the_first_images_in_an_order_that_mixes_classes():
    some, all_of_it = load_mnist(limit=100), load_mnist()
    np.testing.assert_array_equal(some.x, all_of_it.x[:100])
    np.testing.assert_array_equal(some.y, all_of_it.y[:100])
    assert set(some.y) == set(range(10))


def test_loading_again_gives_the_same_in_arrays_of_its_own():
    first, second = load_mnist("test"), load_mnist("test")
    np.testing.assert_array_equal(first.x, second.x)
    first.x[:] = 0
    assert second.x.any()


def test_images_cannot_be_exchanged_after_loading():
    with pytest.raises(dataclasses.FrozenInstanceError):
        load_mnist("test").x = None


@pytest.mark.parametrize("limit", [0, -1, 10_001])
def test_a_limit_that_cannot_be_met_is_refused_with_what_there_is(limit):
    with pytest.raises(ValueError, match=f"limit is {limit}; .* 10000 digits"):
        load_mnist(limit=limit)


def test_all_of_the_sample_is_a_limit_that_can_be_met():
    assert len(load_mnist("test", limit=2000)) == 2000
    assert len(load_mnist("test", limit=1)) == 1


@pytest.mark.parametrize("split", ["Train", "valid", None])
def test_an_unknown_split_is_refused_with_the_known_ones(split):
    with pytest.raises(ValueError, match='"train" or "test"'):
        load_mnist(split)


@pytest.mark.parametrize("source", ["Full", "keras", None])
def test_an_unknown_source_is_refused_with_the_known_ones(source):
    with pytest.raises(ValueError, match='"sample" or "full"'):
        load_mnist(source=source)


@pytest.mark.parametrize("damage", [altered, truncated])
def test_a_damaged_sample_is_refused_by_name(tmp_path, monkeypatch, damage):
    with np.load(mnist.SAMPLE) as file:
        damaged = damage(mnist.SAMPLE.read_bytes(), dict(file))
    path = tmp_path / "mnist_sample.npz"
    path.write_bytes(damaged)
    monkeypatch.setattr(mnist, "SAMPLE", path)
    with pytest.raises(DataUnavailableError, match=r"mnist_sample\.npz"):
        load_mnist("train")


def test_a_missing_sample_is_a_sentence_with_a_remedy(tmp_path, monkeypatch):
    monkeypatch.setattr(mnist, "SAMPLE", tmp_path / "mnist_sample.npz")
    with pytest.raises(DataUnavailableError, match=r"missing\. Restore it"):
        load_mnist("train")


def test_the_sample_comes_from_the_package_alone(sockets, cache, own_file):
    own_file.write_bytes(b"rubbish")
    assert len(load_mnist("test", "sample")) == 2000
    assert sockets == []
    assert not cache.exists()


@pytest.mark.parametrize("split", ["train", "test"])
def test_the_users_own_copy_is_read_without_network_or_cache(
    own_file, arrays, cache, sockets, split, monkeypatch
):
    monkeypatch.delenv("COURSE_OFFLINE")
    images = load_mnist(split, "full")
    assert_is_the_stand_in(images, arrays, split)
    assert images.source == f"MNIST, all of it, {split} split"
    assert sockets == []
    assert not cache.exists()


def test_any_container_will_do(own_file, arrays):
    np.savez(own_file, **dict(reversed(arrays.items())), more=np.zeros(3))
    assert_is_the_stand_in(load_mnist(source="full"), arrays)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_copy_of_the_users_is_refused_by_name_and_left_alone(
    own_file, arrays, intact, cache, damage
):
    cache.mkdir()
    (cache / "mnist.npz").write_bytes(intact)
    damaged = damage(intact, arrays)
    own_file.write_bytes(damaged)
    with pytest.raises(DataUnavailableError) as caught:
        load_mnist(source="full")
    assert str(own_file) in str(caught.value)
    assert "COURSE_DATA_DIR" in str(caught.value)
    assert mnist.OFFER in str(caught.value)
    assert own_file.read_bytes() == damaged
    assert [file.name for file in own_file.parent.iterdir()] == ["mnist.npz"]


def test_binary_pixels_are_one_as_often_as_they_are_grey(rng):
    grey = rng.random(100_000, dtype=np.float32).reshape(1000, 10, 10, 1)
    binary = mnist.binarize(grey, seed=7)
    assert binary.dtype == np.float32
    assert binary.shape == grey.shape
    assert set(np.unique(binary)) == {0, 1}
    # conditional variances p (1 - p) add up
    error = np.sqrt((grey * (1 - grey)).sum())
    assert abs((binary - grey).sum()) < 5 * error


def test_black_stays_black_and_white_stays_white():
    ends = np.repeat(np.array([0, 1], dtype=np.float32), 100_000)
    np.testing.assert_array_equal(mnist.binarize(ends, seed=0), ends)


def test_binary_pixels_depend_on_the_seed_alone():
    grey = np.full((10, 4, 4, 1), 0.5, dtype=np.float32)
    drawn = [mnist.binarize(grey, seed).tolist() for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert (grey == 0.5).all()


def test_wherever_a_byte_changes_the_file_is_intact_or_refused(own_file, intact, rng):
    expected = load_mnist(source="full")
    refused = 0
    for position in rng.choice(len(intact), 400, replace=False):
        damaged = bytearray(intact)
        damaged[position] ^= rng.integers(1, 256)
        own_file.write_bytes(damaged)
        try:
            images = load_mnist(source="full")
        except DataUnavailableError:
            refused += 1
        else:
            np.testing.assert_array_equal(images.x, expected.x)
    assert refused > 350


@pytest.mark.parametrize("name", ["mnist.npz", "my digits.npz"])
def test_the_users_folder_may_be_the_file_itself(own_file, arrays, monkeypatch, name):
    own_file.rename(own_file.with_name(name))
    monkeypatch.setenv("COURSE_DATA_DIR", str(own_file.with_name(name)))
    assert_is_the_stand_in(load_mnist(source="full"), arrays)


@pytest.mark.parametrize("text", ["~/my data", "$HOME/my data", " '~/my data' "])
def test_the_users_folder_may_begin_at_home(
    own_file, arrays, tmp_path, monkeypatch, text
):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv("COURSE_DATA_DIR", text)
    assert_is_the_stand_in(load_mnist(source="full"), arrays)


def test_where_the_users_folder_has_no_file_the_cache_is_taken(
    own_file, arrays, intact, cache
):
    own_file.unlink()
    cache.mkdir()
    (cache / "mnist.npz").write_bytes(intact)
    assert_is_the_stand_in(load_mnist(source="full"), arrays)


def test_the_error_names_every_place_and_offers_the_sample(own_file, cache):
    own_file.unlink()
    with pytest.raises(DataUnavailableError) as caught:
        load_mnist(source="full")
    message = str(caught.value)
    for part in (
        f"{own_file} (COURSE_DATA_DIR): no such file",
        f"{cache / 'mnist.npz'}: no such file",
        f"{mnist.URL}: not tried, because COURSE_OFFLINE=1",
        mnist.OFFER,
    ):
        assert part in message


def test_the_error_says_where_a_copy_could_lie(cache, offline):
    with pytest.raises(DataUnavailableError, match="COURSE_DATA_DIR: not set"):
        load_mnist(source="full")


def test_the_offer_can_be_typed_as_it_stands():
    offered = mnist.OFFER.removesuffix(" needs no download.")
    assert len(eval(offered, {"load_mnist": load_mnist})) == 10_000


@pytest.mark.parametrize("error", [RuntimeError, KeyError, OSError])
def test_without_a_home_folder_it_is_said_what_was_tried(monkeypatch, sockets, error):
    def os_cache(name):
        raise error("could not determine the home directory")

    monkeypatch.setattr("pooch.os_cache", os_cache)
    with pytest.raises(DataUnavailableError, match="Tried:") as caught:
        load_mnist(source="full")
    assert "COURSE_DATA_DIR: not set" in str(caught.value)
    assert "no home folder" in str(caught.value)
    assert "no folder to keep it in" in str(caught.value)
    assert sockets == []


def test_a_home_that_cannot_be_expanded_is_no_folder_here(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("pooch.os_cache", lambda name: f"~/.cache/{name}")
    with pytest.raises(DataUnavailableError, match="no home folder"):
        load_mnist(source="full")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="POSIX alone has users' ids")
def test_a_user_without_home_and_name_gets_a_sentence():
    code = (
        "import os, pwd, pooch; from course_utils.data.mnist import load_mnist\n"
        "def nobody(uid): raise KeyError(uid)\n"
        "pwd.getpwuid = nobody\n"
        "load_mnist(source='full')"
    )
    environment = {k: v for k, v in os.environ.items() if not k.startswith("XDG_")}
    environment.pop("HOME", None)
    run = subprocess.run(
        [sys.executable, "-c", code],
        env=environment | {"COURSE_OFFLINE": "1", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert "DataUnavailableError: All of MNIST" in run.stderr
    assert "no home folder" in run.stderr


@pytest.mark.parametrize("word", ["true", "YES", " on ", "'1'"])
def test_offline_is_understood_in_other_words(cache, sockets, monkeypatch, word):
    monkeypatch.setenv("COURSE_OFFLINE", word)
    with pytest.raises(DataUnavailableError, match="COURSE_OFFLINE"):
        load_mnist(source="full")
    assert sockets == []


def test_offline_spelt_wrongly_is_a_sentence(cache, sockets, monkeypatch):
    monkeypatch.setenv("COURSE_OFFLINE", "maybe")
    with pytest.raises(ValueError, match="COURSE_OFFLINE is 'maybe'; .* true, yes, on"):
        load_mnist(source="full")
    assert sockets == []


@pytest.mark.parametrize("damage", [None, *DAMAGES])
def test_offline_opens_no_socket_whatever_the_cache_holds(
    cache, offline, arrays, intact, sockets, damage
):
    if damage is not None:
        cache.mkdir()
        (cache / "mnist.npz").write_bytes(damage(intact, arrays))
    with pytest.raises(DataUnavailableError, match="COURSE_OFFLINE=1"):
        load_mnist(source="full")
    assert sockets == []


def test_an_intact_cache_is_read_without_network(cache, arrays, intact, sockets):
    cache.mkdir()
    (cache / "mnist.npz").write_bytes(intact)
    assert_is_the_stand_in(load_mnist("test", "full"), arrays, "test")
    assert sockets == []
    assert [file.name for file in cache.iterdir()] == ["mnist.npz"]


def test_a_cache_that_cannot_be_set_aside_still_ends_in_a_sentence(cache, offline):
    (cache / "mnist.npz").mkdir(parents=True)
    with pytest.raises(DataUnavailableError, match="Tried:"):
        load_mnist(source="full")


def test_rows_of_784_pixels_are_images_too(own_file, arrays):
    np.savez(own_file, **arrays | {"x_train": arrays["x_train"].reshape(30, 784)})
    assert_is_the_stand_in(load_mnist(source="full"), arrays)


def test_a_hash_is_of_bytes_in_c_order():
    array = np.array([[1, 2], [3, 4]], dtype=np.uint8)
    expected = "9f64a747e1b97f131fabb6b447296c9b6f0201e79fb3c5356e6c77e89b6a806a"
    assert mnist.sha256_of(array) == expected
    assert mnist.sha256_of(np.asfortranarray(array)) == expected


def test_the_published_hashes_are_those_of_60000_and_10000_digits():
    assert mnist.SHA256.keys() == {"x_train", "y_train", "x_test", "y_test"}
    assert all(len(value) == 64 for value in mnist.SHA256.values())
    assert not set(mnist.SHA256.values()) & set(mnist.SAMPLE_SHA256.values())
