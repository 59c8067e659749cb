# One verb per habit. They need python3, make and git; everything else they get themselves.
# `make <verb> UV=uv` uses a uv of your own.

UV_VERSION := 0.13.9
UV ?= .tools/bin/uv
RUN := $(UV) run --frozen --no-sync
FROZEN := .venv/.synced
# Each has servers of its own; most of a test's time is waiting for what was killed to be back.
WORKERS ?= 3

.PHONY: demo test chaos bench check fmt up down status schemas catalogue docs

demo: $(FROZEN)
	@$(RUN) stack demo

test: $(FROZEN)
	@$(RUN) stack tools
	@$(RUN) pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

EFFECTS ?= 1000
SEED ?=
chaos: $(FROZEN)
	@$(RUN) stack tools
	@PYTHONPATH=tests $(RUN) python -m chaos --effects $(EFFECTS) $(if $(SEED),--seed $(SEED)) $(ARGS)

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

up down status: $(FROZEN)
	@$(RUN) stack $@

schemas: $(FROZEN)
	$(RUN) python -m contracts.documents
	$(RUN) python -m tests.contract.openapi

catalogue: $(FROZEN)
	$(RUN) python -m rule_engine.catalogue > docs/catalogue.md

docs: schemas catalogue

$(FROZEN): uv.lock pyproject.toml $(wildcard */pyproject.toml */*/pyproject.toml) .python-version | $(filter .tools/bin/uv,$(UV))
	@echo "installing the workspace into .venv" && $(UV) sync --frozen --quiet && touch $@

.tools/bin/uv:
	@echo "installing uv $(UV_VERSION) into .tools"
	@python3 -m venv .tools || { rm -rf .tools; echo "python3 cannot make a virtual environment here; install its venv package (Debian: python3-venv), or give your own: make UV=uv" >&2; exit 1; }
	@.tools/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
