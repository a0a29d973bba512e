package webcam_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"siamese/client/webcam"
)

var entries = []webcam.Entry{
	{Type: "state", Time: time.Unix(1, 0).UTC(), State: "waiting", RetryInMs: 250, Error: "refused"},
	{Type: "score", Time: time.Unix(2, 5e8).UTC(), Frame: 7, Threshold: 0.5, LagMs: 41.25, Dropped: 3, Scores: []webcam.ScoreEntry{
		{Reference: "a,b.png", Similarity: 0.9, Smoothed: 0.8, Same: true}, {Reference: "c", Similarity: 0.1, Smoothed: 0.2},
	}},
}

func TestJSONLines(t *testing.T) {
	var out strings.Builder
	lines := webcam.JSONLines(&out)
	for _, entry := range entries {
		if err := lines.Report(entry); err != nil {
			t.Fatal(err)
		}
	}
	want := `{"type":"state","time":"1970-01-01T00:00:01Z","dropped":0,"state":"waiting","retry_in_ms":250,"error":"refused"}
{"type":"score","time":"1970-01-01T00:00:02.5Z","frame":7,"scores":[{"reference":"a,b.png","similarity":0.9,"smoothed":0.8,"same":true},{"reference":"c","similarity":0.1,"smoothed":0.2,"same":false}],"threshold":0.5,"lag_ms":41.25,"dropped":3}
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("JSON lines (-want +got):\n%s", diff)
	}
}

func TestCSV(t *testing.T) {
	var out strings.Builder
	table := webcam.CSV(&out)
	for _, entry := range entries {
		if err := table.Report(entry); err != nil {
			t.Fatal(err)
		}
	}
	want := `time,frame,reference,similarity,smoothed,same,threshold,lag_ms
1970-01-01T00:00:02.5Z,7,"a,b.png",0.900000,0.800000,true,0.500000,41.2
1970-01-01T00:00:02.5Z,7,c,0.100000,0.200000,false,0.500000,41.2
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestReportersTellThatNothingCanBeWritten(t *testing.T) {
	for _, reporter := range []webcam.Reporter{webcam.JSONLines(fullDisk{}), webcam.CSV(fullDisk{})} {
		if err := reporter.Report(entries[1]); err == nil {
			t.Errorf("%T on a full disk = nil, want an error", reporter)
		}
	}
}
