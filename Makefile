# The two commands: `make run` and `make test`. The rest is what they are made of.

GO      ?= go
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo 0.1.0-dev)
export CGO_ENABLED = 0
export GOTOOLCHAIN = local

.PHONY: run build test test-real test-others deps lint ui ui-check soak bench fuzz clean

## run: build, start agent + store + page, with a demo workload if no JVM runs
run: build
	@.ci/deps jdk
	bin/tacho up --demo auto

build:
	$(GO) build -trimpath -ldflags "-X main.version=$(VERSION)" -o bin/tacho ./cmd/tacho

# Tests that record real JVMs wait more than they compute, but one package at a
# time: two at once would record each other's JVMs. The others run beside them.
REAL := ^tacho/(record|cmd|casebook|format/jfr|web/browsertest)(/|$$)

## test: install what the tests need (only what is missing), then run them all
test: deps lint ui-check
	@$(MAKE) --no-print-directory -j2 --output-sync=line test-real test-others

test-real:
	$(GO) test -p 1 -timeout 30m $$($(GO) list ./... | grep -E '$(REAL)')

test-others:
	$(GO) test -p 1 -timeout 20m $$($(GO) list ./... | grep -vE '$(REAL)')
	@$(MAKE) --no-print-directory -s fuzz FUZZTIME=5s

deps:
	@.ci/deps jdk programs chromium node

lint:
	@bad=$$(gofmt -l $$(git ls-files '*.go')); if [ -n "$$bad" ]; then echo "not gofmt-ed: $$bad"; exit 1; fi
	$(GO) vet ./...
	$(GO) tool staticcheck ./...

## ui: rebuild web/dist from web/ui (needs Node for preact's source)
ui:
	cd web/ui && npm ci --silent --no-audit --no-fund
	$(GO) run ./web/uibuild

ui-check:
	cd web/ui && npm ci --silent --no-audit --no-fund
	$(GO) run ./web/uibuild -check
	cd web/ui && npm run --silent check
	cd web/ui && npm run --silent test

## bench: the figures quoted in bench/README.md (minutes)
bench: build deps
	$(GO) run ./bench/decode
	$(GO) run ./bench/overhead
	$(GO) run ./bench/week
	$(GO) run ./bench/week --growth
	$(GO) run ./bench/page

# FUZZ: the rooms of format whose fuzz tests run.
FUZZ     ?= $(sort $(notdir $(patsubst %/,%,$(dir $(shell grep -l '^func Fuzz' format/*/*_test.go)))))
FUZZTIME ?= 60s

## fuzz: every decoder on damaged input, FUZZTIME each (nightly; FUZZTIME=5s for a look)
fuzz:
	@for room in $(FUZZ); do for f in $$($(GO) test ./format/$$room -list '^Fuzz' | grep '^Fuzz'); do \
		.ci/fuzz ./format/$$room $$f $(FUZZTIME) || exit 1; \
	done; done

## soak: what is too long for CI
soak: build deps
	$(GO) test -count 1 -p 1 -timeout 2h -tags soak -run 'TenMinutes' ./cmd/tacho

clean:
	rm -rf bin build
