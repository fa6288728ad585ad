# The commands that everything hangs on. `make help` lists them.
SHELL := /bin/bash
PYTHON ?= python3
PORT ?= 8000
ROUNDS ?= 20
CASES ?= 2000
VENV := .venv
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help run develop test check audit format bench bench-encoding bench-page bench-peers bench-pool bench-scribbles bench-server accessibility lighthouse soak ledger-storm test-e2e chaos test-samples fuzz-api prove-birefnet prove-image lock models chromium tools clients clean

help: ## List the commands
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

run: $(VENV)/run.stamp ## Set up and serve on http://127.0.0.1:8000 (PORT=n for another port)
	@exec $(BIN)/python manage.py serve --port $(PORT)

develop: $(VENV)/develop.stamp models chromium tools clients ## Set up what the tests need

# Coverage is of the tests' own process; what servers, workers and browsers run is not seen.
COVERAGE = $(if $(ARGS),,--cov --cov-report=term:skip-covered --cov-fail-under=$(LEAST_COVERED))
LEAST_COVERED := 93
test: develop ## Set up and run every test
	@exec $(BIN)/python -m pytest -n 2 --dist loadgroup $(COVERAGE) $(ARGS)

check: $(VENV)/develop.stamp var/javascript/node.stamp ## Lint, types, layers, scripts, migrations, reference, Django's deploy checks, known vulnerabilities
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	@$(BIN)/lint-imports --cache-dir var/import-linter
	@var/javascript/node_modules/.bin/biome ci --colors=off --error-on-warnings static/js
	DATABASE_URL=sqlite://:memory: $(BIN)/python manage.py makemigrations --check --dry-run
	DATABASE_URL=sqlite://:memory: $(BIN)/python manage.py update_reference --check
	REQUIRE_HTTPS=true ALLOWED_HOSTS=example.com $(BIN)/python manage.py check --deploy --fail-level WARNING
	@$(BIN)/python -m tests.audit

audit: $(VENV)/develop.stamp ## Look the locked packages up among known vulnerabilities
	@$(BIN)/python -m tests.audit

format: $(VENV)/develop.stamp ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/run.stamp models ## Time and memory of the engine, as ratios to the bare network
	@exec $(BIN)/python -m benchmarks.engine $(ARGS)

bench-encoding: $(VENV)/run.stamp models ## Our PNG beside Pillow's, delta PNG beside PNG
	@exec $(BIN)/python -m benchmarks.encoding $(ARGS)

bench-peers: $(VENV)/run.stamp models ## Time and memory against rembg with the same weights
	@exec $(BIN)/python -m benchmarks.peers $(ARGS)

bench-server: $(VENV)/develop.stamp models ## Load: web servers and workers against the engine; fifty clients
	@exec $(BIN)/python -m benchmarks.server $(ARGS)

bench-pool: $(VENV)/run.stamp models ## The engine's processes against threads of one process: throughput, memory
	@exec $(BIN)/python -m benchmarks.pool $(ARGS)

soak: $(VENV)/run.stamp models ## Memory of a server at its limit over many requests
	@exec $(BIN)/python -m benchmarks.soak $(ARGS)

test-e2e: develop ## The same end-to-end tests inline on SQLite, then with workers, PostgreSQL, Valkey, S3
	@$(BIN)/python -m pytest tests/e2e $(ARGS)

accessibility: develop ## axe-core on every page in each theme, language and size (the tests take a part of them)
	@ACCESSIBILITY=whole $(BIN)/python -m pytest tests/browser/test_accessibility.py $(ARGS)

test-samples: develop ## The documentation's samples in all eight languages (apt installs those that lack)
	@for program in php ruby go java mcs mono; do command -v $$program >/dev/null || lacking=yes; done; \
	  [ -z "$$lacking" ] || { echo "Installing $(SAMPLE_PACKAGES) ..."; apt-get update -qq && \
	    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $(SAMPLE_PACKAGES) >/dev/null; }
	@ALL_SAMPLES=true $(BIN)/python -m pytest tests/samples $(ARGS)
SAMPLE_PACKAGES := php-cli php-curl ruby golang-go default-jdk-headless mono-mcs mono-runtime \
	libmono-system-net-http4.0-cil

chaos: develop ## Parts killed or taken away under load (ROUNDS=n); then the audit
	@$(BIN)/python -m tests.storms.chaos --rounds $(ROUNDS) $(ARGS)

ledger-storm: $(VENV)/develop.stamp ## 10,000 ledger operations by processes that are killed; then the audit
	@$(BIN)/python -m tests.storms.ledger_storm $(ARGS)

fuzz-api: $(VENV)/develop.stamp models ## Generated requests (CASES=n) against a server and its OpenAPI document
	@FUZZ_CASES=$(CASES) $(BIN)/python -m pytest -q -s tests/api/test_fuzz.py

