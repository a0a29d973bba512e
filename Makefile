# The front door. `make help` lists what there is.

SHELL := /usr/bin/env bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := build

VERSION := $(shell scripts/version.sh || echo dev)
TOOLS := $(CURDIR)/.tools
BUF := web/node_modules/.bin/buf
# Settings of cgo for TensorFlow, written by scripts/setup.sh.
ENV := source .tensorflow/env

# Packages that need no TensorFlow: they are tested with the race detector.
PURE := ./bench/... ./client/... ./examples/... ./gallery/... ./imaging/... ./internal/atomicfile ./internal/conformance/... ./internal/doctest ./internal/postgrestest ./internal/proctest ./internal/reference ./internal/regular ./internal/scratch ./proto/... ./server/... ./tfmodel/familiarity ./tfmodel/internal/allow ./weights/... ./train/... ./web/...
# Packages that run TensorFlow.
NATIVE := . ./tfmodel ./tfmodel/builtin/... ./tfmodel/internal/tf/... ./cmd/... ./internal/modelfile ./internal/e2e/...

# Tests of the real program that train and evaluate run beside the others: either keeps
# one core busy, and together they take half the time.
LEARNING := Train|Scratch|Resume|RunFolder|Kinds|OwnModel|Eval|ModelForms|Verify|SiameseAnswers|Keras|OneShot

# For the tests of one package: Go's own 10 minutes are few for real servers where
# the machine has other work.
TEST_TIMEOUT := 30m

# Tests of the real programs take those that are built: linking both takes half a minute
# of a processor.
PROGRAMS := SIAMESE_PROGRAM=$(CURDIR)/bin/siamese SIAMESE_BENCH_PROGRAM=$(CURDIR)/bin/siamese-bench

# gold, where there is one, links the tests' own binaries. The usual linker takes 10
# seconds more for each of some 20, for the 850 MB of TensorFlow's libraries.
LINKED_FAST := $(shell command -v ld.gold >/dev/null && echo -ldflags=-extldflags=-fuse-ld=gold)

# Build tags: TAGS=turbo decodes JPEG by libturbojpeg.
TAGS :=
WITH_TAGS := $(if $(TAGS),-tags=$(TAGS))
TURBOJPEG := pkg-config --exists libturbojpeg
GET_TURBOJPEG := apt-get install --no-install-recommends libturbojpeg0-dev (brew install jpeg-turbo)

# Tools at exact versions, installed into .tools. A stamp names the version, so
# that a change of it installs again.
GRPCURL := $(TOOLS)/grpcurl-v1.9.3
LINT := $(TOOLS)/golangci-lint-v2.15.0
PROTO := $(TOOLS)/protoc-gen-go-v1.36.12 $(TOOLS)/protoc-gen-go-grpc-v1.6.2
ESBUILD := $(TOOLS)/esbuild-v0.28.2
LICENSES := $(TOOLS)/go-licenses-v1.6.0
NFPM := $(TOOLS)/nfpm-v2.45.0
GOMOD_SBOM := $(TOOLS)/cyclonedx-gomod-v1.10.0
# Tools that come by npm, and what the TypeScript client and the page are made of,
# each by its hash in a package-lock.json.
PAGE := web/node_modules/.package-lock.json
TYPESCRIPT := client/typescript/node_modules/.package-lock.json
TSC := client/typescript/node_modules/.bin/tsc

# Tags of the webcam client: gocv with the modules of OpenCV that it needs.
WEBCAM := gocv,gocv_specific_modules,gocv_highgui,gocv_videoio
OPENCV := pkg-config --exists opencv4

.PHONY: help
help: ## Print this list.
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  %-17s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: serve
serve: build ## Build and serve on 127.0.0.1:50051 (ARGS="--addr …" for more).
	exec bin/siamese serve $(ARGS)

.PHONY: test
test: testpure testnative ## Run all tests.

.PHONY: testpure
testpure: libraries ## Run the tests that need no TensorFlow, with the race detector.
	go vet $(WITH_TAGS) $(PURE)
	go test -race -timeout $(TEST_TIMEOUT) $(WITH_TAGS) $(PURE)

