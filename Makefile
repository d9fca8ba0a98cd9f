# One door to everything. `make help` lists what there is.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
CARGO ?= cargo

.PHONY: help setup setup-tools bindings size package-android package-ios demo phone test test-slow apk ios-test lint format sim sim-mutants bench fuzz crash kill9 clean

help: ## List the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-15s %s\n", $$1, $$2}'

setup: ## Install what the build needs (as root on Debian; otherwise says what to install)
	@tools/setup.sh build

setup-tools: setup ## Install the checkers too (cargo-deny), and a JDK with Maven
	@tools/setup.sh tools

bindings: setup ## Write the Kotlin and Swift sources of the core into target/bindings
	@bindings/generate.sh

size: setup ## Build the library as phones get it, and hold its size under the budget
	@bindings/size.sh

package-android: setup ## Pack the library for Android (AAR); needs the NDK
	@bindings/package-android.sh

package-ios: setup ## Pack the library for iOS (XCFramework); needs a Mac
	@bindings/package-xcframework.sh

demo: setup ## A clerk's day from import to effect; ONCE=1 ends the hub afterwards
	@tests/demo.sh

phone: setup-tools ## The phone's screens in a window; SHOTS=1 draws them into android/screens instead
	@SHOTS="$(SHOTS)" android/host/phone.sh

test: setup-tools ## Everything that must hold: lint, unit, property, end-to-end, real data
	@tools/stages.sh lint build tests android ios size

test-slow: setup-tools ## What takes too long for every run: R8, with the bridge's tests against what it leaves, and the APKs
	@tools/stages.sh apk

apk: setup-tools ## Build the Android app as APKs, debug and release, signed and verified (without the NDK they hold no core)
	@tools/stages.sh apk

ios-test: setup ## Test the Swift side (fetches the toolchain on a Debian machine, 576 MB once)
	@tools/stages.sh ios

lint: setup-tools ## Format check, clippy, dependency licences and sources
	@tools/stages.sh lint

format: ## Format the code
	@$(CARGO) fmt --all

sim: setup ## Simulate sync with faults: SEEDS=n FROM=k runs many, SEED=k replays one
	@$(CARGO) build --release --locked -q -p yaoban-sim
	@target/release/yaoban-sim $(if $(SEED),--seed $(SEED) $(if $(WITHOUT),--without $(WITHOUT)) \
		$(if $(PHONES),--phones $(PHONES)) $(if $(DAYS),--days $(DAYS)),--seeds $(or $(SEEDS),200) --from $(or $(FROM),1))

sim-mutants: setup ## Show that the simulation catches known bugs of sync engines, each put in on purpose
	@python3 tests/sim/mutants.py

bench: setup ## Measure speed and memory in release, beside a peer in the same run; QUICK=1 takes a tenth
	@python3 tests/bench/bench.py $(if $(QUICK),--quick)

fuzz: setup ## Fuzz the import, the audience JSON and the wire decoder for SECONDS (default 60) each
	@SECONDS_EACH=$(or $(SECONDS),60) tests/fuzz/run.sh

crash: setup ## Cut the power at every step of a day's I/O, and fill the phone's and the hub's disk; SEED=n
	@SEED=$(or $(SEED),1) $(CARGO) run --quiet --release --locked -p yaoban-crash

kill9: setup ## Kill the real hub, phone and import by SIGKILL, ROUNDS=n times (default 1000); SEED=n
	@$(CARGO) build --release --locked -q --workspace --bins
	@SEED=$(or $(SEED),1) ROUNDS=$(or $(ROUNDS),1000) target/release/kill9

clean: ## Remove build output, caches of test data and the demo's folder
	@$(CARGO) clean
	@rm -rf .demo tests/data/.cache tests/data/out
