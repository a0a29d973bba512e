package webcam

import (
	"encoding/csv"
	"encoding/json"
	"io"
	"strconv"
	"time"

	"siamese/client"
)

// Reporter is told what happens, from one goroutine.
type Reporter interface {
	// Report takes one entry. An error ends the program.
	Report(entry Entry) error
}

// Entry is one thing that happened; JSONLines writes it as one line.
type Entry struct {
	// Type is "score" (Frame, Scores, Threshold, LagMs, Dropped, and Familiarity and
	// Warning where the model tells), "failed" (Frame, Error), "state" (State, and Error
	// and RetryInMs where the server is away), "model" (Model, Title, Knows: what the
	// server told), "gallery" (Gallery, Model, Entries, and Warning where it is empty:
	// each time that it can be used), "reference" (Reference with Error: it was not
	// taken, or with Familiarity and Warning: it is foreign to the model) or "end"
	// (Totals).
	Type string `json:"type"`
	// Time is when the picture was taken, for scores and failures, else when it
	// happened.
	Time time.Time `json:"time"`
	// Frame is the picture's number, from 1.
	Frame int64 `json:"frame,omitempty"`
	// Scores has one a reference, or the best things of a gallery, best first.
	Scores []ScoreEntry `json:"scores,omitempty"`
	// Threshold is what Same was made with, 0 to 1; see ScoreEntry.Model.
	Threshold float32 `json:"threshold,omitempty"`
	// LagMs is from taking the picture to having its scores, in milliseconds.
	LagMs float64 `json:"lag_ms,omitempty"`
	// Dropped is how many pictures had to make room for newer ones so far.
	Dropped int64 `json:"dropped"`
	// State is "connecting", "streaming", "draining", "waiting" or "closed".
	State string `json:"state,omitempty"`
	// RetryInMs is when the server is tried again, in milliseconds.
	RetryInMs int64 `json:"retry_in_ms,omitempty"`
	// Reference is a reference's name.
	Reference string `json:"reference,omitempty"`
	// Familiarity is how familiar the picture, or the reference, is to the model.
	Familiarity *client.Familiarity `json:"familiarity,omitempty"`
	// Warning says for a person why the similarities mean little.
	Warning string `json:"warning,omitempty"`
	// Model is what answers: the name by which it was asked for, or "auto".
	Model string `json:"model,omitempty"`
	// Title is what the model is for, Knows what it knows, for a person.
	Title string `json:"title,omitempty"`
	Knows string `json:"knows,omitempty"`
	// Gallery is a gallery's name, Entries how many it has.
	Gallery string `json:"gallery,omitempty"`
	Entries *int   `json:"entries,omitempty"`
	// Error is for a person.
	Error string `json:"error,omitempty"`
	// Totals are for the run as a whole.
	Totals *Totals `json:"totals,omitempty"`
}

// ScoreEntry is how a picture compares with one reference, or one thing of a gallery.
type ScoreEntry struct {
	// Reference is the reference's name, or the thing's.
	Reference string `json:"reference"`
	// Entry is the thing's in the gallery that is the most similar; empty of references.
	Entry string `json:"entry,omitempty"`
	// Similarity is 0 to 1, where 1 means the same class.
	Similarity float32 `json:"similarity"`
	// Smoothed follows Similarity with a time constant of 0.3 s; it begins again with a
	// thing that was not among the best before.
	Smoothed float32 `json:"smoothed"`
	// Same is the verdict: Similarity >= Entry.Threshold.
	Same bool `json:"same"`
	// Model is the name of the model that answered where it is another than the
	// stream's, as it may be with "auto"; its own threshold made the verdict then.
	Model string `json:"model,omitempty"`
	// Foreign reports whether the reference is foreign to the model, or the picture is
	// to the model of this score alone.
	Foreign bool `json:"foreign,omitempty"`
}

