# Everything a fresh clone needs: 'make demo' and 'make test'. Both set up what they need first, once.
SHELL := /bin/bash
.DEFAULT_GOAL := help
BIN := .venv/bin
STUDENT := assets/camera_motion_student.pth
LABELS := assets/camera_motion_labels.txt
ACTIONS := assets/human_action_student.pth
ACTION_LABELS := assets/human_action_labels.txt
ACTION_CLIPS := $(sort $(wildcard assets/actions/*.mp4))
CLIPS := $(sort $(wildcard assets/clips/*.mp4)) assets/carving_ice.mp4
BUNDLE := demo/bundle
ACTION_BUNDLE := demo/actions
DEMO_PRECISIONS := $(addprefix --precision ,litert=fp32 litert=int8 executorch=fp32 executorch=int8 coreml=fp16)
# Rendered with another seed than the data that trained and tested the students.
CALIBRATION := demo/calibration
PHONE_BUNDLE := demo/phone
CHAIN := demo/chain
CHAIN_CLIP := $(CHAIN)/mocap/test/cartwheel/00000.mp4
CHAIN_EPOCHS := $(if $(QUICK),--set schedule.epochs=2 --set schedule.warmup_epochs=0.5)
SOURCES := python_sdk converter training spec benchmarks tests
CONVERTER_FILES := $(shell find python_sdk converter -name '*.py') spec/preprocessing.json constraints.txt

.PHONY: help setup demo chain nano arm64 runtime-matrix verify-all workflows test test-python test-quick lint types format golden clean \
	android android-api android-format ios

help:  ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 23

setup:  ## Make .venv with everything in it (a second run takes a second)
	@ci/setup.sh

$(CALIBRATION)/%/manifest.csv: | setup
	@$(BIN)/dvfl data generate $* --train 6 --validation 0 --test 0 --seed 7 --out $(@D)

demo: setup $(CALIBRATION)/camera-motion/manifest.csv $(CALIBRATION)/mocap-actions/manifest.csv  ## Convert both shipped students to all three targets, prove them, write two reports
	@$(BIN)/dvfl convert $(STUDENT) --labels $(LABELS) --out $(BUNDLE) --size 64 --force \
		$(DEMO_PRECISIONS) --calibration-clips $(CALIBRATION)/camera-motion $(foreach clip,$(CLIPS),--clip $(clip))
	@$(BIN)/dvfl convert $(ACTIONS) --labels $(ACTION_LABELS) --out $(ACTION_BUNDLE) --force \
		$(DEMO_PRECISIONS) --calibration-clips $(CALIBRATION)/mocap-actions $(foreach clip,$(ACTION_CLIPS),--clip $(clip))
	@echo "try:  $(BIN)/dvfl predict $(BUNDLE) assets/clips/zoom_in.mp4"
	@echo "      $(BIN)/dvfl predict $(ACTION_BUNDLE) assets/actions/cartwheel.mp4"

nano: setup $(CALIBRATION)/mocap-actions/manifest.csv  ## Convert and time a random student of the published size (8x224x224, 101 classes)
	@$(BIN)/python benchmarks/random_student.py nano 101 demo
	@$(BIN)/dvfl convert demo/nano.pth --labels demo/nano.txt --out demo/nano --force --clip assets/carving_ice.mp4 \
		$(addprefix --precision ,fp32 litert=fp16 coreml=fp16 int8) --calibration-clips $(CALIBRATION)/mocap-actions \
		--set litert.int8=static --set executorch.int8=static --keep-refused
	@$(BIN)/dvfl bench demo/nano --baseline --runs 12

arm64: setup  ## Run both demo bundles on the runtimes' ARM64 kernels, emulated (Debian; 7 GB the first time)
	@ci/arm64-parity.sh $(BUNDLE)
	@ci/arm64-parity.sh $(ACTION_BUNDLE)

runtime-matrix: setup  ## Try every released runtime on both demo bundles (half an hour, 6 GB at a time)
	@$(BIN)/dvfl runtimes $(BUNDLE)
	@$(BIN)/dvfl runtimes $(ACTION_BUNDLE)

verify-all: demo  ## Prove the demo bundles again, on this machine, on ARM64 kernels and on every released runtime
	@$(BIN)/dvfl verify $(BUNDLE) --stress ascent
	@$(BIN)/dvfl verify $(ACTION_BUNDLE) --stress ascent
	@$(MAKE) --no-print-directory arm64 runtime-matrix

test:  ## Lint, types and every test: Python's, then Kotlin's, then Swift's
	@$(MAKE) --no-print-directory test-python
	@$(MAKE) --no-print-directory android
	@$(MAKE) --no-print-directory ios

test-python: setup lint types  ## Lint, types and every test of the Python packages
	@$(BIN)/pytest -n 2 --dist loadfile

test-quick: setup  ## The tests that need no conversion
	@$(BIN)/pytest -n 2 --dist loadfile -m "not slow"

lint: setup
	@$(BIN)/ruff check $(SOURCES)
	@$(BIN)/ruff format --check $(SOURCES)

types: setup
	@$(BIN)/mypy

workflows:  ## Lint the workflows of GitHub with actionlint (needs Go)
	@ci/lint-workflows.sh

format: setup  ## Format the Python sources
	@$(BIN)/ruff check --fix $(SOURCES)
	@$(BIN)/ruff format $(SOURCES)

golden: setup  ## Check that the golden files are what their scripts make
	@$(BIN)/python spec/make_golden.py --check
	@$(BIN)/python spec/make_golden_bundle.py --check

# What the Kotlin and Swift tests run on real runtimes. The manifest is written last, so it dates the whole folder.
$(PHONE_BUNDLE)/manifest.json: $(STUDENT) $(LABELS) $(CONVERTER_FILES) | setup
	@$(BIN)/dvfl convert $(STUDENT) --labels $(LABELS) --out $(PHONE_BUNDLE) --size 64 --force \
		--target litert --target executorch --precision litert=fp32 --precision litert=int8 \
		--precision executorch=fp32 $(foreach clip,$(CLIPS),--clip $(clip))

# QUICK=1 shows the chain in three minutes, on too few clips to learn much.
chain: setup  ## Render clips, train a teacher, distil a student, convert it, label an .mp4 (45 minutes; QUICK=1: 3)
	@$(BIN)/dvfl data generate mocap-actions --out $(CHAIN)/mocap $(if $(QUICK),--train 16 --validation 4 --test 4)
	@$(BIN)/dvfl train --recipe demo-student --init $(STUDENT) --manifest $(CHAIN)/mocap/manifest.csv \
		--out $(CHAIN)/alone $(CHAIN_EPOCHS)
	@$(BIN)/dvfl train --recipe demo-teacher --init $(CHAIN)/alone/best.pth --manifest $(CHAIN)/mocap/manifest.csv \
		--out $(CHAIN)/teacher $(CHAIN_EPOCHS)
	@$(BIN)/dvfl distill --recipe demo-student --init $(STUDENT) --manifest $(CHAIN)/mocap/manifest.csv \
		--teacher $(CHAIN)/teacher/best.pth --out $(CHAIN)/student $(CHAIN_EPOCHS)
	@$(BIN)/dvfl evaluate $(CHAIN)/student/best.pth --manifest $(CHAIN)/mocap/manifest.csv --views 1x1
	@$(BIN)/dvfl convert $(CHAIN)/student/best.pth --out $(CHAIN)/bundle --clip $(CHAIN_CLIP)
	@$(BIN)/dvfl predict $(CHAIN)/bundle $(CHAIN_CLIP)

android: $(PHONE_BUNDLE)/manifest.json  ## Build and test the Kotlin SDK (brings JDK 17 and Maven as root on Debian)
	@ci/android.sh verify "-Ddvfl.bundle=$(CURDIR)/$(PHONE_BUNDLE)"

ios: $(PHONE_BUNDLE)/manifest.json  ## Build and test the Swift SDK (brings Swift 6 as root on Debian: 3.4 GB)
	@DVFL_BUNDLE="$(CURDIR)/$(PHONE_BUNDLE)" ci/ios.sh

android-api:  ## Write the dumps of the Kotlin SDK's public API anew, after an intended change
	@ci/android.sh test -Dtest=ApiTest -Dsurefire.failIfNoSpecifiedTests=false -Ddvfl.api.update=true

android-format:  ## Format the Kotlin sources
	@ci/android.sh -Pformat validate

clean:  ## Remove .venv and what the demo and the builds wrote
	rm -rf .venv demo
	@find android -name target -type d -prune -exec rm -rf {} +
	rm -rf ios/.build
