package checkpoint_test

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"siamese/internal/atomicfile"
	"siamese/internal/regular"
	"siamese/train/checkpoint"
	"siamese/weights"
)

func sample(t *testing.T, value float32) checkpoint.Checkpoint {
	t.Helper()
	state, err := weights.New(
		weights.Tensor{Name: "steps", Shape: []int{2}, Data: []float32{0, value}},
		weights.Tensor{Name: "dense_2/bias", Shape: []int{1}, Data: []float32{value}})
	if err != nil {
		t.Fatal(err)
	}
	return checkpoint.Checkpoint{
		Config:   json.RawMessage(`{"epochs":3}`),
		Progress: json.RawMessage(`{"epoch":1,"best":0.25}`),
		Sampler:  []byte{0, 1, 254, 255},
		State:    state,
	}
}

func save(t *testing.T, path string, c checkpoint.Checkpoint) {
	t.Helper()
	if err := checkpoint.Save(path, c); err != nil {
		t.Fatal(err)
	}
}

func equal(t *testing.T, got, want checkpoint.Checkpoint) {
	t.Helper()
	if got.State.Digest() != want.State.Digest() {
		t.Error("the state differs from what was saved")
	}
	got.State, want.State = nil, nil
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("checkpoint (-want +got):\n%s", diff)
	}
}

func TestSaveAndLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "checkpoint.safetensors")
	save(t, path, sample(t, 1))
	save(t, path, sample(t, 2))
	got, err := checkpoint.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, got, sample(t, 2))
}

// failing writes n bytes and then fails.
type failing struct {
	to   io.Writer
	left int
}

var errDisk = errors.New("disk full")

func (f *failing) Write(data []byte) (int, error) {
	n := min(len(data), f.left)
	written, err := f.to.Write(data[:n])
	f.left -= written
	if err == nil && n < len(data) {
		err = errDisk
	}
	return written, err
}

// TestFaultAtEachByteKeepsTheOldFile fails the write after every number of
// bytes: the old checkpoint stays whole and nothing is left beside it.
func TestFaultAtEachByteKeepsTheOldFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "checkpoint.safetensors")
	save(t, path, sample(t, 1))
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for n := range whole {
		err := atomicfile.Replace(path, func(w io.Writer) error {
			_, err := (&failing{to: w, left: n}).Write(whole)
			return err
		})
		if !errors.Is(err, errDisk) {
			t.Fatalf("Replace that fails after %d bytes = %v, want the writer's error", n, err)
		}
	}
	got, err := checkpoint.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, got, sample(t, 1))
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("the folder holds %v (%v), want the checkpoint alone", entries, err)
	}
}

func TestLoadRefuses(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "checkpoint.safetensors")
	save(t, path, sample(t, 1))
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var plain strings.Builder
	if err := weights.WriteSafetensors(&plain, sample(t, 1).State, weights.Float32, nil); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		give string
		data []byte
		want string
	}{
		{"empty", nil, "checkpoint"},
		{"truncated", whole[:len(whole)-1], "checkpoint"},
		{"weights alone", []byte(plain.String()), "it is weights alone"},
		{"sampler damaged", []byte(strings.Replace(string(whole), "AAH+/w==", "AAH+/w=*", 1)), "it is damaged"},
		{"of a later version", []byte(strings.Replace(string(whole), `"siamese_checkpoint":"2"`, `"siamese_checkpoint":"3"`, 1)), `its format is "3"`},
	}
	for _, tt := range tests {
		if err := os.WriteFile(path, tt.data, 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := checkpoint.Load(path); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: Load = %v, want an error with %q", tt.give, err, tt.want)
		}
	}
	if _, err := checkpoint.Load(filepath.Join(dir, "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Load of a missing file = %v, want os.ErrNotExist", err)
	}
	if _, err := checkpoint.Load("/dev/zero"); !errors.Is(err, regular.ErrNotRegular) {
		t.Errorf("Load of a device = %v, want ErrNotRegular", err)
	}
}

// TestFlippedBitsAreFound: whatever bit of a checkpoint is not as it was saved, a
// run never goes on from something else than that.
func TestFlippedBitsAreFound(t *testing.T) {
	path := filepath.Join(t.TempDir(), "checkpoint.safetensors")
	want := sample(t, 1)
	save(t, path, want)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	refused := 0
	for at := range whole {
		for bit := range 8 {
			damaged := slices.Clone(whole)
			damaged[at] ^= 1 << bit
			if err := os.WriteFile(path, damaged, 0o644); err != nil {
				t.Fatal(err)
			}
			got, err := checkpoint.Load(path)
			if err != nil {
				refused++
				continue
			}
			equal(t, got, want) // the bit says nothing, such as one of a space
		}
	}
	if refused < 8*len(whole)*9/10 {
		t.Errorf("%d of %d flipped bits were refused, want nearly all", refused, 8*len(whole))
	}
}

// TestLoadTakesFilesWithoutChecksum: as they were written before there was one.
func TestLoadTakesFilesWithoutChecksum(t *testing.T) {
	path := filepath.Join(t.TempDir(), "checkpoint.safetensors")
	want := sample(t, 1)
	err := atomicfile.Replace(path, func(w io.Writer) error {
		return weights.WriteSafetensors(w, want.State, weights.Float32, map[string]string{
			"siamese_checkpoint": "1", "config": string(want.Config), "progress": string(want.Progress), "sampler": "AAH+/w==",
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := checkpoint.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	want.Unverified = true
	equal(t, got, want)
}

func TestLockIsOneProcesses(t *testing.T) {
	dir := t.TempDir()
	left := filepath.Join(dir, ".checkpoint.safetensors.partial-123")
	kept := []string{".partial-1", "a.partial-1", ".b.partial-", ".c.partial-x", "metrics.jsonl"}
	for _, path := range append([]string{left}, kept...) {
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(path)), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	unlock, err := checkpoint.Lock(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(left); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("what a killed process left is still there (%v)", err)
	}
	for _, name := range kept {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Errorf("a file that is nobody's leftover has gone: %v", err)
		}
	}
	if _, err := checkpoint.Lock(dir); !errors.Is(err, checkpoint.ErrLocked) || !strings.Contains(err.Error(), strconv.Itoa(os.Getpid())) {
		t.Errorf("the second Lock = %v, want ErrLocked with the process", err)
	}
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
	again, err := checkpoint.Lock(dir)
	if err != nil {
		t.Fatalf("Lock after unlock = %v, want it taken", err)
	}
	if err := again(); err != nil {
		t.Error(err)
	}
	if _, err := checkpoint.Lock(filepath.Join(dir, "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Lock of no folder = %v, want os.ErrNotExist", err)
	}
}
