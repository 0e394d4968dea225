# Everything a fresh clone needs: 'make demo' and 'make test'. Both set up .venv first, once.
SHELL := /bin/bash
.DEFAULT_GOAL := help
BIN := .venv/bin
STUDENT := assets/camera_motion_student.pth
LABELS := assets/camera_motion_labels.txt
CLIPS := $(sort $(wildcard assets/clips/*.mp4)) assets/carving_ice.mp4
BUNDLE := demo/bundle
SOURCES := python_sdk converter training spec benchmarks tests

.PHONY: help setup demo test test-quick lint types format golden clean

help:  ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 20

setup:  ## Make .venv with everything in it (a second run takes a second)
	@ci/setup.sh

demo: setup  ## Convert the shipped student to all three targets, prove it, write a report
	@$(BIN)/dvfl convert $(STUDENT) --labels $(LABELS) --out $(BUNDLE) --size 64 --force \
		--precision litert=fp32 --precision litert=int8 --precision executorch=fp32 --precision coreml=fp16 \
		$(foreach clip,$(CLIPS),--clip $(clip))
	@echo "try:  $(BIN)/dvfl predict $(BUNDLE) assets/clips/zoom_in.mp4"

nano: setup  ## Convert and time a random student of the published size (8x224x224, 101 classes)
	@$(BIN)/python benchmarks/random_student.py nano 101 demo
	@$(BIN)/dvfl convert demo/nano.pth --labels demo/nano.txt --out demo/nano --force --clip assets/carving_ice.mp4
	@$(BIN)/dvfl bench demo/nano --baseline --runs 12 --threads 2

test: setup lint types  ## Lint, types and every test
	@$(BIN)/pytest -n 2 --dist loadfile

test-quick: setup  ## The tests that need no conversion
	@$(BIN)/pytest -n 2 --dist loadfile -m "not slow"

lint: setup
	@$(BIN)/ruff check $(SOURCES)
	@$(BIN)/ruff format --check $(SOURCES)

types: setup
	@$(BIN)/mypy

format: setup  ## Format the Python sources
	@$(BIN)/ruff check --fix $(SOURCES)
	@$(BIN)/ruff format $(SOURCES)

golden: setup  ## Check that the golden files are what their scripts make
	@$(BIN)/python spec/make_golden.py --check
	@$(BIN)/python spec/make_golden_bundle.py --check

clean:  ## Remove .venv and what the demo wrote
	rm -rf .venv demo
