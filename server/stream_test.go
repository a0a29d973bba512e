package server_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"siamese/imaging"
	pb "siamese/proto/siamese/v1"
	"siamese/server"
	"siamese/server/internal/fault"
)

// withoutTimings leaves out what is different each time.
var withoutTimings = cmp.Options{
	protocmp.IgnoreFields(&pb.FrameScored{}, "timings"),
	protocmp.IgnoreFields(&pb.PairScored{}, "timings"),
	withoutMessage,
}

func TestStreamOpening(t *testing.T) {
	tests := []struct {
		name       string
		giveWindow uint32
		giveLimit  *float32
		want       *pb.StreamOpened
	}{
		{"defaults", 0, nil, &pb.StreamOpened{Window: 8, MaxReferences: 16, Threshold: threshold}},
		{"small window", 1, nil, &pb.StreamOpened{Window: 1, MaxReferences: 16, Threshold: threshold}},
		{"window is cut", 1 << 31, nil, &pb.StreamOpened{Window: 8, MaxReferences: 16, Threshold: threshold}},
		{"own threshold", 2, proto.Float32(0.5), &pb.StreamOpened{Window: 2, MaxReferences: 16, Threshold: 0.5}},
	}
	r := serve(t, server.Config{}, &fakeModel{})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, opened := r.openStream(t.Context(), t, &pb.StreamOpening{
				Window: tt.giveWindow, Options: &pb.CompareOptions{Threshold: tt.giveLimit},
			})
			tt.want.Model = modelReference
			checkProto(t, tt.want, opened)
			if rest, err := c.end(); len(rest) != 0 || err != nil {
				t.Errorf("end of stream = %v, %v, want OK", rest, err)
			}
		})
	}
}

// More streams than the server takes are refused, until one ends.
func TestTooManyStreamsAreRefused(t *testing.T) {
	r := serve(t, server.Config{MaxStreams: 2}, &fakeModel{})
	first, _ := r.openStream(t.Context(), t, &pb.StreamOpening{})
	r.openStream(t.Context(), t, &pb.StreamOpening{})
	stream, err := r.StreamCompare(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Send(&pb.StreamCompareRequest{Message: &pb.StreamCompareRequest_Opening{Opening: &pb.StreamOpening{}}}); err != nil {
		t.Fatal(err)
	}
	_, err = stream.Recv()
	if diff := cmp.Diff(failure{codes.ResourceExhausted, fault.ReasonTooManyStreams, ""}, failureOf(err)); diff != "" {
		t.Errorf("third stream (-want +got):\n%s", diff)
	}
	if got := detail[*errdetails.ErrorInfo](t, err).GetMetadata()["max_streams"]; got != "2" {
		t.Errorf("max_streams = %q, want 2", got)
	}
	if retry := detail[*errdetails.RetryInfo](t, err).GetRetryDelay().AsDuration(); retry != time.Second {
		t.Errorf("retry in %v, want 1s", retry)
	}
	if _, err := first.end(); err != nil {
		t.Fatal(err)
	}
	again, _ := r.openStream(t.Context(), t, &pb.StreamOpening{}) // there is room again
	if rest, err := again.end(); err != nil || len(rest) > 0 {
		t.Errorf("stream after one has ended = %v, %v, want OK", rest, err)
	}
}

// A stream that does not say what it is for is ended: it would be there for ever.
func TestSilentStreamIsEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := serve(t, server.Config{}, &fakeModel{})
		begun := time.Now()
		stream, err := r.StreamCompare(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		_, err = stream.Recv()
		if diff := cmp.Diff(failure{codes.FailedPrecondition, fault.ReasonStreamNotOpened, ""}, failureOf(err)); diff != "" {
			t.Errorf("error %v (-want +got):\n%s", err, diff)
		}
		if took := time.Since(begun); took != 20*time.Second {
			t.Errorf("it ended after %v, want 20s", took)
		}
	})
}

