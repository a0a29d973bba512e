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
}