.PHONY: testnative
testnative: build $(GRPCURL) ## Run the tests that need TensorFlow, most of them of the programs in bin/.
	$(ENV) && go vet $(WITH_TAGS) $(NATIVE)
	$(ENV) && export GRPCURL=$(TOOLS)/bin/grpcurl $(PROGRAMS); \
	go test -timeout $(TEST_TIMEOUT) $(WITH_TAGS) $(LINKED_FAST) -run '$(LEARNING)' ./internal/e2e & learning=$$!; status=0; \
	go test -p 1 -timeout $(TEST_TIMEOUT) $(WITH_TAGS) $(LINKED_FAST) $(filter-out ./internal/e2e/...,$(NATIVE)) ./internal/e2e/chaos || status=1; \
	go test -timeout $(TEST_TIMEOUT) $(WITH_TAGS) $(LINKED_FAST) -skip '$(LEARNING)' ./internal/e2e || status=1; \
	wait $$learning || status=1; exit $$status

.PHONY: build
build: setup libraries ## Build bin/siamese, siamese-bench and siamese-doctor (TAGS=turbo: JPEG by libturbojpeg).
	CGO_ENABLED=0 go build -o bin/ ./cmd/siamese-doctor
	@[ -e bin/siamese ] || echo "compiling: some minutes the first time, without a word" >&2
	$(ENV) && go build $(WITH_TAGS) -ldflags "-X siamese/cmd/internal/cli.Version=$(VERSION)" -o bin/ ./cmd/siamese ./cmd/siamese-bench

# Fails where a library that TAGS asks for is missing.
.PHONY: libraries
libraries:
	@[[ ",$(TAGS)," != *,turbo,* ]] || $(TURBOJPEG) || { echo "libturbojpeg is missing: $(GET_TURBOJPEG)" >&2; exit 1; }

.PHONY: checkturbo
checkturbo: ## Test imaging with libturbojpeg, where there is one.
	@if $(TURBOJPEG); then echo "imaging with libturbojpeg"; go vet -tags turbo ./imaging && go test -race -tags turbo ./imaging; \
	else echo "imaging with libturbojpeg is not tested: it is missing: $(GET_TURBOJPEG)"; fi

.PHONY: webcam
webcam: ## Build bin/siamese-webcam (needs OpenCV).
	@$(OPENCV) || { echo "OpenCV is missing: apt-get install --no-install-recommends libopencv-dev (brew install opencv)" >&2; exit 1; }
	go build -tags $(WEBCAM) -o bin/siamese-webcam ./cmd/siamese-webcam

.PHONY: checkwebcam
checkwebcam: build webcam ## Run the webcam client against a real server, headless and in a window.
	$(PROGRAMS) scripts/webcam-check.sh

.PHONY: checkpage
checkpage: build $(PAGE) $(TYPESCRIPT) $(ESBUILD) ## Drive the page in Chromium against a real server.
	node scripts/page-check.mjs bin/siamese

# Some 3 minutes; tests of Chromium are left out, with a word, where there is none.
.PHONY: client-typescript
client-typescript: build $(PAGE) $(TYPESCRIPT) ## Build, test and pack the TypeScript client (client/typescript/build/*.tgz).
	client/typescript/package.sh bin/siamese

.PHONY: docs
docs: ## Build the documentation site in build/site (fetches mkdocs into .venv-docs/).
	@scripts/docs.sh

.PHONY: checkdocs
checkdocs: build $(GRPCURL) docs ## Run the commands of all documents, some 2 minutes on 2 cores, and build their site.
	@if $(OPENCV); then $(MAKE) --no-print-directory webcam; else echo "the commands of siamese-webcam are not run: OpenCV is missing ('make webcam' says how to get it)"; fi
	DOCUMENTS_PROGRAM=$(CURDIR)/bin/siamese go test -count=1 -v -timeout $(TEST_TIMEOUT) -run 'Documents|EachCommand' ./internal/doctest

.PHONY: checkdeploy
checkdeploy: build $(GRPCURL) ## Hold dashboard and alerts against Prometheus and a real server.
	cd deploy/check && go vet ./... && go test ./...
	scripts/deploy-check.sh bin/siamese

.PHONY: postgres
postgres: ## Find a PostgreSQL with pgvector, or make one in .tools/ (Debian; half a minute).
	scripts/postgres.sh get

# Some 20 seconds, and as much for making PostgreSQL the first time.
.PHONY: checkpostgres
checkpostgres: build ## Test galleries in a real PostgreSQL with pgvector.
	@if scripts/postgres.sh get; then go test -race -count=1 ./gallery/postgres && $(ENV) && $(PROGRAMS) go test -count=1 $(LINKED_FAST) -run Postgres ./internal/e2e; \
	else echo "galleries in PostgreSQL are not tested, see above"; fi

.PHONY: client-python
client-python: build ## Check, build and test the Python client (wheel and sdist in client/python/dist).
	client/python/check.sh

