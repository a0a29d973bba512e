package webcam_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"siamese/client"
	"siamese/client/webcam"
)

var entries = []webcam.Entry{
	{Type: "state", Time: time.Unix(1, 0).UTC(), State: "waiting", RetryInMs: 250, Error: "refused"},
	{Type: "score", Time: time.Unix(2, 5e8).UTC(), Frame: 7, Threshold: 0.5, LagMs: 41.25, Dropped: 3, Scores: []webcam.ScoreEntry{
		{Reference: "a,b.png", Similarity: 0.9, Smoothed: 0.8, Same: true}, {Reference: "c", Similarity: 0.1, Smoothed: 0.2, Foreign: true, Model: "other"},
	}},
	{Type: "score", Time: time.Unix(3, 0).UTC(), Frame: 8, Scores: []webcam.ScoreEntry{{Reference: "c"}},
		Familiarity: &client.Familiarity{Value: 0.25, Foreign: true}, Warning: "it is strange"},
	{Type: "score", Time: time.Unix(5, 0).UTC(), Frame: 9, Threshold: 0.5, LagMs: 12, Scores: []webcam.ScoreEntry{
		{Reference: "cat", Entry: "cat/1,2.jpg", Similarity: 0.7, Smoothed: 0.6, Same: true},
	}},
	{Type: "model", Time: time.Unix(4, 0).UTC(), Model: "auto", Title: "automatic", Knows: "Pictures or Handwriting."},
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
{"type":"score","time":"1970-01-01T00:00:02.5Z","frame":7,"scores":[{"reference":"a,b.png","similarity":0.9,"smoothed":0.8,"same":true},{"reference":"c","similarity":0.1,"smoothed":0.2,"same":false,"model":"other","foreign":true}],"threshold":0.5,"lag_ms":41.25,"dropped":3}
{"type":"score","time":"1970-01-01T00:00:03Z","frame":8,"scores":[{"reference":"c","similarity":0,"smoothed":0,"same":false}],"dropped":0,"familiarity":{"value":0.25,"foreign":true},"warning":"it is strange"}
{"type":"score","time":"1970-01-01T00:00:05Z","frame":9,"scores":[{"reference":"cat","entry":"cat/1,2.jpg","similarity":0.7,"smoothed":0.6,"same":true}],"threshold":0.5,"lag_ms":12,"dropped":0}
{"type":"model","time":"1970-01-01T00:00:04Z","dropped":0,"model":"auto","title":"automatic","knows":"Pictures or Handwriting."}
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
	want := `time,frame,reference,similarity,smoothed,same,threshold,lag_ms,foreign,entry
1970-01-01T00:00:02.5Z,7,"a,b.png",0.900000,0.800000,true,0.500000,41.2,false,
1970-01-01T00:00:02.5Z,7,c,0.100000,0.200000,false,0.500000,41.2,true,
1970-01-01T00:00:03Z,8,c,0.000000,0.000000,false,0.000000,0.0,true,
1970-01-01T00:00:05Z,9,cat,0.700000,0.600000,true,0.500000,12.0,false,"cat/1,2.jpg"
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
