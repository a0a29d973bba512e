package server_test

import (
	"math"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"siamese/imaging"
	pb "siamese/proto/siamese/v1"
	"siamese/server"
)

// FuzzImageRequest sends whatever parses as an Image: it has to come back as an
// embedding or as a fault of the image's, never as one of the server's.
func FuzzImageRequest(f *testing.F) {
	seeds := []*pb.Image{
		{}, grayImage(3), encoded(gray(3)[:40]), encoded(header(50_000, 50_000)), encoded([]byte("GIF89a")),
		rawGray(3), rawImage(math.MaxUint32, 1, pb.PixelFormat_PIXEL_FORMAT_RGB8, []byte{1}),
		grayEmbedding(3), embedding("", 1), reference("a"),
	}
	for _, seed := range seeds {
		data, err := proto.Marshal(seed)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	limits := imaging.Limits{MaxBytes: 1 << 16, MaxPixels: 1 << 16}
	f.Fuzz(func(t *testing.T, data []byte) {
		image := new(pb.Image)
		if proto.Unmarshal(data, image) != nil {
			return
		}
		r := serve(t, server.Config{Limits: limits}, &fakeModel{})
		got, err := r.Embed(t.Context(), &pb.EmbedRequest{Images: []*pb.Image{image}})
		if err != nil {
			t.Fatalf("Embed = %v, want an answer for the image", err)
		}
		result := got.GetResults()[0]
		if n := len(result.GetEmbedding().GetValues()); result.GetError() == nil && n != embeddingLength {
			t.Errorf("embedding of %d numbers, want %d", n, embeddingLength)
		}
		if e := result.GetError(); e != nil && (codes.Code(e.GetCode()) == codes.Internal || e.GetReason() == "") {
			t.Errorf("error %v, want one of the image's", e)
		}
	})
}
