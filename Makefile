# Everything here needs Go and a module proxy, nothing else. ARGS goes to the
# command: make demo ARGS="--students 100".
SHELL := /bin/bash
.DEFAULT_GOAL := help

ARGS ?=
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2

# Where goroutines meet. Packages that import most of the AWS SDK are not here:
# under the race detector EC2 alone compiles for two minutes, and what they do at
# once they do through these.
RACE := ./tasks ./handlers ./scheduler ./internal/fleet ./internal/lifecycle ./internal/assign ./internal/failsafe \
	./internal/mongo ./internal/mongosim ./internal/redis ./internal/redisdev ./internal/awsclient ./internal/cleaner \
	./internal/awssim/core ./internal/awssim/iameval ./internal/clock ./internal/seal ./internal/config ./internal/metrics \
	./internal/access ./internal/events ./internal/booking ./internal/webhook ./internal/labtype ./internal/cli

# The modules of the TypeScript example, whose test generates a client from the
# API's own document.
TS := deploy/examples/typescript

.PHONY: help setup modules build run quickstart demo demo-procs demo-crash demo-pause test test-race lint bench bench-api tidy clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: modules ## fetch the modules, say what is missing
	go mod download
	@command -v redis-server >/dev/null || echo "no redis-server on the PATH: demo and tests use one in process instead"

modules: # of npm, where there is npm
	@if command -v npm >/dev/null; then [ $(TS)/node_modules -nt $(TS)/package-lock.json ] || { npm ci --prefix $(TS) --no-audit --no-fund --silent && touch $(TS)/node_modules; }; \
	else echo "no npm on the PATH: the test of a generated client is left out"; fi

build: ## build bin/kml, bin/kmlctl and bin/kml-dev
	go build -o bin/ ./cmd/...

run: build ## everything in one process, until Ctrl-C
	bin/kml-dev run $(ARGS)

quickstart: ## the commands of the README's first page, as they stand there
	@bash deploy/quickstart.sh

demo: build ## play a class against a fleet on the simulated AWS
	bin/kml-dev demo $(ARGS)

demo-procs: build ## the same with every role a process of its own
	bin/kml-dev demo-procs $(ARGS)

demo-crash: build ## the same, with processes killed in between
	bin/kml-dev demo-crash $(ARGS)

demo-pause: build ## a worker stopped in a cleaning and woken in the next student's account
	bin/kml-dev demo-pause $(ARGS)

test: modules ## all tests
	go test -timeout 20m ./...

test-race: ## the packages where goroutines meet, under the race detector
	go test -race -timeout 10m $(RACE)

lint: ## gofmt, go vet, staticcheck
	@unformatted=$$(gofmt -l .); if [ -n "$$unformatted" ]; then echo "not gofmted:"; echo "$$unformatted"; exit 1; fi
	go vet ./...
	go run $(STATICCHECK) ./...

bench: ## all benchmarks
	go test -run '^$$' -bench . -benchmem $$(grep -rl --include='*_test.go' '^func Benchmark' . | xargs -n1 dirname | sort -u)

bench-api: ## calls a second and p99 of the API, beside a bare handler of the same router in the same run
	@go test ./internal/api -run '^$$' -bench '^BenchmarkAPI$$' -benchtime 3s -timeout 5m | awk '{print} \
	  $$1 ~ /^BenchmarkAPI\// {for (i = 2; i < NF; i++) {if ($$(i+1) == "req/s") r = $$i; if ($$(i+1) == "p99-ms") p = $$i}; \
	    split($$1, name, "/"); sub(/-[0-9]+$$/, "", name[2]); if (!bare) bare = r; \
	    line[++n] = sprintf("%-14s %10.0f req/s  p99 %8.2f ms  %6.1f%% of bare", name[2], r, p, 100 * r / bare)} \
	  END {print ""; for (i = 1; i <= n; i++) print line[i]; exit n < 3}'

tidy: ## gofmt and go mod tidy
	gofmt -w .
	go mod tidy

clean: ## what was built, and the state of demos
	rm -rf bin .kml cover.out
