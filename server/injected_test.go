package server_test

import (
	"context"
	"math"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	pb "siamese/proto/siamese/v1"
)

// injected is a fault that a test puts into the encoder and takes out again.
type injected struct {
	name string
	want codes.Code // of calls meanwhile
	run  func(ended <-chan struct{}) error
	out  func([]float32) []float32
}

func injections() []injected {
	same := func(values []float32) []float32 { return values }
	fine := func(<-chan struct{}) error { return nil }
	return []injected{
		{"error", codes.Internal, func(<-chan struct{}) error { return errModel }, same},
		{"hang", codes.DeadlineExceeded, func(ended <-chan struct{}) error { <-ended; return nil }, same},
		{"NaN", codes.Internal, fine, func(values []float32) []float32 { values[1] = float32(math.NaN()); return values }},
		{"too few numbers", codes.Internal, fine, func(values []float32) []float32 { return values[:len(values)-1] }},
		{"too many numbers", codes.Internal, fine, func(values []float32) []float32 { return append(values, 0) }},
	}
}

// faulty is an encoder that has its fault while it is broken.
type faulty struct {
	injected
	mu    sync.Mutex
	ended chan struct{} // of the fault; nil while there is none
}

func (f *faulty) fault() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.ended
}

func (f *faulty) begin() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ended = make(chan struct{})
}

func (f *faulty) end() {
	f.mu.Lock()
	defer f.mu.Unlock()
	close(f.ended)
	f.ended = nil
}

func (f *faulty) model() *fakeModel {
	return &fakeModel{
		encode: func(context.Context, int) error {
			if ended := f.fault(); ended != nil {
				return f.run(ended)
			}
			return nil
		},
		spoilEmbeddings: func(values []float32) []float32 {
			if f.fault() != nil {
				return f.out(values)
			}
			return values
		},
	}
}

// TestInjectedFaults: whatever the encoder's fault, calls end with its code and
// in time, readiness turns, and both are as before once it is over.
func TestInjectedFaults(t *testing.T) {
	for _, fault := range injections() {
		t.Run(fault.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &faulty{injected: fault}
				r := serve(t, watched, f.model())
				r.checkAnswers(t)
				f.begin()
				broken := time.Now()
				r.checkFails(t, fault.want)
				unready := r.untilHealth(t, healthpb.HealthCheckResponse_NOT_SERVING, broken)
				r.checkFails(t, fault.want)
				f.end()
				mended := time.Now()
				r.checkAnswers(t)
				ready := r.untilHealth(t, healthpb.HealthCheckResponse_SERVING, mended)
				r.checkAnswers(t)
				t.Logf("figure: %s: calls end with %v, NOT_SERVING after %v, SERVING %v after its end (watchdog of %v)",
					fault.name, fault.want, unready, ready, watched.WatchdogPeriod)
			})
		})
	}
}

// checkFails wants a call of two new pictures to fail with a code, in time.
func (r *running) checkFails(t *testing.T, want codes.Code) {
	t.Helper()
	const deadline = 5 * time.Second
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	began := time.Now()
	_, err := r.Compare(ctx, &pb.CompareRequest{ImageA: grayImage(77), ImageB: grayImage(78)})
	if got := failureOf(err).Code; got != want {
		t.Errorf("a call of a broken model = %v, want %v", err, want)
	}
	if took := time.Since(began); took > deadline {
		t.Errorf("it took %v, want at most its deadline of %v", took, deadline)
	}
}

// untilHealth waits for a state of health and returns how long it took since a
// moment; more than two periods of the watchdog are too long.
func (r *running) untilHealth(t *testing.T, want healthpb.HealthCheckResponse_ServingStatus, since time.Time) time.Duration {
	t.Helper()
	longest := 2*watched.WatchdogPeriod + watched.WatchdogTimeout
	for r.health(t, "") != want {
		if time.Since(since) > longest {
			t.Fatalf("health is not %v after %v, want it within %v", want, time.Since(since), longest)
		}
		time.Sleep(time.Second) // fake time
	}
	return time.Since(since)
}
