# Mailbridge for Jira: every target sets up what it needs and says what it does.
SHELL := /bin/bash
DEMO ?= 1
ATTACH ?= connect
export PYTHONPATH := services:.

.PHONY: help setup run up test check chaos fuzz bench lock clean

help: ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | while IFS=$$'\t' read -r name text; do printf '  make %-8s %s\n' "$$name" "$$text"; done

setup: ## make .venv and build the page (every other target does this first)
	@echo "Setting up:"
	@scripts/setup.sh
	@echo "  everything is in place."

run: setup ## start Mailbridge with its sandbox and play the story (DEMO=0: without it; ATTACH=forge|connect|token); with JIRA_URL, JIRA_EMAIL, JIRA_API_TOKEN: your own Jira
	@exec .venv/bin/python -m scripts.run --demo $(DEMO) --attach $(ATTACH)

up: setup ## the same story as seven processes on RabbitMQ, PostgreSQL, Dovecot, Postfix and nginx (DEMO, ATTACH as above)
	@scripts/system_packages.sh
	@exec .venv/bin/python -m scripts.up --demo $(DEMO) --attach $(ATTACH)

test: setup ## everything: format, lint, types, page, unit, flows, real servers, browser
	@scripts/system_packages.sh
	@scripts/test.sh

check: setup ## the quick part of the tests: format, lint, types, no servers
	@scripts/test.sh --quick

chaos: setup ## break everything at random, the long form (hours; CHAOS="seven mailboxes alone" picks parts; RUNS, SEED, MAILS, COMMENTS; RUNS=1 SEED=n repeats a run)
	@scripts/system_packages.sh
	@scripts/chaos.sh $(CHAOS)

fuzz: setup ## read mails broken at random, the long form (FUZZ_COUNT=1000000, about an hour; a run is repeated by SEED=n)
	@.venv/bin/python -m tests.inbound.mutations --count $${FUZZ_COUNT:-1000000} $${SEED:+--seed $$SEED}

bench: setup ## measure against a bare loop of the same steps (minutes; BENCH="inbound parse" picks parts); writes docs/performance.md
	@scripts/system_packages.sh
	@.venv/bin/python -m tests.bench $(BENCH)

lock: ## write the lock files anew
	@scripts/lock.sh

clean: ## remove what run and test made (var/), keep .venv and node_modules
	@rm -rf var frontend/dist .pytest_cache .mypy_cache .ruff_cache
