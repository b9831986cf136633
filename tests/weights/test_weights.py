import hashlib
import json

import numpy as np
import pytest
import tensorflow as tf
import torch

from course_utils import weights
from course_utils.data.mnist import load_mnist
from course_utils.pytorch import device as torch_device
from course_utils.pytorch import networks as torch_networks
from course_utils.pytorch import vae as torch_vae
from course_utils.pytorch import weights as torch_weights
from course_utils.records.arrays import WeightsError, check_fit
from course_utils.tfkeras import networks as keras_networks
from course_utils.tfkeras import vae as keras_vae
from course_utils.tfkeras import weights as keras_weights
from course_utils.weights import available, card, read_weights, save_weights

WEIGHTS = {
    "a.weight": np.arange(6, dtype=np.float32).reshape(2, 3),
    "a.bias": np.ones(2),
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder of weights."""
    monkeypatch.setattr(weights, "WEIGHTS", tmp_path)
    return tmp_path


@pytest.fixture
def saved(folder):
    save_weights("small", WEIGHTS, {"epochs": 3})
    return folder / "small.safetensors"


def test_what_is_saved_is_read_bit_for_bit(saved):
    weights = read_weights("small")
    assert weights.keys() == WEIGHTS.keys()
    for name, array in WEIGHTS.items():
        assert weights[name].dtype == array.dtype
        np.testing.assert_array_equal(weights[name], array)


def test_a_card_keeps_what_it_was_given_and_the_hash(saved):
    sha256 = hashlib.sha256(saved.read_bytes()).hexdigest()
    assert card("small") == {"epochs": 3, "sha256": sha256}


@pytest.mark.parametrize("part", ["encoder", "decoder"])
def test_one_model_of_several_is_loaded_by_its_part(folder, part):
    weights = torch_weights.export_weights(torch_vae.ConvVAE(channels=3))
    save_weights("two", weights, {})
    expected = {
        name.removeprefix(f"{part}."): array
        for name, array in weights.items()
        if name.startswith(f"{part}.")
    }
    parts = (torch_weights, torch_networks), (keras_weights, keras_networks)
    for wing, networks in parts:
        model = getattr(networks, f"Conv{part.capitalize()}")(channels=3)
        assert wing.load_pretrained(model, "two", part=part) is model
        found = wing.export_weights(model)
        assert found.keys() == expected.keys()
        for name, array in found.items():
            np.testing.assert_array_equal(array, expected[name])


def test_an_unknown_part_is_refused_with_those_that_there_are(saved):
    with pytest.raises(WeightsError, match="no part 'b'; they have: a"):
        read_weights("small", "b")
    with pytest.raises(WeightsError, match="no part 'a.w'"):
        read_weights("small", "a.w")


def test_views_are_saved_by_their_values(folder):
    view = np.arange(12.0).reshape(3, 4).T
    save_weights("view", {"w": view}, {})
    np.testing.assert_array_equal(read_weights("view")["w"], view)


def test_the_same_weights_make_the_same_file(folder):
    save_weights("one", WEIGHTS, {})
    save_weights("two", dict(reversed(WEIGHTS.items())), {})
    assert card("one") == card("two")


def test_weights_are_listed_by_name(saved, folder):
    save_weights("another", WEIGHTS, {})
    assert available() == ["another", "small"]


def test_nothing_but_the_two_files_is_left_behind(saved, folder):
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["small.json", "small.safetensors"]


def test_an_unknown_name_is_refused_with_the_known_ones(saved):
    for read in (card, read_weights):
        with pytest.raises(WeightsError, match="no weights 'smal'; there are: small"):
            read("smal")


def test_where_there_are_none_that_is_said(folder):
    assert available() == []
    with pytest.raises(WeightsError, match="there are: none"):
        read_weights("any")


def altered(content):
    return content[:-1] + bytes([content[-1] ^ 1])


def truncated(content):
    return content[:-10]


def swapped_header(content):
    return content.replace(b"a.bias", b"a.bait")


@pytest.mark.parametrize("damage", [altered, truncated, swapped_header, lambda c: b""])
def test_a_damaged_file_is_refused_with_the_remedy(saved, damage):
    saved.write_bytes(damage(saved.read_bytes()))
    with pytest.raises(
        WeightsError, match="small.safetensors is damaged.*make weights"
    ):
        read_weights("small")


def test_a_missing_file_is_named(saved):
    saved.unlink()
    with pytest.raises(WeightsError, match="small.safetensors is missing"):
        read_weights("small")


@pytest.mark.parametrize("text", ["{", "[]", "{}", '"sha256'])
def test_a_damaged_card_is_refused(saved, text):
    saved.with_suffix(".json").write_text(text)
    with pytest.raises(WeightsError, match="small.json is damaged"):
        read_weights("small")


def test_a_file_that_is_no_safetensors_file_is_refused_even_with_its_hash(saved):
    saved.write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    about = {"sha256": hashlib.sha256(saved.read_bytes()).hexdigest()}
    saved.with_suffix(".json").write_text(json.dumps(about))
    with pytest.raises(WeightsError, match="holds no readable weights"):
        read_weights("small")


@pytest.mark.parametrize(
    "shapes, hint",
    [
        ({"a.weight": (2, 3)}, "the model has no a.bias"),
        ({"a.weight": (2, 3), "a.bias": (2,), "b": (1,)}, "b is missing"),
        ({"a.weight": (3, 2), "a.bias": (2,)}, r"has shape \(2, 3\).*model's has \(3,"),
        (dict.fromkeys("cdefg", (1,)), "and 4 more"),
    ],
)
def test_weights_of_another_model_are_refused_by_name_and_shape(shapes, hint):
    with pytest.raises(WeightsError, match=hint):
        check_fit(WEIGHTS, shapes)


def test_weights_that_fit_are_let_through():
    check_fit(WEIGHTS, {"a.weight": (2, 3), "a.bias": (2,)})


def test_every_shipped_file_is_intact_and_its_card_complete():
    assert "conv_vae" in available()
    for name in available():
        assert read_weights(name)
        expected = {"data", "seed", "command", "versions", "test", "sample"}
        assert expected <= card(name).keys()
        assert {"epochs", "steps"} & card(name).keys()


def sample_with_noise():
    """The shipped test digits and the noise that cards name."""
    images = load_mnist("test", "sample").x
    epsilon = np.random.default_rng(0).standard_normal((2000, 2), dtype=np.float32)
    return zip(np.split(images, 4), np.split(epsilon, 4), strict=True)


def terms_in_pytorch():
    model = torch_weights.load_pretrained(torch_vae.ConvVAE(), "conv_vae")
    with torch.inference_mode():
        for x, epsilon in sample_with_noise():
            x, epsilon = torch_device.to_tensor(x), torch.from_numpy(epsilon)
            yield [t.numpy() for t in torch_vae.elbo(model, x, epsilon)]


def terms_in_keras():
    model = keras_weights.load_pretrained(keras_vae.ConvVAE(), "conv_vae")
    for x, epsilon in sample_with_noise():
        terms = keras_vae.elbo(model, tf.constant(x), tf.constant(epsilon))
        yield [t.numpy() for t in terms]


@pytest.mark.parametrize("terms", [terms_in_pytorch, terms_in_keras])
def test_either_framework_finds_the_figures_on_the_card(terms):
    found = np.concatenate(list(terms()), axis=1).astype(np.float64).mean(1)
    sample = card("conv_vae")["sample"]
    expected = [sample[name] for name in ("elbo", "reconstruction", "kl")]
    assert sample["digits"] == 2000
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4)


def test_the_held_out_figures_are_plausible_and_consistent():
    """Those of 10,000 digits and of 2,000 of them differ by their standard errors."""
    about = card("conv_vae")
    test, sample = about["test"], about["sample"]
    assert test["digits"] == 10_000
    for name in ("elbo", "reconstruction", "kl"):
        # the sample has as many digits of each class, the test set nearly
        error = test[name]["standard_error"] * np.sqrt(5)
        assert abs(test[name]["mean"] - sample[name]) < 5 * error
    means = {k: test[k]["mean"] for k in ("elbo", "reconstruction", "kl")}
    assert means["elbo"] == pytest.approx(
        means["reconstruction"] - means["kl"], abs=2e-4
    )
    bounds = [test["iwae"][k]["mean"] for k in ("1", "5", "50")]
    assert bounds == sorted(bounds)


def test_a_model_of_another_size_does_not_take_the_weights():
    for wing, model in (
        (torch_weights, torch_vae.ConvVAE(3)),
        (keras_weights, keras_vae.ConvVAE(3)),
    ):
        with pytest.raises(WeightsError, match="another model.*logvar"):
            wing.load_pretrained(model, "conv_vae")
