package e2e_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"siamese/internal/proctest"
)

// finding is a check as `siamese doctor --json` prints it.
type finding struct{ Check, Status, Found, Mend string }

// examine runs a doctor and returns what it found, by the check's name.
func examine(t *testing.T, cmd *exec.Cmd, wantCode int) map[string]finding {
	t.Helper()
	stdout, stderr, code := proctest.ToEnd(t, cmd)
	var report struct {
		Problems, Warnings int
		Checks             []finding
	}
	if err := json.Unmarshal([]byte(stdout), &report); err != nil || code != wantCode {
		t.Fatalf("doctor = %q, %q, exit code %d (%v); want a report and %d", stdout, stderr, code, err, wantCode)
	}
	all := make(map[string]finding)
	problems := 0
	for _, check := range report.Checks {
		all[check.Check] = check
		if check.Status == "problem" {
			problems++
		}
		if check.Status == "problem" && check.Mend == "" {
			t.Errorf("%+v does not say what mends it", check)
		}
	}
	if problems != report.Problems || (problems > 0) != (wantCode == 1) {
		t.Errorf("doctor counts %d problems, there are %d; exit code %d", report.Problems, problems, code)
	}
	return all
}

// checkFinding fails where a check is not of a status, or does not say some words.
func checkFinding(t *testing.T, all map[string]finding, name, status string, words ...string) {
	t.Helper()
	got, ok := all[name]
	if !ok || got.Status != status {
		t.Errorf("check %q = %+v, want %s", name, got, status)
	}
	for _, word := range words {
		if !strings.Contains(got.Found+" | "+got.Mend, word) {
			t.Errorf("check %q = %+v, want %q in it", name, got, word)
		}
	}
}

// anyPorts are flags by which doctor takes ports that are free, as is the one model.
var anyPorts = []string{"doctor", "--json", "--addr", "127.0.0.1:0", "--http-addr", "127.0.0.1:0", "--model", "omniglot"}

func TestDoctorFindsNothingWhereAllIsWell(t *testing.T) {
	all := examine(t, proctest.Command(t, anyPorts...), 0)
	checkFinding(t, all, "library", "ok", "libtensorflow")
	checkFinding(t, all, "model omniglot", "ok", "golden pairs hold")
	checkFinding(t, all, "configuration", "ok")
	stdout, _, code := proctest.ToEnd(t, proctest.Command(t, slices.DeleteFunc(slices.Clone(anyPorts), func(arg string) bool { return arg == "--json" })...))
	if lines := strings.Split(strings.TrimSpace(stdout), "\n"); code != 0 || len(lines) < len(all) || !strings.HasPrefix(lines[0], "ok ") {
		t.Errorf("doctor = %q, exit code %d; want a line for each of %d checks", stdout, code, len(all))
	}
}

// TestDoctorNamesWhatIsWrong with a machine and with what the flags name, all of it at
// once, and what mends it.
func TestDoctorNamesWhatIsWrong(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	broken := filepath.Join(t.TempDir(), "broken")
	if err := os.MkdirAll(broken, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(broken, "saved_model.pb"), []byte("no graph"), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := proctest.Command(t, "doctor", "--json", "--addr", taken.Addr().String(), "--http-addr", "0.0.0.0:0",
		"--model", broken, "--model", "/nowhere/at/all", "--tokens", "/nowhere/tokens", "--device", "gpu:7", "--memory", "9000000000000")
	// No folder can be made in /proc, not even by root; 300 files are few.
	cmd.Env = append(cmd.Env, "TMPDIR=/proc", "HOME=/proc", "SIAMESE_ADR=:1")
	few := exec.CommandContext(t.Context(), "bash", append([]string{"-c", `ulimit -n 300; exec "$@"`, "bash"}, cmd.Args...)...)
	few.Env = cmd.Env
	all := examine(t, few, 1)
	checkFinding(t, all, "port addr", "problem", taken.Addr().String()+" is taken by ", fmt.Sprintf("(pid %d)", os.Getpid()), "siamese serve --addr 127.0.0.1:")
	checkFinding(t, all, "port http-addr", "problem", "plain text", "--tls-cert")
	checkFinding(t, all, "model broken", "problem", "model.json", "siamese model info "+broken)
	checkFinding(t, all, "model all", "problem", "no such file or folder", "siamese models")
	checkFinding(t, all, "security", "problem", "/nowhere/tokens", "siamese token")
	checkFinding(t, all, "folder", "problem", "/proc can't be written", "--cache DIR")
	checkFinding(t, all, "open files", "warning", "limit 300", "LimitNOFILE=")
	checkFinding(t, all, "gpu", "problem", "gpu:7", "--device cpu")
	checkFinding(t, all, "memory", "warning", "--memory is more than the limit of memory leaves")
	checkFinding(t, all, "configuration", "warning", "SIAMESE_ADR (did you mean SIAMESE_ADDR?)")
}

// TestDoctorFindsWhatServeRefuses: limits that are none, and one port for two.
func TestDoctorFindsWhatServeRefuses(t *testing.T) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	_ = free.Close()
	all := examine(t, proctest.Command(t, "doctor", "--json", "--model", "omniglot", "--addr", address, "--http-addr", address, "--memory", "1000"), 1)
	checkFinding(t, all, "port addr", "ok", address+" is free")
	checkFinding(t, all, "port http-addr", "problem", address+" is the port of --addr", "give each its own")
	checkFinding(t, all, "limits", "problem", "MemoryBytes is 1000")
}

