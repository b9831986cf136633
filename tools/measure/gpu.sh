#!/usr/bin/env bash
# All that needs an NVIDIA GPU, in one go; each record is written as soon as it is there.
#
#   bash tools/measure/gpu.sh            wants COURSE_DATA_DIR for the table
#   bash tools/measure/gpu.sh full       and the lessons in the budget of a GPU
#
# PYTHON names another interpreter than that of `make`; TensorFlow is not needed.
set -uo pipefail
cd "$(dirname "$0")/../.."
PYTHON=${PYTHON:-.venv/bin/python}
export PYTHONPATH=$PWD MPLBACKEND=agg
export COURSE_OFFLINE=1 COURSE_STATIC=1
lessons=(01 02 03 05 06 07 09 10) # those in PyTorch

"$PYTHON" -c 'import sys, torch; sys.exit(not torch.cuda.is_available())' ||
    { echo "There is no NVIDIA GPU here." >&2; exit 1; }

failed=0
run() {
    echo "== $*"
    SECONDS=0
    "$@" || { failed=1; echo "== failed: $*"; }
    echo "== $SECONDS s"
}

run_lessons() {
    for number in "${lessons[@]}"; do
        for script in notebooks/scripts/"$number"_*.py; do
            COURSE_BUDGET=$1 run timeout 1200 "$PYTHON" "$script"
        done
    done
}

run "$PYTHON" -m pytest -q -p no:cacheprovider tests/pytorch
run "$PYTHON" tools/measure/benchmark.py --save
run "$PYTHON" tools/measure/iwae_table.py # takes up what it finds; wants all of MNIST
run_lessons smoke
if [ "${1:-}" = full ]; then run_lessons full; fi
exit $failed
