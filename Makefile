# make demo, make test: a virtual environment in .venv, the package built from source, then the job.
# make lint: every static check.  make sanitize: C++ tests and bad input under ASan and UBSan.
# make test-emulated: the GPU's tests on the CPU.  make gpu: everything that needs a GPU.

PYTHON ?= python3
PY := .venv/bin/python
SOURCES := $(shell find cpp cuda python CMakeLists.txt pyproject.toml constraints-dev.txt \
             -type f -not -path '*__pycache__*' -not -name '*.so')
CPP_FILES = $(shell find cpp cuda tests/cpp -name '*.cpp' -o -name '*.hpp' -o -name '*.cu')
# What clang-tidy reads: not the files of one instruction-set level, nor pybind11's headers.
TIDY_FILES = $(filter cpp/%.cpp,$(filter-out cpp/bindings/% cpp/kernels/%,$(CPP_FILES)))
SANITIZE_TESTS = tests/test_core.py tests/test_pack.py tests/test_codes.py tests/test_hamming.py \
  tests/test_pairs.py tests/test_groups.py tests/test_units.py tests/test_search.py \
  tests/test_sets.py tests/test_matrices.py tests/test_banks.py
CMAKE := $(PY) -m cmake
CPP_TEST_OPTIONS = -G Ninja -DCMAKE_MAKE_PROGRAM="$(CURDIR)/.venv/bin/ninja" \
  -DSPLINECODE_BUILD_TESTS=ON -DSPLINECODE_CUDA=OFF -DSPLINECODE_WERROR=ON \
  -DSPLINECODE_BUILD_PYTHON=OFF
# For the extension module in a build folder, and a copy of the package beside it: $(1)/site. Like
# CMake, take pybind11 from the environment's pybind11_DIR if it is set.
CMAKE_MODULE_OPTIONS = -DSPLINECODE_BUILD_PYTHON=ON -DPython_EXECUTABLE="$(CURDIR)/$(PY)" \
  -Dpybind11_DIR="$${pybind11_DIR:-$$($(PY) -m pybind11 --cmakedir)}"
MAKE_SITE = rm -rf $(1)/site && mkdir -p $(1)/site && cp -r python/splinecode $(1)/site/ && \
  rm -f $(1)/site/splinecode/_core*.so && $(CMAKE) --install $(1) --prefix $(1)/site
PIP_INSTALL := $(PY) -m pip install --quiet --disable-pip-version-check -c constraints-dev.txt

.PHONY: demo test test-cpp test-python configure-cpp test-emulated lint format sanitize bench clean \
  gpu gpu-build gpu-test gpu-sanitize gpu-bench

demo: .venv/installed
	$(PY) -m splinecode demo --output demo-output

test: test-cpp test-python

test-python: .venv/installed
	$(PY) -m pytest -n "$$(nproc)"

test-cpp: configure-cpp
	$(CMAKE) --build build/cpp
	.venv/bin/ctest --test-dir build/cpp --output-on-failure --parallel "$$(nproc)"

configure-cpp: .venv/tools
	$(CMAKE) -S . -B build/cpp $(CPP_TEST_OPTIONS) --log-level=WARNING

# What is marked gpu, with the CUDA kernels run by an emulator of threads.
test-emulated: .venv/installed .venv/tools
	$(CMAKE) -S . -B build/emulated $(CPP_TEST_OPTIONS) --log-level=WARNING \
	  -DSPLINECODE_BUILD_TESTS=OFF -DSPLINECODE_CUDA=EMULATED $(CMAKE_MODULE_OPTIONS)
	$(CMAKE) --build build/emulated
	$(call MAKE_SITE,build/emulated)
	PYTHONPATH=build/emulated/site $(PY) -m pytest -m gpu -n "$$(nproc)"

# On a machine with a GPU, which needs no network: see tests/gpu/run.
gpu:
	tests/gpu/run

gpu-build gpu-test gpu-sanitize gpu-bench: gpu-%:
	tests/gpu/run $*

# The peers that the benchmarks compare with are an extra; a peer that is missing is skipped.
bench: .venv/installed
	$(PIP_INSTALL) ".[bench]"
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
	$(PIP_INSTALL) "cmake>=3.28" ninja "pybind11>=3.0"
	@touch $@

.venv/lint-tools: .venv/python constraints-dev.txt
	$(PIP_INSTALL) ruff mypy clang-format clang-tidy
	@touch $@

lint: .venv/installed .venv/lint-tools configure-cpp
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	.venv/bin/clang-format --dry-run --Werror $(CPP_FILES)
	echo $(TIDY_FILES) | xargs -n 3 -P "$$(nproc)" .venv/bin/clang-tidy --quiet -p build/cpp

# The compiled module and the C++ tests with AddressSanitizer and UndefinedBehaviorSanitizer. Leaks
# are not looked for: the interpreter has its own.
SANITIZE_PRELOAD = $(shell $(CXX) -print-file-name=libasan.so) $(shell $(CXX) -print-file-name=libstdc++.so)
sanitize: .venv/installed .venv/tools
	$(CMAKE) -S . -B build/sanitize $(CPP_TEST_OPTIONS) --log-level=WARNING -DSPLINECODE_SANITIZE=ON \
	  $(CMAKE_MODULE_OPTIONS)
	$(CMAKE) --build build/sanitize
	.venv/bin/ctest --test-dir build/sanitize --output-on-failure --parallel "$$(nproc)"
	$(call MAKE_SITE,build/sanitize)
	LD_PRELOAD="$(SANITIZE_PRELOAD)" ASAN_OPTIONS=detect_leaks=0 PYTHONPATH=build/sanitize/site \
	  $(PY) -m pytest -p no:cacheprovider $(SANITIZE_TESTS)

format: .venv/lint-tools
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .
	.venv/bin/clang-format -i $(CPP_FILES)

clean:
	rm -rf .venv build dist demo-output
