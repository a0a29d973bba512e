// Program batch compares 100 pairs of the files of a folder: go run ./examples/go/batch FOLDER [SERVER].
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"siamese/client"
)

// most is how many pairs are compared.
const most = 100

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: batch FOLDER [SERVER]")
		os.Exit(2)
	}
	server := "localhost:50051"
	if len(os.Args) > 2 {
		server = os.Args[2]
	}
	if err := compareAll(server, os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func compareAll(server, folder string) error {
	names, pairs, err := pairsOf(folder)
	if err != nil {
		return err
	}
	c, err := client.New(server)
	if err != nil {
		return err
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	info, err := c.ServerInfo(ctx, "")
	if err != nil {
		return err
	}
	failed, encoded := 0, 0
	for start := 0; start < len(pairs); { // more than the server takes at once
		part := pairs[start : start+fitting(pairs[start:], info.Limits)]
		batch, err := c.BatchCompare(ctx, part, client.Options{Model: "auto"})
		if err != nil {
			return err
		}
		encoded += batch.EncodedImages
		for i, result := range batch.Results {
			switch {
			case result.Err != nil: // a file that is no picture fails its own pairs alone
				failed++
				fmt.Println(names[start+i], result.Err)
			case result.Same:
				fmt.Printf("%s %.4f\n", names[start+i], result.Similarity)
			}
		}
		start += len(part)
	}
	fmt.Printf("%d pairs, %d failed, %d pictures encoded\n", len(pairs), failed, encoded)
	return nil
}

// pairsOf returns the first pairs of a folder's files, each file with those after it,
// and what to call them.
func pairsOf(folder string) (names []string, pairs []client.Pair, err error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, nil, err
	}
	var files []string
	var images []client.Image
	for _, entry := range entries {
		if !entry.Type().IsRegular() {
			continue
		}
		data, err := os.ReadFile(filepath.Join(folder, entry.Name()))
		if err != nil {
			return nil, nil, err
		}
		files, images = append(files, entry.Name()), append(images, client.Image{Encoded: data})
	}
	for i := range images {
		for j := i + 1; j < len(images) && len(pairs) < most; j++ {
			names = append(names, files[i]+" "+files[j])
			pairs = append(pairs, client.Pair{A: images[i], B: images[j]})
		}
	}
	return names, pairs, nil
}

// fitting returns how many of the first pairs one call may have, at least one.
func fitting(pairs []client.Pair, limits client.Limits) int {
	const perImage, perCall = 16, 1024 // what the message has beside the files, at most
	size := int64(perCall)
	for i, pair := range pairs {
		size += int64(len(pair.A.Encoded) + len(pair.B.Encoded) + 2*perImage)
		if i > 0 && (i == limits.MaxPairs || size > limits.MaxMessageBytes) {
			return i
		}
	}
	return len(pairs)
}
