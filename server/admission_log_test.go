package server_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "siamese/proto/siamese/v1"
	"siamese/server"
)

// secretPixels are bytes that nothing else of a log looks like.
var secretPixels = []byte("Secret-Pixels-7f3a9c")

// inLog lists the ways in which a log could hold bytes.
func inLog(data []byte) map[string]string {
	numbers := strings.Trim(fmt.Sprintf("%d", data), "[]")
	const group = 12 // bytes that are whole groups of base64 wherever they begin
	return map[string]string{
		"as they are":  string(data),
		"quoted":       strings.Trim(fmt.Sprintf("%q", data), `"`),
		"in base64":    base64.StdEncoding.EncodeToString(data[:group]),
		"in base64 +1": base64.StdEncoding.EncodeToString(data[1 : 1+group]),
		"in base64 +2": base64.StdEncoding.EncodeToString(data[2 : 2+group]),
		"in hex":       hex.EncodeToString(data),
		"as numbers":   numbers,
		"in Go":        strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("%#v", data), "[]byte{"), "}"),
	}
}

// secretImages are images that hold the secret: good ones and bad ones.
func secretImages() map[string]*pb.Image {
	pixels := bytes.Repeat(secretPixels, inputSide*inputSide*3/len(secretPixels)+1)[:inputSide*inputSide*3]
	return map[string]*pb.Image{
		"good":              rawImage(inputSide, inputSide, pb.PixelFormat_PIXEL_FORMAT_RGB8, pixels),
		"good with a tail":  encoded(append(gray(7), secretPixels...)),
		"of no format":      encoded(secretPixels),
		"truncated":         encoded(append(noise(40, 1)[:500:500], secretPixels...)),
		"raw, too short":    rawImage(inputSide, inputSide, pb.PixelFormat_PIXEL_FORMAT_RGB8, secretPixels),
		"broken inside":     encoded(append(header(16, 16), secretPixels...)),
		"of vast size":      encoded(append(header(50_000, 50_000), secretPixels...)),
		"a reference by it": reference(string(secretPixels)),
	}
}

// TestLogHoldsNoImageBytes: at the level that tells most, for calls that
// succeed, that are refused and that the model fails, over gRPC, over HTTP and
// on a stream.
func TestLogHoldsNoImageBytes(t *testing.T) {
	failures := map[string]func(context.Context, int) error{
		"model answers": nil,
		"model fails":   func(context.Context, int) error { return errModel },
		"model panics":  func(context.Context, int) error { panic("out of luck") },
	}
	for name, encode := range failures {
		t.Run(name, func(t *testing.T) {
			h := serveHTTP(t, server.Config{}, server.HTTPConfig{}, &fakeModel{encode: encode})
			seen := make(map[codes.Code]int)
			for _, image := range secretImages() {
				_, err := h.Compare(t.Context(), compareRequest(image, grayImage(9)))
				seen[status.Code(err)]++
				_, _ = callOver[pb.CompareRequest, pb.CompareResponse](t.Context(), h, comparePath, compareRequest(image, grayImage(8)), connect.WithProtoJSON())
				c, _ := h.openStream(t.Context(), t, &pb.StreamOpening{})
				c.ask(pair(1, image, grayImage(7)))
				_, _ = c.end()
			}
			h.do(t, http.MethodPost, comparePath, secretPixels, "Content-Type", "application/json")
			h.do(t, http.MethodPost, comparePath, secretPixels, "Content-Type", "application/proto")
			if err := h.stop(); err != nil {
				t.Fatal(err)
			}
			if seen[codes.InvalidArgument] == 0 || (seen[codes.OK] == 0) != (encode != nil) || (seen[codes.Internal] == 0) != (encode == nil) {
				t.Errorf("calls ended with %v, want refused ones, and good ones or failed ones", seen)
			}
			log := h.log.String()
			if strings.Count(log, "msg=call ") < 3*len(secretImages()) {
				t.Errorf("the log tells of too few calls:\n%s", log)
			}
			for form, text := range inLog(secretPixels) {
				if strings.Contains(log, text) {
					t.Errorf("the log holds image bytes %s:\n%s", form, log)
				}
			}
		})
	}
}
