package tf

import (
	"errors"
	"strings"
	"testing"

	binding "github.com/galeone/tensorflow/tensorflow/go"
	"github.com/galeone/tensorflow/tensorflow/go/op"
)

// doubler is a session whose graph doubles float32 [-1].
func doubler(t *testing.T) *Session {
	t.Helper()
	scope := op.NewScope()
	input := op.Placeholder(scope.SubScope("in"), binding.Float, op.PlaceholderShape(binding.MakeShape(-1)))
	op.Add(scope.SubScope("out"), input, input)
	graph, err := scope.Finalize()
	if err != nil {
		t.Fatal(err)
	}
	owner, err := binding.NewSession(graph, nil)
	if err != nil {
		t.Fatal(err)
	}
	session, err := Borrow(owner, graph)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := session.Close(); err != nil {
			t.Error(err)
		}
		if open := OpenTensors(); open != 0 {
			t.Errorf("%d tensors left open, want 0", open)
		}
	})
	return session
}

func output(t *testing.T, session *Session, name string) Output {
	t.Helper()
	found, err := session.Output(name)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestRun(t *testing.T) {
	session := doubler(t)
	in, out := output(t, session, "in/Placeholder"), output(t, session, "out/Add:0")
	values, doubled := []float32{1, -2.5, 3}, make([]float32, 3)
	shape := []int64{3}
	feeds := []Feed{{To: in, Type: Float32, Shape: shape, Data: Float32Bytes(values)}}
	fetches := []Fetch{{From: out, Type: Float32, Shape: shape, Into: Float32Bytes(doubled)}}
	for name, run := range map[string]func() error{
		"Run":       func() error { return session.Run(feeds, fetches) },
		"RunInline": func() error { return session.RunInline(feeds, fetches) },
	} {
		clear(doubled)
		if err := run(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for i, value := range values {
			if doubled[i] != 2*value {
				t.Errorf("%s: value %d = %v, want %v", name, i, doubled[i], 2*value)
			}
		}
	}
}

func TestRunRefuses(t *testing.T) {
	session := doubler(t)
	in, out := output(t, session, "in/Placeholder"), output(t, session, "out/Add")
	feed := func(shape []int64, values int) []Feed {
		return []Feed{{To: in, Type: Float32, Shape: shape, Data: make([]byte, 4*values)}}
	}
	fetch := func(shape []int64, values int) []Fetch {
		return []Fetch{{From: out, Type: Float32, Shape: shape, Into: make([]byte, 4*values)}}
	}
	tests := []struct {
		give    string
		feeds   []Feed
		fetches []Fetch
		want    string
	}{
		{"too little data", feed([]int64{3}, 2), fetch([]int64{3}, 3), "got 8 bytes, want 12"},
		{"no data", feed([]int64{0}, 0), fetch([]int64{0}, 0), "got 0 bytes"},
		{"other shape", feed([]int64{3}, 3), fetch([]int64{2}, 2), "got type 1 and shape [3], want type 1 and shape [2]"},
		{"too small a place", feed([]int64{3}, 3), fetch([]int64{3}, 2), "got 12 bytes, want 8"},
		{"no feed", nil, fetch([]int64{3}, 3), "tensorflow: run:"},
		{"other type", []Feed{{To: in, Type: Uint8, Shape: []int64{3}, Data: make([]byte, 3)}}, fetch([]int64{3}, 3), "tensorflow: run:"},
	}
	for _, tt := range tests {
		if err := session.Run(tt.feeds, tt.fetches); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: Run = %v, want an error with %q", tt.give, err, tt.want)
		}
		if open := OpenTensors(); open != 0 {
			t.Errorf("%s: %d tensors left open, want 0", tt.give, open)
		}
	}
}

func TestOutputRefuses(t *testing.T) {
	session := doubler(t)
	for _, name := range []string{"none", "in/Placeholder:1", "in/Placeholder:-1", "in/Placeholder:x", ""} {
		if _, err := session.Output(name); err == nil {
			t.Errorf("Output(%q) = nil error, want one", name)
		}
	}
}

func TestClosedSession(t *testing.T) {
	session := doubler(t)
	if err := session.Close(); err != nil {
		t.Fatal(err)
	}
	if err := session.Run(nil, nil); !errors.Is(err, ErrClosed) {
		t.Errorf("Run on a closed session = %v, want ErrClosed", err)
	}
	if _, err := session.Output("in/Placeholder"); !errors.Is(err, ErrClosed) {
		t.Errorf("Output on a closed session = %v, want ErrClosed", err)
	}
	if _, err := session.Devices(); !errors.Is(err, ErrClosed) {
		t.Errorf("Devices on a closed session = %v, want ErrClosed", err)
	}
}
