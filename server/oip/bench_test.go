package oip_test

import (
	"testing"

	pb "siamese/proto/siamese/v1"
	"siamese/server"
)

// The two benchmarks are of the same pair with a network that costs next to nothing, so
// that what is left is what the calls cost.

func BenchmarkModelInfer(b *testing.B) {
	r, dark, light := serve(b, server.Config{}), gray(1), gray(200)
	for b.Loop() {
		if _, err := r.ModelInfer(b.Context(), pairOf(dark, light)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCompare(b *testing.B) {
	r, dark, light := serve(b, server.Config{}), gray(1), gray(200)
	for b.Loop() {
		_, err := r.native.Compare(b.Context(), &pb.CompareRequest{
			Options: &pb.CompareOptions{Model: "one"},
			ImageA:  &pb.Image{Source: &pb.Image_Encoded{Encoded: dark}},
			ImageB:  &pb.Image{Source: &pb.Image_Encoded{Encoded: light}},
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}
