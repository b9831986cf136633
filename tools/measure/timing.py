"""How programs are timed here, and what is said of their times.

Programs that are compared take turns, so that a busy moment of the machine hits all of
them, and after each round the machine's own rates are measured; quoted are medians.
"""

import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Generic, TypeVar

from course_utils.records.files import replacing

Result = TypeVar("Result")
Rates = dict[str, float]


@dataclass(frozen=True)
class Turn(Generic[Result]):
    """One run of a program: how long it took, and what it returned."""

    seconds: float
    result: Result


@dataclass(frozen=True)
class Speed:
    """What the times of a program come to.

    Attributes:
        seconds: their median.
        speed_up: the first program's median divided by it.
        rate: GFLOP/s of large matrix products in the program's precision.
        share_of_limit: the least time that the machine allows, divided by the median.
    """

    seconds: float
    speed_up: float
    rate: float
    share_of_limit: float


def timed(
    action: Callable[[], Result], clock: Callable[[], float] = time.perf_counter
) -> Turn[Result]:
    """Run once; `time.process_time` as the clock counts processor seconds."""
    start = clock()
    result = action()
    return Turn(clock() - start, result)


def median_seconds(
    action: Callable[[], object], times: int = 10, warm_up: int = 2
) -> float:
    """The median of several runs, after some that do not count."""
    for _ in range(warm_up):
        action()
    return statistics.median(timed(action).seconds for _ in range(times))


def take_turns(
    programs: Mapping[str, Callable[[int], Result]],
    rounds: int,
    rates: Callable[[], Rates],
) -> tuple[dict[str, list[Turn[Result]]], list[Rates]]:
    """Each program once in each round, then the machine's rates.

    Args:
        programs: by name; each is given the round's number, from 0.
        rounds: how many.
        rates: measures the machine.

    Returns:
        The turns of each program, and the rates after each round.
    """
    turns: dict[str, list[Turn[Result]]] = {name: [] for name in programs}
    found = []
    for number in range(rounds):
        for name, program in programs.items():
            turns[name].append(timed(partial(program, number)))
        found.append(rates())
    return turns, found


def compared(
    seconds: Mapping[str, Sequence[float]],
    rates: Sequence[Rates],
    operations: float,
    traffic: float = 0.0,
) -> dict[str, Speed]:
    """Programs against the first of them, and against the machine.

    Args:
        seconds: of a program's runs, by its name; names with "bfloat16" are held
            against that rate, others against "float32".
        rates: GFLOP/s by precision and, if there is traffic, GB/s of a "copy".
        operations: multiplications and additions of a run.
        traffic: bytes that a run has to move.
    """
    medians = {name: statistics.median(times) for name, times in seconds.items()}
    base = next(iter(medians.values()))
    speeds = {}
    for name, median in medians.items():
        rate = median_rate(rates, "bfloat16" if "bfloat16" in name else "float32")
        least = operations / rate / 1e9
        if traffic:
            least = max(least, traffic / median_rate(rates, "copy") / 1e9)
        speeds[name] = Speed(median, base / median, rate, least / median)
    return speeds


def median_rate(rates: Sequence[Rates], name: str) -> float:
    """The median of a rate over the rounds."""
    return statistics.median(rate[name] for rate in rates)


def machine() -> str:
    """The processor, in words."""
    return f"{os.cpu_count()} CPU cores, {platform.machine()}"


def save_record(path: Path, record: dict) -> None:
    """Write a record whole, or leave what is there."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(record, indent=1) + "\n")