func TestStreamRefusesOtherBeginnings(t *testing.T) {
	opening := func(o *pb.StreamOpening) *pb.StreamCompareRequest {
		return &pb.StreamCompareRequest{Message: &pb.StreamCompareRequest_Opening{Opening: o}}
	}
	notOpened := failure{codes.FailedPrecondition, fault.ReasonStreamNotOpened, ""}
	tests := []struct {
		name string
		give *pb.StreamCompareRequest // nil: the end of the client's side
		want failure
	}{
		{"a frame", frame(1, grayImage(1)), notOpened},
		{"a reference", set("a", grayImage(1)), notOpened},
		{"nothing", &pb.StreamCompareRequest{}, notOpened},
		{"the end", nil, notOpened},
		{"threshold over 1", opening(&pb.StreamOpening{Options: &pb.CompareOptions{Threshold: proto.Float32(2)}}),
			failure{invalid, fault.ReasonThresholdRange, "opening.options.threshold"}},
		{"unheard-of drop policy", opening(&pb.StreamOpening{DropPolicy: 9}),
			failure{invalid, fault.ReasonDropPolicyUnknown, "opening.drop_policy"}},
		{"17 MiB", frame(1, encoded(make([]byte, 17<<20))), failure{codes.ResourceExhausted, "", ""}},
	}
	r := serve(t, server.Config{}, &fakeModel{})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := r.bareStream(t.Context(), t)
			if tt.give != nil {
				c.send(tt.give)
			}
			_, err := c.end()
			if diff := cmp.Diff(tt.want, failureOf(err)); diff != "" {
				t.Errorf("error %v (-want +got):\n%s", err, diff)
			}
			r.checkAnswers(t)
		})
	}
}

func TestStreamWithoutModel(t *testing.T) {
	r := serveBare(t, server.Config{})
	_, err := r.bareStream(t.Context(), t).end()
	if diff := cmp.Diff(failure{codes.Unavailable, fault.ReasonNotReady, ""}, failureOf(err)); diff != "" {
		t.Errorf("error %v (-want +got):\n%s", err, diff)
	}
}

