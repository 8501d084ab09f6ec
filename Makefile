# Counterpart: `make demo` and `make test` are all a fresh machine needs; `make help` lists the rest.
.DEFAULT_GOAL := help
.PHONY: help ready demo demo-oracle demo-outbox demo-edges demo-bridge demo-netting demo-barter demo-contests bridge-worker up test soak crash bench check mutants doctor invoke migrate api-key seal-key key-backup legacy-wallets barter-keys audit back-test judge-anomaly contracts costs documents package deploy-local deploy format clean

# The tested versions first; any later one is tried when neither is there.
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3 || echo python3)
RUN := .venv/bin/python
LOCAL := $(RUN) -m infra.local
PYTEST := $(RUN) -m pytest
# One more than the two cores of a small machine: many a test waits for a chain's next block, or for a deadline.
WORKERS ?= 3
ARGS ?=
# Compiled modules are kept, whatever the shell says: to compile them anew is half of collecting the tests.
export PYTHONDONTWRITEBYTECODE :=

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile

ready: ## Install what the locks name (every target below does it by itself)
	@$(PYTHON) -m infra.local.bootstrap

demo: ready ## One tour: whole voting rounds and transfers on two chains, while what does them is killed and recovers
	@$(LOCAL) demo $(ARGS)

demo-oracle: ready ## A reward epoch of 20 providers and 63 feeds: liars, a death, rewards claimed, charts; ARGS=30 for longer rounds
	@$(LOCAL) demo oracle $(ARGS)

demo-outbox: ready ## 50 transfers on each of two chains while workers and RPC endpoints die, then the reconciliation
	@$(LOCAL) demo outbox $(ARGS)

demo-edges: ready ## A payment on each of two chains becomes a webhook, a task, a transaction, a push and a trace
	@$(LOCAL) demo edges $(ARGS)

demo-bridge: ready ## 100 orders over both registries while an L2 forks, an endpoint is away and workers die; then the profit
	@$(LOCAL) demo bridge $(ARGS)

demo-netting: ready ## 2 000 signed intents of 100 wallets, one batch on Solana while workers die; compared to the lamport, and drawn
	@$(LOCAL) demo netting $(ARGS)

demo-barter: ready ## NFTs of 40 agents change owners by a certificate, of 16 by a proof whose prover dies; one proof never comes
	@$(LOCAL) demo barter $(ARGS)

demo-contests: ready ## 50 wallets duel on moving prices: faucet, entries, a tie, prizes and refunds while those who sign die; to the lamport
	@$(LOCAL) demo contests $(ARGS)

bridge-worker: ready ## Fill the orders of any registry and escrow until Ctrl-C; ARGS="--help" says what it must be told
	@$(RUN) -m infra.local.bridge.worker $(ARGS)

up: ready ## Start the local cloud and stay; SEED=1 keeps activity moving
	@SEED="$(SEED)" $(LOCAL) up $(ARGS)

test: ready ## Every test but the benchmarks; ARGS="-k name" picks some
	@$(PYTEST) -n $(WORKERS) --dist worksteal -m "not bench" $(ARGS)

soak: ready ## The tests at full volumes
	@SOAK=1 $(PYTEST) -n $(WORKERS) --dist worksteal -m "not bench" --timeout 7200 $(ARGS)

crash: ready ## Kill processes before and after every statement and call; each effect happens once
	@SOAK=1 $(PYTEST) -n $(WORKERS) --dist worksteal -m crash --timeout 7200 $(ARGS)

bench: ready ## Figures beside peers, in the same run
	@$(PYTEST) -m bench --timeout 1800 -p no:xdist $(ARGS)

check: ready ## Format, lint, types, who imports whom
	@$(RUN) -m infra.local.check

mutants: ready ## Break each core module line by line, and name the test that notices
	@$(RUN) -m tests.mutants.run $(ARGS)

