# What people and CI call. `make help` lists it.
SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c
.DEFAULT_GOAL := help

# Tools are built once, at these versions, into .bin/; a new version is a new file name, so it is built anew.
LINT := .bin/golangci-lint-v2.15.0
GREMLINS := .bin/gremlins-v0.6.0
ACTIONLINT := .bin/actionlint-v1.7.12

# The race detector needs cgo, and so a C compiler, which not every machine has.
RACE := $(shell command -v $$(go env CC) >/dev/null && echo -race)
# One package more at a time than there are processors, since the command's tests wait much.
TEST := $(if $(RACE),CGO_ENABLED=1) go test -p $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1) -shuffle=on $(RACE)

ACCOUNT := ca_1a2b3c4d5e6f
define DEMO
update $(ACCOUNT) --scheme BEARER_TOKEN --set token=new_access_token
update $(ACCOUNT) --scheme BEARER_TOKEN --clear token
update $(ACCOUNT) --alias work
endef
export DEMO

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: ## on an embedded sandbox: the reference page's example, a null, an alias clash (exit status 1, as it should)
	@echo "Building the command; the first time that fetches and compiles its dependencies, for half a minute or so."
	@go build -o .bin/composio-patch ./wrapper/cmd/composio-patch
	@while read -r arguments; do \
		echo "$$ composio-patch $$arguments --sandbox"; \
		.bin/composio-patch $$arguments --sandbox </dev/null 2>&1; status=$$?; \
		echo "exit status $$status"; echo; \
		[ $$status -le 1 ] || exit 1; \
	done <<<"$$DEMO"

.PHONY: test
test: ## run all tests
	@$(if $(RACE),,echo "There is no C compiler here, so the tests run without the race detector.")
	@echo "Compiling and testing; the first time that takes some minutes, of which the first is silent."
	$(TEST) ./...

# Go 1.26, the oldest that go.mod allows, and the newest. The go command fetches the one that is not installed.
GO_VERSIONS := go1.26.8 go1.27.0
LIBRARIES := ./gen ./wrapper ./wrapper/bulk ./wrapper/contract ./wrapper/sandbox

.PHONY: test-matrix
test-matrix: ## the tests with both Go versions, the libraries on 32 bits, and vet for Windows
	@for version in $(GO_VERSIONS); do echo "$$version"; GOTOOLCHAIN=$$version go test ./... || exit 1; done
	GOARCH=386 CGO_ENABLED=0 go vet $(LIBRARIES)
	GOARCH=386 CGO_ENABLED=0 go test $(LIBRARIES)
	GOOS=windows CGO_ENABLED=0 go vet ./...

.PHONY: check
check: check-fmt check-vet check-lint check-workflows check-generate check-tidy check-rename check-cost check-upstream-diff check-modules ## formatting, vet, lint, workflows, generated code, go.mod, allocations, upstream-diff, the modules inside

.PHONY: check-fmt
check-fmt:
	@files=$$(gofmt -l $$(git ls-files '*.go')); [ -z "$$files" ] || { echo "Not formatted. Run: gofmt -w" $$files; exit 1; }

.PHONY: check-vet
check-vet:
	go vet ./...

.PHONY: check-lint
check-lint: $(LINT)
	$(LINT) run ./...

.PHONY: check-workflows
check-workflows: $(ACTIONLINT)
	$(ACTIONLINT) -shellcheck= -pyflakes=

.PHONY: check-generate
check-generate: generate
	@[ -z "$$(git status --porcelain -- gen)" ] || { git diff -- gen; echo "gen/ is not what api/ makes of it. Commit what make generate has just written."; exit 1; }

.PHONY: check-tidy
check-tidy:
	@go mod tidy -diff || { echo "Run: go mod tidy"; exit 1; }

.PHONY: tidy
tidy: ## go mod tidy in every module: those inside follow go.mod, and the go command asks for it where they do not
	cd wrapper/internal/bench && go generate ./...
	@for module in $$(git ls-files '*go.mod'); do (cd "$$(dirname "$$module")" && go mod tidy) || exit 1; done

# Without the race detector, which allocates itself: then the bounds are tight.
.PHONY: check-cost
check-cost:
	CGO_ENABLED=0 go test -count=1 ./wrapper -run 'TestAllocations|TestHuge'

