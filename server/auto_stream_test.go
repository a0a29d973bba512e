package server_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	pb "siamese/proto/siamese/v1"
	"siamese/server"
	"siamese/server/internal/fault"
)

func TestAutoStream(t *testing.T) {
	r := serveAuto(t, server.Config{})
	c, opened := r.openStream(t.Context(), t, &pb.StreamOpening{})
	checkProto(t, &pb.StreamOpened{Window: 8, MaxReferences: 16, Threshold: threshold, Model: modelReference}, opened)
	light := func(name string, a, b byte) *pb.ReferenceScore {
		return &pb.ReferenceScore{
			Reference: name, Similarity: lightSimilarity(a, b), Same: lightSimilarity(a, b) >= lightThreshold, Model: lightReference,
		}
	}
	steps := []struct {
		name        string
		give        *pb.StreamCompareRequest
		want        *pb.StreamCompareResponse
		dark, light int // images encoded
	}{
		{"a reference by both", set("black", grayImage(0)), referenceSet("black", darkly(0), ""), 1, 1},
		{"another one", set("white", grayImage(255)), referenceSet("white", lightly(255), ""), 1, 1},
		{
			"a frame that the first knows", frame(1, grayImage(100), "black"),
			frameTold(1, darkly(100), "", scored("black", graySimilarity(100, 0))), 1, 0,
		},
		{
			"a frame that is foreign to the first", frame(2, grayImage(250), "white"),
			frameTold(2, lightly(250), "", light("white", 250, 255)), 1, 1,
		},
		{
			"against both", frame(3, grayImage(240), "black", "white"),
			// With black the dark model knows the frame by 0.059, the light one black by 0.
			frameTold(3, lightly(240), "", foreign(scored("black", graySimilarity(240, 0))), light("white", 240, 255)), 1, 1,
		},
		{
			"a pair", pair(4, grayImage(230), grayImage(235)),
			&pb.StreamCompareResponse{Message: &pb.StreamCompareResponse_PairScored{PairScored: &pb.PairScored{
				Id: 4, CapturedAt: capturedAt(4), Score: scoreOf(compared(true, 230, 235, ""), lightReference),
			}}}, 2, 2,
		},
		{
			"a pair with a reference", pair(5, reference("white"), grayImage(236)),
			&pb.StreamCompareResponse{Message: &pb.StreamCompareResponse_PairScored{PairScored: &pb.PairScored{
				Id: 5, CapturedAt: capturedAt(5), Score: scoreOf(compared(true, 255, 236, ""), lightReference),
			}}}, 1, 1,
		},
		{"a reference as an embedding", set("light", lightEmbedding(120)), referenceSet("light", lightly(120), ""), 0, 0},
		{
			"a frame that the first knows, against it", frame(6, grayImage(101), "light"),
			frameTold(6, lightly(101), "", light("light", 101, 120)), 1, 1,
		},
		{
			"an embedding as a frame, of the same model", frame(7, lightEmbedding(130), "light", "white"),
			frameTold(7, lightly(130), "", light("light", 130, 120), light("white", 130, 255)), 0, 0,
		},
		{
			"of another model", frame(8, grayEmbedding(130), "white", "light"),
			failedFrame(8, failure{codes.FailedPrecondition, fault.ReasonModelMismatch, "frame.image"}), 0, 0,
		},
		{
			"a pair of two models' embeddings", pair(9, grayEmbedding(1), reference("light")),
			failedFrame(9, failure{codes.FailedPrecondition, fault.ReasonModelMismatch, "pair.image_b"}), 0, 0,
		},
		{
			"an embedding of neither", set("x", embedding("other", 1)),
			failedReference("x", failure{codes.FailedPrecondition, fault.ReasonModelMismatch, "set_reference.image"}), 0, 0,
		},
	}
	for _, step := range steps {
		t.Run(step.name, func(t *testing.T) {
			checkProto(t, step.want, c.ask(step.give), withoutTimings)
			r.checkEncoded(t, step.dark, step.light)
		})
	}
	if rest, err := c.end(); len(rest) != 0 || err != nil {
		t.Errorf("end of stream = %v, %v, want OK", rest, err)
	}
}

