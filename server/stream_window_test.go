package server_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	pb "siamese/proto/siamese/v1"
	"siamese/server"
)

const (
	none   = pb.DropPolicy_DROP_POLICY_NONE
	latest = pb.DropPolicy_DROP_POLICY_LATEST
)

// gatedStream is a stream of window 1 with a reference, on a server whose
// encoder is blocked.
func gatedStream(t *testing.T, policy pb.DropPolicy) (*streamClient, *fakeModel, gate) {
	t.Helper()
	blocked := make(gate)
	model := &fakeModel{encode: blocked.encode}
	r := serve(t, server.Config{}, model)
	c, _ := r.openStream(t.Context(), t, &pb.StreamOpening{
		Window: 1, DropPolicy: policy,
		References: []*pb.SetReference{{Name: "a", Image: grayEmbedding(0)}},
	})
	c.receive()
	return c, model, blocked
}

func ids(from, to int) []int {
	var all []int
	for id := from; id <= to; id++ {
		all = append(all, id)
	}
	return all
}

func TestLatestReplacesTheWaitingFrameBeforeItIsDecoded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, model, blocked := gatedStream(t, latest)
		c.send(frame(1, grayImage(1)))
		synctest.Wait()
		c.send(frame(2, grayImage(2)))
		c.send(frame(3, encoded([]byte("would fail if anyone looked")))) // dropped unseen
		c.send(frame(4, grayImage(4)))
		synctest.Wait()
		if got := model.encodedImages(); got != 1 {
			t.Errorf("%d images went to the encoder while it was blocked, want 1", got)
		}
		// Nothing more is sent: the waiting frame has to start by itself.
		blocked.open()
		var got []*pb.StreamCompareResponse
		for range 3 {
			got = append(got, c.receive())
		}
		if diff := cmp.Diff([]int{1, -2, -3, 4}, idsOf(got)); diff != "" {
			t.Errorf("answers, dropped ones with a minus (-want +got):\n%s", diff)
		}
		if got := model.encodedImages(); got != 2 {
			t.Errorf("%d images were encoded, want 2", got)
		}
		if rest, err := c.end(); len(rest) != 0 || err != nil {
			t.Errorf("end of stream = %v, %v, want OK", rest, err)
		}
	})
}

func TestLatestDropsFramesAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _, blocked := gatedStream(t, latest)
		c.send(frame(1, grayImage(1)))
		synctest.Wait()
		for id := uint64(2); id <= 10; id++ {
			if id%3 == 0 {
				c.send(pair(id, grayImage(1), reference("a")))
			} else {
				c.send(frame(id, grayImage(byte(id))))
			}
		}
		synctest.Wait()
		blocked.open()
		rest, err := c.end()
		if err != nil {
			t.Errorf("end of stream = %v, want OK", err)
		}
		var order []int // without the minus, every id is there and in its place
		for _, id := range idsOf(rest) {
			if id < 0 && -id%3 == 0 {
				t.Errorf("pair %d was dropped", -id)
			}
			order = append(order, max(id, -id))
		}
		if diff := cmp.Diff(ids(1, 10), order); diff != "" {
			t.Errorf("answered or dropped (-want +got):\n%s", diff)
		}
		// While the encoder was blocked the pair stood behind frame 2.
		if got := idsOf(rest)[1]; got != 2 {
			t.Errorf("second answer is for %d, want 2", got)
		}
	})
}

func TestLatestAnswersTheWaitingFrameAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _, blocked := gatedStream(t, latest)
		for id := range uint64(3) {
			c.send(frame(id, grayImage(byte(id))))
			synctest.Wait()
		}
		_ = c.stream.CloseSend()
		synctest.Wait()
		blocked.open()
		rest, err := c.rest()
		if diff := cmp.Diff([]int{0, -1, 2}, idsOf(rest)); diff != "" || err != nil {
			t.Errorf("%v; answers (-want +got):\n%s", err, diff)
		}
	})
}

func TestLatestReportsAtMost1024FramesInOneMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _, blocked := gatedStream(t, latest)
		const frames = 1100
		go func() {
			for id := range uint64(frames) {
				c.send(frame(id+1, grayEmbeddingSlow(id)))
			}
			_ = c.stream.CloseSend()
		}()
		synctest.Wait()
		blocked.open()
		rest, err := c.rest()
		if err != nil {
			t.Fatal(err)
		}
		var order []int
		for _, id := range idsOf(rest) {
			order = append(order, max(id, -id))
		}
		if diff := cmp.Diff(ids(1, frames), order); diff != "" {
			t.Errorf("answered or dropped (-want +got):\n%s", diff)
		}
		if got := len(rest[1].GetFramesDropped().GetIds()); got != 1024 {
			t.Errorf("the first report has %d ids, want 1024", got)
		}
	})
}

