# make demo, make test: a virtual environment in .venv, the package built from source, then the job.
# make lint: every static check.  make sanitize: C++ tests and bad input under ASan and UBSan.

PYTHON ?= python3
PY := .venv/bin/python
SOURCES := $(shell find cpp cuda python CMakeLists.txt pyproject.toml constraints-dev.txt \
             -type f -not -path '*__pycache__*' -not -name '*.so')
CPP_FILES = $(shell find cpp cuda tests/cpp -name '*.cpp' -o -name '*.hpp' -o -name '*.cu')
PIP_INSTALL := $(PY) -m pip install --quiet --disable-pip-version-check -c constraints-dev.txt

.PHONY: demo test test-cpp test-python lint format sanitize bench clean

demo: .venv/installed
	$(PY) -m splinecode demo --output demo-output

test: test-cpp test-python

test-python: .venv/installed
	$(PY) -m pytest

test-cpp: .venv/tools
	$(PY) -m cmake -S . -B build/cpp -G Ninja -DCMAKE_MAKE_PROGRAM="$(CURDIR)/.venv/bin/ninja" \
	  -DSPLINECODE_BUILD_PYTHON=OFF -DSPLINECODE_BUILD_TESTS=ON -DSPLINECODE_CUDA=OFF \
	  -DSPLINECODE_WERROR=ON --log-level=WARNING
	$(PY) -m cmake --build build/cpp
	build/cpp/tests/cpp/splinecode_tests

bench: .venv/installed
	$(PY) -m splinecode bench

.venv/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "splinecode needs Python 3.11 or later: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv .venv
	$(PIP_INSTALL) --upgrade pip
	@touch $@

.venv/installed: .venv/python $(SOURCES)
	$(PIP_INSTALL) ".[test]"
	@touch $@

.venv/tools: .venv/python
	$(PIP_INSTALL) "cmake>=3.28" ninja
	@touch $@

.venv/lint-tools: .venv/python constraints-dev.txt
	$(PIP_INSTALL) ruff mypy clang-format clang-tidy
	@touch $@

lint: .venv/installed .venv/tools .venv/lint-tools test-cpp
	$(PY) -m ruff check .
	$(PY) -m mypy
	.venv/bin/clang-format --dry-run --Werror $(CPP_FILES)
	.venv/bin/clang-tidy --quiet -p build/cpp $(filter cpp/%.cpp,$(filter-out cpp/bindings/% cpp/kernels/avx% cpp/kernels/neon%,$(CPP_FILES)))

format: .venv/lint-tools
	$(PY) -m ruff check --fix .
	.venv/bin/clang-format -i $(CPP_FILES)

clean:
	rm -rf .venv build dist demo-output