# RUNNERS=go,curl names some; rows that can't be made here are left out and say why.
.PHONY: conformance
conformance: build $(GRPCURL) ## Hold the clients of all languages, curl and grpcurl against each other.
	CONFORMANCE=1 SIAMESE_PROGRAM=$(CURDIR)/bin/siamese GRPCURL=$(TOOLS)/bin/grpcurl go test -count=1 -v -timeout $(TEST_TIMEOUT) -run '^TestConformance$$' ./internal/conformance

.PHONY: client-java
client-java: build ## Build and test the Java client (some 4 minutes; needs Java 17 and Maven).
	client/java/check.sh bin/siamese

.PHONY: client-rust
client-rust: build ## Check, build and test the Rust client (some 5 minutes the first time; needs Cargo).
	client/rust/check.sh bin/siamese

.PHONY: client-cpp
client-cpp: build ## Build and test the C++ client (some 6 minutes; needs libgrpc++-dev, doctest-dev).
	client/cpp/check.sh bin/siamese

.PHONY: lint
lint: lintgo lintpage ## Check code, page and contract (-j2: side by side).

.PHONY: lintgo
lintgo: setup $(LINT) $(PROTO)
	$(ENV) && $(TOOLS)/bin/golangci-lint run ./...
	cd deploy/check && $(TOOLS)/bin/golangci-lint run ./...
	@if $(OPENCV); then echo "golangci-lint with the webcam client's tags"; $(TOOLS)/bin/golangci-lint run --build-tags $(WEBCAM) ./client/webcam/... ./cmd/siamese-webcam/...; \
	else echo "the webcam client's OpenCV files are not linted: OpenCV is missing"; fi
	@if $(TURBOJPEG); then echo "golangci-lint with the tag turbo"; $(TOOLS)/bin/golangci-lint run --build-tags turbo ./imaging/...; \
	else echo "imaging's libturbojpeg files are not linted: libturbojpeg is missing"; fi

.PHONY: lintpage
lintpage: $(PAGE) $(TYPESCRIPT)
	$(TSC) -p client/typescript --noEmit
	$(TSC) -p web
	$(BUF) lint
	$(BUF) format --diff --exit-code
	$(BUF) breaking --against proto/siamese-v1.binpb

.PHONY: generate
generate: $(PROTO) $(PAGE) $(TYPESCRIPT) $(ESBUILD) ## Make the contract's Go, TypeScript and Python, and the page's files.
	$(BUF) generate
	$(BUF) generate --template client/typescript/buf.gen.yaml
	$(BUF) generate --template server/tfserving/buf.gen.yaml
	client/python/generate.sh
	$(TOOLS)/bin/esbuild web/src/page.ts web/src/page.css --bundle --minify --charset=utf8 --target=es2022,chrome123,firefox120,safari17.5 --format=esm --outdir=web/dist --log-level=warning

.PHONY: checkgenerate
checkgenerate: generate ## Fail when generated files are not what their sources say.
	@git diff --exit-code -- proto server/tfserving web/dist client/typescript/src/gen client/python/siamese_client/_gen || { echo "generated code has drifted: commit what 'make generate' makes" >&2; exit 1; }
	@test -z "$$(git ls-files --others --exclude-standard proto server/tfserving web/dist client/typescript/src/gen client/python/siamese_client/_gen)" || { echo "generated code is not committed" >&2; exit 1; }

.PHONY: thirdparty
thirdparty: setup $(LICENSES) ## Write THIRD-PARTY.txt, the licences of what is linked.
	$(ENV) && python3 scripts/third_party.py

# Left out where the tool can't be had, which says why itself.
.PHONY: checkthirdparty
checkthirdparty: setup ## Fail when THIRD-PARTY.txt is not what the modules say.
	@if $(MAKE) --no-print-directory $(LICENSES); then $(ENV) && python3 scripts/third_party.py --check; \
	else echo "THIRD-PARTY.txt is not checked: go-licenses could not be fetched, see above"; fi

.PHONY: acceptcontract
acceptcontract: $(PAGE) ## Take the contract as it is for what 'buf breaking' compares with.
	$(BUF) build -o proto/siamese-v1.binpb

.PHONY: parity
parity: build ## Compare with Keras itself (fetches Keras into .venv/).
	scripts/keras-check.sh

.PHONY: checkfronts
checkfronts: build ## Call a server by the clients of other protocols (some 700 MB from PyPI the first time, then a minute).
	scripts/fronts-check.sh
	scripts/tfserving-check.sh bin/siamese

.PHONY: bench
bench: build ## Measure on this machine; results in .bench/results.json.
	@if $(OPENCV); then $(MAKE) --no-print-directory webcam; else echo "the live loop is not measured: OpenCV is missing ('make webcam' says how to get it)"; fi
	bin/siamese-bench