# The document is its own upstream. oasdiff stays out of go.mod, in a module that ./... does not reach.
.PHONY: check-upstream-diff
check-upstream-diff: $(LINT)
	@api/upstream-diff api/openapi.yaml
	cd api/internal/upstreamdiff && go vet ./... && go test -count=1 ./... && $(CURDIR)/$(LINT) run ./...
	@cd api/internal/upstreamdiff && go mod tidy -diff || { echo "Run: cd api/internal/upstreamdiff && go mod tidy"; exit 1; }

# Peers to measure against and OpenTelemetry stay out of go.mod, in modules of their own, which ./... does not reach.
.PHONY: check-modules
check-modules:
	cd wrapper/internal/otelexample && go vet ./... && go test ./...
	cd wrapper/internal/bench && go generate ./... && go vet ./... && go test ./...

# $(call install,COMMANDS,PACKAGES) installs Debian's packages where none of the commands is there.
install = command -v $(1) >/dev/null || { as=$$([ "$$(id -u)" = 0 ] || echo sudo -n); $$as apt-get -q update && $$as apt-get -q -y install --no-install-recommends $(2); } || \
	{ echo "Missing: $(1). Install it, or run this as root on Debian or Ubuntu."; exit 1; }

.PHONY: test-redis
test-redis: ## a limiter that processes share, with a real Redis
	@$(call install,redis-server,redis-server)
	cd wrapper/internal/redislimiter && go vet ./... && go test -count=1 ./...

.PHONY: test-browser
test-browser: ## the sandbox's page in a real browser
	@$(call install,chromium google-chrome,chromium fonts-dejavu-core)
	cd wrapper/internal/browsertest && go vet ./... && go test -count=1 ./...

.PHONY: test-clients
test-clients: ## the sandbox from other languages: the official TypeScript client, and curl
	@$(call install,npm,nodejs npm) && $(call install,curl,curl ca-certificates)
	go build -o .bin/composio-patch ./wrapper/cmd/composio-patch
	wrapper/internal/clientexamples/run .bin/composio-patch

.PHONY: generate api
generate: ## write gen/ anew from api/
	go generate ./...
	@go test -count=1 ./api -run TestHandWrittenCodeFitsTheDocument || { echo "gen/ is written; wrapper/ does not compile with it before the files above are changed."; exit 1; }

api: ## accept a change of the exported API, or of the recorded exchanges
	go test ./wrapper -run 'TestPublicAPI|TestRecordedExchanges' -update

UPSTREAM := https://backend.composio.dev/api/v3/openapi.json
.PHONY: upstream-diff
upstream-diff: ## compare with Composio's document, or with another: make upstream-diff UPSTREAM=FILE|URL
	@api/upstream-diff $(if $(VERSION),--version "$(VERSION)") "$(UPSTREAM)"

.PHONY: generator-matrix
generator-matrix: ## run the wire tests with what other versions of the generator make
	@api/generator-matrix

