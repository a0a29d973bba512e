//go:build gocv

package main

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"siamese/client"
	"siamese/client/webcam"
	"siamese/internal/proctest"
	siamesev1 "siamese/proto/siamese/v1"
)

// entries reads JSON lines.
func entries(t *testing.T, text string) []webcam.Entry {
	t.Helper()
	var all []webcam.Entry
	for line := range strings.Lines(text) {
		var entry webcam.Entry
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatalf("line %q: %v", line, err)
		}
		all = append(all, entry)
	}
	return all
}

// minShown is how many of 120 pictures have to be shown: all, but for a
// machine that is busy with other things.
const minShown = 100

func TestVerdictFollowsTheFilm(t *testing.T) {
	server, path, folder := serve(t, ""), film(t, proctest.GlyphB, proctest.GlyphC), t.TempDir()
	record, table := filepath.Join(folder, "out.mp4"), filepath.Join(folder, "out.csv")
	stdout, stderr, code := runToEnd(t, "--server", server.Address, "--reference", proctest.GlyphA, "--source", path, "--headless", "--record", record, "--csv", table)
	if code != 0 || stderr != "" {
		t.Fatalf("exit code %d, standard error %q, want 0 and nothing", code, stderr)
	}
	all := entries(t, stdout)
	scores := 0
	for _, entry := range all {
		if entry.Type != "score" {
			continue
		}
		scores++
		// Frames 1 to 60 show the same character, 61 to 120 the other one.
		if want := entry.Frame <= 60; entry.Scores[0].Same != want || entry.Scores[0].Reference != filepath.Base(proctest.GlyphA) {
			t.Errorf("frame %d: %+v, want same: %t", entry.Frame, entry.Scores[0], want)
		}
	}
	totals := all[len(all)-1].Totals
	if totals == nil || totals.Read != 120 || totals.Scored != int64(scores) || totals.Scored+totals.Dropped+totals.Failed != 120 {
		t.Fatalf("totals %+v with %d scores, want 120 pictures read and each accounted for", totals, scores)
	}
	if totals.Shown < minShown {
		t.Errorf("%d of %d pictures shown, want at least %d", totals.Shown, totals.Read, minShown)
	}
	if got := countPictures(t, record); got < minShown {
		t.Errorf("the recording has %d pictures, want at least %d", got, minShown)
	}
	if got := len(rows(t, table)); got != scores+1 {
		t.Errorf("the table has %d rows, want a header and %d", got, scores)
	}
}

