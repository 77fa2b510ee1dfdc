# SPDX-License-Identifier: Apache-2.0
# Two commands do everything from a fresh machine: make demo, make test.
.PHONY: help setup build wheel demo test test-all bench bench-encoding bench-scoring \
  bench-reference bench-scaling bench-huge bench-compare idc asan tsan fuzz check format tidy clean

help:
	@echo "make demo    train on a synthetic cohort, draw heat-maps, score a real slide"
	@echo "make test    build everything and run all tests"
	@echo "make test-all  the tests that need heavy frameworks (installed as needed)"
	@echo "make build   leave the program at build/bin/lamella"
	@echo "make wheel   leave the Python wheel in build/wheels"
	@echo "make setup   install what is missing (apt packages, .venv, the encoders lite0 and lite0-context)"
	@echo "make bench   reading beside its peers; writes benchmarks/RESULTS.md"
	@echo "make bench-encoding  the feature step beside the engine alone and a loop in Python"
	@echo "make bench-scoring   10,000 patches of a slide to scores and heat-map, beside the engine"
	@echo "make bench-reference  the reference workflow's patches and features beside lamella's"
	@echo "make bench-scaling   the Python package and Spark against the program"
	@echo "make bench-huge      ten slides of 100,000 px a side"
	@echo "make bench-compare BASE=COMMIT  this tree against a commit: reading, tissue, encoding, training"
	@echo "make idc     the real-data studies (needs ../shared/data)"
	@echo "make asan | tsan   tests under address+undefined, or thread sanitizer"
	@echo "make fuzz    what reads files, under libFuzzer, 60 s each (SECONDS=3600 for longer)"
	@echo "make check   house rules: includes, file sizes, format"
	@echo "make format | tidy | clean"

setup:
	@tools/setup/setup.sh

build: setup
	@tools/build/build.sh release lamella

wheel: setup
	@tools/build/make_wheel.sh

demo: build
	@tools/assets/demo.sh

test: setup
	@tools/build/build.sh release all
	@tools/checks/run_tests.sh build

# STEPS="mlflow" picks some.
test-all: build
	@tools/checks/test_all.sh $(STEPS)

bench: build
	@benchmarks/run.sh reading

bench-encoding: build
	@benchmarks/run.sh encoding

bench-scoring: build
	@benchmarks/run.sh scoring

bench-reference: build
	@benchmarks/run.sh reference

bench-scaling: build
	@benchmarks/run.sh scaling

bench-huge: build
	@.venv/bin/python benchmarks/huge_slides.py build/bin/lamella build/huge_slides.json

bench-compare: setup
	@benchmarks/compare.sh $(BASE)

idc: build
	@tools/checks/run_idc.sh

asan: setup
	@tools/build/build.sh asan all
	@tools/checks/run_tests.sh build/asan

tsan: setup
	@tools/build/build.sh tsan all
	@tools/checks/run_tests.sh build/tsan

fuzz: setup
	@tools/checks/run_fuzz.sh $(or $(SECONDS),60)

check: setup
	@.venv/bin/python tools/check_house.py

format:
	@clang-format -i $$(git ls-files 'src/*.cpp' 'src/*.h' 'python/*.cpp' 'python/*.h')

tidy: setup
	@tools/build/build.sh dev all
	@clang-tidy -p build/dev --quiet $$(git ls-files 'src/*.cpp' | grep -v -e _test.cpp)

clean:
	@rm -rf build out
	@echo "removed build and out (.venv and encoders stay; they are set-up)"
