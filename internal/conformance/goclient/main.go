// Goclient runs the cases of testdata/conformance by package client and writes a line of
// JSON a case, as testdata/conformance/README.md describes.
//
// How to run: go run ./internal/conformance/goclient GRPC_ADDRESS HTTP_ADDRESS CASES_FILE
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"siamese/client"
)

func main() {
	if err := run(context.Background(), os.Stdout, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "goclient:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer, args []string) error {
	if len(args) != 3 {
		return fmt.Errorf("received %d arguments, expected GRPC_ADDRESS HTTP_ADDRESS CASES_FILE", len(args))
	}
	data, err := os.ReadFile(args[2])
	if err != nil {
		return err
	}
	var cases []testCase
	if err := json.Unmarshal(data, &cases); err != nil {
		return fmt.Errorf("%s: %w", args[2], err)
	}
	c, err := client.New(args[0])
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }() // all is answered
	r := &runner{client: c, folder: filepath.Dir(args[2])}
	encoder := json.NewEncoder(out)
	for _, each := range cases {
		line, err := r.line(ctx, each)
		if err != nil {
			return fmt.Errorf("case %q: %w", each.Case, err)
		}
		if err := encoder.Encode(line); err != nil {
			return err
		}
	}
	return nil
}

// testCase is a case of cases.json.
type testCase struct {
	Case, Call, Model string
	A, B, Query       picture
	Threshold         *float32
	IncludePrepared   bool    `json:"include_prepared"`
	TestTimeViews     uint32  `json:"test_time_views"`
	TopK              uint32  `json:"top_k"`
	MinSimilarity     float32 `json:"min_similarity"`
	Pairs             [][2]picture
	Candidates        []picture
	Images            []picture
	References        map[string]picture
	Frames            []picture
	Gallery           string
	Steps             []step
}

func (c testCase) options() client.Options {
	return client.Options{Model: c.Model, Threshold: c.Threshold, IncludePrepared: c.IncludePrepared, TestTimeViews: c.TestTimeViews}
}

// picture is an image of a case: a path, or one of the other fields; none: nothing is set.
type picture struct {
	path string

	Raw           string
	Width, Height uint32
	Format        string
	EmbeddingOf   string `json:"embedding_of"`
	Model         string
	Keep          int
	Reference     string
}

// UnmarshalJSON implements json.Unmarshaler.
func (p *picture) UnmarshalJSON(data []byte) error {
	if json.Unmarshal(data, &p.path) == nil { // null leaves it empty
		return nil
	}
	type fields picture
	return json.Unmarshal(data, (*fields)(p))
}

// line is what is told of a case.
type line struct {
	Case        string   `json:"case"`
	Results     []string `json:"results,omitzero"`
	Error       string   `json:"error,omitempty"`
	Unsupported string   `json:"unsupported,omitempty"`
}

// errUnsupported is what package client does not offer.
var errUnsupported = errors.New("package client takes the name of a reference in no call")

// line runs a case. What goes wrong with it by the server's word is part of the line.
func (r *runner) line(ctx context.Context, c testCase) (line, error) {
	calls := map[string]func(context.Context, testCase) ([]string, error){
		"compare": r.compare, "batch": r.batch, "rank": r.rank, "embed": r.embed, "stream": r.stream, "info": r.info, "gallery": r.gallery,
	}
	call := calls[c.Call]
	if call == nil {
		return line{}, fmt.Errorf("received the call %q, expected one of the README", c.Call)
	}
	results, err := call(ctx, c)
	answer := line{Case: c.Case, Results: results}
	if refused, ok := errors.AsType[*client.Error](err); ok {
		answer.Error, err = errorText(refused), nil
	} else if errors.Is(err, errUnsupported) {
		answer.Unsupported, err = err.Error(), nil
	}
	return answer, err
}
