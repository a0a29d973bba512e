package server_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	pb "siamese/proto/siamese/v1"
)

// streamClient is a client's end of a stream.
type streamClient struct {
	t      *testing.T
	stream grpc.BidiStreamingClient[pb.StreamCompareRequest, pb.StreamCompareResponse]
}

// openStream opens a stream and takes the answer to its opening.
func (r *running) openStream(ctx context.Context, t *testing.T, opening *pb.StreamOpening) (*streamClient, *pb.StreamOpened) {
	t.Helper()
	c := r.bareStream(ctx, t)
	c.send(&pb.StreamCompareRequest{Message: &pb.StreamCompareRequest_Opening{Opening: opening}})
	opened := c.receive().GetOpened()
	if opened == nil {
		t.Fatal("the opening was not answered by opened")
	}
	return c, opened
}

// bareStream starts one that is not opened yet.
func (r *running) bareStream(ctx context.Context, t *testing.T) *streamClient {
	t.Helper()
	stream, err := r.StreamCompare(ctx)
	if err != nil {
		t.Fatalf("StreamCompare: %v", err)
	}
	return &streamClient{t: t, stream: stream}
}

func (c *streamClient) send(message *pb.StreamCompareRequest) {
	c.t.Helper()
	if err := c.stream.Send(message); err != nil {
		c.t.Fatalf("Send: %v", err)
	}
}

func (c *streamClient) receive() *pb.StreamCompareResponse {
	c.t.Helper()
	response, err := c.stream.Recv()
	if err != nil {
		c.t.Fatalf("Recv: %v", err)
	}
	return response
}

// ask sends a message and takes the one that answers it.
func (c *streamClient) ask(message *pb.StreamCompareRequest) *pb.StreamCompareResponse {
	c.t.Helper()
	c.send(message)
	return c.receive()
}

// end ends the client's side and returns what came until the stream's end, and
// that end: nil for OK.
func (c *streamClient) end() ([]*pb.StreamCompareResponse, error) {
	c.t.Helper()
	if err := c.stream.CloseSend(); err != nil {
		c.t.Fatalf("CloseSend: %v", err)
	}
	return c.rest()
}

func (c *streamClient) rest() ([]*pb.StreamCompareResponse, error) {
	var rest []*pb.StreamCompareResponse
	for {
		response, err := c.stream.Recv()
		if errors.Is(err, io.EOF) {
			return rest, nil
		}
		if err != nil {
			return rest, err
		}
		rest = append(rest, response)
	}
}

// set names the image's level, so that a reference is told by what it holds.
func set(name string, image *pb.Image) *pb.StreamCompareRequest {
	return &pb.StreamCompareRequest{Message: &pb.StreamCompareRequest_SetReference{
		SetReference: &pb.SetReference{Name: name, Image: image},
	}}
}

func drop(name string) *pb.StreamCompareRequest {
	return &pb.StreamCompareRequest{Message: &pb.StreamCompareRequest_DropReference{
		DropReference: &pb.DropReference{Name: name},
	}}
}

// capturedAt is a time that belongs to an id.
func capturedAt(id uint64) *timestamppb.Timestamp {
	return timestamppb.New(time.Unix(int64(id), 5))
}

func frame(id uint64, image *pb.Image, references ...string) *pb.StreamCompareRequest {
	return &pb.StreamCompareRequest{Message: &pb.StreamCompareRequest_Frame{
		Frame: &pb.Frame{Id: id, CapturedAt: capturedAt(id), Image: image, References: references},
	}}
}

func pair(id uint64, a, b *pb.Image) *pb.StreamCompareRequest {
	return &pb.StreamCompareRequest{Message: &pb.StreamCompareRequest_Pair{
		Pair: &pb.FramePair{Id: id, CapturedAt: capturedAt(id), ImageA: a, ImageB: b},
	}}
}

// idsOf lists the ids of frames and pairs in the order of their answers; the
// ids of dropped frames come with a minus.
func idsOf(responses []*pb.StreamCompareResponse) []int {
	var ids []int
	for _, response := range responses {
		switch m := response.GetMessage().(type) {
		case *pb.StreamCompareResponse_FrameScored:
			ids = append(ids, int(m.FrameScored.GetId()))
		case *pb.StreamCompareResponse_PairScored:
			ids = append(ids, int(m.PairScored.GetId()))
		case *pb.StreamCompareResponse_ItemFailed:
			ids = append(ids, int(m.ItemFailed.GetId()))
		case *pb.StreamCompareResponse_FramesDropped:
			for _, id := range m.FramesDropped.GetIds() {
				ids = append(ids, -int(id))
			}
		}
	}
	return ids
}

func setAnswer(name string) *pb.StreamCompareResponse {
	return &pb.StreamCompareResponse{Message: &pb.StreamCompareResponse_ReferenceSet{
		ReferenceSet: &pb.ReferenceSet{Name: name},
	}}
}

func dropAnswer(name string) *pb.StreamCompareResponse {
	return &pb.StreamCompareResponse{Message: &pb.StreamCompareResponse_ReferenceDropped{
		ReferenceDropped: &pb.ReferenceDropped{Name: name},
	}}
}

func frameAnswer(id uint64, scores ...*pb.ReferenceScore) *pb.StreamCompareResponse {
	return &pb.StreamCompareResponse{Message: &pb.StreamCompareResponse_FrameScored{
		FrameScored: &pb.FrameScored{Id: id, CapturedAt: capturedAt(id), Scores: scores},
	}}
}

func scored(name string, similarity float32) *pb.ReferenceScore {
	return &pb.ReferenceScore{Reference: name, Similarity: similarity, Same: similarity >= threshold}
}

func pairAnswer(id uint64, similarity float32) *pb.StreamCompareResponse {
	return &pb.StreamCompareResponse{Message: &pb.StreamCompareResponse_PairScored{
		PairScored: &pb.PairScored{
			Id: id, CapturedAt: capturedAt(id),
			Score: &pb.PairScore{Similarity: similarity, Same: similarity >= threshold},
		},
	}}
}

// failedFrame and failedReference answer messages that failed.
func failedFrame(id uint64, f failure) *pb.StreamCompareResponse {
	return failedItem(&pb.ItemFailed{Item: &pb.ItemFailed_Id{Id: id}, CapturedAt: capturedAt(id)}, f)
}

func failedReference(name string, f failure) *pb.StreamCompareResponse {
	return failedItem(&pb.ItemFailed{Item: &pb.ItemFailed_Reference{Reference: name}}, f)
}

func failedItem(item *pb.ItemFailed, f failure) *pb.StreamCompareResponse {
	item.Error = &pb.ItemError{Code: int32(f.Code), Reason: f.Reason, Field: f.Field}
	return &pb.StreamCompareResponse{Message: &pb.StreamCompareResponse_ItemFailed{ItemFailed: item}}
}
