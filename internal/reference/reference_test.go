package reference_test

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"siamese/internal/reference"
)

var update = flag.Bool("update", false, "write docs/reference/rpc.md")

// root is the repository.
const root = "../.."

// sources are the files that have the reasons of errors.
var sources = []string{"server/internal/fault/reasons.go", "imaging/errors.go", "server/admin/errors.go"}

// contractFiles are the contract's, the service's own first.
var contractFiles = []string{
	"siamese/v1/service.proto", "siamese/v1/image.proto", "siamese/v1/common.proto", "siamese/v1/compare.proto", "siamese/v1/rank.proto",
	"siamese/v1/stream.proto", "siamese/v1/embed.proto", "siamese/v1/info.proto", "siamese/v1/gallery.proto",
	"siamese/admin/v1/admin.proto",
}

func reasons(t *testing.T) []string {
	t.Helper()
	var paths []string
	for _, source := range sources {
		paths = append(paths, filepath.Join(root, source))
	}
	all, err := reference.Reasons(paths...)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// docs/reference/rpc.md is what the contract says.
func TestContractPage(t *testing.T) {
	want, err := reference.Contract(t.Context(), filepath.Join(root, "proto"), contractFiles, reasons(t))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(root, "docs", "reference", "rpc.md")
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil { //nolint:gosec // a document
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path) //nolint:gosec // a document
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("%s is not what the contract says: run go test ./internal/reference -update\n(-contract +page):\n%s", path, diff)
	}
}

// Each file of the contract is on the page.
func TestContractFilesAreAll(t *testing.T) {
	var found []string
	for _, pattern := range []string{"siamese/v1/*.proto", "siamese/admin/v1/*.proto"} {
		paths, err := filepath.Glob(filepath.Join(root, "proto", pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			found = append(found, strings.TrimPrefix(filepath.ToSlash(path), root+"/proto/"))
		}
	}
	slices.Sort(found)
	if diff := cmp.Diff(found, slices.Sorted(slices.Values(contractFiles))); diff != "" {
		t.Errorf("files of the contract (-in proto/ +on the page):\n%s", diff)
	}
}

// Nothing on the page lacks a meaning, and each reason that the contract names is known.
func TestContractPageIsFull(t *testing.T) {
	page, err := reference.Contract(t.Context(), filepath.Join(root, "proto"), contractFiles, reasons(t))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(page) {
		if strings.HasSuffix(strings.TrimSpace(line), "|  |") {
			t.Errorf("a field or value has no meaning: %s", line)
		}
	}
	for _, want := range []string{"[QUEUE_FULL](../troubleshooting.md#queue_full)", "[Image](#siamese-v1-image)", "### StreamCompare", "`DROP_POLICY_LATEST` = "} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

func TestContractRefusesWhatIsNotThere(t *testing.T) {
	if _, err := reference.Contract(t.Context(), root, []string{"siamese/v1/nowhere.proto"}, nil); err == nil {
		t.Error("Contract of a file that is not there = nil, want an error")
	}
	if _, err := reference.Reasons(filepath.Join(root, "internal/reference/contract.go")); err == nil {
		t.Error("Reasons of a file without any = nil, want an error")
	}
}

// headings are those of docs/troubleshooting.md that are reasons.
var headings = regexp.MustCompile(`(?m)^### ([A-Z][A-Z_]+)$`)

// Each reason has an entry in docs/troubleshooting.md, and each entry a reason.
func TestEachReasonIsExplained(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "docs", "troubleshooting.md"))
	if err != nil {
		t.Fatal(err)
	}
	var explained []string
	for _, found := range headings.FindAllStringSubmatch(string(text), -1) {
		explained = append(explained, found[1])
	}
	slices.Sort(explained)
	known := reasons(t)
	slices.Sort(known)
	if diff := cmp.Diff(known, explained); diff != "" {
		t.Errorf("reasons (-in the code +in docs/troubleshooting.md):\n%s", diff)
	}
}
