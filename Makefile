# Everything a newcomer needs: `make demo` and `make test`.
SHELL   := /bin/bash
WEB     := replayui/web
# Tools and test servers that are built once and kept, outside the tree.
CACHE   ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/pillion
LINT    := v2.15.0
# The S3 server of the tests; the version stands where tests look for it.
MINIO   := $(shell sed -n 's/^const Version = "\(.*\)"/\1/p' archive/s3/miniotest/miniotest.go)
PACKAGE_NAMES := chromium firefox-esr dokuwiki php-cli php-xml php-mbstring php-sqlite3 apache2-bin apache2-doc adminer media-types nginx-light libnss3-tools libnss-wrapper openssl unzip
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)

.PHONY: all demo build test test-go test-web test-e2e bench lint vet minio ui packages clean

all: build

demo: build ## a sample site, the gateway, accounts and URLs
	./bin/pillion demo

build: ui ## the binary, with the browser bundle in it
	go build -ldflags "-X main.version=$(VERSION)" -o bin/pillion ./cmd/pillion

ui: $(WEB)/node_modules/.package-lock.json ## the browser bundle
	cd $(WEB) && npm run --silent build

$(WEB)/node_modules/.package-lock.json: $(WEB)/package-lock.json
	cd $(WEB) && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

packages: ## what the end-to-end tests drive: a browser and a legacy site
	@missing=(); for p in $(PACKAGE_NAMES); do dpkg -s $$p >/dev/null 2>&1 || missing+=($$p); done; \
	if [ $${#missing[@]} -gt 0 ]; then \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$${missing[@]}" >/dev/null; fi

test: packages lint test-web test-go test-e2e ## everything

test-web: ui
	cd $(WEB) && npm run --silent check && npm test --silent

test-go: ui packages minio
	go vet ./...
	go test -race -timeout 20m ./...

test-e2e: build packages
	cd $(WEB) && npm run --silent e2e

lint: $(CACHE)/golangci-lint-$(LINT)
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { echo "not gofmt-clean:"; gofmt -l $$(git ls-files '*.go'); exit 1; }
	$(CACHE)/golangci-lint-$(LINT) run ./...

$(CACHE)/golangci-lint-$(LINT):
	@mkdir -p $(CACHE)
	GOBIN=$(CACHE)/build go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT)
	mv $(CACHE)/build/golangci-lint $@

minio: $(CACHE)/minio-$(MINIO) ## the S3 server that tests run (AGPL: a process of its own, not linked nor shipped)

$(CACHE)/minio-$(MINIO):
	@mkdir -p $(CACHE)
	CGO_ENABLED=0 GOBIN=$(CACHE)/build go install -trimpath -ldflags='-s -w' github.com/minio/minio@$(MINIO)
	mv $(CACHE)/build/minio $@

bench: build packages ## ratios against the floor and the peers
	go run ./bench

clean:
	rm -rf bin $(WEB)/node_modules
	find replayui/dist -type f ! -name placeholder -delete