FUZZTIME := 60s
.PHONY: fuzz fuzz-quick
fuzz: ## fuzz each target for FUZZTIME, 60s unless given
	@for package in gen wrapper; do \
		for target in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9]*\)(.*/\1/p' $$package/*_test.go); do \
			go test ./$$package -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 0x | grep -v '^fuzz: elapsed' || exit 1; \
		done; \
	done

# A count and not a time, the end of which go test sometimes calls a failure ("context deadline exceeded").
fuzz-quick: ## fuzz each target some seconds, as CI does
	@$(MAKE) --no-print-directory fuzz FUZZTIME=10000x

.PHONY: soak
soak: ## the long form of the tests that make faults, restarts and kills
	COMPOSIO_SOAK=$${COMPOSIO_SOAK:-1} go test -v -timeout 30m -run 'Chaos|AgainstSandbox|ThreeProcesses|Kill|MemoryOf' ./wrapper ./wrapper/bulk ./wrapper/cmd/composio-patch

# gremlins derives a package's directory from its name, and package composio is in wrapper/, so by itself it would run no
# tests. Hence --integration, which runs all, in a copy with wrapper's alone. Those called TestAService… build other programs,
# TestEachChange… is about the document; they would take most of the time. -count=1, because gremlins bounds a run by the time
# of the first, which must not be cached.
.PHONY: mutants
mutants: $(GREMLINS) ## how many small breakages of wrapper/ its tests notice, in an hour; wrapper/testdata/mutants.md has those that live
	@rm -rf .bin/mutants && mkdir -p .bin/mutants && cp -R .github Makefile README.md *.go go.mod go.sum api gen wrapper .bin/mutants
	@cd .bin/mutants && rm -r api/internal && find . -name '*_test.go' | grep -vE '^./wrapper/([^/]+|testdata/.+)$$' | xargs rm
	cd .bin/mutants && GOFLAGS='-vet=off -count=1 -failfast -skip=^(TestAService|TestEachChange)' ../../$(GREMLINS) unleash --integration --workers 1 \
		--timeout-coefficient 3 --threshold-efficacy 95 --exclude-files '^(bulk|cmd|contract|internal|sandbox|testdata)/' wrapper

.PHONY: bench bench-quick
bench: ## one call beside hand-written code and other clients, in some minutes: writes wrapper/internal/bench/README.md and chart.svg
	cd wrapper/internal/bench && go generate ./... && go run .

bench-quick: ## print the in-memory part of it, in a minute
	cd wrapper/internal/bench && go generate ./... && go run . -quick

.PHONY: rename check-rename
rename: export NEW = $(value MODULE)
rename: ## give the module its real path: make rename MODULE=github.com/you/composio
	@scratch=$$(mktemp -d) && trap 'rm -r "$$scratch"' EXIT && cd "$$scratch" && [[ "$$NEW" =~ ^[a-z0-9-]+(\.[a-z0-9-]+)+/ ]] && \
		go mod init "$$NEW" 2>error || { cat error 2>/dev/null; echo "Not a path that a module can have. Say: make rename MODULE=github.com/you/composio"; exit 2; }
	@old=$$(go list -m); [[ "$$NEW" =~ (/|^gopkg\.in/.*\.)(v[0-9]+)$$ ]]; major=$${BASH_REMATCH[2]:-v0}; \
	sed -i.renamed '/^<!-- placeholder/,/^<!-- .placeholder/d' README.md && rm README.md.renamed; \
	grep -rlIF --exclude-dir=.git --exclude-dir=.bin -e "$$old" . | while read -r file; do \
		sed "s|$${old//./\\.}|$$NEW|g; s|$$NEW v[0-9]*\.0\.0|$$NEW $$major.0.0|" "$$file" >"$$file.renamed" && cat "$$file.renamed" >"$$file" && rm "$$file.renamed" || exit 1; \
	done; \
	gofmt -w *.go api gen wrapper && go build ./... && echo "$$old is now $$NEW"

# In a clone: a path that no module can have changes nothing, and a good one stands everywhere.
check-rename:
	@rm -rf .bin/rename && git clone -q . .bin/rename
	@for path in "" composio github.com/you/ github.com//you/x 'github.com/you/a b' https://github.com/you/x github.com/you/x/v1 -x.org/y com/x.org/y GitHub.com/you/x 'github.com/you/a$$b'; do \
		! $(MAKE) -s -C .bin/rename rename MODULE="$$path" >/dev/null 2>&1 && [ -z "$$(git -C .bin/rename status --porcelain)" ] || { echo "make rename takes $$path"; exit 1; }; \
	done
	@$(MAKE) -s -C .bin/rename rename MODULE=github.com/you/composio/v2
	@! grep -rnI --exclude-dir=.git --exclude=Makefile -e "$$(go list -m)" -e 'is a placeholder' .bin/rename
	@cd .bin/rename && go vet ./... && go -C wrapper/internal/bench list -m >/dev/null && rm -rf ../rename

$(LINT): PACKAGE := github.com/golangci/golangci-lint/v2/cmd/golangci-lint
$(GREMLINS): PACKAGE := github.com/go-gremlins/gremlins/cmd/gremlins
$(ACTIONLINT): PACKAGE := github.com/rhysd/actionlint/cmd/actionlint
$(LINT) $(GREMLINS) $(ACTIONLINT):
	@mkdir -p .bin/build
	GOBIN=$(CURDIR)/.bin/build go install $(PACKAGE)@$(lastword $(subst -v, v,$@))
	@mv .bin/build/$(notdir $(PACKAGE)) $@
