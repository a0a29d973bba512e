package server_test

import (
	"context"
	"math"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"

	pb "siamese/proto/siamese/v1"
	"siamese/server"
	"siamese/server/internal/fault"
)

// modelFailures are the ways in which a network can fail a call. Each fails the
// first run alone.
func modelFailures() map[string]*fakeModel {
	first := func() func() bool {
		var runs atomic.Int32
		return func() bool { return runs.Add(1) == 1 }
	}
	failing := func(err error) func(context.Context, int) error {
		isFirst := first()
		return func(context.Context, int) error {
			if !isFirst() {
				return nil
			}
			if err == nil {
				panic(errModel)
			}
			return err
		}
	}
	spoiling := func(spoil func([]float32) []float32) func([]float32) []float32 {
		isFirst := first()
		return func(values []float32) []float32 {
			if isFirst() {
				return spoil(values)
			}
			return values
		}
	}
	put := func(value float64) func([]float32) []float32 {
		return func(values []float32) []float32 { values[0] = float32(value); return values }
	}
	shorten := func(values []float32) []float32 { return values[1:] }
	head := func(encode func(context.Context, int) error) func(context.Context) error {
		return func(ctx context.Context) error { return encode(ctx, 0) }
	}
	return map[string]*fakeModel{
		"encoder fails":            {encode: failing(errModel)},
		"encoder panics":           {encode: failing(nil)},
		"encoder returns NaN":      {spoilEmbeddings: spoiling(put(math.NaN()))},
		"encoder returns infinity": {spoilEmbeddings: spoiling(put(math.Inf(-1)))},
		"encoder returns too few":  {spoilEmbeddings: spoiling(shorten)},
		"head fails":               {compare: head(failing(errModel))},
		"head panics":              {compare: head(failing(nil))},
		"head returns NaN":         {spoilSimilarities: spoiling(put(math.NaN()))},
		"head returns 1.5":         {spoilSimilarities: spoiling(put(1.5))},
		"head returns too few":     {spoilSimilarities: spoiling(shorten)},
	}
}

func TestModelFailureTellsAnIncidentAndNothingElse(t *testing.T) {
	for name, model := range modelFailures() {
		t.Run(name, func(t *testing.T) {
			r := serve(t, server.Config{}, model)
			_, err := r.Compare(t.Context(), &pb.CompareRequest{ImageA: grayImage(1), ImageB: grayImage(2)})
			if diff := cmp.Diff(failure{codes.Internal, fault.ReasonInternal, ""}, failureOf(err)); diff != "" {
				t.Fatalf("error %v (-want +got):\n%s", err, diff)
			}
			incident := detail[*errdetails.ErrorInfo](t, err).GetMetadata()["incident"]
			if !regexp.MustCompile(`^[0-9a-f]{16}$`).MatchString(incident) {
				t.Errorf("incident = %q, want 16 hexadecimal digits", incident)
			}
			if want := "rpc error: code = Internal desc = internal error, incident " + incident; err.Error() != want {
				t.Errorf("error = %q, want %q", err, want)
			}
			log := r.log.String()
			if !strings.Contains(log, "incident="+incident) || !strings.Contains(log, "level=ERROR") {
				t.Errorf("the log has no error with incident %s:\n%s", incident, log)
			}
			if strings.Contains(name, "panics") != strings.Contains(log, "stack=") {
				t.Errorf("the log has a stack or lacks one:\n%s", log)
			}
			r.checkAnswers(t)
		})
	}
}

// gate blocks the encoder until it is opened.
type gate chan struct{}

func (g gate) encode(context.Context, int) error { <-g; return nil }

func (g gate) open() { close(g) }

// smallQueue has room for two images beside that of the run under way, of a model
// whose runs carry one.
var smallQueue = server.Config{MaxPairs: 1, MaxCandidates: 1, MaxImages: 2, MaxQueuedImages: 2}

