package server_test

import (
	"bytes"
	"image/png"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	pb "siamese/proto/siamese/v1"
	"siamese/server"
)

func TestCompare(t *testing.T) {
	tests := []struct {
		name        string
		giveA       *pb.Image
		giveB       *pb.Image
		giveOptions *pb.CompareOptions
		want        *pb.CompareResponse
		wantEncoded int
	}{
		{
			name: "two pictures", giveA: grayImage(0), giveB: grayImage(100),
			want:        &pb.CompareResponse{Similarity: graySimilarity(0, 100), Same: false, Threshold: threshold},
			wantEncoded: 2,
		},
		{
			name: "threshold of the caller's", giveA: grayImage(0), giveB: grayImage(100),
			giveOptions: &pb.CompareOptions{Threshold: proto.Float32(0.5)},
			want:        &pb.CompareResponse{Similarity: graySimilarity(0, 100), Same: true, Threshold: 0.5},
			wantEncoded: 2,
		},
		{
			name: "threshold of zero is not none", giveA: grayImage(0), giveB: grayImage(255),
			giveOptions: &pb.CompareOptions{Threshold: proto.Float32(0)},
			want:        &pb.CompareResponse{Similarity: graySimilarity(0, 255), Same: true, Threshold: 0},
			wantEncoded: 2,
		},
		{
			name: "the same file twice is encoded once", giveA: grayImage(9), giveB: grayImage(9),
			want:        &pb.CompareResponse{Similarity: 1, Same: true, Threshold: threshold},
			wantEncoded: 1,
		},
		{
			name: "the same pixels in other bytes are encoded once", giveA: grayImage(9), giveB: encoded(withComment(gray(9))),
			want:        &pb.CompareResponse{Similarity: 1, Same: true, Threshold: threshold},
			wantEncoded: 1,
		},
		{
			name: "raw and encoded pixels are encoded once", giveA: rawGray(9), giveB: grayImage(9),
			want:        &pb.CompareResponse{Similarity: 1, Same: true, Threshold: threshold},
			wantEncoded: 1,
		},
		{
			name: "raw pixels in colour", giveA: grayImage(50),
			giveB:       rawImage(inputSide, inputSide, pb.PixelFormat_PIXEL_FORMAT_RGB8, bytes.Repeat([]byte{80, 80, 80}, inputSide*inputSide)),
			want:        &pb.CompareResponse{Similarity: graySimilarity(50, 80), Same: true, Threshold: threshold},
			wantEncoded: 2,
		},
		{
			name: "an embedding is not encoded", giveA: grayEmbedding(50), giveB: grayImage(80),
			want:        &pb.CompareResponse{Similarity: graySimilarity(50, 80), Same: true, Threshold: threshold},
			wantEncoded: 1,
		},
		{
			name: "two embeddings", giveA: grayEmbedding(50), giveB: grayEmbedding(80),
			want:        &pb.CompareResponse{Similarity: graySimilarity(50, 80), Same: true, Threshold: threshold},
			wantEncoded: 0,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			model := &fakeModel{}
			r := serve(t, server.Config{}, model)
			got, err := r.Compare(t.Context(), &pb.CompareRequest{ImageA: tt.giveA, ImageB: tt.giveB, Options: tt.giveOptions})
			if err != nil {
				t.Fatal(err)
			}
			tt.want.Model = modelReference
			checkProto(t, tt.want, got, protocmp.IgnoreFields(&pb.CompareResponse{}, "timings"))
			if model.encodedImages() != tt.wantEncoded {
				t.Errorf("%d images were encoded, want %d", model.encodedImages(), tt.wantEncoded)
			}
		})
	}
}

func TestCompareIsSymmetric(t *testing.T) {
	r := serve(t, server.Config{}, &fakeModel{})
	a, b := encoded(noise(40, 1)), encoded(noise(30, 2))
	forth, err := r.Compare(t.Context(), &pb.CompareRequest{ImageA: a, ImageB: b})
	if err != nil {
		t.Fatal(err)
	}
	back, err := r.Compare(t.Context(), &pb.CompareRequest{ImageA: b, ImageB: a})
	if err != nil {
		t.Fatal(err)
	}
	if forth.GetSimilarity() != back.GetSimilarity() {
		t.Errorf("Compare(a, b) = %v, Compare(b, a) = %v", forth.GetSimilarity(), back.GetSimilarity())
	}
}

func TestCompareSendsPreparedPicturesWhereAsked(t *testing.T) {
	r := serve(t, server.Config{}, &fakeModel{})
	got, err := r.Compare(t.Context(), &pb.CompareRequest{
		ImageA: encoded(grayOf(40, 30, 77)), ImageB: grayEmbedding(3),
		Options: &pb.CompareOptions{IncludePrepared: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	checkPrepared(t, got.GetPreparedAPng(), 77)
	if len(got.GetPreparedBPng()) != 0 {
		t.Errorf("an embedding came with a picture of %d bytes", len(got.GetPreparedBPng()))
	}
}

// checkPrepared checks for a picture in one level of grey at the input's size.
func checkPrepared(t *testing.T, file []byte, level uint32) {
	t.Helper()
	picture, err := png.Decode(bytes.NewReader(file))
	if err != nil {
		t.Fatalf("prepared picture of %d bytes: %v", len(file), err)
	}
	if size := picture.Bounds().Size(); size.X != inputSide || size.Y != inputSide {
		t.Errorf("prepared picture is %v, want %dx%[2]d", size, inputSide)
	}
	if r, _, _, _ := picture.At(5, 5).RGBA(); r>>8 != level {
		t.Errorf("prepared picture's level is %d, want %d", r>>8, level)
	}
}

func TestCompareTellsTimings(t *testing.T) {
	r := serve(t, server.Config{}, &fakeModel{})
	got, err := r.Compare(t.Context(), &pb.CompareRequest{ImageA: encoded(noise(200, 1)), ImageB: encoded(noise(200, 2))})
	if err != nil {
		t.Fatal(err)
	}
	timings := got.GetTimings()
	for stage, d := range map[string]int64{
		"decode": int64(timings.GetDecode().AsDuration()),
		"queue":  int64(timings.GetQueue().AsDuration()),
		"encode": int64(timings.GetEncode().AsDuration()),
		"total":  int64(timings.GetTotal().AsDuration()),
	} {
		if d <= 0 {
			t.Errorf("%s took %d ns, want more than 0", stage, d)
		}
	}
	if timings.GetEncode().AsDuration() > timings.GetTotal().AsDuration() {
		t.Errorf("encode took %v, longer than the total %v", timings.GetEncode().AsDuration(), timings.GetTotal().AsDuration())
	}
}
