"""Write the tables of READMEs from the recorded measurements.

python tools/build/readme_tables.py           write them
python tools/build/readme_tables.py --check   fail if they are not up to date
"""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from course_utils.records import RESULTS, read_result
from course_utils.records.files import replacing

ROOT = Path(__file__).parents[2]
LESSONS = {
    "00_start_here": ("Start here", "Does my machine work? What are we after?"),
    "01_elbo": ("The ELBO", "Who sent this particle, and what does a guess cost?"),
    "02_reparameterization": (
        "Reparameterization",
        "How does a gradient pass through a random number?",
    ),
    "03_vae_pytorch": ("VAE, PyTorch", "How good is a model of digits, in nats?"),
    "04_vae_keras": (
        "VAE, Keras",
        "What does a latent space of two dimensions show, and hide?",
    ),
    "05_gan_game": ("The GAN game", "Can a model learn from being told apart?"),
    "06_game_settles": (
        "Does the game settle?",
        "Do two players who learn from each other come to rest?",
    ),
    "07_mode_collapse": (
        "Mode collapse",
        "Does a GAN draw everything that there is to draw?",
    ),
    "08_dcgan_keras": (
        "DCGAN, Keras",
        "What is each layer of a DCGAN for, and can its training be trusted?",
    ),
    "09_dcgan_pytorch": (
        "DCGAN, PyTorch",
        "Is the same network in another framework the same network?",
    ),
    "10_latent_space": (
        "Latent space",
        "What do the hundred numbers behind a digit mean?",
    ),
    "11_ising": (
        "Ising",
        "Can a network draw from a law of physics, and what does it miss?",
    ),
    "12_diffusion": (
        "Diffusion",
        "How low can a loss fall, and what does a chain of small steps draw?",
    ),
    "your_own_data": ("Your own data", "Does a VAE know it better than a formula?"),
    "elbo_on_a_page": ("ELBO on a page", "The formulas of lessons 1 and 2, to print"),
    "gans_on_a_page": ("GANs on a page", "The formulas of lessons 5 to 8, to print"),
    "ising_on_a_page": ("Ising on a page", "The formulas of lesson 11, to print"),
    "diffusion_on_a_page": (
        "Diffusion on a page",
        "The formulas of lesson 12, to print",
    ),
}


SPEED_HEAD = (
    "| task | program | seconds | speed-up | of the limit |",
    "|---|---|---|---|---|",
)


def route() -> str:
    """The lessons with their minutes and memory."""
    record = read_result("lessons")
    lines = ["| notebook | what it answers | min | MiB | |", "|---|---|---|---|---|"]
    for name, (title, question) in LESSONS.items():
        cost = record.get(name, {})  # a new lesson's may not be measured yet
        minutes, memory = cost.get("minutes", ""), cost.get("memory_mib", "")
        number = f"{int(name[:2])}&nbsp;·&nbsp;" if name[:2].isdigit() else ""
        link = f"[{number}{title}]({name}.ipynb)"
        path = Path("exercises", f"{name}.ipynb")
        there = (ROOT / "notebooks" / path).exists()
        exercises = f"[exercises]({path.as_posix()})" if there else ""
        lines.append(f"| {link} | {question} | {minutes} | {memory} | {exercises} |")
    return "\n".join(lines)


def measured() -> str:
    """What `make bench` found, on processors and, if it was run there, on a GPU."""
    names = ["benchmark", "benchmark_gpu"]
    there = [name for name in names if (RESULTS / f"{name}.json").exists()]
    return "\n\n".join(speeds(read_result(name)) for name in there)


def speeds(record: dict[str, Any]) -> str:
    """Plain programs, the course's, and the machine."""
    rates, versions = record["rates"], record["versions"]
    lines = [
        *SPEED_HEAD,
        *speed_lines(record["rows"]),
        "",
        f"Measured by `make bench` on {record['machine']}, PyTorch "
        f"{versions['torch']}; the programs of a task took turns. The limit: "
        "matrix products at "
        f"{rates['float32']:.0f} GFLOP/s in float32 and {rates['bfloat16']:.0f} in "
        f"bfloat16, copies at {rates['copy']:.0f} GB/s, all found in the same run.",
    ]
    return "\n".join(lines)


def known() -> str:
    """Figures of others, and ours by the same protocol."""
    vae = read_result("known_vae")
    finals = [series["test_loss"][-1] for series in vae["seeds"].values()]
    lecture = read_result("conv_vae_lecture")["lecture"]
    theirs = lecture["measured_by_the_lectures_program"]
    ours = {seed: lecture["measured"][seed] for seed in theirs}  # none chosen
    ends = [", ".join(f"{run['30']:.2f}" for run in r.values()) for r in (theirs, ours)]
    return (
        f"PyTorch's own VAE example is quoted with a test loss of "
        f"{vae['published_test_loss']} after ten epochs; here three seeds give "
        f"{', '.join(f'{final:.2f}' for final in finals)}. The lecture's Keras VAE is "
        f"quoted with {lecture['published']['30']} nats after 30 epochs; here its own "
        f"program ends at {ends[0]}, the course's at {ends[1]}, and "
        "[a page](../notebooks/deeper/04_reproduction.ipynb) asks why."
    )


def scores() -> str:
    """What a classifier says of the samples."""
    card = json.loads((ROOT / "course_utils" / "weights" / "dcgan.json").read_text())
    test = card["test"]
    lines = [
        "| samples | entropy | rarest class | confidence | Fréchet distance |",
        "|---|---|---|---|---|",
    ]
    for name, row in test["samplers"].items():
        lines.append(
            f"| {name} | {row['entropy']:.3f} | {row['rarest_class']:.1%} | "
            f"{row['confidence']:.3f} | {row['frechet']} |"
        )
    lines += [
        "",
        f"Of {test['samples']:,} samples each. Two halves of real digits are at a "
        f"Fréchet distance of {test['frechet_floor']}; the entropy of the classes is "
        "at most 2.303 nats.",
    ]
    return "\n".join(lines)


def speed_lines(rows: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Rows of the table of speeds; a task's name stands in its first only."""
    last = None
    for row in rows:
        task = "" if row["task"] == last else row["task"]
        last = row["task"]
        yield (
            f"| {task} | {row['program']} | {row['seconds']:.3g} | "
            f"{row['speed_up']:.3g} | {row['share_of_limit']:.0%} |"
        )


# By the page that they stand on.
TABLES = {
    "notebooks/README.md": {"route": route},
    "results/README.md": {"measured": measured, "known": known, "scores": scores},
}


def with_tables(text: str, tables: Mapping[str, Callable[[], str]]) -> str:
    """A page with what stands between its markers renewed."""
    for name, table in tables.items():
        start = f"<!-- {name}: written by tools/build/readme_tables.py -->"
        end = f"<!-- end of {name} -->"
        before, rest = text.split(start)
        text = f"{before}{start}\n{table()}\n{end}{rest.split(end)[1]}"
    return text


def main() -> None:
    """Write or check."""
    for page, tables in TABLES.items():
        path = ROOT / page
        text = path.read_text(encoding="utf-8")
        renewed = with_tables(text, tables)
        if "--check" not in sys.argv[1:]:
            with replacing(path) as temporary:
                temporary.write_text(renewed, encoding="utf-8")
        elif renewed != text:
            raise SystemExit(
                f"{page} is stale: run python tools/build/readme_tables.py"
            )


if __name__ == "__main__":
    main()
