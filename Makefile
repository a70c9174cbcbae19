# The words of this repository.  Each is one script in tools/; this file only names them.
# `make` alone prints the list.
#
# PYTHON=python3.12 chooses the interpreter .venv is made from; T='tests/py/test_x.py -k y'
# chooses what pytest runs; FUZZ_SECONDS=600 how long each fuzzer does; B=--quick is for the bench.
.DEFAULT_GOAL := help
.PHONY: help run therapy test san fuzz lint fmt bench build dev cover clean

help:  ## print this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-7s %s\n", $$1, $$2 }' Makefile

run:   ## set up all that is missing and serve the example Django site on http://127.0.0.1:8000
	@tools/run

therapy: ## serve the therapy application with PostgreSQL, Redis and Huey (docs/therapy.md); O='--engine python'
	@tools/therapy $(O)

test:  ## set up all that is missing, run the C units and pytest
	@tools/test $(T)

san:   ## the same under AddressSanitizer and UndefinedBehaviorSanitizer
	@tools/san $(T)

fuzz:  ## run each fuzzer for FUZZ_SECONDS (60)
	@tools/fuzz

lint:  ## every check of form and of types
	@tools/lint

fmt:   ## lay out C and Python as the checks want it
	@tools/fmt

bench: ## compare with other servers (bench/README.md)
	@tools/setup build && bench/run $(B)

build: ## build the package into .venv
	@tools/build

dev:   ## the same, editable: what is imported is python/, and C is rebuilt when imported
	@tools/build --editable

cover: ## coverage of C and Python by the C units and pytest
	@tools/cover

clean: ## remove all that was built (.venv stays)
	rm -rf build
