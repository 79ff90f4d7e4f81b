# Every target explains itself: `make help`.
GO        ?= go
LINT       = .tools/golangci-lint
LINT_VER   = v2.15.0
TESTFLAGS ?=
SUITE     ?= all
FIGURE    ?= *
LAWS       = ^Test(Partition|Endurance|Faults|StakingLaws|KilledAgainAndAgain|OneOfTwoKilled)$$
REQUESTS  ?= 5000000
CHECKS    ?= 2000

.DEFAULT_GOAL := help
.PHONY: help run test soak check bench peers fuzz setup guest vendor

help: ## print this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## the server on embedded defaults, on http://127.0.0.1:8000
	$(GO) run ./server/fogd

setup: ## install what the tests need (root on Debian), or say what to install
	@tools/setup.sh

test: setup ## every test with the race detector, on SQLite and PostgreSQL, then the examples
	$(GO) test -race -timeout 20m $(TESTFLAGS) ./...
	tools/examples.sh

soak: setup ## the ledger's laws for longer: REQUESTS=n random ones on each store (default 5000000), CHECKS=n histories in all kinds of batches
	FOG_TEST_SEED=$${FOG_TEST_SEED:-$$(date +%s)} FOG_TEST_REQUESTS=$(REQUESTS) $(GO) test -count=1 -timeout 0 -v -run '$(LAWS)' ./fog/tokenomics ./fog/tokenomics/tokenomicsdb -rapid.checks=$(CHECKS)

check: $(LINT) ## formatting, vet, lints, the arrows between packages, an outside program, all builds
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { echo "run gofmt on:"; gofmt -l $$(git ls-files '*.go'); exit 1; }
	$(GO) vet ./...
	cd bench && $(GO) vet ./...
	$(LINT) run --allow-parallel-runners ./...
	$(GO) test -count=1 -run 'TestArrows|TestOutsideProgram' ./fog
	$(GO) build ./...
	for system in linux/arm64 android/arm64 darwin/arm64 windows/amd64; do \
		GOOS=$${system%/*} GOARCH=$${system#*/} CGO_ENABLED=0 $(GO) build -o /dev/null ./examples/agent || exit 1; \
	done

bench: ## measure: SUITE=server|endtoend|scheduler|tokenomics|idle|all, FIGURE=glob; prints one line a figure
	cd bench && $(GO) run . -suite '$(SUITE)' -figure '$(FIGURE)'

peers: ## install what the bench's peers need (root on Debian), or say what to install
	@bench/peers/install.sh

fuzz: ## run every fuzz target for FUZZTIME (default 30s) each
	tools/fuzz.sh $(or $(FUZZTIME),30s)

guest: ## rebuild the WebAssembly guest from its C source, byte for byte
	$(MAKE) -B -C fog/guest

vendor: ## fetch the pages' third-party scripts again, and check their digests
	sh server/web/third_party/fetch.sh

$(LINT):
	GOBIN=$(CURDIR)/.tools $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT_VER)