.PHONY: comparededupe
comparededupe: build ## Hold siamese dedupe against imagededup on attacked copies: PICTURES=DIR (5 minutes).
	@test -n "$(PICTURES)" || { echo "comparededupe: received no PICTURES, expected a folder: make comparededupe PICTURES=DIR" >&2; exit 1; }
	scripts/dedupe-compare.sh "$(PICTURES)"

.PHONY: soak
soak: build ## Serve mixed traffic for 70 minutes and see whether memory stays flat (MINUTES=6 for less).
	scripts/soak.sh $(MINUTES)

.PHONY: fuzz
fuzz: ## Fuzz the readers of foreign bytes, FUZZTIME each (default 30s).
	go test -run '^$$' -fuzz FuzzPrepare -fuzzminimizetime 20x -fuzztime $(or $(FUZZTIME),30s) ./imaging
	go test -run '^$$' -fuzz FuzzMetadata -fuzzminimizetime 20x -fuzztime $(or $(FUZZTIME),30s) ./imaging
	go test -run '^$$' -fuzz FuzzNew -fuzzminimizetime 20x -fuzztime $(or $(FUZZTIME),30s) ./imaging/internal/icc
	go test -run '^$$' -fuzz FuzzDecode -fuzzminimizetime 20x -fuzztime $(or $(FUZZTIME),30s) ./imaging/internal/bmp
	go test -run '^$$' -fuzz FuzzDecode -fuzzminimizetime 20x -fuzztime $(or $(FUZZTIME),30s) ./imaging/internal/gif
	go test -run '^$$' -fuzz FuzzDecode -fuzzminimizetime 20x -fuzztime $(or $(FUZZTIME),30s) ./imaging/internal/netpbm
	go test -run '^$$' -fuzz FuzzRestore -fuzzminimizetime 20x -fuzztime $(or $(FUZZTIME),30s) ./imaging/internal/png
	go test -run '^$$' -fuzz FuzzReadSafetensors -fuzzminimizetime 20x -fuzztime $(or $(FUZZTIME),30s) ./weights
	go test -run '^$$' -fuzz FuzzReadHDF5 -fuzzminimizetime 20x -fuzztime $(or $(FUZZTIME),30s) ./weights
	go test -run '^$$' -fuzz FuzzGraph -fuzzminimizetime 20x -fuzztime $(or $(FUZZTIME),30s) ./tfmodel/internal/allow
	go test -run '^$$' -fuzz FuzzImageRequest -fuzzminimizetime 20x -fuzztime $(or $(FUZZTIME),30s) ./server
	go test -run '^$$' -fuzz FuzzJSONRequest -fuzzminimizetime 20x -fuzztime $(or $(FUZZTIME),30s) ./server
	go test -run '^$$' -fuzz FuzzEmbedding -fuzzminimizetime 20x -fuzztime $(or $(FUZZTIME),30s) ./gallery/postgres
	go test -run '^$$' -fuzz FuzzTensor -fuzzminimizetime 20x -fuzztime $(or $(FUZZTIME),30s) ./server/tfserving
	go test -run '^$$' -fuzz FuzzBody -fuzzminimizetime 20x -fuzztime $(or $(FUZZTIME),30s) ./server/tfserving
	go test -run '^$$' -fuzz FuzzInferRequest -fuzzminimizetime 20x -fuzztime $(or $(FUZZTIME),30s) ./server/oip
	go test -run '^$$' -fuzz FuzzParse -fuzzminimizetime 20x -fuzztime $(or $(FUZZTIME),30s) ./gallery/internal/record
	go test -run '^$$' -fuzz FuzzReader -fuzzminimizetime 20x -fuzztime $(or $(FUZZTIME),30s) ./gallery/archive
	go test -run '^$$' -fuzz FuzzCheck -fuzzminimizetime 20x -fuzztime $(or $(FUZZTIME),30s) ./gallery/embedded/internal/boltfile

.PHONY: chaos
chaos: setup ## Do harm to a real server for some 20 minutes; one line of figures each.
	@scripts/chaos.sh

.PHONY: checkcrash
checkcrash: ## Kill enrolment in 200 moments, and damage 2,400 files of galleries (some 3 minutes).
	SIAMESE_CRASH_ROUNDS=200 SIAMESE_DAMAGE_ROUNDS=300 go test -count=1 -v -run 'Killed|Damaged' ./gallery/embedded

.PHONY: wheel
wheel: setup ## Make the Python wheel of the program, siamese-server, in dist/.
	scripts/release/wheel.sh