// One stream's life: every message with the answer that belongs to it.
func TestStreamAnswersEveryMessage(t *testing.T) {
	unknown := func(field string) failure { return failure{invalid, fault.ReasonUnknownReference, field} }
	exchanges := []struct {
		give *pb.StreamCompareRequest
		want *pb.StreamCompareResponse
	}{
		{frame(1, grayImage(1)), failedFrame(1, failure{invalid, fault.ReasonNoReferences, "frame.references"})},
		{set("b", grayImage(200)), setAnswer("b")},
		{set("a", grayImage(100)), setAnswer("a")},
		// All references, in the order first set.
		{frame(2, grayImage(90)), frameAnswer(2, scored("b", graySimilarity(200, 90)), scored("a", graySimilarity(100, 90)))},
		// Those asked for, in the order asked.
		{frame(3, grayImage(90), "a", "b", "a"), frameAnswer(3,
			scored("a", graySimilarity(100, 90)), scored("b", graySimilarity(200, 90)), scored("a", graySimilarity(100, 90)))},
		{frame(4, grayImage(90), "a", "nobody"), failedFrame(4, unknown("frame.references[1]"))},
		{frame(5, grayImage(90), slices.Repeat([]string{"a"}, 17)...),
			failedFrame(5, failure{invalid, fault.ReasonTooManyReferences, "frame.references"})},
		// Replacing keeps the name's place.
		{set("b", grayImage(90)), setAnswer("b")},
		{frame(6, grayImage(90)), frameAnswer(6, scored("b", 1), scored("a", graySimilarity(100, 90)))},
		// A reference that fails leaves the name as it was.
		{set("b", encoded(nil)), failedReference("b", failure{invalid, string(imaging.ReasonEmpty), "set_reference.image"})},
		{set("b", embedding("other")), failedReference("b", failure{codes.FailedPrecondition, fault.ReasonModelMismatch, "set_reference.image"})},
		{set("", grayImage(1)), failedReference("", failure{invalid, fault.ReasonReferenceName, "set_reference.name"})},
		{set(strings.Repeat("n", 257), grayImage(1)),
			failedReference(strings.Repeat("n", 257), failure{invalid, fault.ReasonReferenceName, "set_reference.name"})},
		{frame(7, grayImage(90), "b"), frameAnswer(7, scored("b", 1))},
		{frame(8, nil), failedFrame(8, failure{invalid, fault.ReasonImageUnset, "frame.image"})},
		{frame(9, encoded([]byte("junk"))), failedFrame(9, failure{invalid, string(imaging.ReasonFormatUnknown), "frame.image"})},
		// References in place of images.
		{pair(10, grayImage(90), reference("b")), pairAnswer(10, 1)},
		{pair(11, reference("a"), reference("b")), pairAnswer(11, graySimilarity(100, 90))},
		{frame(12, reference("a"), "b"), frameAnswer(12, scored("b", graySimilarity(100, 90)))},
		{set("c", reference("a")), setAnswer("c")},
		{pair(13, grayEmbedding(100), reference("c")), pairAnswer(13, 1)},
		{pair(14, grayImage(1), reference("d")), failedFrame(14, unknown("pair.image_b.reference"))},
		{pair(15, &pb.Image{}, grayImage(1)), failedFrame(15, failure{invalid, fault.ReasonImageUnset, "pair.image_a"})},
		{pair(16, grayImage(1), encoded(header(50_000, 50_000))),
			failedFrame(16, failure{invalid, string(imaging.ReasonTooManyPixels), "pair.image_b"})},
		{drop("a"), dropAnswer("a")},
		{drop("a"), failedReference("a", unknown("drop_reference.name"))},
		{frame(17, grayImage(90), "a"), failedFrame(17, unknown("frame.references[0]"))},
		{&pb.StreamCompareRequest{}, failedItem(&pb.ItemFailed{}, failure{invalid, fault.ReasonMessageUnset, ""})},
		{&pb.StreamCompareRequest{Message: &pb.StreamCompareRequest_Opening{Opening: &pb.StreamOpening{}}},
			failedItem(&pb.ItemFailed{}, failure{codes.FailedPrecondition, fault.ReasonStreamAlreadyOpen, "opening"})},
		{frame(18, grayImage(90), "b"), frameAnswer(18, scored("b", 1))},
	}
	var want []*pb.StreamCompareResponse
	for _, exchange := range exchanges {
		want = append(want, exchange.want)
	}
	for _, policy := range []pb.DropPolicy{pb.DropPolicy_DROP_POLICY_NONE, pb.DropPolicy_DROP_POLICY_LATEST} {
		t.Run(policy.String(), func(t *testing.T) {
			r := serve(t, server.Config{}, &fakeModel{})
			c, _ := r.openStream(t.Context(), t, &pb.StreamOpening{DropPolicy: policy})
			for _, exchange := range exchanges {
				checkProto(t, exchange.want, c.ask(exchange.give), withoutTimings)
			}
			if rest, err := c.end(); len(rest) != 0 || err != nil {
				t.Errorf("end of stream = %v, %v, want OK", rest, err)
			}
		})
	}
	t.Run("all at once", func(t *testing.T) {
		r := serve(t, server.Config{}, &fakeModel{})
		c, _ := r.openStream(t.Context(), t, &pb.StreamOpening{})
		for _, exchange := range exchanges {
			c.send(exchange.give)
		}
		rest, err := c.end()
		if err != nil {
			t.Errorf("end of stream = %v, want OK", err)
		}
		checkProto(t, want, rest, withoutTimings)
	})
}

