# SPDX-License-Identifier: BSD-2-Clause
# A thin front over Meson, for people who want one word. Each job installs the Debian packages that
# it needs when it may (scripts/packages); what a job does is in the script it calls.
#
#   make              build; the command is then at build/coffer
#   make demo         the main job shown end to end, in a temporary directory
#   make check        all tests: plain, with ASan+UBSan, the threaded ones with TSan
#   make check-deep   the same and the slow ones: long random runs, valgrind, fuzzing, mutants
#   make bench        the figures, as a table and in build/bench.json
#   make lint         format, clang-tidy, cppcheck, gcc -fanalyzer, both compilers with -Werror
#   make fuzz         each fuzz target for FUZZ_SECONDS (60)
#   make install      to $(DESTDIR)$(PREFIX): command, libraries, headers, manual, completion
#   make clean        remove build*/
#   make help         this text

PREFIX       ?= /usr/local
# Below PREFIX, and where Debian's linker and pkg-config look; Meson's own guess depends on whether
# dpkg-dev is installed.
LIBDIR       ?= lib
DESTDIR      ?=
FUZZ_SECONDS ?= 60

all: build

build:
	@scripts/packages build
	@scripts/configure build -Dtests=false -Dprefix=$(abspath $(PREFIX)) -Dlibdir=$(LIBDIR)
	@ninja -C build

demo: build
	@build/coffer demo

check:
	@scripts/packages build test
	@scripts/check

check-deep:
	@scripts/packages build test deep
	@scripts/check --deep --fuzz-seconds $(FUZZ_SECONDS)

bench:
	@scripts/packages build bench
	@scripts/configure build-bench -Dbuildtype=release -Dbench=true -Dtests=false
	@ninja -C build-bench --quiet
	@mkdir -p build && build-bench/bench/coffer-bench --disk build-bench --json build/bench.json

lint:
	@scripts/packages build test lint
	@scripts/lint

fuzz:
	@scripts/packages build test
	@scripts/fuzz $(FUZZ_SECONDS)

install: build
	@DESTDIR=$(DESTDIR) meson install -C build --no-rebuild

clean:
	rm -rf build build-check build-san build-tsan build-fuzz build-bench build-lint-*

help:
	@sed -n 's/^#   //p' Makefile

.PHONY: all build demo check check-deep bench lint fuzz install clean help
