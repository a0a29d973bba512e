package bench

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"siamese/bench/load"
	"siamese/client"
)

var trafficFiles = [][]byte{[]byte("a"), []byte("bb"), []byte("ccc")}

// The outcome counts what the server was asked.
func TestTraffic(t *testing.T) {
	tests := []struct {
		give       Traffic
		wantImages int
		count      func(*fakeService) int64
	}{
		{Traffic{Kind: CompareTraffic}, 2, func(f *fakeService) int64 { return f.compares.Load() }},
		{Traffic{Kind: RankTraffic, Candidates: 2}, 3, func(f *fakeService) int64 { return f.ranks.Load() }},
		{Traffic{Kind: StreamTraffic}, 1, func(f *fakeService) int64 { return f.frames.Load() }},
	}
	for _, tt := range tests {
		service, address, _ := serveFake(t)
		tt.give.Files = trafficFiles
		tt.give.Pace = load.Config{Clients: 12, Duration: 50 * time.Millisecond}
		got, err := tt.give.Run(t.Context(), "", address)
		if err != nil || got.FirstFailure != nil {
			t.Errorf("%s: %v, %v", tt.give.Kind, err, got.FirstFailure)
			continue
		}
		// The last call of each caller may end after the time is up.
		if asked := int(tt.count(service)); got.Answered == 0 || got.Answered > asked || got.Answered < asked-12 || got.ImagesPerCall != tt.wantImages || got.Runs != nil {
			t.Errorf("%s: %d answered of %d that were asked, %d images a call, runs %v; want %d images and no runs",
				tt.give.Kind, got.Answered, asked, got.ImagesPerCall, got.Runs, tt.wantImages)
		}
		if streams := service.streams.Load(); tt.give.Kind == StreamTraffic && streams != 2 {
			t.Errorf("12 frames at a time were sent on %d streams, want 2 of a window of %d", streams, streamWindow)
		}
	}
}

func TestTrafficTellsFailures(t *testing.T) {
	for _, kind := range []TrafficKind{CompareTraffic, StreamTraffic} {
		_, address, _ := serveFake(t)
		traffic := Traffic{Kind: kind, Files: [][]byte{[]byte("a"), []byte("x")}, Pace: load.Config{Clients: 1, Duration: 30 * time.Millisecond}}
		got, err := traffic.Run(t.Context(), "", address)
		if err != nil {
			t.Fatal(err)
		}
		if got.Answered != 0 || got.Failed[codes.InvalidArgument] == 0 || status.Code(got.FirstFailure) != codes.InvalidArgument {
			t.Errorf("%s of refused pictures: %d answered, failed %v, %v; want InvalidArgument alone", kind, got.Answered, got.Failed, got.FirstFailure)
		}
	}
}

func TestTrafficValidate(t *testing.T) {
	tests := []struct {
		give Traffic
		want string
	}{
		{Traffic{Kind: "embed", Files: trafficFiles}, `"embed"`},
		{Traffic{Kind: RankTraffic, Files: trafficFiles}, "0 candidates"},
		{Traffic{Kind: RankTraffic, Candidates: 3, Files: trafficFiles}, "3 pictures, expected at least 4"},
		{Traffic{Kind: CompareTraffic, Files: trafficFiles[:1]}, "1 pictures, expected at least 2"},
	}
	for _, tt := range tests {
		if _, err := tt.give.Run(t.Context(), "", "nowhere:1"); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("Run of %s = %v, want %q", tt.give.Kind, err, tt.want)
		}
	}
}

// A stream that the server ends fails those who wait and those who come.
func TestStreamEnds(t *testing.T) {
	_, address, stop := serveFake(t)
	connection, err := client.New(address)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	stream, err := target{connection}.openStream(t.Context(), []byte("a"), 1)
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	if got, err := stream.score(t.Context(), []byte("bb")); err != nil || got != 0.002 {
		t.Errorf("score = %v, %v; want 0.002", got, err)
	}
	stop()
	if _, err := stream.score(t.Context(), []byte("bb")); status.Code(err) != codes.Unavailable {
		t.Errorf("score on a stream that has ended = %v, want Unavailable", err)
	}
}

const runsText = `# TYPE siamese_batch_images histogram
siamese_batch_images_bucket{le="1"} %d
siamese_batch_images_bucket{le="2"} %d
siamese_batch_images_bucket{le="4"} %d
siamese_batch_images_bucket{le="+Inf"} %d
siamese_batch_images_sum %d
siamese_batch_images_count %[4]d
`

// The histogram is of the runs between its two readings.
func TestRunSizes(t *testing.T) {
	_, address, _ := serveFake(t)
	traffic := Traffic{Kind: CompareTraffic, Files: trafficFiles, Pace: load.Config{Clients: 1, Duration: 10 * time.Millisecond}}
	url := serveMetrics(t, fmt.Sprintf(runsText, 3, 3, 3, 3, 3), fmt.Sprintf(runsText, 5, 5, 9, 10, 27))
	got, err := traffic.Run(t.Context(), url, address)
	if err != nil {
		t.Fatal(err)
	}
	if got.Runs == nil || got.Runs.Count() != 7 || got.Runs.Images != 24 {
		t.Fatalf("runs = %+v, want 7 of 24 images", got.Runs)
	}
	if diff := cmp.Diff("1: 2 runs, 3–4: 4 runs, 5 or more: 1 runs, 3.43 on average", got.Runs.String()); diff != "" {
		t.Errorf("runs (-want +got):\n%s", diff)
	}
	for _, text := range []string{"no metrics {", "other_metric 3\n"} {
		if _, err := traffic.Run(t.Context(), serveMetrics(t, text), address); err == nil {
			t.Errorf("metrics of %q are taken, want an error", text)
		}
	}
}

func TestOutcomeIsToldToAPerson(t *testing.T) {
	outcome := Outcome{
		Report: load.Report{Duration: 2 * time.Second, Sent: 9, Answered: 6, Completed: 6, Failed: map[codes.Code]int{
			codes.ResourceExhausted: 1, codes.DeadlineExceeded: 2,
		}, FirstFailure: errors.New("full")},
		ImagesPerCall: 2,
		Runs:          &RunSizes{Bounds: []int{1, 2}, Runs: []int{0, 6}, Images: 12},
	}
	var out strings.Builder
	if err := outcome.Write(&out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"6 of 9 calls in 2s: 3 calls/s, 6 images/s", "p99 0 ms", "2 DeadlineExceeded, 1 ResourceExhausted (the first: full)", "2: 6 runs, 2 on average"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("outcome is\n%swant %q in it", out.String(), want)
		}
	}
	if rows := outcome.Rows("x"); rows[0].Value != 3 || rows[1].Value != 6 || rows[2].Value != 3 {
		t.Errorf("rows = %+v, want 3 calls/s, 6 images/s, 3 failed", rows)
	}
}
