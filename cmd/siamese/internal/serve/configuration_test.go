package serve

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"

	"siamese/cmd/internal/cli"
)

// printed is what --print-config prints for a command line, and says on standard error.
func printed(t *testing.T, args ...string) (stdout, stderr string) {
	t.Helper()
	var commands struct {
		Config kong.ConfigFlag
		Serve  Command `cmd:""`
	}
	parser, err := kong.New(&commands, kong.Configuration(kong.JSON), kong.DefaultEnvars("SIAMESE"))
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := parser.Parse(append([]string{"serve", "--print-config"}, args...))
	if err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	if err := commands.Serve.Run(t.Context(), parsed, cli.Streams{Out: &out, Err: &errs}); err != nil {
		t.Fatal(err)
	}
	return out.String(), errs.String()
}

// TestPrintedConfigIsTakenBack: what is printed is what --config makes of it, for flags
// of each kind.
func TestPrintedConfigIsTakenBack(t *testing.T) {
	tests := map[string][]string{
		"defaults": nil,
		"all kinds": {
			"--addr=unix:/run/s.sock", "--http-addr=", "--cors-origin=https://a.example", "--cors-origin=https://b.example", "--http-host=x", "--memory=2147483649",
			"--stall-timeout=90s", "--log-level=debug", "--log-format=json", "--insecure", "--caller-rate=0.25", "--model=a=x", "--model=b=y,z", "--default-model=b",
			"--model-version=a=3", "--label=a/canary=latest", "--label=b/stable=1", "--model-digest=d", "--gpu-memory-fraction=0.5", "--resize=letterbox",
		},
	}
	for name, args := range tests {
		t.Run(name, func(t *testing.T) {
			first, stderr := printed(t, args...)
			if stderr != "" || !json.Valid([]byte(first)) {
				t.Fatalf("printed %s and %q, want JSON and nothing", first, stderr)
			}
			file := filepath.Join(t.TempDir(), "config.json")
			if err := os.WriteFile(file, []byte(first), 0o600); err != nil {
				t.Fatal(err)
			}
			again, _ := printed(t, "--config", file)
			if diff := cmp.Diff(first, again); diff != "" {
				t.Errorf("taken back (-first +again):\n%s", diff)
			}
			for _, arg := range args {
				flag, _, _ := strings.Cut(strings.TrimPrefix(arg, "--"), "=")
				if plain, _ := printed(t); strings.Contains(plain, keyLine(t, first, flag)) {
					t.Errorf("%s is printed as %s, as without it", arg, keyLine(t, first, flag))
				}
			}
		})
	}
}

// keyLine is the line of a flag in what was printed.
func keyLine(t *testing.T, printed, flag string) string {
	t.Helper()
	for line := range strings.Lines(printed) {
		if strings.HasPrefix(strings.TrimSpace(line), `"`+strings.ReplaceAll(flag, "-", "_")+`":`) {
			return strings.TrimSuffix(strings.TrimSpace(line), ",")
		}
	}
	t.Fatalf("no line of %s in\n%s", flag, printed)
	return ""
}

// TestPrintedConfigHoldsNoSecret: a URL that may hold one is left out, and that is
// said.
func TestPrintedConfigHoldsNoSecret(t *testing.T) {
	for _, arg := range []string{"--otlp-endpoint=http://user:secret@collector:4317", "--cors-origin=https://user:secret@x"} {
		stdout, stderr := printed(t, arg)
		if !json.Valid([]byte(stdout)) || strings.Contains(stdout+stderr, "secret@") {
			t.Errorf("%s = %s, %s; want JSON without it", arg, stdout, stderr)
		}
		if !strings.Contains(stderr, " is left out, since it may hold a secret: give it by SIAMESE_") {
			t.Errorf("%s: standard error is %q, want that it is left out", arg, stderr)
		}
	}
}

// TestLogWritesDurations as flags take them, in both forms and in groups.
func TestLogWritesDurations(t *testing.T) {
	for format, want := range map[string]string{
		"json": `"delay":"5s","group":{"wait":"1m30s","n":3}`,
		"text": `delay=5s group.wait=1m30s group.n=3`,
	} {
		var log bytes.Buffer
		command := parse(t, "--log-format", format)
		command.logger(cli.Streams{Err: &log}).Info("words", "delay", 5*time.Second, slog.Group("group", "wait", 90*time.Second, "n", 3))
		if !strings.Contains(log.String(), want) {
			t.Errorf("%s: %s, want %s in it", format, log.String(), want)
		}
	}
}

// TestStartIsOneShortLine, and the configuration one at level debug.
func TestStartIsOneShortLine(t *testing.T) {
	var log bytes.Buffer
	command := parse(t, "--health-addr", ":9090")
	command.logStart(command.logger(cli.Streams{Err: &log}))
	_, line, _ := strings.Cut(strings.TrimSpace(log.String()), " ")
	if want := "level=INFO msg=starting version=dev device=auto addr=127.0.0.1:50051 http_addr=127.0.0.1:8080 health_addr=:9090"; line != want {
		t.Errorf("the first line is %q, want %q", line, want)
	}
}