func TestFullQueueRefusesAndAdvises(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		blocked := make(gate)
		r := serve(t, smallQueue, &fakeModel{encode: blocked.encode, maxBatch: 1})
		results := make(chan error, 2)
		embed := func(images ...*pb.Image) {
			go func() {
				_, err := r.Embed(t.Context(), &pb.EmbedRequest{Images: images})
				results <- err
			}()
			synctest.Wait()
		}
		embed(grayImage(1))
		embed(grayImage(2), grayImage(3))

		_, err := r.Compare(t.Context(), &pb.CompareRequest{ImageA: grayImage(4), ImageB: grayEmbedding(1)})
		if diff := cmp.Diff(failure{codes.ResourceExhausted, fault.ReasonQueueFull, ""}, failureOf(err)); diff != "" {
			t.Fatalf("error %v (-want +got):\n%s", err, diff)
		}
		want := map[string]string{"images": "1", "queued_images": "2", "max_queued_images": "2"}
		if diff := cmp.Diff(want, detail[*errdetails.ErrorInfo](t, err).GetMetadata()); diff != "" {
			t.Errorf("metadata (-want +got):\n%s", diff)
		}
		if delay := detail[*errdetails.RetryInfo](t, err).GetRetryDelay().AsDuration(); delay <= 0 {
			t.Errorf("retry delay = %v, want more than 0", delay)
		}
		// A refused call costs no decoding: that the image is broken is not found.
		_, err = r.Compare(t.Context(), compareRequest(encoded(gray(4)[:40]), grayImage(5)))
		if diff := cmp.Diff(failure{codes.ResourceExhausted, fault.ReasonQueueFull, ""}, failureOf(err)); diff != "" {
			t.Errorf("a broken image: error %v (-want +got):\n%s", err, diff)
		}
		blocked.open()
		for range 2 {
			if err := <-results; err != nil {
				t.Errorf("a call that was let in failed: %v", err)
			}
		}
		r.checkAnswers(t)
	})
}

func TestDeadlineHoldsWhileTheModelIsBlocked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		blocked := make(gate)
		model := &fakeModel{encode: blocked.encode, maxBatch: 1}
		r := serve(t, server.Config{}, model)
		started := time.Now()
		_, err := r.Embed(t.Context(), &pb.EmbedRequest{Images: []*pb.Image{grayImage(1), grayImage(2)}})
		want := failure{codes.DeadlineExceeded, fault.ReasonDeadlineExceeded, ""}
		if diff := cmp.Diff(want, failureOf(err)); diff != "" {
			t.Errorf("error %v (-want +got):\n%s", err, diff)
		}
		if took := time.Since(started); took != time.Minute {
			t.Errorf("the call took %v, want the default deadline of 1m0s", took)
		}
		blocked.open()
		r.checkAnswers(t)
		// The image that waited when its caller left is not encoded.
		if got := model.encodedImages(); got != 1+2 {
			t.Errorf("%d images were encoded, want 3", got)
		}
	})
}

func TestCallerWhoLeavesCostsNoCompute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		blocked := make(gate)
		model := &fakeModel{encode: blocked.encode}
		r := serve(t, server.Config{}, model)
		go func() { _ = r.call(t.Context(), &pb.EmbedRequest{Images: []*pb.Image{grayImage(1)}}) }()
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		left := make(chan error)
		go func() { left <- r.call(ctx, &pb.EmbedRequest{Images: []*pb.Image{grayImage(2), grayImage(3)}}) }()
		synctest.Wait()
		cancel()
		if got := failureOf(<-left).Code; got != codes.Canceled {
			t.Errorf("code = %v, want CANCELLED", got)
		}
		synctest.Wait()
		if !strings.Contains(r.log.String(), "code=Canceled") {
			t.Errorf("the server has not noticed that its caller left:\n%s", r.log)
		}
		blocked.open()
		r.checkAnswers(t)
		if got := model.encodedImages(); got != 1+2 {
			t.Errorf("%d images were encoded, want 3", got)
		}
	})
}
