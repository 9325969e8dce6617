# make up      the platform on this machine      make test   every test, the live suites included
# make down    remove it, every process with it   make check  what CI runs first
# The rest: make help

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

# -trimpath: Pulumi's Go host builds so, and its cache entries serve both. -buildvcs=false: a build needs no history.
export GOFLAGS := -trimpath -buildvcs=false

TOOLS := .sandbox/bin
LDFLAGS := -s -w
PULUMI_VERSION := $(shell sed -n 's,^require github.com/pulumi/pulumi/pkg/v3 \(v.*\)$$,\1,p' tools/pulumi/go.mod)
KUBE_VERSION := $(shell sed -n 's,^\tk8s.io/kubernetes \(v.*\)$$,\1,p' sandbox/controlplane/go.mod)
KUBE_VERSION_PACKAGE := k8s.io/component-base/version
VPA := k8s.io/autoscaler/vertical-pod-autoscaler
ALL := ./...
# A test that fails runs once more, by itself: on a busy machine even a bound of a minute is too short now and then. Both runs are
# printed, the summary counts them. Where more than five fail, none runs again.
AGAIN := --rerun-fails=1 --rerun-fails-max-failures=5 --packages="$(ALL)"

.PHONY: help
help: ## list the targets
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)$$/  make \1\t\2/p' Makefile | expand -t 22

.PHONY: up
up: build ## bring up stack local, wait for a search to work
	@bin/ragscale up

.PHONY: down
down: ## remove stack local and every process of the sandbox
	@[ -x bin/ragscale ] || tools/build.sh bin/ragscale ./cmd/ragscale
	@bin/ragscale down

.PHONY: build
build: ## build the CLI, the sandbox and its engines (first time: some 20 minutes on 2 cores)
	@LDFLAGS="-X $(KUBE_VERSION_PACKAGE).gitVersion=$(KUBE_VERSION) -X $(KUBE_VERSION_PACKAGE).gitMajor=1 -X $(KUBE_VERSION_PACKAGE).gitMinor=$(word 2,$(subst ., ,$(KUBE_VERSION)))" \
	  tools/build.sh $(TOOLS)/controlplane sandbox/controlplane . "Kubernetes control plane, first build 6 min"
	@tools/build.sh $(TOOLS)/metrics-server sandbox/controlplane sigs.k8s.io/metrics-server/cmd/metrics-server
	@tools/build.sh $(TOOLS)/vpa-recommender sandbox/controlplane $(VPA)/pkg/recommender
	@install -m 644 "$$(cd sandbox/controlplane && go list -m -f '{{.Dir}}' $(VPA))/deploy/vpa-v1-crd-gen.yaml" $(TOOLS)/vpa-crds.yaml
	@GOFLAGS="$$GOFLAGS -tags=remove_all_sd,enable_kubernetes_sd" \
	  tools/build.sh $(TOOLS)/prometheus sandbox/alertmanager github.com/prometheus/prometheus/cmd/prometheus "Prometheus, first build 3 min"
	@tools/build.sh $(TOOLS)/alertmanager sandbox/alertmanager . "Alertmanager, first build 1 min"
	@LDFLAGS="-X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=$(PULUMI_VERSION)" \
	  tools/build.sh $(TOOLS)/pulumi tools/pulumi github.com/pulumi/pulumi/pkg/v3/cmd/pulumi "Pulumi CLI, first build 4 min"
	@tools/build.sh $(TOOLS)/pgbouncer-exporter tools/pgbouncer-exporter github.com/prometheus-community/pgbouncer_exporter
	@tools/build.sh $(TOOLS)/ragscale-sandbox . ./sandbox
	@tools/build.sh $(TOOLS)/ragapi . ./ragapi
	@tools/build.sh $(TOOLS)/k6 . ./sandbox/inside/k6
	@tools/build.sh $(TOOLS)/ragscale-policies . ./policies
	@tools/build.sh bin/ragscale . ./cmd/ragscale "CLI with the AWS and Kubernetes SDKs, first build 8 min"
	@bin/ragscale sandbox prepare

.PHONY: check
check: fmt vet tidy lint k6 unit ## format, vet, tidy, lint, load test scripts, unit tests

.PHONY: fmt
fmt:
	@bad=$$(gofmt -l $$(git ls-files '*.go')); [ -z "$$bad" ] || { echo "not gofmt'ed: $$bad"; exit 1; }

.PHONY: vet
vet:
	go vet $(ALL)
	cd sandbox/controlplane && go vet .
	cd sandbox/alertmanager && go vet .
	cd tools/vuln && go vet .

