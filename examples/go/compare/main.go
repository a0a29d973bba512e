// Program compare says how alike two pictures are: go run ./examples/go/compare A B [SERVER].
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"siamese/client"
)

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: compare A B [SERVER]")
		os.Exit(2)
	}
	server := "localhost:50051"
	if len(os.Args) > 3 {
		server = os.Args[3]
	}
	if err := compare(server, os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err) // a *client.Error has code, reason and field
		os.Exit(1)
	}
}

func compare(server, pathA, pathB string) error {
	a, err := os.ReadFile(pathA)
	if err != nil {
		return err
	}
	b, err := os.ReadFile(pathB)
	if err != nil {
		return err
	}
	c, err := client.New(server)
	if err != nil {
		return err
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	answer, err := c.Compare(ctx, a, b, client.Options{Model: "auto"})
	if err != nil {
		return err
	}
	verdict := "different"
	if answer.Same {
		verdict = "same"
	}
	fmt.Printf("%.4f %s (%s)\n", answer.Similarity, verdict, answer.Model)
	if answer.Warning != "" {
		fmt.Fprintln(os.Stderr, answer.Warning)
	}
	return nil
}
