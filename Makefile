# Every target works in a fresh clone with nothing but python3 (uv is used when it is there).
PYTHON ?= python3
BIN = .venv/bin
INSTALLED = .venv/installed

PROFILE ?= laptop
RESULTS ?= $(or $(BIOEXP_RESULTS),results)

.PHONY: install demo test reproduce-all reference lint format bench kills fuzz clean

install: $(INSTALLED)

# Bytecode is compiled here: an uncompiled jax imports three times slower.
$(INSTALLED): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "bioexp needs Python 3.11 or newer; name one: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 2; }
	if command -v uv >/dev/null; then \
	  uv venv --quiet --allow-existing --python $(PYTHON) .venv && uv pip install --quiet --python $(BIN)/python --compile-bytecode -e '.[test]'; \
	else \
	  $(PYTHON) -m venv .venv && $(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[test]'; \
	fi
	touch $@

demo: install
	$(BIN)/bioexp train configs/log_net.yaml
	$(BIN)/bioexp attack --n 1000
	$(BIN)/bioexp report

test: install
	$(BIN)/python -m pytest -n 2 --dist loadscope

lint: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

format: install
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# PROFILE=smoke (everything runs, nothing is judged) | laptop | paper (full sizes, for a GPU)
# LAUNCH=local | slurm: by workers; LAUNCH_OPTIONS="--partition gpu --gpus 1 --time 2:00:00".
# The plan is printed first.
reproduce-all: install
	$(BIN)/bioexp reproduce all --profile $(PROFILE) --dry-run
	$(BIN)/bioexp reproduce all --profile $(PROFILE) $(if $(LAUNCH),--launch $(LAUNCH) $(LAUNCH_OPTIONS))

# What is committed of the last full reproduction (results/reference), and the README's counts.
reference: install
	$(BIN)/python -c 'from pathlib import Path; from bioexp.report.reference import reference, refresh; \
	  folder = Path("results/reference"); reference(Path("$(RESULTS)"), folder); refresh(Path("README.md"), folder)'

bench: install
	$(BIN)/python -m pip install --quiet --disable-pip-version-check torch || echo "torch cannot be had: its rows will say so"
	$(BIN)/python tests/bench

# Five hundred configs with one thing wrong, each of which loads or is refused by name.
fuzz: install
	$(BIN)/python tests/fuzz

# A crash at every file operation, two thousand damages of a run's files, and forty kill -9 at random
# moments of train, attack, report, reproduce and workers: nothing damaged is believed, and the same
# command again ends as an undisturbed one does.
kills: install
	$(BIN)/python -m pytest -n 2 tests/kills/crashes.py
	$(BIN)/python tests/kills/damages.py
	$(BIN)/python tests/kills

clean:
	rm -rf .venv build dist *.egg-info .pytest_cache .ruff_cache .mypy_cache
