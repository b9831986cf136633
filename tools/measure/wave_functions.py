"""Train three wave functions of the critical chain, and sum their energies exactly.

    python tools/measure/wave_functions.py --seeds 5

Twenty spins on a ring have a million states, so that a trained function's energy and
variance are sums over all of them, without an error of sampling. Each run is laid down
in wave_functions.json as it ends; one that is there is not done again.
"""

import argparse
import json
import os
import time
from typing import Any

import numpy as np
import torch
from timing import machine, save_record

from course_utils.exact.chain import (
    energy_and_variance,
    enumerate_chain,
    even_gap,
    ground_energy,
    ring_mean,
)
from course_utils.metrics.bounds import Estimate
from course_utils.pytorch.device import seed_everything, to_numpy
from course_utils.pytorch.wave_functions import (
    Autoregressive,
    Jastrow,
    MeanField,
    WaveFunction,
    amplitudes,
    local_energies,
    random_spins,
    train_wave_function,
)
from course_utils.records import RESULTS

RECORD = RESULTS / "wave_functions.json"
SITES, SAMPLES = 20, 2_000
RENEWALS = 30  # of Jastrow's chains, from random states to the samples that measure it
FRESH = 1_000_000  # added to a run's seed for these samples
KINDS = {
    "mean field": (MeanField, {"steps": 300, "learning_rate": 0.05}),
    "Jastrow": (Jastrow, {"steps": 300, "learning_rate": 0.02}),
    "autoregressive": (Autoregressive, {"steps": 1_000, "learning_rate": 0.02}),
}


def measured(name: str, seed: int) -> dict[str, Any]:
    """Train one wave function, and say what it is worth."""
    kind, settings = KINDS[name]
    seed_everything(seed)
    model = kind(SITES)
    start = time.process_time()
    history = train_wave_function(model, seed=seed, **settings).require_complete()
    seconds = time.process_time() - start
    states = enumerate_chain(SITES)
    psi = amplitudes(model, states)
    q = psi**2 / (psi**2).sum()
    energy, variance = energy_and_variance(psi)
    symmetric, its_variance = energy_and_variance(np.sqrt(ring_mean(q)))
    sampled = Estimate.of(to_numpy(fresh_energies(model, seed + FRESH)))
    return {
        "wave_function": name,
        "seed": seed,
        **settings,
        "processor_seconds": round(seconds, 1),
        "energy": energy,
        "variance": variance,
        "sampled_energy": sampled.mean,
        "sampled_error": sampled.standard_error,
        "symmetrized_energy": symmetric,
        "symmetrized_variance": its_variance,
        "correlations": [
            float(q @ (states * np.roll(states, distance, 1)).mean(1))
            for distance in range(1, SITES // 2 + 1)
        ],
        "energy_each_tenth": [
            round(float(np.mean(part)), 4)
            for part in np.array_split(history["energy"], 10)
        ],
    }


@torch.inference_mode()
def fresh_energies(model: WaveFunction, seed: int) -> torch.Tensor:
    """The local energies of samples that no training saw, (SAMPLES,)."""
    generator = torch.Generator().manual_seed(seed)
    spins = random_spins(model, SAMPLES, generator)
    for _ in range(RENEWALS if isinstance(model, Jastrow) else 1):
        spins = model.renewed(spins, generator)
    return local_energies(model, spins)


def is_same(run: dict[str, Any], name: str, seed: int) -> bool:
    """Whether a recorded run is this one."""
    wanted = {"wave_function": name, "seed": seed, **KINDS[name][1]}
    return wanted.items() <= run.items()


def main() -> None:
    """Do the runs that are missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    seeds = parser.parse_args().seeds
    os.environ["COURSE_STATIC"] = "1"
    torch.set_num_threads(1)
    for seed in range(seeds):
        for name in KINDS:
            record = json.loads(RECORD.read_text()) if RECORD.exists() else {"runs": []}
            if any(is_same(known, name, seed) for known in record["runs"]):
                continue
            record |= {"sites": SITES, "ground_energy": ground_energy(SITES)}
            record |= {"even_gap": even_gap(SITES), "samples": SAMPLES}
            record |= {"machine": machine(), "torch": torch.__version__}
            record["runs"].append(measured(name, seed))
            save_record(RECORD, record)
            print(json.dumps(record["runs"][-1]), flush=True)


if __name__ == "__main__":
    main()
