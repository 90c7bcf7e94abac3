# SPDX-License-Identifier: MIT
# The front door. Meson and Ninja do the building; see meson.build.

PREFIX ?= /usr/local
BUILD := build
FUZZ_SECONDS ?= 60

# Debian keeps bpftool in /usr/sbin, which is not in everybody's PATH, and its
# python packages belong to its own python3, which need not be the first one.
export PATH := $(PATH):/usr/local/sbin:/usr/sbin:/sbin
PYTHON := /usr/bin/python3

BUILD_PACKAGES := tools/packages.txt
DEMO_PACKAGES := demo/packages.txt
BENCH_PACKAGES := bench/packages.txt
TEST_PACKAGES := $(wildcard tests/packages.txt tests/*/packages.txt)

.DEFAULT_GOAL := all
.PHONY: all packages install demo bench bench-verify bench-analysis check soak fuzz format clean help

## all: build build/lemona
all: $(BUILD)/build.ninja
	@test -w $(BUILD) || { \
		echo "$(BUILD)/ was made by root: build with sudo too, or sudo make clean first" >&2; \
		exit 1; }
	ninja -C $(BUILD) lemona

$(BUILD)/build.ninja:
	@command -v meson >/dev/null || { \
		echo "meson is missing; sudo make packages installs all that building needs" >&2; \
		exit 1; }
	meson setup --prefix=$(PREFIX) $(BUILD) || { \
		echo "if something is missing above, sudo make packages installs it" >&2; \
		exit 1; }

## packages: install from Debian what building needs
packages:
	tools/install-packages $(BUILD_PACKAGES)

## install: put lemona and its manual pages under PREFIX (/usr/local)
install: all
	meson configure $(BUILD) -Dprefix=$(PREFIX)
	ninja -C $(BUILD) lemona
	meson install -C $(BUILD) --no-rebuild --tags runtime,man

## demo: install what is needed from Debian, build, record a staged break-in, walk it back
demo:
	tools/install-packages $(BUILD_PACKAGES) $(DEMO_PACKAGES)
	$(MAKE) --no-print-directory all
	$(PYTHON) demo/run.py

## bench: install what is needed from Debian, build, measure what recording costs
bench:
	tools/install-packages $(BUILD_PACKAGES) $(BENCH_PACKAGES)
	$(MAKE) --no-print-directory all
	ninja -C $(BUILD) bench-programs
	$(PYTHON) bench/run.py

## bench-verify: build, measure how fast a log is verified, beside sha256sum, and what a proof costs
bench-verify:
	tools/install-packages $(BUILD_PACKAGES) $(BENCH_PACKAGES)
	$(MAKE) --no-print-directory all
	ninja -C $(BUILD) bench-programs
	$(PYTHON) bench/verify.py

## bench-analysis: build, make a log of 100 million events, measure what asking it costs
bench-analysis:
	tools/install-packages $(BUILD_PACKAGES) $(BENCH_PACKAGES)
	$(MAKE) --no-print-directory all
	ninja -C $(BUILD) bench-programs
	$(PYTHON) bench/analysis.py

## check: install what the tests need from Debian, build, run every test
check:
	tools/install-packages $(BUILD_PACKAGES) $(DEMO_PACKAGES) $(TEST_PACKAGES)
	$(PYTHON) tools/check.py

## check-kernels: boot Debian's 6.1 and 6.12 kernels in QEMU, run the tests that are for them
check-kernels:
	tools/install-packages $(BUILD_PACKAGES) tests/packages.txt tests/kernels/packages.txt
	$(PYTHON) tools/check.py kernels

## soak: kill a writer 2,000 times, cut its power 200 times (make check: a tenth of that)
soak:
	tools/install-packages $(BUILD_PACKAGES) $(TEST_PACKAGES)
	FAULTS_SOAK=1 $(PYTHON) tools/check.py faults

## fuzz: run every fuzzer for FUZZ_SECONDS (60)
fuzz:
	tools/install-packages $(BUILD_PACKAGES) tests/packages.txt
	$(PYTHON) tools/fuzz.py --seconds $(FUZZ_SECONDS)

## format: lay out the sources as .clang-format says
format:
	git ls-files -z '*.c' '*.h' | xargs -0 clang-format -i

## docs/coverage.md: write that page anew from the table of system calls
docs/coverage.md: $(BUILD)/build.ninja src/event/call_rules.c src/event/coverage.c
	ninja -C $(BUILD) tools/coverage-page
	$(BUILD)/tools/coverage-page > $@.new
	mv $@.new $@

## clean: remove everything that was built
clean:
	rm -rf $(BUILD)

## help: this list
help:
	@sed -n 's/^## //p' $(firstword $(MAKEFILE_LIST))
