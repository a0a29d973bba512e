package compare_test

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"siamese/cmd/internal/cli"
	"siamese/cmd/siamese/internal/compare"
	siamesev1 "siamese/proto/siamese/v1"
)

// models is a server of two models: to "general" the second image is foreign,
// "auto" has "omniglot" answer; "old" tells no familiarity.
type models struct {
	siamesev1.UnimplementedSiameseServiceServer
}

var (
	known   = &siamesev1.Familiarity{Value: 0.5}
	strange = &siamesev1.Familiarity{Value: 0.0625, Foreign: true}
)

func (models) Compare(_ context.Context, request *siamesev1.CompareRequest) (*siamesev1.CompareResponse, error) {
	reply := &siamesev1.CompareResponse{Similarity: 0.75, Same: true, Threshold: 0.5, Model: &siamesev1.ModelReference{Name: "siamese-general"}}
	switch model := request.GetOptions().GetModel(); model {
	case "old":
	case "", "general":
		reply.FamiliarityA, reply.FamiliarityB, reply.Warning = known, strange, "The second image is foreign to general."
	case "hostile":
		reply.Warning = "\x1b[31mred\u009b2J\nline 2"
	case "auto":
		reply.Model.Name = "siamese-omniglot"
	default:
		return nil, status.Errorf(codes.NotFound, "received model %q, expected general or omniglot", model)
	}
	return reply, nil
}

// serve serves models and returns the address.
func serve(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := grpc.NewServer()
	siamesev1.RegisterSiameseServiceServer(s, models{})
	served := make(chan error, 1)
	go func() { served <- s.Serve(listener) }()
	t.Cleanup(func() {
		s.Stop()
		<-served
	})
	return listener.Addr().String()
}

// file writes a file that the server does not look into, and returns its path.
func file(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(name), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestCompareByAServer(t *testing.T) {
	server, a, b := serve(t), file(t, "a.png"), file(t, "b.png")
	const warning = "warning: The second image is foreign to general.\n"
	tests := []struct {
		name                  string
		giveModel             string
		giveJSON              bool
		wantStdout, wantError string
		wantStderr            string
	}{
		{"default", "", false, "0.7500 same (threshold 0.50)\n", "", warning},
		{"by name", "general", false, "0.7500 same (threshold 0.50)\n", "", warning},
		{"auto names the model that answered", "auto", false, "0.7500 same (threshold 0.50, siamese-omniglot)\n", "", ""},
		{"old server", "old", false, "0.7500 same (threshold 0.50)\n", "", ""},
		{"old server, JSON", "old", true, `{"similarity":0.75,"same":true,"threshold":0.5,"model":"siamese-general"}` + "\n", "", ""},
		{"JSON", "general", true, `{"similarity":0.75,"same":true,"threshold":0.5,"model":"siamese-general",` +
			`"familiarity_a":{"value":0.5,"foreign":false},"familiarity_b":{"value":0.0625,"foreign":true},` +
			`"warning":"The second image is foreign to general."}` + "\n", "", ""},
		{"hostile", "hostile", false, "0.7500 same (threshold 0.50)\n", "", "warning:  [31mred 2J line 2\n"},
		{"not served", "none", false, "", `received model "none", expected general or omniglot`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var stdout, stderr strings.Builder
			command := compare.Command{A: a, B: b, JSON: tt.giveJSON}
			command.Server, command.Model, command.Timeout = server, tt.giveModel, time.Minute
			err := command.Run(t.Context(), cli.Streams{Out: &stdout, Err: &stderr})
			if (err == nil) != (tt.wantError == "") || err != nil && !strings.Contains(err.Error(), tt.wantError) {
				t.Errorf("compare = %v, want %q", err, tt.wantError)
			}
			if diff := cmp.Diff([]string{tt.wantStdout, tt.wantStderr}, []string{stdout.String(), stderr.String()}); diff != "" {
				t.Errorf("standard output and error (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPlotRefusesOtherFormats(t *testing.T) {
	command := compare.Command{A: file(t, "a.png"), B: file(t, "b.png"), Plot: "plot.webp"}
	command.Server, command.Timeout = "127.0.0.1:1", time.Minute
	if err := command.Run(t.Context(), cli.Streams{}); err == nil || !strings.Contains(err.Error(), "expected .png, .jpg or .jpeg") {
		t.Errorf("compare --plot plot.webp = %v, want it refused before anything is asked", err)
	}
}
