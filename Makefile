# make run    install what is needed, build, reproduce in miniature, train SAC on two tasks
# make test   install what is needed, build, run every test
# The other targets are listed by `make help`. Each works from a clean clone.

SHELL := /bin/sh
# Debian's interpreter: the one python3-dev belongs to, whatever else stands first on PATH.
SYSTEM_PYTHON ?= /usr/bin/python3
VENV := .venv
PEERS := .venv-peers
BUILD := build/release
PALAESTRA := $(BUILD)/bin/palaestra
RUNS ?= runs
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
# --no-compile: most modules are never imported; those that are get their bytecode then.
PIP_FLAGS := --quiet --disable-pip-version-check --no-warn-script-location --no-compile -c constraints.txt

.PHONY: help run test build bench test-interop peers docs lint format clean
.PHONY: configured compiled compiled-tests

help:
	@echo "make run           install, build, every experiment at its smallest, then train SAC on Pendulum-v1"
	@echo "                   and on HalfCheetah-v5"
	@echo "make test          install, build, run every test"
	@echo "make build         the command, the libraries and the Python module; nothing run"
	@echo "make bench         our speed beside the peers' and the limits"
	@echo "make test-interop  our package inside the peers' own loops"
	@echo "make docs          the API reference, in build/docs"
	@echo "make peers         PyTorch, Stable-Baselines3, EnvPool, cpprb in $(PEERS)"
	@echo "make lint          clang-format, clang-tidy, ruff"
	@echo "make format        rewrite the sources in the project's format"
	@echo "make clean         remove build/"

# ---- installing ----------------------------------------------------------------------------------

build/.debian: tools/requirements/debian.txt tools/install_packages.sh
	@tools/install_packages.sh tools/requirements/debian.txt
	@mkdir -p build && touch $@

build/.venv-build: build/.debian constraints.txt tools/requirements/build.txt
	@echo "== installing Python packages into $(VENV)"
	@test -x $(VENV)/bin/python || $(SYSTEM_PYTHON) -m venv $(VENV)
	@$(VENV)/bin/python -m pip install $(PIP_FLAGS) -r tools/requirements/build.txt
	@touch $@

build/.venv: build/.venv-build tools/requirements/main.txt
	@$(VENV)/bin/python -m pip install $(PIP_FLAGS) -r tools/requirements/main.txt
	@touch $@

build/.peers: build/.debian constraints.txt tools/requirements/peers.txt
	@echo "== installing the peers into $(PEERS)"
	@test -x $(PEERS)/bin/python || $(SYSTEM_PYTHON) -m venv $(PEERS)
	@$(PEERS)/bin/python -m pip install $(PIP_FLAGS) -r tools/requirements/peers.txt
	@touch $@

peers: build/.peers

# ---- building ------------------------------------------------------------------------------------

# pip has work for one core, so that it installs what the build does not need while the compiler runs.
build: build/.debian
	@$(MAKE) --no-print-directory -j2 build/.venv compiled

configured: build/.venv-build
	@echo "== building"
	@cmake --preset release > build/configure.log || { cat build/configure.log; exit 1; }

compiled: configured
	@cmake --build --preset release -j $(JOBS) --target palaestra _palaestra
	@cmake --install $(BUILD) --component python_link > /dev/null

# Tests and examples are as much to compile again.
compiled-tests: compiled
	@cmake --build --preset release -j $(JOBS)

# ---- running -------------------------------------------------------------------------------------

run: build
	@echo "== reproducing every experiment at its smallest scale"
	@$(PALAESTRA) reproduce all --scale smoke --out $(RUNS)/reproduce --force
	@echo "== training SAC on Pendulum-v1, 10,000 steps"
	@$(PALAESTRA) train --env Pendulum-v1 --agent sac --steps 10000 --out $(RUNS)/pendulum --force
	@echo "== training SAC on HalfCheetah-v5, 20,000 steps (learning it takes 100,000 and more)"
	@$(PALAESTRA) train --env HalfCheetah-v5 --agent sac --steps 20000 --out $(RUNS)/half_cheetah --force
	@echo
	@echo "Done. In $(RUNS)/pendulum and $(RUNS)/half_cheetah: config.toml, metrics.jsonl, eval.jsonl,"
	@echo "checkpoints/, final.safetensors, TensorBoard events and the learning curve, curve.png."
	@echo "What was reproduced, to be opened in a browser: $(RUNS)/reproduce/report.html"
	@echo "Try next:"
	@echo "  $(PALAESTRA) eval $(RUNS)/pendulum --episodes 20"
	@echo "  $(PALAESTRA) train --out $(RUNS)/half_cheetah --steps 100000 --resume"
	@echo "  $(PALAESTRA) envs"
	@echo "  $(PALAESTRA) reproduce --list"
	@echo "  $(VENV)/bin/python -c \"import gymnasium, palaestra; print(gymnasium.make('palaestra/Hopper-v5').reset(seed=1))\""

build/.test: build/.debian tools/requirements/debian-test.txt
	@tools/install_packages.sh tools/requirements/debian-test.txt
	@touch $@

test: build/.debian build/.test
	@$(MAKE) --no-print-directory -j2 build/.venv compiled-tests
	@$(VENV)/bin/python tools/run_tests.py --build $(BUILD)

bench: build build/.peers
	@$(PALAESTRA) bench --peers

test-interop: build build/.peers
	@PYTHONPATH=$(BUILD)/python PALAESTRA_BIN=$(BUILD)/bin/palaestra \
	  $(PEERS)/bin/python -m pytest -q tests/interop

# ---- documentation -------------------------------------------------------------------------------

build/.docs: build/.debian tools/requirements/debian-docs.txt
	@tools/install_packages.sh tools/requirements/debian-docs.txt
	@touch $@

docs: build build/.docs
	@echo "== C++ reference"
	@doxygen docs/Doxyfile
	@echo "== Python reference"
	@PYTHONPATH=$(BUILD)/python $(VENV)/bin/python -m pdoc --docformat numpy palaestra -o build/docs/python
	@echo "build/docs/cpp/index.html and build/docs/python/index.html"

# ---- keeping house -------------------------------------------------------------------------------

build/.lint: build/.debian tools/requirements/debian-lint.txt
	@tools/install_packages.sh tools/requirements/debian-lint.txt
	@touch $@

lint: build/.venv build/.lint
	@cmake --preset lint > build/lint.log || { cat build/lint.log; exit 1; }
	@cmake --build build/lint --target palaestra_build_info > /dev/null
	@tools/lint.sh build/lint

format: build/.venv build/.lint
	@git ls-files '*.h' '*.cc' | xargs clang-format-14 -i
	@$(VENV)/bin/ruff format --quiet .

clean:
	rm -rf build
