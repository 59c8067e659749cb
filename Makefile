# One verb per habit. They need python3, make and git; everything else they get themselves.
# `make <verb> UV=uv` uses a uv of your own.

UV_VERSION := 0.13.9
UV ?= .tools/bin/uv
RUN := $(UV) run --frozen --no-sync
FROZEN := .venv/.synced
# Services are started again and again: what they import is compiled once, not at every start.
unexport PYTHONDONTWRITEBYTECODE
IMPORTS := import entity_service.main, rule_engine.main, doc_service.main, comms_service.main, trigger_service.main
IMPORTS += , alembic.command, sqlalchemy.ext.asyncio, local_stack.peers.mail, local_stack.peers.sms

# Each has servers of its own; most of a test's time is waiting for what was killed to be back.
WORKERS ?= 3

.PHONY: demo test verify images verify-kubernetes verify-observability verify-upgrade again chaos bench check fmt release up down status schemas catalogue docs

demo: $(FROZEN)
	@$(RUN) stack demo

PYTEST := $(RUN) pytest --durations=25 --durations-min=5
CROWD = --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder

# What a developer runs. EFFECTS of chaos are those that are certain from the start; it audits about twice as many.
test: $(FROZEN)
	@$(MAKE) --no-print-directory chaos EFFECTS=200
	@$(PYTEST) $(CROWD) -m "not verify and not images and not kubernetes and not observability" $(ARGS)

# All that takes longer: faults at every step, long outages, fuzzing, more chaos, and worlds that nobody has seen.
SIM_FROM ?= $(shell date +%s)
verify: WORKERS := 2  # each has a whole stack that is killed again and again
verify: $(FROZEN)
	@$(MAKE) --no-print-directory chaos EFFECTS=600
	@echo "simulated worlds from seed $(SIM_FROM) on"
	@SIM_FROM=$(SIM_FROM) SIM_WORLDS=2000 WORKFLOW_EXAMPLES=1000 $(PYTEST) $(CROWD) -m "verify or simulation" $(ARGS)

# A service as a container, and the story on all five. The first time it makes a base of Debian's packages, which takes
# minutes; it installs podman where it may.
images: $(FROZEN)
	@$(PYTEST) -m images $(ARGS)

# The chart on a real API server. The first time it builds Kubernetes from source, which takes ten minutes of two cores.
verify-kubernetes: $(FROZEN)
	@PYTHONPATH=tests $(RUN) python -m deployment.control_plane_programs
	@$(PYTEST) -m kubernetes tests/deployment $(ARGS)

# Alerts that fire for their faults, and the runbooks' commands; stores that come back older; every query of every
# dashboard on a real Prometheus after a story, and a wait in Zipkin. It fetches 130 MB the first time.
verify-observability: $(FROZEN)
	@$(PYTEST) -m observability $(ARGS)

# What failed in the crowd, once more and alone.
again: $(FROZEN)
	@$(PYTEST) --last-failed --last-failed-no-failures none

EFFECTS ?= 1000
SEED ?=
chaos: $(FROZEN)
	@$(RUN) stack tools
	@PYTHONPATH=tests $(RUN) python -m chaos --effects $(EFFECTS) $(if $(SEED),--seed $(SEED)) $(ARGS)

# A rolling update under load from the commit OLDER to what is checked out; it installs the older one beside this.
OLDER ?= HEAD^
verify-upgrade: EFFECTS = 300
verify-upgrade: $(FROZEN)
	@$(RUN) stack tools
	@PYTHONPATH=tests $(RUN) python -m upgrade --older $(OLDER) --effects $(EFFECTS) $(if $(SEED),--seed $(SEED)) --uv $(UV)

check: $(FROZEN)
	$(RUN) ruff check
	$(RUN) ruff format --check
	$(RUN) mypy
	$(RUN) lint-imports

fmt: $(FROZEN)
	$(RUN) ruff check --fix
	$(RUN) ruff format

bench: $(FROZEN)
	@PYTHONPATH=tests $(RUN) python -m bench $(ARGS)

# `make up OBSERVABILITY=1` has Prometheus, Alertmanager and Zipkin, too.
up: $(FROZEN)
	@$(RUN) stack up $(if $(OBSERVABILITY),--observability)

down status: $(FROZEN)
	@$(RUN) stack $@

# Wheels, chart, bills of materials, notes and checksums of the commit that is checked out; with ARGS=--images also images.
OUT ?= dist
release: $(FROZEN)
	@$(RUN) python deploy/release.py $(OUT) $(ARGS)

schemas: $(FROZEN)
	$(RUN) python -m contracts.documents
	$(RUN) python -m tests.contract.openapi
	PYTHONPATH=tests $(RUN) python -m deployment.chart_files

catalogue: $(FROZEN)
	PYTHONPATH=tests $(RUN) python -m contract.catalogue > docs/catalogue.md

docs: schemas catalogue

$(FROZEN): uv.lock pyproject.toml $(wildcard */pyproject.toml */*/pyproject.toml) .python-version | $(filter .tools/bin/uv,$(UV))
	@echo "installing the workspace into .venv" && $(UV) sync --frozen --quiet && touch $@
	@$(RUN) python -c "$(IMPORTS)" >/dev/null 2>&1 &

.tools/bin/uv:
	@echo "installing uv $(UV_VERSION) into .tools"
	@python3 -m venv .tools || { rm -rf .tools; echo "python3 cannot make a virtual environment here; install its venv package (Debian: python3-venv), or give your own: make UV=uv" >&2; exit 1; }
	@.tools/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
