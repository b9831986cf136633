"""TensorFlow's quiet start, devices, seeds, settings, precision."""

import gc
import os
import shlex
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras.layers import Dense
from playing import play

from course_utils.tfkeras.device import (
    Adam,
    computing_in,
    pick_device,
    seed_everything,
    to_numpy,
    to_tensor,
    without_remapping,
)
from course_utils.tfkeras.networks import ConvEncoder
from course_utils.tfkeras.training import train_vae
from course_utils.tfkeras.vae import ConvVAE
from course_utils.tfkeras.weights import export_weights

ROOT = Path(__file__).parents[2]


def fresh(code, **environment):
    """What a fresh interpreter says."""
    plain = {k: v for k, v in os.environ.items() if not k.startswith(("TF_", "KERAS"))}
    # as in pyproject.toml
    strict = ["-W", "error", "-W", "ignore::DeprecationWarning:gast.astn"]
    return subprocess.run(
        [sys.executable, *strict, "-c", code],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=plain | {"PYTHONPATH": str(ROOT)} | environment,
    )


def test_tensorflow_starts_and_trains_without_noise():
    run = fresh(
        "from course_utils.tfkeras.vae import *; import numpy as np;"
        "from course_utils.tfkeras.training import *;"
        "train_vae(ConvVAE(), np.ones((2, 28, 28, 1), 'f4'), 1, 0)",
        COURSE_STATIC="1",
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


def test_a_game_with_leaky_relus_makes_no_noise_either():
    run = fresh(
        "from course_utils.tfkeras.networks import *; import numpy as np;"
        "from course_utils.tfkeras.training import *;"
        "x = np.ones((4, 28, 28, 1), 'f4');"
        "from course_utils.records.recipes import Recipe;"
        "from course_utils.tfkeras.gan import simultaneous_step;"
        "recipe = Recipe(simultaneous_step, 4);"
        "train_gan(Game(Generator(), Discriminator(), x, recipe, 0), 1, every=1)",
        COURSE_STATIC="1",
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


def test_many_short_games_are_no_reason_to_warn():
    run = fresh(
        "from course_utils.tfkeras.training import *; import keras, numpy as np\n"
        "from course_utils.records.recipes import Recipe\n"
        "from course_utils.tfkeras.gan import simultaneous_step\n"
        "from keras.layers import Dense\n"
        "for _ in range(7):\n"
        "    g, d = (keras.Sequential([keras.Input((2,)), Dense(n)]) for n in (2, 1))\n"
        "    g.latent_dim = 2\n"
        "    game = Game(g, d, np.ones((4, 2)), Recipe(simultaneous_step, 4), 0)\n"
        "    train_gan(game, 1, every=1)",
        COURSE_STATIC="1",
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


def test_later_messages_are_left_alone():
    run = fresh(
        "import course_utils.tfkeras, os, sys, tensorflow as tf;"
        "os.write(2, b'from below\\n'); print('from above', file=sys.stderr);"
        "tf.get_logger().warning('from TensorFlow')"
    )
    assert run.returncode == 0
    for message in ("from below", "from above", "from TensorFlow"):
        assert message in run.stderr


def test_what_was_held_back_is_printed_when_the_start_fails():
    code = (
        "import os\n"
        "from course_utils.tfkeras.device import quiet_start\n"
        "with quiet_start():\n    os.write(2, b'nothing')\n"
        "with quiet_start():\n    os.write(2, b'the cause')\n    1 / 0\n"
    )
    run = fresh(code)
    assert run.returncode == 1
    assert "the cause" in run.stderr
    assert "ZeroDivisionError" in run.stderr
    assert "nothing" not in run.stderr


@pytest.mark.parametrize("closed", ["2>&-", "1>&- 2>&-", "<&- 1>&- 2>&-"])
def test_a_service_without_standard_error_can_train(tmp_path, closed):
    code = (
        "from course_utils.tfkeras.vae import *; import numpy as np;"
        "from course_utils.tfkeras.training import *;"
        "train_vae(ConvVAE(), np.ones((2, 28, 28, 1), 'f4'), 1, 0);"
        f"open({str(tmp_path / 'done')!r}, 'w').write('done')"
    )
    command = f"{shlex.quote(sys.executable)} -c {shlex.quote(code)} {closed}"
    subprocess.run(command, shell=True, cwd=ROOT, stdout=subprocess.DEVNULL)
    assert (tmp_path / "done").read_text() == "done"


def test_without_a_home_no_folder_called_tilde_is_made(tmp_path):
    code = (
        f"import os, sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "os.path.expanduser = lambda path: path\n"
        "import course_utils.tfkeras.device"
    )
    environment = {k: v for k, v in os.environ.items() if k != "KERAS_HOME"}
    command = [sys.executable, "-c", code]
    subprocess.run(command, cwd=tmp_path, env=environment, check=True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "stream",
    [
        "sys.stderr = None",
        "sys.stdout = sys.stderr = None",
        "sys.stderr.close()",
        "sys.stderr = io.StringIO()",
        "sys.stderr = type('Shell', (), {'write': lambda self, text: None})()",
        "tempfile.TemporaryFile = lambda: open('/no/such/folder/file')",
    ],
)
def test_whatever_stands_for_standard_error_the_wing_is_imported(tmp_path, stream):
    code = (
        f"import io, os, sys, tempfile; {stream}\n"
        "import course_utils.tfkeras.device\n"
        f"open({str(tmp_path / 'done')!r}, 'w').close(); os._exit(0)"
    )
    run = fresh(code)
    assert (tmp_path / "done").exists(), run.stderr


def test_what_is_held_back_never_goes_into_a_file_of_the_users(tmp_path):
    # Without standard error a file that is opened next has its descriptor.
    code = (
        "import os, sys\n"
        "from course_utils.tfkeras.device import quiet_start\n"
        f"mine = open({str(tmp_path / 'mine.csv')!r}, 'w')\n"
        "assert mine.fileno() == 2\n"
        "with quiet_start():\n    os.write(2, b'the cause')\n    1 / 0\n"
    )
    command = f"{shlex.quote(sys.executable)} -c {shlex.quote(code)} 2>&-"
    run = subprocess.run(command, shell=True, cwd=ROOT)
    assert run.returncode == 1
    assert (tmp_path / "mine.csv").read_text() == ""


def test_settings_are_made_only_where_there_are_none():
    code = (
        "import course_utils.tfkeras, os;"
        "print(*(os.environ[k] for k in ('KERAS_BACKEND', 'TF_FORCE_GPU_ALLOW_GROWTH',"
        "'TF_CPP_MIN_LOG_LEVEL')))"
    )
    assert fresh(code).stdout.split() == ["tensorflow", "true", "1"]
    own = {"TF_FORCE_GPU_ALLOW_GROWTH": "false", "TF_CPP_MIN_LOG_LEVEL": "0"}
    assert fresh(code, **own).stdout.split() == ["tensorflow", "false", "0"]


def test_another_backend_is_refused_with_the_remedy():
    run = fresh("import course_utils.tfkeras.vae", KERAS_BACKEND="torch")
    assert run.returncode == 1
    assert "Keras runs on torch" in run.stderr
    assert "KERAS_BACKEND=tensorflow" in run.stderr


def graphs():
    """How many TensorFlow graphs are alive, but for those of tf.data (a few lines)."""
    gc.collect()
    found = [it for it in gc.get_objects() if type(it).__name__ == "FuncGraph"]
    return sum(not graph.name.startswith("Dataset") for graph in found)


def a_training():
    train_vae(ConvVAE(), np.ones((2, 28, 28, 1), np.float32), 1, 0)


def a_game():
    networks = [keras.Sequential([keras.Input((2,)), Dense(n)]) for n in (2, 1)]
    networks[0].latent_dim = 2
    play(*networks, np.ones((4, 2)), 1, 0, batch_size=4, every=1)


@pytest.mark.parametrize("program", [a_training, a_game])
def test_what_was_compiled_for_a_training_is_freed_after_it(program):
    program()
    before = graphs()
    program()
    assert graphs() == before


# A Keras of the future: its optimizer's step sums gradients otherwise.
OTHER_KERAS = """
import numpy as np
import keras
from keras.src.backend.tensorflow.optimizer import TFOptimizer

calls = []
def sum_elsewhere(self, pairs, devices):
    calls.append(devices)
    return pairs
def step(self, grads, variables, learning_rate):
    pairs = list(zip(grads, [v.value for v in variables]))
    {summed}
    strategy = self._distribution_strategy
    self._distributed_tf_update_step(strategy, pairs, learning_rate)
TFOptimizer._backend_update_step = step
{change}

from course_utils.tfkeras.device import Adam
from course_utils.tfkeras.training import train_vae
from course_utils.tfkeras.vae import ConvVAE

history = train_vae(ConvVAE(), np.ones((4, 28, 28, 1), "f4"), 3, 0)
losses = history.require_complete()["loss"]
print(losses[-1] < losses[0], bool(calls), "_all_reduce_sum_gradients" in vars(Adam))
"""


OTHER_SUM = "pairs = self._all_reduce_sum_gradients(pairs, 1)"


@pytest.mark.parametrize(
    "change, summed, expected",
    [
        ("del TFOptimizer._all_reduce_sum_gradients", "", "True False False"),
        (
            "TFOptimizer._all_reduce_sum_gradients = sum_elsewhere",
            OTHER_SUM,
            "True True False",
        ),
    ],
    ids=["has no such sum", "sums with other arguments"],
)
def test_a_keras_that_sums_gradients_otherwise_trains_its_own_way(
    change, summed, expected
):
    code = OTHER_KERAS.format(change=change, summed=summed)
    run = fresh(code, COURSE_STATIC="1", TF_CPP_MIN_LOG_LEVEL="3")
    assert run.stdout.strip() == expected, run.stderr


def test_on_several_devices_keras_sums_the_gradients(monkeypatch):
    class Two:
        num_replicas_in_sync = 2

    pairs = [(tf.ones(1), tf.Variable([0.0]))]
    seen = []
    sums = keras.optimizers.Adam._all_reduce_sum_gradients
    monkeypatch.setattr(
        keras.optimizers.Adam,
        "_all_reduce_sum_gradients",
        lambda self, given: seen.append(given) or sums(self, given),
    )
    optimizer = Adam()
    optimizer._all_reduce_sum_gradients(pairs)
    assert not seen
    monkeypatch.setattr(tf.distribute, "get_strategy", Two)
    optimizer._all_reduce_sum_gradients(pairs)
    assert seen == [pairs]


@pytest.mark.parametrize("gpus, expected", [([], "CPU:0"), (["one"], "GPU:0")])
def test_the_fastest_device_is_picked(monkeypatch, gpus, expected):
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: gpus)
    assert pick_device() == expected


def test_a_seed_repeats_layers_and_numpys_numbers():
    drawn = []
    for seed in (1, 1, 2):
        seed_everything(seed)
        kernel = export_weights(ConvEncoder())["mu.weight"]
        drawn.append((kernel.tolist(), np.random.rand()))
    assert drawn[0] == drawn[1]
    assert drawn[0][0] != drawn[2][0]
    assert drawn[0][1] != drawn[2][1]


def test_tensors_and_variables_come_back_as_arrays():
    for value in (tf.constant([1.5, -2.0]), keras.Variable([1.5, -2.0])):
        assert to_numpy(value).tolist() == [1.5, -2.0]
    assert to_numpy(tf.constant(1.5, tf.float64)).dtype == np.float64


def test_bfloat16_comes_back_as_float32():
    array = to_numpy(tf.constant([1.5], tf.bfloat16))
    assert (array.dtype, array.tolist()) == (np.float32, [1.5])


def test_images_keep_their_layout_and_become_float32(rng):
    images = rng.random((2, 5, 3, 4))
    x = to_tensor(images)
    assert x.dtype == tf.float32
    np.testing.assert_array_equal(x, images.astype(np.float32))


def test_a_tensor_owns_its_values(rng):
    images = rng.random((2, 28, 28, 1), dtype=np.float32)
    x, expected = to_tensor(images), images.copy()
    images[:] = 0
    np.testing.assert_array_equal(x, expected)


@pytest.mark.parametrize(
    "bad, error, hint",
    [
        (np.full((2, 3, 3, 1), 200, np.uint8), TypeError, "255"),
        (np.ones((2, 3, 3)), ValueError, r"images\[\.\.\., None\]"),
        (np.full((2, 3, 3, 1), 255.0), ValueError, "divide bytes by 255"),
    ],
)
def test_what_is_no_batch_of_images_is_refused_with_a_hint(bad, error, hint):
    with pytest.raises(error, match=hint):
        to_tensor(bad)


def test_products_in_bfloat16_are_a_matter_of_the_moment():
    encoder, x = ConvVAE().encoder, np.ones((1, 28, 28, 1), np.float32)
    with computing_in("bfloat16", encoder):
        assert encoder(x)[0].dtype == tf.bfloat16
        assert encoder.get_layer("mu").kernel.dtype == "float32"
    assert encoder(x)[0].dtype == tf.float32
    with computing_in("float32", encoder):
        assert encoder(x)[0].dtype == tf.float32


def test_precision_is_restored_after_an_error():
    model = ConvVAE()
    with pytest.raises(ZeroDivisionError), computing_in("bfloat16", model):
        raise ZeroDivisionError
    assert model.decoder(np.ones((1, 2), np.float32)).dtype == tf.float32


def test_an_unknown_precision_is_refused_with_the_known_ones():
    context = computing_in("float16", ConvVAE())
    with pytest.raises(ValueError, match='"float32", "bfloat16" or "auto"'), context:
        pass


@pytest.mark.parametrize(
    "ages, meant",
    [([], "float32"), ([(9, 0)], "bfloat16"), ([(7, 5), (9, 0)], "float32")],
)
def test_auto_is_bfloat16_where_all_gpus_multiply_in_it(ages, meant, monkeypatch):
    known = {str(place): {"compute_capability": age} for place, age in enumerate(ages)}
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: list(known))
    monkeypatch.setattr(tf.config.experimental, "get_device_details", known.get)
    encoder = ConvVAE().encoder
    with computing_in("auto", encoder):
        assert encoder(np.ones((1, 28, 28, 1), np.float32))[0].dtype == meant


def test_fusing_is_off_for_the_moment_only():
    options = tf.config.optimizer.get_experimental_options
    before = options().get("remapping", True)
    with without_remapping():
        assert options()["remapping"] is False
    with pytest.raises(ZeroDivisionError), without_remapping():
        raise ZeroDivisionError
    assert options()["remapping"] is before
