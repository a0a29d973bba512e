// Program stream scores files against a reference as they come; one that fails does not
// end the stream: go run ./examples/go/stream SERVER REFERENCE FILE….
package main

import (
	"context"
	"fmt"
	"os"

	"siamese/client"
)

func main() {
	if len(os.Args) < 4 {
		fmt.Fprintln(os.Stderr, "usage: stream SERVER REFERENCE FILE...")
		os.Exit(2)
	}
	if err := score(os.Args[1], os.Args[2], os.Args[3:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func score(server, referencePath string, files []string) error {
	reference, err := os.ReadFile(referencePath)
	if err != nil {
		return err
	}
	c, err := client.New(server)
	if err != nil {
		return err
	}
	defer c.Close()
	ctx := context.Background()
	stream, err := c.Stream(ctx, client.StreamConfig{
		References: []client.Reference{{Name: "reference", Image: reference}},
		Options:    client.Options{Model: "auto"},
	})
	if err != nil {
		return err
	}
	defer stream.Close()
	for _, file := range files { // one frame in flight; more where several goroutines call Score
		frame, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		scored, err := stream.Score(ctx, frame)
		if err != nil { // of this frame; after the end of the stream of each
			fmt.Println(file, err)
			continue
		}
		verdict := "different"
		if scored.Scores[0].Same {
			verdict = "same"
		}
		fmt.Printf("%s %.4f %s\n", file, scored.Scores[0].Similarity, verdict)
	}
	return nil
}