.PHONY: tidy
tidy:
	@for m in . sandbox/controlplane sandbox/alertmanager tools/pulumi tools/pgbouncer-exporter tools/lint tools/vuln; do \
		(cd $$m && go mod tidy -diff) || { echo "$$m: run go mod tidy"; exit 1; }; done

.PHONY: lint
lint: ## golangci-lint, pinned in tools/lint
	@tools/build.sh $(TOOLS)/golangci-lint tools/lint github.com/golangci/golangci-lint/v2/cmd/golangci-lint "linter, first build 4 min"
	@$(TOOLS)/golangci-lint run $(ALL)
	@cd tools/vuln && $(CURDIR)/$(TOOLS)/golangci-lint run .

.PHONY: k6
k6: tools/k6/node_modules/.package-lock.json ## types, format and lint of the load test scripts, pinned in tools/k6
	@cd tools/k6 && npm run --silent check

tools/k6/node_modules/.package-lock.json: tools/k6/package-lock.json
	@cd tools/k6 && npm ci --ignore-scripts --no-audit --no-fund --silent && touch node_modules/.package-lock.json

.PHONY: gotestsum
gotestsum:
	@tools/build.sh $(TOOLS)/gotestsum tools/lint gotest.tools/gotestsum

.PHONY: unit
unit: gotestsum ## tests that start no sandbox
	@$(TOOLS)/gotestsum --format pkgname $(AGAIN) -- -short
	@cd tools/vuln && go test .

.PHONY: test
test: build gotestsum ## every test, the live suites included
	@RAGSCALE_TEST_LIVE=1 tools/with-database.sh $(TOOLS)/gotestsum --format testname $(AGAIN) -- -p 1 -timeout 60m

.PHONY: test-stress
test-stress: build ## the live suites with 1,000 users at once: whether this machine holds the objectives then
	@RAGSCALE_TEST_LIVE=1 RAGSCALE_TEST_STRESS=1 go test -count 1 -timeout 40m -v -run TestPlatform ./tests

.PHONY: generate
generate: ## the AWS schema, the configuration schema and docs, the goldens
	go run ./sandbox/plugins/aws/schemagen
	go test ./infra/platform -run Watched -update # what the others print
	go test ./stacks ./components ./infra/platform ./policies -update

.PHONY: vuln
vuln: ## known faults of dependencies (govulncheck); VULNDB=URL for another database than https://vuln.go.dev
	@tools/build.sh $(TOOLS)/vuln tools/vuln .
	@$(TOOLS)/vuln $(if $(VULNDB),-db $(VULNDB))

.PHONY: facts-age
facts-age: ## facts of the catalogue that were read more than 180 days ago, oldest first; fails if there are any
	@go run ./tools/facts-age

.PHONY: bench-stack
bench-stack: build ## preview, up, search, second up, memory: measured (docs/architecture.md has the figures)
	@tools/bench-stack.sh

.PHONY: bench-api
bench-api: ## what the API of the running stack local answers, then its handlers alone; JSON=FILE saves, BASE=FILE compares
	@tools/build.sh $(TOOLS)/bench-api . ./tools/bench-api
	@status=$$(bin/ragscale status --json); url=$$(echo "$$status" | sed -n 's/.*"apiUrl": "\(.*\)",/\1/p'); \
	  export DATABASE_URL=$$(echo "$$status" | sed -n 's/.*"databaseUrl": "\(.*\)",/\1/p'); [ -n "$$url" ] || { echo "no API is reachable, want stack local: make up" >&2; exit 1; }; \
	  $(TOOLS)/bench-api -url "$$url" $(if $(BASE),-base $(BASE)) $(ARGS) $(if $(JSON),-json >$(JSON))
	@go test -run '^$$' -bench Handler -benchmem -count 5 ./ragapi/server
	@go test -run '^$$' -bench . -benchmem -count 5 ./sandbox/inside/servicenet

.PHONY: bench-k6
bench-k6: ## the runner of k6 scripts, beside k6 itself where it is on PATH: rate, memory of a user, time to load
	@go test -run '^$$' -bench OneGet -benchtime 30000x -count 3 ./sandbox/inside/k6/run
	@go test -run '^$$' -bench ThousandUsers -benchtime 1x -count 3 ./tests/loadscripts

.PHONY: bench-compare
bench-compare: ## how often comparisons of load tests are wrong, beside fixed gates and other tests (docs/performance.md has the figures)
	@go run ./tools/bench-compare $(ARGS)

.PHONY: bench-policies
bench-policies: build ## what the policy pack costs a preview of prod, and what any pack does (docs/architecture.md has the figures)
	@RAGSCALE_TEST_LIVE=1 go test ./policies -run '^$$' -bench PackOver -benchtime 15x -timeout 10m

.PHONY: clean
clean: down ## also the built tools and every trace under .sandbox
	rm -rf .sandbox bin