// Totals count what became of pictures.
type Totals struct {
	// Read came from the source, Shown were taken by the loop (and shown, recorded
	// and offered), Scored came back with scores.
	Read   int64 `json:"read"`
	Shown  int64 `json:"shown"`
	Scored int64 `json:"scored"`
	// Dropped made room for newer ones, here or at the server; Failed came back
	// with an error.
	Dropped int64 `json:"dropped"`
	Failed  int64 `json:"failed"`
	// Reconnects is the streams opened after the first.
	Reconnects int64 `json:"reconnects"`
	// ShownPerSecond and ScoredPerSecond are over the run until the source's end.
	ShownPerSecond  float64 `json:"shown_per_second"`
	ScoredPerSecond float64 `json:"scored_per_second"`
}

// scoreEntry is a frame's result as an entry; model is the stream's.
func scoreEntry(result client.Result, standings []standing, model string) Entry {
	entry := Entry{
		Type: "score", Time: result.Captured, Frame: result.FrameID,
		Threshold: result.Threshold,
		LagMs:     milliseconds(result.Received.Sub(result.Captured)),

		Familiarity: result.Familiarity, Warning: result.Warning,
	}
	for _, s := range standings {
		score := ScoreEntry{Reference: s.Reference, Entry: s.Entry, Similarity: float32(s.Similarity), Smoothed: float32(s.Smoothed), Same: s.Same, Foreign: s.Foreign}
		if s.Model != model {
			score.Model = s.Model
		}
		entry.Scores = append(entry.Scores, score)
	}
	return entry
}

// stateEntry is a change of the connection as an entry.
func stateEntry(state client.State) Entry {
	entry := Entry{
		Type: "state", Time: state.Since, State: string(state.Phase),
		Threshold: state.Threshold, RetryInMs: state.RetryIn.Milliseconds(),
	}
	if state.Err != nil {
		entry.Error = state.Err.Error()
	}
	return entry
}

func milliseconds(d time.Duration) float64 {
	return float64(d.Microseconds()) / 1e3
}

type jsonLines struct{ encoder *json.Encoder }

// JSONLines writes each entry as a JSON object on a line of its own.
func JSONLines(out io.Writer) Reporter {
	return jsonLines{json.NewEncoder(out)}
}

// Report implements Reporter.
func (j jsonLines) Report(entry Entry) error {
	return j.encoder.Encode(entry)
}

type csvTable struct {
	writer *csv.Writer
	begun  bool
}

// CSV writes a table of scores, a row for each picture and reference, or thing of a
// gallery: time (RFC 3339), frame, reference (or thing), similarity, smoothed, same,
// threshold, lag_ms, foreign (true where picture or reference is foreign to the model),
// entry (the thing's that is the most similar; empty of references).
func CSV(out io.Writer) Reporter {
	return &csvTable{writer: csv.NewWriter(out)}
}

// Report implements Reporter. Each picture's rows are written out at once, so
// that nothing is lost where the program is killed.
func (c *csvTable) Report(entry Entry) error {
	if !c.begun {
		c.begun = true
		header := []string{"time", "frame", "reference", "similarity", "smoothed", "same", "threshold", "lag_ms", "foreign", "entry"}
		if err := c.writer.Write(header); err != nil {
			return err
		}
	}
	foreign := entry.Familiarity != nil && entry.Familiarity.Foreign
	for _, score := range entry.Scores {
		row := []string{
			entry.Time.Format(time.RFC3339Nano), strconv.FormatInt(entry.Frame, 10), score.Reference,
			decimal(score.Similarity), decimal(score.Smoothed), strconv.FormatBool(score.Same),
			decimal(entry.Threshold), strconv.FormatFloat(entry.LagMs, 'f', 1, 64),
			strconv.FormatBool(foreign || score.Foreign), score.Entry,
		}
		if err := c.writer.Write(row); err != nil {
			return err
		}
	}
	c.writer.Flush()
	return c.writer.Error()
}

func decimal(number float32) string {
	return strconv.FormatFloat(float64(number), 'f', 6, 64)
}
