# Every target sets up what it needs first; `make setup` names what must be installed by hand.
MAKEFLAGS += --no-print-directory --no-builtin-rules
SHELL := /bin/sh
BIN := .venv/bin
PYTHON := $(BIN)/python

# How many test modules `make test` runs at a time, each process with a control plane of its own.
JOBS := 3

.DEFAULT_GOAL := help
.PHONY: help setup lock schemas controlplane deploy test soak fuzz check demo bench docs picture provenance format

help:  ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /\1: /p' Makefile

setup:  ## make .venv with everything in it; quick when nothing changed
	@.ci/setup

lock: setup  ## pin all dependencies, with hashes and without any address
	$(BIN)/pip-compile --quiet --extra dev --generate-hashes --allow-unsafe --strip-extras --all-build-deps \
		--no-emit-index-url --no-emit-trusted-host --no-emit-find-links --output-file requirements.lock pyproject.toml

schemas: setup  ## pack the schemas of `towline check` again, from the Go modules of Kubernetes
	@$(PYTHON) -m e2e.schemas

controlplane: setup  ## find or build the control plane of tests and demo; the last line is its folder
	@$(PYTHON) -m e2e.controlplane

deploy: setup  ## copy crds/ into the chart, and render deploy/ from it
	@$(PYTHON) -m e2e.harness deploy

test: setup  ## unit tests, properties, and stories on a real API server; JOBS=2 runs two at a time instead of three
	@$(PYTHON) -m e2e.controlplane
	$(PYTHON) -m pytest --numprocesses $(JOBS) --dist loadfile

soak: setup  ## try much more than tests do, about an hour; PARTS="a b" SIZE=n SEED=n choose, SAVE=1 keeps the outcome
	@$(PYTHON) -m e2e.soak $(if $(SAVE),--save) $(if $(SIZE),--size $(SIZE)) $(if $(SEED),--seed $(SEED)) $(PARTS)

fuzz: setup  ## feed the parsers mutated input for a minute; FUZZ_SECONDS and FUZZ_SEED choose others
	FUZZ_SECONDS=$${FUZZ_SECONDS:-60} $(PYTHON) -m pytest tests/fuzz

check: setup  ## format, lint, types, layers
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup  ## mend what ruff can mend
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

demo: setup  ## see it work; ONCE=1 ends by itself; CLUSTER=1 runs on the cluster of KUBECONFIG and removes itself (CONFIRM=context in scripts)
	@$(PYTHON) -m e2e.demo $(if $(ONCE),--once) $(if $(CLUSTER),--cluster) $(if $(CONFIRM),--confirm "$(CONFIRM)")

provenance: setup  ## trace every field of the units in DIR=…, and try SAMPLES=10 lines of each
	@$(PYTHON) -m e2e.provenance "$(DIR)" --kustomize $(BIN)/kubectl $(if $(SAMPLES),--samples $(SAMPLES)) \
		$(if $(REPLAY),--no-marks)

bench: setup  ## measure it against a bare client; SAVE=1 keeps the table in e2e/bench/README.md
	@$(PYTHON) -m e2e.bench $(if $(SAVE),--save)

docs: setup  ## build the pages of docs/ as a site into build/docs; SERVE=1 shows it, with its search
	@PYTHONPATH=operator:. $(PYTHON) -m docs.site.field_tables
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --config-file docs/site/mkdocs.yml
	@$(if $(SERVE),$(PYTHON) -m http.server --bind 127.0.0.1 --directory build/docs 8000)

picture: setup  ## play the scenes of docs/demo.svg on a real API server, and draw it again
	@$(PYTHON) -m e2e.controlplane
	@SAVE_PICTURE=1 $(PYTHON) -m pytest -q e2e/stories/install/test_picture.py
