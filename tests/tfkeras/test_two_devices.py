"""A VAE on two devices that share each batch, here two halves of one processor."""

import json
import os
import subprocess
import sys

import pytest

# Devices are chosen before TensorFlow starts, hence in a process of its own.
PROGRAM = """
import json, sys
import tensorflow as tf

count = int(sys.argv[1])
(processor,) = tf.config.list_physical_devices("CPU")
parts = [tf.config.LogicalDeviceConfiguration()] * count
tf.config.set_logical_device_configuration(processor, parts)

from course_utils.data.mnist import load_mnist
from course_utils.tfkeras.device import seed_everything
from course_utils.tfkeras.training import train_vae
from course_utils.tfkeras.vae import ConvVAE

x = load_mnist("train", limit=128).x
seed_everything(0)
devices = [f"CPU:{place}" for place in range(count)]
strategy = tf.distribute.MirroredStrategy(devices)
assert strategy.num_replicas_in_sync == count
with strategy.scope():
    history = train_vae(ConvVAE(), x, 2, 0, batch_size=32, test_images=x[:64])
print(json.dumps(history.series))
"""


def trained_on(devices):
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(devices)],
        env=os.environ | {"COURSE_STATIC": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    return json.loads(run.stdout.splitlines()[-1])


def test_two_devices_train_as_one_does():
    one, two = map(trained_on, (1, 2))
    for name, values in one.items():
        assert two[name] == pytest.approx(values, rel=1e-5), name
