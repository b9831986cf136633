# The course in a few verbs. Relative paths only: the folder may have spaces in it.
#   make lab        open the course in JupyterLab
#   make test       everything that must pass
#   make check      format, lint, import rules and types alone (seconds)
#   make notebooks  execute the lessons and save them (ONLY=03 for one)
#   make exercises  cut the exercises out of the solutions
#   make weights    train the shipped weights anew (half an hour a model)
#   make slides     reveal.js slides of the lessons, in slides/
#   make site       the course as a book in the browser, in build/site/html
#   make site-test  that book walked in a browser
#   make bench      one table of speeds: plain programs, the course's, the machine

VENV := .venv
ifeq ($(OS),Windows_NT)
BIN := $(VENV)/Scripts
else
BIN := $(VENV)/bin
endif
STAMP := $(VENV)/.installed
SITE_STAMP := $(VENV)/.installed-site
PYTHON := $(BIN)/python

# A name on the PATH may be a shim that fails: each Python is tried by running it.
SUITABLE := 'import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info < (3, 14))'

# Settings of the user's own shell that would install somewhere else.
unexport PYTHONPATH PYTHONHOME PIP_USER PIP_TARGET PIP_PREFIX

# PyTorch's threads wait for each other by spinning. Next to another busy program that
# costs a factor of thirty on two cores; a shorter spin costs nothing measurable.
export GOMP_SPINCOUNT ?= 10000

# Two test processes on two cores: one thread each.
ONE_THREAD := OMP_NUM_THREADS=1 TF_NUM_INTRAOP_THREADS=1 TF_NUM_INTEROP_THREADS=1

.PHONY: lab test check notebooks exercises weights slides site site-test bench

# In a container one is often root, where Jupyter must be told that this is meant.
lab: $(STAMP)
	$(PYTHON) -m jupyter lab $$(test "$$(id -u)" = 0 && echo --allow-root) \
		--LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb

test: check
	$(ONE_THREAD) COURSE_BUDGET=smoke COURSE_OFFLINE=1 $(PYTHON) -m pytest \
		-n 2 --dist loadfile --nbval-lax --nbval-current-env \
		--nbval-cell-timeout=600

# What people keep in notebooks/ beside the course's own scripts need not pass.
check: $(STAMP)
	own=$$($(PYTHON) tools/build/course_files.py) && for verb in "format --check" check; do \
		$(PYTHON) -m ruff $$verb --config 'extend-exclude = ["notebooks"]' . $$own \
			|| exit; done
	$(BIN)/lint-imports
	$(BIN)/mypy
	$(PYTHON) tools/build/addresses.py --check

notebooks: $(STAMP)
	$(PYTHON) tools/build/notebooks.py $(ONLY)

exercises: $(STAMP)
	$(PYTHON) tools/build/exercises.py

weights: $(STAMP)
	$(PYTHON) tools/train/weights.py $(ONLY)

slides: $(STAMP)
	$(PYTHON) tools/build/slides.py $(ONLY)

site: $(SITE_STAMP)
	$(PYTHON) tools/build/website.py $(SITE)

# SITE=--stills leaves out players whose frames are not drawn yet.
site-test: site
	COURSE_SITE=build/site/html $(PYTHON) -m pytest tests/site

bench: $(STAMP)
	$(PYTHON) tools/measure/benchmark.py

$(STAMP): requirements.txt pyproject.toml
	@test -x $(PYTHON) || { \
		for python in python3 python3.11 python3.12 python3.13 python; do \
			"$$python" -c $(SUITABLE) 2>/dev/null && exec "$$python" -m venv $(VENV); \
		done; \
		echo "The course needs Python 3.11, 3.12 or 3.13 with its venv module;" \
			"none was found on the PATH." >&2; exit 1; }
	$(PYTHON) -m pip install --quiet -r requirements.txt -e .
	$(PYTHON) -m jupyter labextension disable --level=sys_prefix \
		"@jupyterlab/apputils-extension:announcements" 2>/dev/null
	@touch $(STAMP)

# Sphinx and its theme are for this alone.
$(SITE_STAMP): $(STAMP) requirements-site.txt
	$(PYTHON) -m pip install --quiet -r requirements.txt -r requirements-site.txt
	@touch $(SITE_STAMP)