// TestDoctorReadsWhatServeWould: the file's part for serve counts, and one that can't be
// understood is a finding; so is a variable. A wrong command line is none.
func TestDoctorReadsWhatServeWould(t *testing.T) {
	file := filepath.Join(t.TempDir(), "siamese.json")
	tests := []struct {
		name, file, variable string
		check, status        string
		words                []string
	}{
		{name: "the part for serve", file: `{"serve": {"tokens": "/nowhere/tokens"}}`, check: "security", status: "problem", words: []string{"/nowhere/tokens"}},
		{name: "no JSON", file: `{"addr"`, check: "configuration", status: "problem", words: []string{file, "expected a JSON object", "--print-config"}},
		{name: "unknown key", file: `{"adr": ":1"}`, check: "configuration", status: "problem", words: []string{`did you mean "addr"?`}},
		{name: "variable", file: `{}`, variable: "SIAMESE_MAX_PAIRS=many", check: "configuration", status: "problem", words: []string{"SIAMESE_MAX_PAIRS"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := os.WriteFile(file, []byte(tt.file), 0o644); err != nil {
				t.Fatal(err)
			}
			cmd := proctest.Command(t, append(slices.Clone(anyPorts), "--config", file)...)
			cmd.Env = append(cmd.Env, tt.variable)
			checkFinding(t, examine(t, cmd, 1), tt.check, tt.status, tt.words...)
		})
	}
	if _, stderr, code := proctest.Run(t, "", "doctor", "--nonsense"); code != 2 || !strings.Contains(stderr, "--nonsense") {
		t.Errorf("doctor --nonsense = %q, exit code %d; want 2", stderr, code)
	}
}

// TestDoctorWhereTensorFlowIsMissing: siamese doesn't start there, and siamese-doctor
// says why; where it does start, siamese doctor is what runs.
func TestDoctorWhereTensorFlowIsMissing(t *testing.T) {
	folder := t.TempDir()
	build := exec.Command("go", "build", "-o", folder+string(filepath.Separator), "./cmd/siamese-doctor")
	build.Dir, build.Env = proctest.Root, append(os.Environ(), "CGO_ENABLED=0")
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build siamese-doctor: %v\n%s", err, output)
	}
	run := func(args ...string) *exec.Cmd {
		cmd := exec.CommandContext(t.Context(), filepath.Join(folder, "siamese-doctor"), args...)
		cmd.Env = proctest.Command(t).Env
		return cmd
	}
	program := proctest.ReadFile(t, proctest.Program(t))
	install := func(program []byte) {
		if err := os.WriteFile(filepath.Join(folder, "siamese"), program, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	// A copy that asks for a library of another name, which no system has.
	install(bytes.ReplaceAll(program, []byte("libtensorflow_cc.so.2"), []byte("libtensorflow_xx.so.2")))
	all := examine(t, run("--json"), 1)
	checkFinding(t, all, "library", "problem", "libtensorflow_xx.so.2, not found", "unpack the release again", "make build")
	checkFinding(t, all, "program", "problem", "libtensorflow_xx.so.2")
	checkFinding(t, all, "processor", "ok", "AVX")
	install(program)
	checkFinding(t, examine(t, run(anyPorts[1:]...), 0), "model omniglot", "ok")
	if err := os.Remove(filepath.Join(folder, "siamese")); err != nil {
		t.Fatal(err)
	}
	alone := run()
	alone.Env = []string{"PATH=/nowhere"}
	if _, stderr, code := proctest.ToEnd(t, alone); code != 1 || !strings.Contains(stderr, "no siamese beside") || !strings.Contains(stderr, "make build") {
		t.Errorf("siamese-doctor alone = %q, exit code %d; want what is missing", stderr, code)
	}
}