// grayEmbeddingSlow is an image for the first frame, which blocks in the
// encoder, and an embedding, which is small, for the others.
func grayEmbeddingSlow(id uint64) *pb.Image {
	if id == 0 {
		return grayImage(0)
	}
	return grayEmbedding(byte(id))
}

func TestNoneStopsReadingAndLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _, blocked := gatedStream(t, none)
		const frames = 100
		file := noise(100, 1) // about 30 KB: two fill the connection's buffers
		var sent atomic.Int32
		go func() {
			for id := range uint64(frames) {
				c.send(frame(id+1, encoded(file)))
				sent.Add(1)
			}
			_ = c.stream.CloseSend()
		}()
		synctest.Wait()
		if got := sent.Load(); got > 12 {
			t.Errorf("%d of %d frames could be sent while the first was under way: the server reads on", got, frames)
		}
		blocked.open()
		rest, err := c.rest()
		if diff := cmp.Diff(ids(1, frames), idsOf(rest)); diff != "" || err != nil {
			t.Errorf("%v; ids (-want +got):\n%s", err, diff)
		}
	})
}

// A client that sends and does not read must not make the server work ahead:
// its replies would pile up.
func TestSlowReaderIsReadSlowly(t *testing.T) {
	for _, policy := range []pb.DropPolicy{none, latest} {
		t.Run(policy.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { testSlowReader(t, policy) })
		})
	}
}

func testSlowReader(t *testing.T, policy pb.DropPolicy) {
	model := &fakeModel{}
	r := serve(t, server.Config{}, model)
	c, _ := r.openStream(t.Context(), t, &pb.StreamOpening{
		DropPolicy: policy,
		Options:    &pb.CompareOptions{IncludePrepared: true},
		References: []*pb.SetReference{{Name: "a", Image: grayEmbedding(0)}},
	})
	const frames = 400
	go func() {
		for id := range uint64(frames) {
			c.send(frame(id+1, encoded(noise(inputSide, uint32(id)))))
		}
		_ = c.stream.CloseSend()
	}()
	synctest.Wait()
	// A reply has about 1 KB; some 64 KB wait in the client's receive window and
	// as much on the way.
	if got := model.encodedImages(); got > 200 {
		t.Errorf("%d of %d frames were encoded for a client that reads nothing", got, frames)
	}
	rest, err := c.rest()
	var order []int
	for _, id := range idsOf(rest) {
		order = append(order, max(id, -id))
	}
	if diff := cmp.Diff(ids(1, frames), order); diff != "" || err != nil {
		t.Errorf("%v; answered or dropped (-want +got):\n%s", err, diff)
	}
}

func TestStreamWaitsForRoomInTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		blocked := make(gate)
		r := serve(t, smallQueue, &fakeModel{encode: blocked.encode, maxBatch: 1})
		unary := make(chan error, 2)
		for _, images := range [][]*pb.Image{{grayImage(1)}, {grayImage(2), grayImage(3)}} {
			go func() { unary <- r.call(t.Context(), &pb.EmbedRequest{Images: images}) }()
			synctest.Wait()
		}
		c, _ := r.openStream(t.Context(), t, &pb.StreamOpening{})
		for id := range uint64(5) {
			c.send(pair(id, grayImage(byte(id)), grayImage(200)))
		}
		synctest.Wait()
		blocked.open()
		for id := range uint64(5) {
			checkProto(t, pairAnswer(id, graySimilarity(byte(id), 200)), c.receive(), withoutTimings)
		}
		for range 2 {
			if err := <-unary; err != nil {
				t.Errorf("unary call = %v, want none", err)
			}
		}
	})
}

func TestVanishedClientLeavesNothingBehind(t *testing.T) {
	for _, policy := range []pb.DropPolicy{none, latest} {
		t.Run(policy.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { testVanishedClient(t, policy) })
		})
	}
}

func testVanishedClient(t *testing.T, policy pb.DropPolicy) {
	blocked := make(gate)
	model := &fakeModel{encode: blocked.encode, maxBatch: 1}
	r := serve(t, server.Config{}, model)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	c, _ := r.openStream(ctx, t, &pb.StreamOpening{Window: 3, DropPolicy: policy})
	for id := range uint64(6) {
		c.send(frame(id, grayImage(byte(id))))
	}
	synctest.Wait()
	cancel()
	synctest.Wait()
	// The encoder is still blocked, yet the stream has ended; that no goroutine
	// is left is what synctest itself checks at the end.
	want := fmt.Sprintf("rpc=%s code=Canceled", pb.SiameseService_StreamCompare_FullMethodName)
	if !strings.Contains(r.log.String(), want) {
		t.Errorf("the log has no %q:\n%s", want, r.log)
	}
	blocked.open()
	r.checkAnswers(t)
	if got := model.encodedImages(); got != 1+2 {
		t.Errorf("%d images were encoded, want 3: one under way and those of the good call", got)
	}
}
