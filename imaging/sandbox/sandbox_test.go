package sandbox_test

import (
	_ "embed"
	"errors"
	"image"
	"strings"
	"sync"
	"testing"

	"siamese/imaging/sandbox"
)

// probePacked is scripts/sandbox/probe.c, which does what the first byte tells it.
//
//go:embed testdata/probe.wasm.gz
var probePacked []byte

var probe = sandbox.New("probe", probePacked)

const memory = 16 << 20

var errEnough = errors.New("enough")

// Each run has an instance of its own, whose memory is as the module made it.
func TestDecodeReturnsThePicture(t *testing.T) {
	for range 3 {
		got, err := probe.Decode(sandbox.Job{Data: []byte("abc"[1:]), Memory: memory, Args: []uint32{7}})
		if err != nil {
			t.Fatal(err)
		}
		gray, ok := got.(*image.Gray)
		if !ok || gray.Rect != image.Rect(0, 0, 2, 2) || string(gray.Pix) != "\x02\x07\x01\x00" {
			t.Errorf("Decode = %#v, want a gray picture of 2x2 with 2, 7, the first run of its instance, 0", got)
		}
	}
}

func TestDecodeEndsInAnErrorWhateverTheDecoderDoes(t *testing.T) {
	tests := []struct {
		name string
		give string
		arg  uint32
		want string
	}{
		{"it says what is wrong", "f", 5, "told to fail with 5?"},
		{"it aborts", "a", 0, "unreachable"},
		{"it exits with an error", "x", 3, "the decoder gave up"},
		{"it exits with none", "x", 0, "the decoder gave up"},
		{"its picture lies beyond its memory", "o", 0, "the decoder gave up"},
		{"its picture is larger than its memory", "p", 1 << 31, "the decoder gave up"},
		{"it writes beyond its memory", "w", 0, "out of bounds memory access"},
		{"it calls itself without end", "d", 0, "out of bounds memory access"},
		{"it takes memory without end", "m", 0, "no memory"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := probe.Decode(sandbox.Job{Data: []byte(tt.give), Memory: memory, Args: []uint32{tt.arg}})
			if got != nil || err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("Decode = %v, %v, want one line with %q", got, err, tt.want)
			}
		})
	}
}

func TestDecodeEndsWhenToldTo(t *testing.T) {
	left := 3
	got, err := probe.Decode(sandbox.Job{Data: []byte("l"), Memory: memory, Args: []uint32{0}, GoOn: func() error {
		if left--; left == 0 {
			return errEnough
		}
		return nil
	}})
	if got != nil || !errors.Is(err, errEnough) || left != 0 {
		t.Errorf("Decode = %v, %v, asked %d times more, want the error that ended it", got, err, -left)
	}
}

func TestDecodeRefusesWhatItCannotRun(t *testing.T) {
	tests := []struct {
		name   string
		module *sandbox.Module
		give   sandbox.Job
		want   string
	}{
		{"no gzip", sandbox.New("broken", []byte("?")), sandbox.Job{Memory: memory}, "unpack decoder broken"},
		{"less memory than it starts with", probe, sandbox.Job{Memory: 1}, "at most 1 bytes"},
		{"arguments that it does not take", probe, sandbox.Job{Memory: memory}, "no function decode of 2 parameters"},
		{"more bytes than its memory", probe, sandbox.Job{Data: make([]byte, memory), Memory: memory, Args: []uint32{0}}, "no memory for"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got, err := tt.module.Decode(tt.give); got != nil || err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Decode = %v, %v, want an error with %q", got, err, tt.want)
			}
		})
	}
}

// Many at once wait for each other; one that waits can be told to end.
func TestDecodeWaitsForAPlace(t *testing.T) {
	inside, free := make(chan struct{}), make(chan struct{})
	module := sandbox.New("probe", probePacked)
	var all sync.WaitGroup
	occupied := 0
	for ; ; occupied++ {
		if occupied > 0 && full(module) {
			break
		}
		all.Go(func() {
			first := true
			_, err := module.Decode(sandbox.Job{Data: []byte("l"), Memory: memory, Args: []uint32{0}, GoOn: func() error {
				if first {
					first = false
					inside <- struct{}{}
					<-free
				}
				return errEnough
			}})
			if !errors.Is(err, errEnough) {
				t.Errorf("Decode = %v, want %v", err, errEnough)
			}
		})
		<-inside
	}
	close(free)
	all.Wait()
	if full(module) {
		t.Errorf("after %d runs have ended no place is free", occupied)
	}
}

// full reports whether a run has to wait: it is then asked before its instance is.
func full(module *sandbox.Module) bool {
	_, err := module.Decode(sandbox.Job{Memory: memory, Args: []uint32{0}, GoOn: func() error { return errEnough }})
	return errors.Is(err, errEnough)
}

func BenchmarkInstance(b *testing.B) {
	if err := probe.Warm(); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := probe.Decode(sandbox.Job{Memory: memory, Args: []uint32{0}}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkWarm(b *testing.B) {
	for b.Loop() {
		if err := sandbox.New("probe", probePacked).Warm(); err != nil {
			b.Fatal(err)
		}
	}
}
