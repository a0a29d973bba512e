package client_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"siamese/client"
)

func ExampleClient_Compare() {
	c, err := client.New("localhost:50051")
	if err != nil {
		slog.Error("client", "err", err)
		return
	}
	defer c.Close()
	a, _ := os.ReadFile("a.png")
	b, _ := os.ReadFile("b.png")
	comparison, err := c.Compare(context.Background(), a, b, client.Options{})
	if err != nil {
		slog.Error("compare", "err", err)
		return
	}
	fmt.Printf("%.3f, same: %t\n", comparison.Similarity, comparison.Same)
	if comparison.Warning != "" { // a picture is foreign to the model
		fmt.Println(comparison.Warning)
	}
}

func ExampleClient_Stream() {
	c, err := client.New("localhost:50051")
	if err != nil {
		slog.Error("client", "err", err)
		return
	}
	defer c.Close()
	reference, _ := os.ReadFile("reference.png")
	stream, err := c.Stream(context.Background(), client.StreamConfig{
		References: []client.Reference{{Name: "reference", Image: reference}},
	})
	if err != nil {
		slog.Error("stream", "err", err)
		return
	}
	defer stream.Close()
	for _, name := range []string{"1.jpg", "2.jpg"} {
		frame, _ := os.ReadFile(name)
		scored, err := stream.Score(context.Background(), frame)
		if err != nil {
			slog.Error("score", "frame", name, "err", err)
			continue
		}
		fmt.Printf("%s: %.3f\n", name, scored.Scores[0].Similarity)
	}
}
