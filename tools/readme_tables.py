"""Write the README's tables from the recorded measurements.

python tools/readme_tables.py           write them
python tools/readme_tables.py --check   fail if they are not up to date
"""

import json
import sys
from pathlib import Path
from typing import Any

from course_utils.files import replacing

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
LESSONS = {
    "00_start_here": "Where to start: the machine, the route, the symbols",
    "01_elbo": "What is maximized, and how far is it from log p(x)?",
    "02_reparameterization": "How does a gradient pass through a random number?",
    "03_vae_pytorch": "How good is a model of digits, in nats?",
    "04_vae_keras": "What does a latent space of two dimensions show, and hide?",
    "05_gan_game": "Can a model learn from being told apart, and does it end?",
    "06_mode_collapse": "Does a GAN draw everything that there is to draw?",
    "07_dcgan_keras": "What is each layer of a DCGAN for?",
    "08_dcgan_pytorch": "Is it the same network in another framework?",
    "09_latent_space": "What do the hundred numbers behind a digit mean?",
    "elbo_on_a_page": "The formulas of lessons 1 and 2, to print",
}


def route() -> str:
    """The lessons with their minutes and memory."""
    record = json.loads((ROOT / "results" / "lessons.json").read_text())
    lines = ["| lesson | | minutes | memory | |", "|---|---|---|---|---|"]
    for name, words in LESSONS.items():
        minutes, memory = record[name]["minutes"], record[name]["memory_mib"]
        link = f"[{name}](notebooks/{name}.ipynb)"
        path = Path("notebooks", "exercises", f"{name}.ipynb")
        exercises = f"[exercises]({path.as_posix()})" if (ROOT / path).exists() else ""
        lines.append(f"| {link} | {words} | {minutes} | {memory} MiB | {exercises} |")
    return "\n".join(lines)


def measured() -> str:
    """What `make bench` found: plain programs, the course's, and the machine."""
    record = json.loads((ROOT / "results" / "benchmark.json").read_text())
    rates, versions = record["rates"], record["versions"]
    lines = [
        "| task | program | seconds | speed-up | share of the limit |",
        "|---|---|---|---|---|",
        *map(line, record["rows"]),
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
    vae = json.loads((ROOT / "results" / "known_vae.json").read_text())
    finals = [series["test_loss"][-1] for series in vae["seeds"].values()]
    keras = json.loads((ROOT / "results" / "conv_vae_lecture.json").read_text())
    lecture = keras["lecture"]
    ends = [losses["30"] for losses in lecture["measured"].values()]
    return (
        f"PyTorch's own VAE example is quoted with a test loss of "
        f"{vae['published_test_loss']} after ten epochs; here three seeds give "
        f"{', '.join(f'{final:.2f}' for final in finals)}. The lecture's Keras VAE is "
        f"quoted with {lecture['published']['30']} nats after 30 epochs; here "
        f"{len(ends)} seeds end between {min(ends):.2f} and {max(ends):.2f}, and "
        "lesson 4 looks into why they differ."
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


def line(row: dict[str, Any]) -> str:
    """A row of the table of speeds."""
    return (
        f"| {row['task']} | {row['program']} | {row['seconds']:.3g} | "
        f"{row['speed_up']:.3g} | {row['share_of_limit']:.0%} |"
    )


def with_tables(text: str) -> str:
    """The README with what stands between its markers renewed."""
    tables = {
        "route": route(),
        "measured": measured(),
        "known": known(),
        "scores": scores(),
    }
    for name, table in tables.items():
        start = f"<!-- {name}: written by tools/readme_tables.py -->"
        end = f"<!-- end of {name} -->"
        before, rest = text.split(start)
        text = f"{before}{start}\n{table}\n{end}{rest.split(end)[1]}"
    return text


def main() -> None:
    """Write or check."""
    text = README.read_text()
    renewed = with_tables(text)
    if "--check" in sys.argv[1:]:
        if renewed != text:
            raise SystemExit("README.md is stale: run python tools/readme_tables.py")
    else:
        with replacing(README) as temporary:
            temporary.write_text(renewed)


if __name__ == "__main__":
    main()
