package batch_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"siamese/server/batch"
)

func TestRunnersShareWhatWaits(t *testing.T) {
	tests := []struct {
		name        string
		giveRunners int
		giveImages  []byte
		want        []int // sizes of the runs
		wantTook    time.Duration
	}{
		{"one runner takes all", 1, []byte{1, 2, 3, 4}, []int{4}, time.Second},
		{"two runners take halves", 2, []byte{1, 2, 3, 4}, []int{2, 2}, time.Second},
		{"an odd one", 2, []byte{1, 2, 3}, []int{1, 2}, time.Second},
		{"one image", 2, []byte{1}, []int{1}, time.Second},
		{"more than fit", 2, []byte{1, 2, 3, 4, 5, 6, 7, 8, 9}, []int{1, 4, 4}, 2 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := &encoder{before: aSecond}
				q := newQueueWith(t, e, batch.Config{MaxQueued: 20, MaxBatch: 4, Runners: tt.giveRunners})
				begun := time.Now()
				got, report, err := q.Submit(t.Context(), images(tt.giveImages...))
				if report.Encode != tt.wantTook { // nothing waits for another's run here
					t.Errorf("reported %v of encoding, want %v: runs side by side count once", report.Encode, tt.wantTook)
				}
				if diff := cmp.Diff(embeddings(tt.giveImages...), got); err != nil || diff != "" {
					t.Errorf("Submit: %v (-want +got):\n%s", err, diff)
				}
				if took := time.Since(begun); took != tt.wantTook {
					t.Errorf("took %v, want %v", took, tt.wantTook)
				}
				var sizes []int
				for _, run := range e.seen() {
					sizes = append(sizes, len(run))
				}
				slices.Sort(sizes)
				if diff := cmp.Diff(tt.want, sizes); diff != "" {
					t.Errorf("runs' sizes (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// Short runs take a third of what waits, a pair at the least, and are as large
// as may be when much waits.
func TestShortRuns(t *testing.T) {
	tests := []struct {
		giveRunners, giveImages int
		want                    []int // sizes of the runs in turn
	}{
		{1, 1, []int{1}},
		{1, 2, []int{2}},
		{1, 3, []int{2, 1}},
		{1, 12, []int{4, 3, 2, 2, 1}},
		{1, 36, []int{8, 8, 7, 5, 3, 2, 2, 1}},
		{2, 2, []int{1, 1}},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			e := &encoder{before: aSecond}
			q := newQueueWith(t, e, batch.Config{MaxQueued: 50, MaxBatch: 8, Runners: tt.giveRunners, ShortRuns: true})
			numbers := make([]byte, tt.giveImages)
			for i := range numbers {
				numbers[i] = byte(i)
			}
			got, _, err := q.Submit(t.Context(), images(numbers...))
			if diff := cmp.Diff(embeddings(numbers...), got); err != nil || diff != "" {
				t.Errorf("Submit: %v (-want +got):\n%s", err, diff)
			}
			var sizes []int
			for _, run := range e.seen() {
				sizes = append(sizes, len(run))
			}
			if diff := cmp.Diff(tt.want, sizes); diff != "" {
				t.Errorf("%d runners, %d images: runs' sizes (-want +got):\n%s", tt.giveRunners, tt.giveImages, diff)
			}
		})
	}
}

func TestWaitHoldsImagesBackForOthers(t *testing.T) {
	const wait = 5 * time.Millisecond
	tests := []struct {
		name      string
		giveLater time.Duration // when the second image comes
		wantRuns  [][]byte
		wantTook  time.Duration // of the first
	}{
		{"nobody comes", time.Second, [][]byte{{1}, {2}}, wait},
		{"one comes and fills the run", 2 * time.Millisecond, [][]byte{{1, 2}}, 2 * time.Millisecond},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := &encoder{}
				q := newQueueWith(t, e, batch.Config{MaxQueued: 20, MaxBatch: 2, Wait: wait})
				begun := time.Now()
				first := start(t.Context(), q.Submit, 1)
				go func() {
					<-first.done
					if took := time.Since(begun); took != tt.wantTook {
						t.Errorf("the first took %v, want %v", took, tt.wantTook)
					}
				}()
				time.Sleep(tt.giveLater)
				if _, _, err := q.Submit(t.Context(), images(2)); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				if diff := cmp.Diff(tt.wantRuns, e.seen()); diff != "" {
					t.Errorf("runs (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestRunsAreFilledUpToAllowedSizes(t *testing.T) {
	tests := []struct {
		give []byte
		want [][]byte // with the fillers, which are black
	}{
		{[]byte{1}, [][]byte{{1}}},
		{[]byte{1, 2}, [][]byte{{1, 2, 0, 0}}},
		{[]byte{1, 2, 3, 4}, [][]byte{{1, 2, 3, 4}}},
		{[]byte{1, 2, 3, 4, 5, 6}, [][]byte{{1, 2, 3, 4, 5, 6}}},
		{[]byte{1, 2, 3, 4, 5, 6, 7, 8}, [][]byte{{1, 2, 3, 4, 5, 6}, {7, 8, 0, 0}}},
	}
	for _, tt := range tests {
		e := &encoder{}
		q := newQueueWith(t, e, batch.Config{MaxQueued: 20, MaxBatch: 6, Sizes: []int{1, 4, 6}})
		got, _, err := q.Submit(t.Context(), images(tt.give...))
		if diff := cmp.Diff(embeddings(tt.give...), got); err != nil || diff != "" {
			t.Errorf("Submit(%v): %v (-want +got):\n%s", tt.give, err, diff)
		}
		if diff := cmp.Diff(tt.want, e.seen()); diff != "" {
			t.Errorf("runs of %v (-want +got):\n%s", tt.give, diff)
		}
	}
}

func TestStatsTellWhatHappened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &encoder{before: func(ctx context.Context, run int) error {
			if run == 3 {
				return errors.New("boom")
			}
			return aSecond(ctx, run)
		}}
		q := newQueueWith(t, e, batch.Config{MaxQueued: 4, MaxBatch: 2})
		start(t.Context(), q.Submit, 1)
		synctest.Wait()
		start(t.Context(), q.Submit, 2, 3, 4)
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		left := start(ctx, q.Submit, 5)
		synctest.Wait()
		if _, _, err := q.Submit(t.Context(), images(6, 7)); !errors.Is(err, batch.ErrFull) {
			t.Errorf("Submit = %v, want ErrFull", err)
		}
		cancel()
		<-left.done
		dropped := map[batch.DropReason]uint64{
			batch.DropCancelled: 1, batch.DropDeadline: 0, batch.DropUnmeetable: 0, batch.DropFailed: 0, batch.DropClosed: 0,
		}
		want := batch.Stats{
			Queued: 3, InFlight: 1, Running: 1, Batches: []uint64{0, 1, 0}, Refused: 2, Dropped: dropped,
		}
		if diff := cmp.Diff(want, q.Stats()); diff != "" {
			t.Errorf("Stats() under way (-want +got):\n%s", diff)
		}
		time.Sleep(time.Minute)
		want = batch.Stats{
			Batches: []uint64{0, 2, 1}, Images: 3, Encode: 2 * time.Second, Failed: 1, Refused: 2, Dropped: dropped,
		}
		if diff := cmp.Diff(want, q.Stats()); diff != "" {
			t.Errorf("Stats() at the end (-want +got):\n%s", diff)
		}
		<-start(within(t, time.Millisecond), q.Submit, 8).done // under way when its caller leaves
		want.Dropped[batch.DropDeadline] = 0
		if diff := cmp.Diff(want.Dropped, q.Stats().Dropped); diff != "" {
			t.Errorf("Dropped after a caller left during its run (-want +got):\n%s", diff)
		}
	})
}
