# The commands that README names. GOFLAGS from outside are kept.

.PHONY: build serve test check bench clean

build:
	go build -o bin/brink ./cmd/brink

# Serves the samples in functions/ with config.toml.example.
serve: build
	bin/brink functions serve --config config.toml.example

# Every test, the samples written in Go included, with the real engine.
test: build
	BRINK_DENO="$$(bin/brink engine install)" go test ./...
	for dir in functions/go-*/; do (cd "$$dir" && go test ./...) || exit 1; done

# Everything that can be told without running a function.
check:
	test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); exit 1; }
	go vet ./...
	GOOS=darwin go vet ./...
	GOOS=windows go vet ./...
	go tool staticcheck ./...
	go mod tidy -diff
	go fix -diff ./...

# Timings, always as a ratio against a bare peer in the same run. One part:
# make bench BENCH=Brink/limits (serve, reload, sockets, go, build, limits, sampling).
BENCH = Brink
bench: build
	BRINK_DENO="$$(bin/brink engine install)" go test -run '^$$' -bench '$(BENCH)' -benchtime 1x -timeout 20m ./cmd/brink

clean:
	rm -rf bin
