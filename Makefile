# Fairlead. Every target works from a clean checkout on a bare machine: what it needs is set up first.

python := .venv/bin/python

.PHONY: help demo test faults ingress unit coverage lint bench bench-runtime soak crds chart-docs cli-docs image up down status lock upgrade setup
.DEFAULT_GOAL := help

help:  ## What there is to make
	@sed -n 's/^\([a-z-]*\):.*  ## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 22

demo: setup  ## Kubernetes, the operator and an example, from nothing to a prediction
	@$(python) -m tests.cluster demo

test: setup  ## Every test, on a real Kubernetes
	@$(python) -m tests

faults: setup  ## The faults of `make test`, and what takes longer: every crash alone, and with real tasks
	@$(python) -m pytest -m "" tests/faults

ingress: setup  ## Requests through a real controller of Ingresses and Gateways, which is built first
	@$(python) -m pytest -m "" tests/integration/scoring/test_ingress_controller.py tests/integration/scoring/test_called_alike.py

unit: setup  ## The tests that need no cluster and no Docker: about two minutes
	@$(python) -m pytest -q tests/unit tests/golden

coverage: setup  ## Branch coverage of the operator by these, with a floor for each package
	@$(python) -m tests.branch_coverage

lint: setup  ## ruff, mypy, import-linter
	@$(python) -m ruff check
	@$(python) -m ruff format --check
	@$(python) -m mypy
	@.venv/bin/lint-imports

bench: setup  ## The benchmarks, on a cluster of their own
	@$(python) -m benchmarks

bench-runtime: setup  ## The scoring runtime and its peers, without a cluster
	@$(python) -m benchmarks.runtime

soak: setup  ## The scoring runtime under all that clients do: MINUTES=10 REQUESTS=200000
	@$(python) -m benchmarks.soak --minutes $(or $(MINUTES),10) --requests $(or $(REQUESTS),200000)

crds: setup  ## Write crds/, and the chart's copy, from the types in operator/fairlead/api
	@$(python) -m fairlead.api.crd crds charts/fairlead/files/crds

chart-docs: setup  ## Write the chart's README from the comments in its values
	@$(python) -m tests.cluster chart-docs

cli-docs: setup  ## Write docs/cli.md from the commands and their options
	@$(python) -m fairlead.cli.reference docs/cli.md

image: setup  ## The images of operator and tasks, pushed to the local registry where it runs
	@$(python) -m tests.cluster image

up: setup  ## A kind cluster with a registry, without the operator
	@$(python) -m tests.cluster up

down: setup  ## Remove everything that demo, test or up left running
	@$(python) -m tests.cluster down

status: setup  ## What runs now
	@$(python) -m tests.cluster status

lock:  ## Refresh requirements.lock from both pyproject.toml; what is pinned stays where it can
	@tests/cluster/bootstrap.sh lock

upgrade:  ## The same, with the newest version of everything
	@tests/cluster/bootstrap.sh upgrade

setup:
	@tests/cluster/bootstrap.sh
