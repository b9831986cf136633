"""Train samplers of spins without data, and hold them against Kaufman's free energy.

    python tools/measure/ising_sampler.py 8 16 --seeds 3

Each run is laid down in ising_sampler.json as it ends; one that is there is not done
again. All numbers are of fresh samples.
"""

import argparse
import json
import os
import time
from typing import Any, NamedTuple

import numpy as np
import torch
from timing import machine, save_record

from course_utils.exact.ising import log_partition
from course_utils.metrics.bounds import Estimate
from course_utils.metrics.weights import effective_sample_size, log_mean_weight
from course_utils.pytorch.device import seed_everything
from course_utils.pytorch.spins import SpinSampler, energies, train_spins
from course_utils.records import RESULTS

RECORD = RESULTS / "ising_sampler.json"
STEPS = {4: 500, 8: 1_000, 16: 4_000}
BETA = 0.440687  # the critical point, to six digits
SAMPLES, AT_ONCE = 20_000, 1_000
FRESH = 1_000_000  # added to a run's seed for the samples that measure it


class Run(NamedTuple):
    """What one training depends on, in the record's words; the steps follow from it."""

    side: int
    beta: float
    symmetric: bool
    field: float
    seed: int

    @property
    def steps(self) -> int:
        """Of the training."""
        return STEPS[self.side]


def measured(run: Run) -> dict[str, Any]:
    """Train one sampler, and say how far it is from the exact answer."""
    side, beta, symmetric, field, seed = run
    seed_everything(seed)
    model = SpinSampler(side, symmetric=symmetric)
    start = time.process_time()
    history = train_spins(model, beta, run.steps, seed, field=field)
    history.require_complete()
    seconds = time.process_time() - start
    cost, magnetization = sampled(model, beta, seed + FRESH)
    exact, bound, weights = log_partition(side, beta), Estimate.of(cost), -cost
    log_z = log_mean_weight(weights)
    return run._asdict() | {
        "steps": run.steps,
        "processor_seconds": round(seconds, 1),
        "exact_log_z": exact,
        "excess_nats": bound.mean + exact,
        "excess_error": bound.standard_error,
        "relative_gap": (bound.mean + exact) / exact,
        "log_z_by_weights": log_z.mean,
        "log_z_error": log_z.standard_error,
        "effective_share": effective_sample_size(weights) / len(cost),
        "positive_share": float((magnetization > 0).mean()),
        "bound_each_tenth": [round(value, 3) for value in history["bound"]],
    }


@torch.inference_mode()
def sampled(
    model: SpinSampler, beta: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Ln q + beta E and the magnetization of fresh samples, each (n,)."""
    generator = torch.Generator().manual_seed(seed)
    costs, magnetizations = [], []
    for _ in range(SAMPLES // AT_ONCE):
        spins = model.sample(AT_ONCE, generator)
        costs.append(model.log_prob(spins).double() + beta * energies(spins).double())
        magnetizations.append(spins.mean((1, 2)))
    return torch.cat(costs).numpy(), torch.cat(magnetizations).numpy()


def is_recorded(run: Run, known: dict[str, Any]) -> bool:
    """Whether a recorded run is this one; early ones name no field, and had none."""
    named = {"field": 0.0} | known
    own = run._asdict() | {"steps": run.steps}
    return all(named[key] == value for key, value in own.items())


def main() -> None:
    """Do the runs that are missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sides", nargs="*", type=int, default=[8], choices=STEPS)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--beta", type=float, default=BETA)
    parser.add_argument("--plain", action="store_true", help="without the symmetry")
    parser.add_argument("--field", type=float, default=0.0, help="while beta rises")
    chosen = parser.parse_args()
    os.environ["COURSE_STATIC"] = "1"
    torch.set_num_threads(1)
    for side in chosen.sides:
        for seed in range(chosen.seeds):
            run = Run(side, chosen.beta, not chosen.plain, chosen.field, seed)
            record = json.loads(RECORD.read_text()) if RECORD.exists() else {"runs": []}
            if any(is_recorded(run, known) for known in record["runs"]):
                continue
            record["machine"], record["torch"] = machine(), torch.__version__
            record["runs"].append(measured(run))
            save_record(RECORD, record)
            print(json.dumps(record["runs"][-1]), flush=True)


if __name__ == "__main__":
    main()