func countPictures(t *testing.T, path string) int {
	t.Helper()
	name, err := webcam.ParseSource(path)
	if err != nil {
		t.Fatal(err)
	}
	source, err := webcam.OpenSource(name, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	count := 0
	for picture, err := source.Read(); err == nil; picture, err = source.Read() {
		picture.Close()
		count++
	}
	return count
}

// rows are those of a table, the header first.
func rows(t *testing.T, path string) [][]string {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	table, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// follow reads lines until one is as wanted.
func follow(t *testing.T, lines *bufio.Scanner, what string, want func(webcam.Entry) bool) {
	t.Helper()
	timeout := time.Now().Add(patience)
	for time.Now().Before(timeout) && lines.Scan() {
		if want(entries(t, lines.Text())[0]) {
			return
		}
	}
	t.Fatalf("no line with %s came: %v", what, lines.Err())
}

// strangeServer is a server to whose model "general" each picture is foreign. It is to be
// asked for two views of each.
type strangeServer struct {
	siamesev1.UnimplementedSiameseServiceServer
}

func (strangeServer) GetServerInfo(_ context.Context, request *siamesev1.GetServerInfoRequest) (*siamesev1.GetServerInfoResponse, error) {
	return &siamesev1.GetServerInfoResponse{Model: &siamesev1.ModelInfo{
		Reference: &siamesev1.ModelReference{Name: "siamese-general"}, ServingName: request.GetModel(), Title: "Pictures", Knows: "Photographs of things and places.",
	}}, nil
}

// StreamCompare finds the same in all.
func (strangeServer) StreamCompare(stream siamesev1.SiameseService_StreamCompareServer) error {
	strange := &siamesev1.Familiarity{Value: 0.001, Foreign: true}
	for {
		request, err := stream.Recv()
		if err != nil {
			return nil
		}
		var response siamesev1.StreamCompareResponse
		switch m := request.GetMessage().(type) {
		case *siamesev1.StreamCompareRequest_Opening:
			if model := m.Opening.GetOptions().GetModel(); model != "general" {
				return status.Errorf(codes.NotFound, "received model %q, expected general", model)
			}
			if views := m.Opening.GetOptions().GetTestTimeViews(); views != 2 {
				return status.Errorf(codes.InvalidArgument, "received a wish for %d views, expected 2", views)
			}
			response.Message = &siamesev1.StreamCompareResponse_Opened{Opened: &siamesev1.StreamOpened{
				Window: 1, Threshold: 0.5, Model: &siamesev1.ModelReference{Name: "siamese-general"},
			}}
		case *siamesev1.StreamCompareRequest_SetReference:
			response.Message = &siamesev1.StreamCompareResponse_ReferenceSet{ReferenceSet: &siamesev1.ReferenceSet{
				Name: m.SetReference.GetName(), Familiarity: strange, Warning: "The picture is foreign to general.",
			}}
		case *siamesev1.StreamCompareRequest_Frame:
			response.Message = &siamesev1.StreamCompareResponse_FrameScored{FrameScored: &siamesev1.FrameScored{
				Id: m.Frame.GetId(), CapturedAt: m.Frame.GetCapturedAt(), Familiarity: strange, Warning: "The frame is like nothing that general knows: the similarity means little.",
				Scores: []*siamesev1.ReferenceScore{{Reference: filepath.Base(proctest.GlyphA), Similarity: 0.96, Same: true, Foreign: true}},
			}}
		}
		if err := stream.Send(&response); err != nil {
			return nil
		}
	}
}

// serveStrange serves strangeServer and returns its address.
func serveStrange(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := grpc.NewServer()
	siamesev1.RegisterSiameseServiceServer(s, strangeServer{})
	served := make(chan error, 1)
	go func() { served <- s.Serve(listener) }()
	t.Cleanup(func() {
		s.Stop()
		<-served
	})
	return listener.Addr().String()
}

func TestLinesTellWhatIsForeign(t *testing.T) {
	stdout, stderr, code := runToEnd(t, "--server", serveStrange(t), "--model", "general", "--test-time", "2", "--reference", proctest.GlyphA, "--source", film(t, proctest.GlyphB), "--headless")
	if code != 0 || stderr != "" {
		t.Fatalf("exit code %d, standard error %q, want 0 and nothing", code, stderr)
	}
	strange := &client.Familiarity{Value: 0.001, Foreign: true}
	models, references, scores := 0, 0, 0
	for _, entry := range entries(t, stdout) {
		switch {
		case entry.Type == "model" && entry.Model == "general" && entry.Title == "Pictures" && entry.Knows == "Photographs of things and places.":
			models++
		case entry.Type == "reference" && entry.Warning == "The picture is foreign to general." && cmp.Equal(entry.Familiarity, strange):
			references++
		case entry.Type == "score" && strings.HasPrefix(entry.Warning, "The frame is like nothing") && cmp.Equal(entry.Familiarity, strange) && entry.Scores[0].Foreign:
			scores++
		case entry.Type != "state" && entry.Type != "end":
			t.Errorf("entry %+v, want the model, and that the reference and each picture are foreign to it", entry)
		}
	}
	if models != 1 || references != 1 || scores == 0 {
		t.Errorf("%d lines of the model, %d of the reference, %d scores, want 1, 1 and some", models, references, scores)
	}
}

func TestServerIsKilledAndComesBack(t *testing.T) {
	first, path := serve(t, ""), film(t, proctest.GlyphB)
	cmd := command(t, nil, "--server", first.Address, "--reference", proctest.GlyphA, "--source", path, "--loop", "--headless")
	lines := bufio.NewScanner(start(t, cmd))
	score := func(entry webcam.Entry) bool { return entry.Type == "score" && entry.Scores[0].Same }
	follow(t, lines, "a score", score)
	first.Kill()
	follow(t, lines, "state waiting", func(entry webcam.Entry) bool {
		return entry.Type == "state" && entry.State == "waiting" && entry.RetryInMs > 0 && entry.Error != ""
	})
	serve(t, first.Address)
	follow(t, lines, "state streaming", func(entry webcam.Entry) bool { return entry.State == "streaming" })
	follow(t, lines, "a score", score)
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	follow(t, lines, "totals", func(entry webcam.Entry) bool {
		return entry.Type == "end" && entry.Totals.Reconnects == 1 && entry.Totals.Shown > entry.Totals.Scored
	})
	if err := cmd.Wait(); err != nil {
		t.Errorf("after SIGTERM: %v, want exit code 0", err)
	}
}

func TestFailuresAreOneSentence(t *testing.T) {
	server := serve(t, "")
	path, folder := film(t, proctest.GlyphB), t.TempDir()
	text := filepath.Join(folder, "notes.txt")
	if err := os.WriteFile(text, []byte("no picture"), 0o600); err != nil {
		t.Fatal(err)
	}
	film := filepath.Join(folder, "folder.mp4")
	if err := os.Mkdir(film, 0o700); err != nil {
		t.Fatal(err)
	}
	headless := func(args ...string) []string { return append(args, "--headless", "--reference", proctest.GlyphA) }
	tests := []struct {
		name     string
		give     []string
		want     string
		wantCode int
	}{
		{"unknown flag", headless("--colour"), "unknown flag --colour", 2},
		{"region in no known form", headless("--roi", "left", "--source", path), `bad region "left"`, 2},
		{"region outside", headless("--roi", "600,0,100,100", "--source", path), "reaches outside the picture of 640x480 pixels", 2},
		{"no reference", []string{"--headless", "--source", path}, "received neither --reference nor --gallery", 2},
		{"recording of no known form", headless("--record", "film.txt", "--source", path), ".mp4, .mkv or .avi", 2},
		{"threshold out of range", headless("--threshold", "2", "--source", path), "expected 0 to 1", 2},
		{"more views than there are", headless("--test-time", "17", "--source", path), "--test-time: received 17, expected 1 to 16", 2},
		{"reference not there", headless("--reference", "nowhere.png", "--source", path), "reference: open nowhere.png", 1},
		{"reference that is no image", headless("--reference", text, "--source", path), `reference "notes.txt": IMAGE_`, 1},
		{"source not there", headless("--source", "nowhere.mp4"), "there is no such file", 1},
		{"source that is no video", headless("--source", text), "it is no video or image", 1},
		{"camera not there", headless("--source", "63"), "camera 63: it can't be opened", 1},
		{"recording in no folder", headless("--record", filepath.Join(folder, "none", "a.mp4"), "--source", path), "--record: received the folder", 1},
		{"recording that is a folder", headless("--record", film, "--source", path), "which is a folder, expected a file", 1},
		{"table in no folder", headless("--csv", filepath.Join(folder, "none", "a.csv"), "--source", path), "--csv: received the folder", 1},
		{"snapshots in no folder", []string{"--snapshots", filepath.Join(folder, "none"), "--source", path}, "which is not there; make it first", 1},
		{"snapshots in a file", []string{"--snapshots", text, "--source", path}, "which is a file, expected a folder", 1},
		{"snapshots where nothing can be written", []string{"--snapshots", "/proc/self", "--source", path}, "in which no file can be made", 1},
		{"no display", []string{"--source", path}, "no display", 1},
		{"token in plain text to another machine", headless("--server", "example.org:1", "--token-file", proctest.GlyphA, "--source", path), "expected --tls", 2},
		{"no authority", headless("--tls-ca", text, "--source", path), "--tls-ca: received no certificate", 1},
		{"model not served", headless("--model", "nowhere", "--connect-timeout", "2s", "--source", path, "--loop"), "MODEL_NOT_FOUND: ", 1},
		{"server away", headless("--server", proctest.FreeAddress(t), "--connect-timeout", "500ms", "--source", path, "--loop"), "no server for 500ms", 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, stderr, code := runToEnd(t, append([]string{"--server", server.Address}, tt.give...)...)
			if code != tt.wantCode || !strings.Contains(stderr, tt.want) || strings.Count(stderr, "\n") != 1 || !strings.HasPrefix(stderr, "siamese-webcam: ") {
				t.Errorf("exit code %d, standard error %q, want %d and one line with %q", code, stderr, tt.wantCode, tt.want)
			}
		})
	}
}

func TestHelp(t *testing.T) {
	stdout, stderr, code := runToEnd(t, "--help")
	if code != 0 || stderr != "" {
		t.Errorf("--help: exit code %d, standard error %q, want 0 and nothing", code, stderr)
	}
	for _, want := range []string{"--reference", "--roi", "Exit codes: 0", "take the region as a reference"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("--help does not tell %q:\n%s", want, stdout)
		}
	}
}