bench-scribbles: $(VENV)/develop.stamp models chromium ## Scribbles of a simulated person on the page: how soon a cut-out is right
	@exec $(BIN)/python -m benchmarks.scribbles $(ARGS)

bench-page: $(VENV)/develop.stamp models chromium ## A photo and scribbles on the page's screen, as ratios to the API's time
	@exec $(BIN)/python -m benchmarks.page $(ARGS)

lighthouse: $(VENV)/develop.stamp models chromium ## Lighthouse's marks for the pages that strangers see first (needs npm)
	@npm install --silent --no-save --no-fund --no-audit --prefix var/lighthouse lighthouse@12.8.2
	@exec $(BIN)/python -m benchmarks.lighthouse

prove-birefnet: $(VENV)/run.stamp models ## BiRefNet's deformable convolutions, exported (SOURCE=its checkout), rewritten, timed
	@exec $(BIN)/python -m benchmarks.birefnet $(SOURCE) $(ARGS)

prove-image: $(VENV)/develop.stamp ## The Dockerfile's steps in an empty folder, without a container engine
	@exec $(BIN)/python -m tests.deploy.prove

models: $(VENV)/run.stamp ## Fetch and build the networks' weights
	@$(BIN)/python manage.py fetch_models isnet u2netp

lock: ## Resolve the dependencies anew into the hashed lock files (LOCK= keeps the versions that still fit)
	$(PYTHON) -m venv var/lock-venv
	var/lock-venv/bin/pip install --quiet uv
	$(COMPILE) --output-file requirements.txt pyproject.toml
	$(COMPILE) --extra test --constraint requirements.txt --output-file requirements-dev.txt pyproject.toml
	$(COMPILE) --output-file tests/clients/requirements.txt tests/clients/requirements.in
	$(COMPILE) --output-file benchmarks/server-requirements.txt benchmarks/server-requirements.in
LOCK := --upgrade
# One lock for every Python from 3.11 on and every system: what only some need bears a marker.
COMPILE = var/lock-venv/bin/uv pip compile $(LOCK) --quiet --universal --python-version 3.11 --fork-strategy fewest \
	--generate-hashes --no-header --no-emit-index-url --no-emit-find-links

clean: ## Remove the environment; data in var/ stays
	rm -rf $(VENV)

# A stamp means: installed in full, from this very lock. An interrupted set-up leaves none.
$(VENV)/run.stamp: requirements.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing packages (once; a minute or two) ..."
	@$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements.txt
	@touch $@

$(VENV)/develop.stamp: requirements-dev.txt tests/requirements-no-deps.txt $(VENV)/run.stamp
	@echo "Installing the tests' packages ..."
	@$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements-dev.txt
	@$(BIN)/python -m pip install --quiet --require-hashes --no-deps --requirement tests/requirements-no-deps.txt
	@touch $@

clients: var/clients/python.stamp var/clients/node.stamp ## Set up the public API clients that tests run

var/clients/python.stamp: tests/clients/requirements.txt
	@echo "Installing the public clients that tests run ..."
	@rm -rf var/clients/venv
	@$(PYTHON) -m venv var/clients/venv
	@var/clients/venv/bin/python -m pip install --quiet --require-hashes --requirement $<
	@touch $@

var/clients/node.stamp: tests/clients/npm/package-lock.json var/clients/python.stamp
	@cp tests/clients/npm/package.json $< tests/clients/npm/.npmrc var/clients/
	@PATH="$$PWD/var/clients/venv/bin:$$PATH" npm ci --prefix var/clients --loglevel=error >/dev/null
	@touch $@

var/javascript/node.stamp: tests/javascript/package-lock.json var/clients/python.stamp
	@mkdir -p var/javascript
	@cp tests/javascript/package.json $< tests/javascript/.npmrc var/javascript/
	@PATH="$$PWD/var/clients/venv/bin:$$PATH" npm ci --prefix var/javascript --loglevel=error >/dev/null
	@touch $@

chromium:
	@command -v chromium >/dev/null || command -v google-chrome >/dev/null || \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "Installing Chromium for the page's tests ..."; \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null; \
	  else echo "Chromium is missing: the page's tests will be skipped (apt install chromium)."; fi
	@command -v chromium-headless-shell >/dev/null || [ "$$(id -u)" != 0 ] || \
	  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium-headless-shell >/dev/null 2>&1 || \
	  echo "The page's tests run in Chromium itself, which opens pages more slowly than its shell."

tools:
	@for program in curl strace; do command -v $$program >/dev/null || lacking="$$lacking $$program"; done; \
	  if [ -z "$$lacking" ]; then true; \
	  elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "Installing$$lacking for the tests ..."; \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $$lacking >/dev/null; \
	  else echo "Missing:$$lacking. Tests of the samples need curl, those of silence strace (apt install$$lacking)."; fi
