# make run   the web app and the training worker, on http://127.0.0.1:8501 (GRAFT_PORT changes it);
#            puts the command line beside them as .venv/bin/graft
#            TORCH=cpu, beside any of these, leaves CUDA out: 2.5 GB instead of 7.2
# make test  every test, three at a time; gets a Chromium first when there is none
# make lint  style, types, and known vulnerabilities     make bench  what benchmarks/ measures
# make chaos kills processes at random for some minutes; nothing may be lost
# make screenshots  every place, wide and narrow, light and dark, into test-artifacts
# make messages  bring the catalogues in core/language up to the sentences in the source
# make lock  write both locks anew; ARGS=--upgrade moves to the newest versions
# make extra FORMAT=coreml  what a converter needs beside the app, into .extras
# make clean remove what make made, never your data

PYTHON ?= python3
PY := .venv/bin/python
GRAFT := .venv/bin/graft
PIP := $(PY) -m pip install --quiet --disable-pip-version-check --require-hashes
READY := .venv/.ready$(TORCH)
READY_DEV := .venv/.ready-dev$(TORCH)
LOCK := -m uv pip compile --quiet --universal --generate-hashes --python-version 3.11 \
	--no-annotate --no-header --no-emit-index-url --no-emit-find-links

.PHONY: run test lint bench chaos screenshots messages extra lock clean

run: $(READY) $(GRAFT)
	@exec $(PY) -m core serve

test: $(READY_DEV)
	@$(PY) tests/browser/get_chromium.py
	@# Of hundreds of processes, each would compile core anew where Python is told to keep nothing.
	PYTHONDONTWRITEBYTECODE= $(PY) -m pytest -n 3 --dist loadfile --no-loadscope-reorder $(ARGS)

lint: $(READY_DEV)
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(PY) .ci/audit.py

bench: $(READY_DEV)
	$(PY) -m benchmarks $(ARGS)

chaos: $(READY_DEV)
	$(PY) -m benchmarks.chaos $(ARGS)

screenshots: $(READY_DEV)
	@$(PY) tests/browser/get_chromium.py
	$(PY) tests/browser/screenshots.py $(ARGS)

messages: $(READY_DEV)
	$(PY) -m core.language

extra: $(READY)
	rm -rf .extras/$(FORMAT)
	$(PIP) --target .extras/$(FORMAT) -r requirements-$(FORMAT).lock
	@touch .extras/$(FORMAT)/.ready

# What is installed for tests must not differ from what is run.
lock: $(READY_DEV)
	$(PY) $(LOCK) $(ARGS) requirements.txt --output-file requirements.lock
	$(PY) $(LOCK) $(ARGS) -c requirements.lock requirements-dev.txt \
		--output-file requirements-dev.lock
	$(PY) $(LOCK) $(ARGS) -c requirements.lock requirements-coreml.txt \
		--output-file requirements-coreml.lock

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis test-artifacts
	find core pages tests benchmarks -name __pycache__ -type d -exec rm -rf {} +

# One environment for running and testing. A stamp is newer than its lock once that is installed;
# what is needed to run is part of what is needed to test.
$(READY): requirements.lock
	$(call install,requirements.lock)
	@touch $@

$(READY_DEV): requirements-dev.lock
	$(call install,requirements-dev.lock)
	@touch $(READY) $@

# Finds its way from where it lies: it may be linked to from anywhere, and the folder may move.
$(GRAFT): | $(READY)
	@printf '%s\n' '#!/bin/sh' 'bin=$$(dirname "$$(readlink -f "$$0")")' \
		'exec "$$bin/python" "$$bin/../../graft.py" "$$@"' > $@
	@chmod +x $@

define install
@command -v $(PYTHON) >/dev/null || { \
	echo "Python is missing. Install Python 3.11 or newer, then run make again."; exit 1; }
@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	echo "Graft needs Python 3.11 or newer, and $(PYTHON) is $$($(PYTHON) -V)." \
		"Name another one: make PYTHON=python3.12 run"; exit 1; }
@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	echo "Python's venv module is missing. On Debian or Ubuntu: apt-get install python3-venv"; \
	exit 1; }
@echo "Preparing .venv: the first time this downloads some gigabytes and takes some minutes."
@$(PY) -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear .venv
$(if $(TORCH),$(call install_for,$(1)),$(PIP) -r $(1))
endef

# uv chooses the build of torch: `cpu`, `auto`, `cu130` … Those come from PyTorch's own index, and
# the hashes of the lock are those of PyPI's build, so all else is installed first, by its hash.
define install_for
awk '/^[^ #]/ {take = /^uv==/} take' requirements-dev.lock > .venv/uv.lock
awk '/^[^ #]/ {take = !/^(torch|torchvision|triton|nvidia-[a-z0-9-]+|cuda-[a-z]+)==/} take' $(1) \
	> .venv/rest.lock
$(PIP) -r .venv/uv.lock
$(PIP) --no-deps -r .venv/rest.lock
$(PY) -m uv pip install --quiet --torch-backend=$(TORCH) \
	$$(awk '/^(torch|torchvision)==/ {print $$1}' $(1))
endef
