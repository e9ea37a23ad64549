# `make` lists all targets. Each first sets the environment up if it is missing or outdated (envs/setup.sh).

CONFIG :=
CORES  := all
PROFILE :=
ARGS   :=
DATA   :=
export PYTHON

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help env databases databases-test named run gallery test browser-test slurm-test fuzz chaos check-real lint bench bench-scale bench-workflow bench-growth clean

# Targets call programs by name; these must be the environment's.
export PATH := $(CURDIR)/.venv/bin:$(PATH)
unexport PYTHONPATH PYTHONHOME
# Packages are installed without byte code. If Python wrote none, every step would compile torch again.
unexport PYTHONDONTWRITEBYTECODE

help:  ## this list
	@echo 'make TARGET [VARIABLE=value]…'
	@sed -n 's/^\([a-z-]*\):.*## */  \1\t/p' Makefile | expand -t 16

# Kinds of index that are databases: a configuration that has one gets them installed.
DATABASES := qdrant|pgvector|sqlite-vec|lancedb|zvec

# A profile of a cluster has the cores of a node.
WHERE = $(if $(PROFILE),--profile 'profiles/$(PROFILE)',--cores $(if $(filter all,$(CORES)),"$$($(USABLE_CORES))",$(CORES)))

# Affinity and quotas of containers count; `nproc` and Snakemake's "all" know no quotas.
USABLE_CORES = .venv/bin/python -m embquant.files.machine

# Before the environment: a mistyped name is said at once.
named:
	@$(if $(PROFILE),test -f 'profiles/$(PROFILE)/config.yaml' || { echo "embquant: error: profiles/$(PROFILE)/config.yaml: no such file; PROFILE names a folder of profiles" >&2; exit 2; })
	@$(if $(CONFIG),test -f '$(CONFIG)' || { echo "embquant: error: $(CONFIG): no such file; CONFIG names a study's configuration" >&2; exit 2; })
	@$(if $(CONFIG),iconv -f UTF-8 '$(CONFIG)' >/dev/null 2>&1 || { echo "embquant: error: $(CONFIG): not UTF-8 text; save it as that" >&2; exit 2; })

run: named env  ## the default study, or CONFIG=config/x.yaml; CORES=all or PROFILE=slurm, ARGS='more arguments for snakemake'
	@$(if $(CONFIG),! grep -Eq 'index: *($(DATABASES))' '$(CONFIG)' || envs/setup.sh databases)
	@.venv/bin/snakemake $(WHERE) $(if $(CONFIG),--configfile '$(CONFIG)') $(ARGS)

CONFIGS := config.yaml

gallery: env  ## all studies in results/ as one static site in gallery/; CONFIGS='config.yaml config/scifact.yaml' runs these first
	@for config in $(CONFIGS); do .venv/bin/snakemake $(WHERE) --configfile "$$config" $(ARGS) || exit 1; done
	@.venv/bin/embquant gallery --reports $$(dirname results/reports/*/report.html) --output gallery

test: env  ## all tests that need only this repository, on all cores; ARGS='-k name'
	@.venv/bin/pytest --numprocesses "$$($(USABLE_CORES))" --dist loadfile --no-loadscope-reorder --ignore=tests/real --ignore=tests/browser --ignore=tests/slurm --ignore=tests/chaos --ignore=tests/databases $(ARGS)

slurm-test: env  ## the profile for clusters, on a Slurm of this one machine; needs root, installs Slurm on Debian
	@timeout --signal=INT --kill-after=90 900 .venv/bin/pytest tests/slurm $(ARGS)

browser-test: env  ## the report's page in Debian's Chromium: apt-get install chromium chromium-driver
	@.venv/bin/pytest tests/browser $(ARGS)

fuzz: env  ## more than 10,000 hostile files and configurations; `make test` has a few of them
	@FUZZ=long .venv/bin/pytest tests/fuzz $(ARGS)

chaos: env  ## kills runs, fills disks, damages files (as root); ARGS=--short does a few of each
	@.venv/bin/pytest tests/chaos $(ARGS)

check-real: env  ## published figures on the real collections in DATA=folder
	@$(if $(DATA),,$(error check-real needs a folder of collections: make check-real DATA=folder))
	@.venv/bin/pytest tests/real --data '$(DATA)' $(ARGS)

lint: env  ## style and types of Python, style of the workflow
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@.venv/bin/snakefmt --check Snakefile workflow
	@.venv/bin/snakemake --lint

BENCHMARKS := embedding embedding_memory float32_scan int8_scan binary_scan sweep latency deployed plain_calls scaled_pq rotations

# Libraries choose their kernels themselves, whatever the shell's variables ask OpenBLAS for.
AS_IT_COMES := env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE

bench: env  ## this project and its peers in turn, as a table; BENCHMARKS='binary_scan sweep' chooses
	@.venv/bin/python benchmarks/harness.py $(BENCHMARKS)
	@for name in $(BENCHMARKS); do $(AS_IT_COMES) .venv/bin/python benchmarks/$$name.py $(ARGS) >/dev/null || exit 1; done
	@.venv/bin/python benchmarks/harness.py

bench-scale: env  ## 1, 3 and 10 million vectors; continues an interrupted run; ARGS='--sizes 50000'
	@.venv/bin/python benchmarks/scale.py $(ARGS)

bench-growth: env  ## what is predicted of larger corpora, against what is measured; ARGS='--data folder'
	@.venv/bin/python benchmarks/growth.py $(ARGS)

bench-workflow: env  ## the time that the workflow adds to its jobs: the default study, from nothing
	@.venv/bin/python benchmarks/workflow.py $(ARGS)

databases:  ## the databases whose quantizers a study may measure; a run whose configuration has one installs them itself
	@envs/setup.sh databases

databases-test: databases  ## the databases, against exact searches
	@.venv/bin/pytest --numprocesses "$$($(USABLE_CORES))" tests/databases $(ARGS)

env:  ## the environment; PYTHON=python3.12 chooses its interpreter
	@envs/setup.sh

clean:  ## removes what was generated: results, environment, caches
	@find results -mindepth 1 -maxdepth 1 ! -name README.md -exec rm -rf {} +
	@find src tests benchmarks envs -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true
	@rm -rf .venv .snakemake .mypy_cache .pytest_cache .ruff_cache .hypothesis src/embquant.egg-info
