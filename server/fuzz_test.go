package server_test

import (
	"math"
	"net/http"
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

// FuzzJSONRequest sends bodies over HTTP, packed or not: each has to be answered or
// refused as its caller's, in few words.
func FuzzJSONRequest(f *testing.F) {
	for _, seed := range []string{
		``, `{}`, `{"imageA":{"encoded":"AA=="},"imageB":{"raw":{"width":1,"height":1,"format":"PIXEL_FORMAT_GRAY8","data":"AA=="}}}`,
		`{"imageA":{"embedding":{"values":[1,"NaN",1e99],"modelDigest":"x"}},"options":{"threshold":-1}}`, `{"imageA":`, `[`, `{"imageA":{"reference":"\ud800"}}`,
		"\x1f\x8b\x08\x00\x00\x00\x00\x00",
		`{"imageA":{"encoded":"data:image\/png;base64,AA\r\n-_\u002b="},"image_b":{"raw":{"data":"A%"}}}`, "\xef\xbb\xbf{\"imageA\":[[{\"encoded\":\"AA\n",
	} {
		f.Add([]byte(seed), "application/json", "")
		f.Add([]byte(seed), "application/json", "gzip")
		f.Add([]byte(seed), "Text/JSON; charset='utf8', application/vnd.x+json;", "")
		f.Add(append([]byte{0, 0, 0, 0, byte(len(seed))}, seed...), "application/grpc-web+json", "")
		f.Add(append([]byte{1, 0, 0, 0, byte(len(seed))}, seed...), "application/grpc-web+proto", "gzip")
	}
	const longest = 2 << 10 // of an answer
	f.Fuzz(func(t *testing.T, body []byte, kind, encoding string) {
		if !validHeader(kind) || !validHeader(encoding) {
			return
		}
		h := serveHTTP(t, server.Config{MaxMessageBytes: 1 << 16}, server.HTTPConfig{}, &fakeModel{})
		got := h.do(t, http.MethodPost, comparePath, body, "Content-Type", kind, "Content-Encoding", encoding, "Grpc-Encoding", encoding)
		fails := got.Status == http.StatusInternalServerError || got.Status == http.StatusBadGateway
		if fails || got.Header.Get("Grpc-Status") == "13" || len(got.Body) > longest {
			t.Errorf("%q as %q, %q = %d, gRPC %s, %d bytes: %.300s", body, kind, encoding, got.Status, got.Header.Get("Grpc-Status"), len(got.Body), got.Body)
		}
	})
}

// validHeader reports whether a client sends such a value at all.
func validHeader(value string) bool {
	for _, c := range []byte(value) {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return true
}
