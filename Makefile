# Two commands do everything on a fresh machine with Python 3.10+, a C++20 compiler and make:
#   make demo    install, train a policy, plot its returns, compare it with simple policies
#   make test    install, check the style, run the C++ and Python tests
# `make new-project NAME=my_study` writes a project of your own to start from.
# They install into .venv and repeat that only when what they install from has changed.

PYTHON ?= python3
VENV ?= .venv
# What `make new-project` writes: its name, its template, where.
NAME =
DOMAIN = powergrid
DIRECTORY = .
# How long `make fuzz` lets each fuzz target search.
FUZZ_SECONDS ?= 60
# Arguments for pytest, such as PYTEST_ARGS="-k storage".
PYTEST_ARGS ?= -n 2 --dist loadfile --benchmark-disable
# Arguments for the benchmarks, such as BENCH_ARGS=--quick.
BENCH_ARGS ?=

BIN := $(abspath $(VENV))/bin
PIP := $(BIN)/python -m pip
# Without --no-compile pip spends most of a minute on byte code that is never used.
INSTALL := $(PIP) install --no-compile --constraint constraints.txt
# What builds the extension modules is installed first, so that it is there for the wheel as well,
# which then takes over what is compiled already.
BUILD_TOOLS := scikit-build-core pybind11 cmake ninja
CPP_FILES := $(shell find cpp src benchmarks/cpp \( -name '*.?pp' -o -name '*.[ch]' \) \
  -not -path 'cpp/third_party/*')
NATIVE := CMakeLists.txt $(CPP_FILES) \
  $(shell find cpp src -name CMakeLists.txt -o -name '*.cmake' -o -name '*.in')
WHEEL_VENV := build/wheel-venv
# An editable install knows the files that were there, so its stamp changes with their names.
FILES := $(shell find python -type f -not -name '*.pyc' | LC_ALL=C sort | cksum | cut -d' ' -f1)
DEMO := $(VENV)/.demo-$(FILES)
TEST := $(VENV)/.test-$(FILES)

# The tools of the environment (cmake, ninja) come before those of the machine.
export PATH := $(BIN):$(PATH)

.PHONY: demo named new-project test lint parity evidence-env test-cpp test-python test-wheel fuzz \
  table timing-study bench bench-core bench-power-flow bench-startup bench-env bench-events bench-rllib \
  leak-rllib learning-report wheel format clean distclean help

help:
	@sed -n '1,/^$$/s/^# \{0,1\}//p' Makefile

demo: $(DEMO)
	$(BIN)/python examples/05_mappo_training.py --test

named:
	@test -n "$(NAME)" || \
	  { echo "usage: make new-project NAME=my_study [DOMAIN=powergrid] [DIRECTORY=.]" >&2; exit 2; }

new-project: named $(DEMO)
	$(BIN)/python -m heron new-project "$(NAME)" --domain "$(DOMAIN)" --directory "$(DIRECTORY)"

test: lint test-cpp test-wheel test-python

table: $(TEST)
	$(BIN)/python benchmarks/python/policy_table.py

# What delays and losses cost the rule-based policy: some minutes.
timing-study: $(TEST)
	$(BIN)/python benchmarks/python/timing_study.py

# Some minutes each, on a machine that does nothing else.
bench: bench-core bench-power-flow bench-startup bench-env bench-events bench-rllib

bench-core: $(TEST)
	$(BIN)/python benchmarks/python/core_speed.py $(BENCH_ARGS)

bench-power-flow: $(TEST)
	$(BIN)/python benchmarks/python/power_flow.py $(BENCH_ARGS)

# How near the power flow is to pandapower: on networks that have a name, and on many at random.
parity: $(TEST)
	$(BIN)/python benchmarks/python/parity.py
	$(BIN)/python -m pytest --hypothesis-profile=explore \
	  tests/powergrid/powerflow/test_parity_random.py

bench-startup: $(TEST)
	$(BIN)/python benchmarks/python/startup.py $(BENCH_ARGS)

bench-env: $(TEST)
	$(BIN)/python benchmarks/python/env_speed.py $(BENCH_ARGS)

bench-events: $(TEST)
	$(BIN)/python benchmarks/python/event_speed.py $(BENCH_ARGS)

bench-rllib: $(TEST)
	$(BIN)/python benchmarks/python/rllib_speed.py $(BENCH_ARGS)

# Six trainings, each of some minutes; what is there already in build/learning is not repeated.
learning-report: $(TEST)
	$(BIN)/python benchmarks/python/learning_report.py $(BENCH_ARGS)

# Two hundred iterations of PPO, in which no process may grow.
leak-rllib: $(TEST)
	$(BIN)/python benchmarks/python/rllib_memory.py $(BENCH_ARGS)

# What the tests show in short: some ten minutes.
evidence-env: $(TEST)
	$(BIN)/python benchmarks/python/env_evidence.py $(BENCH_ARGS)

lint: $(TEST)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/clang-format --dry-run --Werror $(CPP_FILES)
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

test-cpp: $(TEST)
	$(BIN)/cmake --workflow --preset release
	$(BIN)/cmake --workflow --preset asan-ubsan
	$(BIN)/cmake --workflow --preset tsan

fuzz: $(TEST)
	$(BIN)/cmake --preset asan-ubsan
	$(BIN)/cmake --build --preset asan-ubsan
	set -e; for target in build/asan-ubsan/cpp/fuzz/*_fuzz; do \
	  echo "$$target"; "$$target" --seconds $(FUZZ_SECONDS); \
	done

test-python: $(TEST)
	$(BIN)/python -m pytest $(PYTEST_ARGS)

wheel: $(TEST)
	rm -rf dist
	$(PIP) wheel --no-deps --no-build-isolation --wheel-dir dist .

# The wheel alone, in an environment that borrows the dependencies but cannot see this tree.
test-wheel: wheel
	rm -rf $(WHEEL_VENV)
	$(BIN)/python -m venv --without-pip $(WHEEL_VENV)
	$(PIP) --python $(WHEEL_VENV)/bin/python install --no-deps dist/heron-*.whl
	PYTHONPATH=$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("platlib"))') \
	  $(WHEEL_VENV)/bin/python -m pytest -p no:cacheprovider tests/bindings

format: $(TEST)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/clang-format -i $(CPP_FILES)

clean:
	rm -rf build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis

distclean: clean
	rm -rf $(VENV)

$(VENV)/.created:
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --upgrade 'pip>=23.3'  # an older one does not find the extra multi_agent
	@touch $@

$(DEMO): pyproject.toml constraints.txt $(NATIVE) | $(VENV)/.created
	$(INSTALL) $(BUILD_TOOLS)
	$(INSTALL) --no-build-isolation --editable '.[multi_agent,cli]'
	@touch $@

$(TEST): pyproject.toml constraints.txt $(NATIVE) | $(VENV)/.created
	$(INSTALL) $(BUILD_TOOLS)
	$(INSTALL) --no-build-isolation --editable '.[dev,multi_agent,torchrl]'
	@touch $@ $(DEMO)