// TestAutoStreamIsCompareOfEachPair: a frame's scores are those of unary calls, though
// references are encoded by all models.
func TestAutoStreamIsCompareOfEachPair(t *testing.T) {
	r := serveAuto(t, server.Config{})
	c, _ := r.openStream(t.Context(), t, &pb.StreamOpening{})
	images := make(map[string]*pb.Image)
	for level := 0; level < 256; level += 51 {
		name := fmt.Sprint(level)
		images[name] = grayImage(byte(level))
		if got := c.ask(set(name, images[name])).GetReferenceSet(); got.GetFamiliarity().GetForeign() {
			t.Errorf("reference of level %d: %v, want it known to one of the models", level, got)
		}
	}
	for level := 0; level < 256; level += 15 {
		frame := c.ask(frame(uint64(level), grayImage(byte(level)))).GetFrameScored()
		for _, score := range frame.GetScores() {
			alone, err := r.Compare(t.Context(), compareRequest(grayImage(byte(level)), images[score.GetReference()]))
			if err != nil {
				t.Fatal(err)
			}
			want := &pb.ReferenceScore{
				Reference: score.GetReference(), Similarity: alone.GetSimilarity(), Same: alone.GetSame(),
				// Foreign may be the frame to this model, while it is known to another one.
				Foreign: alone.GetFamiliarityB().GetForeign() || alone.GetFamiliarityA().GetForeign() && !frame.GetFamiliarity().GetForeign(),
			}
			if alone.GetModel().GetDigest() != modelDigest {
				want.Model = alone.GetModel()
			}
			checkProto(t, want, score)
		}
	}
	if _, err := c.end(); err != nil {
		t.Error(err)
	}
}

// TestAutoStreamOfEmbeddings: where all references are embeddings of one model, frames
// are encoded by that alone.
func TestAutoStreamOfEmbeddings(t *testing.T) {
	r := serveAuto(t, server.Config{})
	c, _ := r.openStream(t.Context(), t, &pb.StreamOpening{
		References: []*pb.SetReference{{Name: "a", Image: lightEmbedding(200)}},
		Options:    &pb.CompareOptions{IncludePrepared: true, Threshold: proto.Float32(0.5)},
	})
	c.receive()
	got := c.ask(frame(1, grayImage(100))).GetFrameScored()
	checkSide(t, got.GetPreparedPng(), lightSide)
	checkProto(t, []*pb.ReferenceScore{{
		Reference: "a", Similarity: lightSimilarity(100, 200), Same: true, Model: lightReference,
	}}, got.GetScores())
	r.checkEncoded(t, 0, 1)
	for level, side := range map[byte]int{10: inputSide, 250: lightSide} {
		checkSide(t, c.ask(set("b", grayImage(level))).GetReferenceSet().GetPreparedPng(), side)
		got := c.ask(frame(2, encoded(withComment(gray(level))), "b")).GetFrameScored()
		checkSide(t, got.GetPreparedPng(), side)
	}
	if _, err := c.end(); err != nil {
		t.Error(err)
	}
}

// TestAutoStreamWaitsForItsSecondModel: a full queue slows it down.
func TestAutoStreamWaitsForItsSecondModel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, registry, blocked := blockedLight(t)
		c, _ := r.openStream(t.Context(), t, &pb.StreamOpening{
			References: []*pb.SetReference{{Name: "a", Image: grayEmbedding(0)}},
		})
		c.receive()
		for id := range uint64(20) {
			c.send(frame(id, grayImage(byte(210+id))))
		}
		synctest.Wait()
		blocked.open()
		for id := range uint64(20) {
			if got := c.receive().GetFrameScored(); got.GetId() != id || len(got.GetScores()) != 1 {
				t.Errorf("answer %d = %v, want a score", id, got)
			}
		}
		if _, err := c.end(); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		checkEmptyQueues(t, registry)
	})
}

// TestAutoStreamEndsWithEitherModel: it is told when one of its models is to go, and
// holds both until it has ended.
func TestAutoStreamEndsWithEitherModel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := serveAuto(t, server.Config{})
		c, _ := r.openStream(t.Context(), t, &pb.StreamOpening{})
		next := lightInfo()
		next.Version = "lighter"
		if err := errors.Join(r.server.AddModel(&lightModel{}, next), r.server.Router("light").Route(next.Version, nil)); err != nil {
			t.Fatal(err)
		}
		wait, err := r.server.RemoveModel("light", "light")
		if err != nil {
			t.Fatal(err)
		}
		gone := make(chan struct{})
		go func() { wait(); close(gone) }()
		if c.receive().GetDraining() == nil {
			t.Error("the stream was not told that one of its models is to go")
		}
		synctest.Wait()
		select {
		case <-gone:
			t.Error("the model is gone while a stream is on it")
		default:
		}
		if _, err := c.rest(); failureOf(err).Reason != fault.ReasonDraining {
			t.Errorf("end of stream = %v, want %s", err, fault.ReasonDraining)
		}
		<-gone
		got, err := r.Compare(t.Context(), compareRequest(grayImage(250), grayImage(240)))
		if err != nil || got.GetModel().GetVersion() != next.Version {
			t.Errorf("Compare = %v, %v; want an answer of version %q", got, err, next.Version)
		}
	})
}