doctor: ## What this machine has and lacks, and how to get it
	@$(PYTHON) -m infra.local.doctor

invoke: ready ## Call one handler: HANDLER=functions/ops/http_health EVENT=events/ops/http_health.json
	@$(LOCAL) invoke --handler "$(HANDLER)" --event "$(EVENT)" $(ARGS)

migrate: ready ## Apply the migrations before a deploy: DATABASE_URL=postgresql://… (direct, not a pooler's)
	@$(LOCAL) migrate --database-url "$(DATABASE_URL)"

api-key: ready ## Make an API key: DATABASE_URL=… ARGS="--tier admin --role admin --label me"
	@$(RUN) -m infra.local.api_key --database-url "$(DATABASE_URL)" $(ARGS)

audit: ready ## Verify the chain of privileged acts: DATABASE_URL=… ARGS="--head SEQ:HASH"
	@$(RUN) -m infra.local.audit --database-url "$(DATABASE_URL)" $(ARGS)

back-test: ready ## Make stored rounds again, bit for bit: DATABASE_URL=… ARGS="--from 2026-11-01 --to 2026-11-02 --bucket NAME"
	@$(RUN) -m infra.local.back_test --database-url "$(DATABASE_URL)" $(ARGS)

seal-key: ready ## Seal a signing key from stdin: DATABASE_URL=… KMS_KEY=… ARGS="--purpose treasury --chain evm:1" < key
	@DATABASE_URL="$(DATABASE_URL)" KMS_KEY="$(KMS_KEY)" $(RUN) -m infra.local.seal_key $(ARGS)

key-backup: ready ## Back the sealed keys up, try a backup, put one back: DATABASE_URL=… KMS_KEY=… ARGS="take|drill|put-back FILE"
	@DATABASE_URL="$(DATABASE_URL)" KMS_KEY="$(KMS_KEY)" $(RUN) -m infra.local.key_backup $(ARGS)

legacy-wallets: ready ## Take over contests' wallets of the earlier form from stdin: DATABASE_URL=… KMS_KEY=… ARGS="--cluster devnet --fd 3" 3< key
	@DATABASE_URL="$(DATABASE_URL)" KMS_KEY="$(KMS_KEY)" $(RUN) -m infra.local.legacy_wallets $(ARGS)

barter-keys: ready ## Make the development keys of the proofs of exchanges; ARGS="--size 64", "--export DIR", "--show FILE"
	@$(RUN) -m infra.local.barter.keys $(ARGS)

judge-anomaly: ready ## Grow a model of anomalies from simulated markets, attack it, print precision and recall
	@$(RUN) -m infra.local.anomaly_trial $(ARGS)

contracts: ready ## Compile the contracts into their committed artifacts
	@$(LOCAL) contracts

costs: ready ## Compute infra/COSTS.md from what was measured; ARGS=--measure measures every function anew
	@$(RUN) -m infra.local.costs $(ARGS)

documents: ready ## Write what /docs serves, from the code
	@$(RUN) -m infra.local.documents

package: ready ## Zip layers and slices into dist/<target>; TARGET=host (or arm64-python3.13, …) for one
	@$(RUN) -m infra.local.packaging $(TARGET)

deploy-local: ready ## Deploy serverless.yml into an AWS emulator on 127.0.0.1, and try every trigger and a whole round
	@$(RUN) -m infra.local.deployment --local

deploy: ready ## Deploy to AWS with this shell's credentials: STAGE=prod ARGS="--region eu-west-1 --param name=value"
	@$(RUN) -m infra.local.deployment --stage "$(STAGE)" $(ARGS)

format: ready ## Format and fix what can be fixed
	@$(RUN) -m ruff format .
	@$(RUN) -m ruff check --fix .

clean: ## Remove everything that the other targets installed or wrote
	@rm -rf .venv .local node_modules .pytest_cache .mypy_cache .ruff_cache .hypothesis .benchmarks .import_linter_cache dist .serverless