func TestStreamHoldsAsManyReferencesAsAllowed(t *testing.T) {
	r := serve(t, server.Config{MaxStreamReferences: 2}, &fakeModel{})
	c, _ := r.openStream(t.Context(), t, &pb.StreamOpening{Window: 1, References: []*pb.SetReference{
		{Name: "a", Image: grayImage(1)},
		{Name: "", Image: grayImage(1)},
		{Name: "bad"},
		{Name: "b", Image: grayImage(2)},
		{Name: "c", Image: grayImage(3)},
	}})
	tooMany := func(field string) failure { return failure{invalid, fault.ReasonTooManyReferences, field} }
	for _, want := range []*pb.StreamCompareResponse{
		setAnswer("a"),
		failedReference("", failure{invalid, fault.ReasonReferenceName, "opening.references[1].name"}),
		failedReference("bad", failure{invalid, fault.ReasonImageUnset, "opening.references[2].image"}),
		setAnswer("b"),
		failedReference("c", tooMany("opening.references[4]")),
	} {
		checkProto(t, want, c.receive(), withoutMessage)
	}
	checkProto(t, failedReference("c", tooMany("set_reference")), c.ask(set("c", grayImage(3))), withoutMessage)
	checkProto(t, setAnswer("a"), c.ask(set("a", grayImage(4))))
	checkProto(t, dropAnswer("b"), c.ask(drop("b")))
	checkProto(t, setAnswer("c"), c.ask(set("c", grayImage(3))))
}

func TestStreamSendsPreparedPicturesWhereAsked(t *testing.T) {
	r := serve(t, server.Config{}, &fakeModel{})
	c, _ := r.openStream(t.Context(), t, &pb.StreamOpening{Options: &pb.CompareOptions{IncludePrepared: true}})
	checkPrepared(t, c.ask(set("a", grayImage(40))).GetReferenceSet().GetPreparedPng(), 40)
	checkPrepared(t, c.ask(frame(1, grayImage(50))).GetFrameScored().GetPreparedPng(), 50)
	got := c.ask(pair(2, reference("a"), grayImage(60))).GetPairScored().GetScore()
	checkPrepared(t, got.GetPreparedAPng(), 40)
	checkPrepared(t, got.GetPreparedBPng(), 60)
}

func TestStreamKeepsOrderWhateverTheEncoderTakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const frames = 200
		random := rand.New(rand.NewPCG(7, 7))
		r := serve(t, server.Config{}, &fakeModel{maxBatch: 3, encode: func(context.Context, int) error {
			time.Sleep(time.Duration(random.IntN(50)) * time.Millisecond)
			return nil
		}})
		c, _ := r.openStream(t.Context(), t, &pb.StreamOpening{})
		c.ask(set("a", grayImage(0)))
		go func() {
			for id := range uint64(frames) {
				c.send(frame(id, encoded(noise(int(2+id%90), uint32(id)))))
			}
			_ = c.stream.CloseSend()
		}()
		rest, err := c.rest()
		var want []int
		for id := range frames {
			want = append(want, id)
		}
		if diff := cmp.Diff(want, idsOf(rest)); diff != "" || err != nil {
			t.Errorf("%v; ids (-want +got):\n%s", err, diff)
		}
	})
}

func TestStreamGoesOnAfterTheModelFails(t *testing.T) {
	for name, model := range modelFailures() {
		t.Run(name, func(t *testing.T) {
			r := serve(t, server.Config{}, model)
			c, _ := r.openStream(t.Context(), t, &pb.StreamOpening{})
			got := c.ask(pair(1, grayImage(1), grayImage(2)))
			checkProto(t, failedFrame(1, failure{codes.Internal, fault.ReasonInternal, ""}), got, withoutMessage)
			message := got.GetItemFailed().GetError().GetMessage()
			incident, found := strings.CutPrefix(message, "internal error, incident ")
			if !found || !strings.Contains(r.log.String(), "incident="+incident) {
				t.Errorf("message = %q, want an incident that the log has too", message)
			}
			checkProto(t, pairAnswer(2, graySimilarity(1, 2)), c.ask(pair(2, grayImage(1), grayImage(2))), withoutTimings)
		})
	}
}

func TestMessageOverTheLimitEndsTheStream(t *testing.T) {
	r := serve(t, server.Config{}, &fakeModel{})
	c, _ := r.openStream(t.Context(), t, &pb.StreamOpening{})
	c.send(frame(1, encoded(make([]byte, 17<<20))))
	_, err := c.rest()
	if got := failureOf(err).Code; got != codes.ResourceExhausted {
		t.Errorf("error = %v, want RESOURCE_EXHAUSTED", err)
	}
	r.checkAnswers(t)
}
