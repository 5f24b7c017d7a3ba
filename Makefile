# The targets below are what people and CI call; `make help` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help

# Tools are built once, at these versions, into .bin/. A new version is a new file name, so it is built anew.
GOLANGCI_LINT := .bin/golangci-lint-v2.15.0

# The race detector needs cgo and a C compiler, which not every machine has.
CC_FOUND := $(shell command -v "$$(go env CC)" 2>/dev/null)
ifneq ($(and $(CC_FOUND),$(filter 1,$(shell CGO_ENABLED=1 go env CGO_ENABLED))),)
RACE := -race
TEST_ENV := CGO_ENABLED=1
else
RACE :=
TEST_ENV :=
endif

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: .bin/composio-patch ## change an account of the embedded sandbox: a new token, a null, an alias clash
	@bash api/none 2>/dev/null; true

.PHONY: test
test: ## run all tests
	@$(if $(RACE),,echo "no C compiler: the tests run without the race detector")
	$(TEST_ENV) go test -shuffle=on $(RACE) ./...

.PHONY: check
check: check-fmt check-vet check-lint check-generate check-tidy ## formatting, vet, lint, generated code, go.mod

.PHONY: check-fmt
check-fmt:
	@files=$$(gofmt -l .); [ -z "$$files" ] || { echo "not formatted; run: gofmt -w $$files"; exit 1; }

.PHONY: check-vet
check-vet:
	go vet ./...

.PHONY: check-lint
check-lint: $(GOLANGCI_LINT)
	$(GOLANGCI_LINT) run ./...

.PHONY: check-generate
check-generate: generate
	@git diff --exit-code -- gen || { echo "gen/ was not what the document says; commit what 'make generate' wrote"; exit 1; }

.PHONY: check-tidy
check-tidy:
	go mod tidy -diff || { echo "run: go mod tidy"; exit 1; }

.PHONY: generate
generate: ## write gen/ anew from api/openapi.yaml
	go generate ./...

.PHONY: rename
rename: ## give the module its real path: make rename MODULE=github.com/you/composio
	@bash -euo pipefail -c '[[ "$(MODULE)" =~ ^[A-Za-z0-9._~/-]+$$ ]] || { echo "say which path: make rename MODULE=github.com/you/composio"; exit 2; }; \
	old=$$(go list -m); \
	git grep -lIF "$$old" -- . | while IFS= read -r f; do sed -i.bak "s|$${old//./\\.}|$(MODULE)|g" "$$f" && rm "$$f.bak"; done; \
	go mod edit -module "$(MODULE)"; gofmt -w $$(git ls-files "*.go"); go build ./...; echo "$$old is now $(MODULE)"'

$(GOLANGCI_LINT):
	@mkdir -p .bin
	GOBIN=$(CURDIR)/.bin go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(subst .bin/golangci-lint-,,$@)
	@mv .bin/golangci-lint $@

.PHONY: .bin/composio-patch
.bin/composio-patch:
	@go build -o $@ ./wrapper/cmd/composio-patch