.PHONY: checkwheel
checkwheel: setup ## Install the wheel in a new virtual environment and use it (fetches TensorFlow's wheel, 3 min).
	scripts/release/wheel-check.sh

.PHONY: gpu
gpu: ## Fetch TensorFlow for the GPU with its CUDA libraries; later builds use it.
	scripts/setup.sh --gpu

.PHONY: gpubundle
gpubundle: gpu ## Make the GPU bundle in .bundle/70up (PIECE=48M ARCHS= LEVEL=17 CUDA=1: docs/gpu.md).
	PIECE='$(PIECE)' ARCHS='$(ARCHS)' LEVEL='$(LEVEL)' CUDA='$(CUDA)' VERSION='$(VERSION)' scripts/gpu-bundle.sh

.PHONY: checkgpubundle
checkgpubundle: ## Unpack and run the GPU bundle in an empty Debian without network (root, debootstrap).
	scripts/gpu-bundle-check.sh

# Release: FLAVOURS="cpu cuda" for both; cuda fetches 3 GB, once.
.PHONY: release
release: $(NFPM) $(GOMOD_SBOM) ## Make tarball, deb, rpm and OCI image in dist/ (FLAVOURS="cpu cuda" for both).
	WEBCAM=$(WEBCAM) scripts/release/release.sh $(FLAVOURS)

.PHONY: releaseall
releaseall: release ## Make the release, the wheel of the program and the clients' packages, all in dist/.
	scripts/release/languages.sh

.PHONY: checkrelease
checkrelease: release $(GRPCURL) ## Install and run what 'make release' makes, in empty systems, and build it twice.
	WEBCAM=$(WEBCAM) scripts/release/check.sh $(CHECKS)

.PHONY: setup
setup: ## Find or fetch TensorFlow (done by all that need it).
	@scripts/setup.sh

.PHONY: clean
clean: ## Remove what was built and fetched.
	rm -rf bin build dist .bench .bundle .fronts .tensorflow .tools .venv .venv-docs {web,client/typescript}/node_modules client/{typescript,python}/{build,dist}

# What .ci/run needs of tools and Python packages. With -j it takes half the time, since
# each of them waits for the network or keeps one core busy.
.PHONY: fetch
fetch: $(LINT) setup fetchkeras $(PAGE) $(TYPESCRIPT) $(PROTO) fetchprotoc $(GRPCURL) $(LICENSES) fetchmkdocs $(ESBUILD) ## Fetch what the checks need, which fetch it themselves otherwise (make -j4 -O fetch).

.PHONY: fetchkeras fetchmkdocs fetchprotoc
fetchkeras:
	@source scripts/keras-venv.sh
fetchmkdocs:
	@source scripts/docs-venv.sh
fetchprotoc:
	@cd client/python; source venv.sh; prepare build/generate requirements-generate.txt

.PHONY: tools
tools: $(GRPCURL) ## Install grpcurl into .tools/bin, for calls by hand and the scripts.

.PHONY: devtools
devtools: tools $(LINT) $(PROTO) $(ESBUILD) $(LICENSES) $(NFPM) $(GOMOD_SBOM) $(PAGE) $(TYPESCRIPT) ## Install what lint, generate, thirdparty and release need, too.

# $(call install,PACKAGE,VERSION)
define install
	@mkdir -p $(TOOLS)/bin
	GOBIN=$(TOOLS)/bin GOFLAGS= go install $(1)@$(2)
	@touch $@
endef

$(TOOLS)/grpcurl-%:
	$(call install,github.com/fullstorydev/grpcurl/cmd/grpcurl,$*)
$(TOOLS)/golangci-lint-%:
	$(call install,github.com/golangci/golangci-lint/v2/cmd/golangci-lint,$*)
$(TOOLS)/protoc-gen-go-grpc-%:
	$(call install,google.golang.org/grpc/cmd/protoc-gen-go-grpc,$*)
$(TOOLS)/protoc-gen-go-v%:
	$(call install,google.golang.org/protobuf/cmd/protoc-gen-go,v$*)
$(TOOLS)/go-licenses-%:
	$(call install,github.com/google/go-licenses,$*)
$(TOOLS)/nfpm-%:
	$(call install,github.com/goreleaser/nfpm/v2/cmd/nfpm,$*)
$(TOOLS)/cyclonedx-gomod-%:
	$(call install,github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod,$*)
$(TOOLS)/esbuild-%:
	$(call install,github.com/evanw/esbuild/cmd/esbuild,$*)
%/node_modules/.package-lock.json: %/package-lock.json
	npm ci --prefix $* --ignore-scripts --no-audit --no-fund --silent
	@touch $@
