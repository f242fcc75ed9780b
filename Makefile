# SPDX-License-Identifier: EUPL-1.2
# `make demo` shows what it does, `make test` shows that it holds.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

export PYTHONDONTWRITEBYTECODE := 1

# The Python with current packages, where pip could make one.
PYTHON = $(firstword $(wildcard .build-venv/bin/python3) python3)
SCRIPTS := .ci/run $(wildcard tools/*.sh Examples/*/*.sh Examples/*/images/*.sh)

# A filter that matches nothing would end well too, and prove nothing.
ran_something = awk '{ print; fflush() } /Test run with [1-9]/ { ran = 1 } END { exit !ran }'

.PHONY: help
help:
	@echo "make demo      a town runs, loses everything, and its twin goes on; DEMO=--small for less"
	@echo "make test      all tests"
	@echo "make build     the program as users get it: .build-package/zwilling"
	@echo "make package   a .deb and a .tar.gz in dist/"
	@echo "make bench     against restic, borg and pgBackRest; BENCH=--quick for smaller inputs"
	@echo "make soak      the damage and kill loops at length, and a large vault; ROUNDS=100"
	@echo "make fuzz      mutated objects through every decoder; SECONDS_MAX=600"
	@echo "make simulate  handovers and vaults in which everything goes wrong; SEEDS=100000"
	@echo "make clean     remove what was built"

.PHONY: setup
setup:
	@bash tools/setup.sh build test demo

.PHONY: build
build:
	@bash tools/setup.sh build
	@bash tools/build.sh

.PHONY: demo
demo: build
	@bash tools/setup.sh demo
	@/usr/bin/python3 tools/demo.py $(DEMO)

.PHONY: package
package: build
	@bash tools/package.sh

.PHONY: test
test: setup
	@$(MAKE) test-swift test-python test-scripts test-bench test-demo
	@echo "All tests passed: Swift, Python, scripts, benchmark, demo."

# In release, because that is what users get, and because cutting and hashing take fifty times as
# long without optimisation. XCTest is off: nothing is written for it, and its "0 tests" reads
# like a failure. Few threads are shared by all tests of a run, and whole scenarios hold them while
# they wait for programs. So these run apart from what must end in time, those that wait longest
# apart from the others, those that watch a program's time from within this process by themselves
# (held up by others, they took its time for over), and last those that real servers wait for.
scenarios = ^Scenarios\.
waiting = ActivationTests|BucketTests|ContainedTwinTests|SeveralSitesTests
watching = ImageTests|PlatformTests
awaited = ^SitesTests\.
swift_test = swift test -c release --skip-build --disable-xctest

.PHONY: test-swift
test-swift:
	bash tools/build.sh tests
	$(swift_test) --skip '$(scenarios)|$(awaited)'
	$(swift_test) --filter '$(scenarios)' --skip '$(waiting)|$(watching)'
	$(swift_test) --filter '$(waiting)'
	$(swift_test) --filter '$(watching)'
	$(swift_test) --filter '$(awaited)'

# The last one as in a crisis: only what the system brings, and no package at all.
.PHONY: test-python
test-python:
	$(PYTHON) tools/test_tools.py
	$(PYTHON) tools/test_schema.py
	$(PYTHON) -m unittest tools/test_rescue.py
	$(PYTHON) tools/rescue.py --self-test docs/format-vectors.json
	/usr/bin/python3 tools/rescue.py --self-test docs/format-vectors.json

.PHONY: test-scripts
test-scripts:
	@for script in $(SCRIPTS); do bash -n "$$script"; done
	@if command -v shellcheck >/dev/null; then shellcheck $(SCRIPTS); \
	else echo "There is no shellcheck here; the scripts were only parsed."; fi

# Small and quick, with the program of the tests: only so that it does not rot.
.PHONY: test-bench
test-bench:
	$(PYTHON) tools/bench.py --smoke --program .build/release/zwilling
	$(PYTHON) tools/bench_postgres.py --smoke --program .build/release/zwilling
	$(PYTHON) tools/bench_cloud.py --smoke --program .build/release/zwilling

# A small town, with the program of the tests: as processes, and as containers where they run.
.PHONY: test-demo
test-demo:
	$(PYTHON) tools/test_demo.py
	$(PYTHON) tools/test_handover.py

.PHONY: bench
bench: build
	@bash tools/setup.sh bench
	@python3 tools/bench.py $(BENCH)
	@python3 tools/bench_postgres.py $(BENCH)
	@python3 tools/bench_cloud.py $(BENCH)

ROUNDS ?= 100
# Of the large vault, 20 bytes of disk each, twice: 50 TB.
CHUNKS ?= 100000000
.PHONY: soak
soak: setup
	@bash tools/setup.sh soak
	@bash tools/build.sh tests
	ZWILLING_SOAK=$(ROUNDS) $(swift_test) --filter '^Scenarios\.|^SitesTests\.|BundleTests' \
		| $(ran_something)
	ROUNDS=$(ROUNDS) $(PYTHON) tools/test_handover.py
	ZWILLING_CHUNKS=$(CHUNKS) $(swift_test) --filter LargeVaultTests | $(ran_something)

SECONDS_MAX ?= 600
.PHONY: fuzz
fuzz: setup
	@bash tools/build.sh tests
	ZWILLING_FUZZ_SECONDS=$(SECONDS_MAX) $(swift_test) --filter Fuzz \
		| $(ran_something)

SEEDS ?= 100000
.PHONY: simulate
simulate: setup
	@bash tools/build.sh tests
	ZWILLING_SEEDS=$(SEEDS) $(swift_test) --filter HandoverSimulationTests \
		| $(ran_something)
	ZWILLING_SEEDS=$(SEEDS) $(swift_test) --filter VaultSimulationTests \
		| $(ran_something)

.PHONY: clean
clean:
	rm -rf .build .build-* dist
