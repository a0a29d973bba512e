package model

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"siamese/cmd/internal/cli"
	"siamese/cmd/internal/network"
	"siamese/tfmodel"
	"siamese/tfmodel/builtin"
)

type infoCommand struct {
	Path string `arg:"" optional:"" help:"A weight file (safetensors or Keras HDF5) or a SavedModel folder. A built-in model goes by its name, general or omniglot. Empty: general."`
	JSON bool   `help:"Prints a JSON object: path, form, digest and what the model's card says."`

	network.TrustFlags
}

// modelInfo is what is printed as JSON.
type modelInfo struct {
	Path string `json:"path,omitempty"` // none for the built-in model
	Form string `json:"form"`           // "built-in", "weight file" or "SavedModel"
	// ModelDigest is what --model-digest takes.
	ModelDigest string `json:"model_digest"`
	tfmodel.Card
}

// Run prints what the model says about itself, after its weights were held
// against it.
func (c *infoCommand) Run(ctx context.Context, s cli.Streams) error {
	source, err := c.ReadSource(ctx, c.Path)
	if err != nil {
		return err
	}
	info := modelInfo{Path: c.Path, Form: "weight file", ModelDigest: source.Digest, Card: source.Card}
	_, isBuiltIn := builtin.Find(c.Path)
	switch {
	case isBuiltIn:
		info.Form = "built-in"
	case network.IsFolder(c.Path):
		info.Form = "SavedModel"
	}
	if err := info.Architecture.Check(source.Weights); err != nil {
		return fmt.Errorf("%s: %w", c.Path, err)
	}
	info.Parameters, info.Weights.Digest = info.Architecture.Parameters(), info.Architecture.Digest(source.Weights)
	if c.JSON {
		return json.NewEncoder(s.Out).Encode(info)
	}
	return info.print(s.Out)
}

// infoKeyWidth is that of the longest key.
const infoKeyWidth = 13

// print writes a key and a value a line.
func (i modelInfo) print(w io.Writer) error {
	var table bytes.Buffer
	line := func(key, format string, values ...any) {
		if text := fmt.Sprintf(format, values...); text != "" {
			fmt.Fprintf(&table, "%-*s %s\n", infoKeyWidth, key, text)
		}
	}
	line("name", "%s", i.Name)
	line("title", "%s", i.Title)
	line("knows", "%s", i.Knows)
	line("form", "%s", i.Form)
	line("path", "%s", i.Path)
	line("network", "%s", describeArchitecture(i.Architecture))
	line("parameters", "%d", i.Parameters)
	line("input", "%s", i.Input)
	line("model digest", "%s", i.ModelDigest)
	line("weights", "%s", i.Weights.Digest)
	line("file SHA-256", "%s", i.Weights.SHA256)
	line("threshold", "%.4g", i.Threshold)
	if f := i.Familiarity; f != nil {
		line("familiarity", "by %d pictures (%s); below %g an image is foreign", f.Pictures, f.Data, f.Bound)
	}
	line("note", "%s", i.ThresholdNote)
	for _, measured := range i.Verification {
		line("verification", "%s", describeVerification(measured))
		for _, point := range measured.Operating {
			line("", "false accepts at most %.4g %%: threshold %.4f, false rejects %.2f %%",
				100*point.MaxFalseAccepts, point.Threshold, 100*point.FalseRejects)
		}
	}
	for _, pair := range i.GoldenPairs {
		line("golden pair", "%s, %s: %.6f", pair.A, pair.B, pair.Similarity)
	}
	training, err := describeTraining(i.Training)
	if err != nil {
		return err
	}
	for _, text := range training {
		line("training", "%s", text)
	}
	_, err = w.Write(table.Bytes())
	return err
}

func describeArchitecture(a tfmodel.Architecture) string {
	var blocks []string
	for _, block := range a.Blocks {
		blocks = append(blocks, strings.Trim(fmt.Sprint(block), "[]"))
	}
	return fmt.Sprintf("%d×%d×3 → convolutions %s →%s embedding %d → hidden %d → 1",
		a.Height, a.Width, strings.Join(blocks, " | "), describePooling(a), a.EmbeddingLength(), a.Hidden)
}

// describePooling says what lies between the last map and the embedding; nothing
// where it is taken as it is.
func describePooling(a tfmodel.Architecture) string {
	var steps string
	switch a.Pooling {
	case tfmodel.Average:
		steps = " average →"
	case tfmodel.GeM:
		steps = " generalized mean →"
	}
	if a.Projection > 0 {
		steps += " projection →"
	}
	if a.Unit {
		steps += " length 1 →"
	}
	return steps
}

func describeVerification(v tfmodel.VerificationCard) string {
	return fmt.Sprintf("%s (%s), %d pairs, negatives %s: accuracy %.2f %% at threshold %.4f (false accepts %.2f %%, false rejects %.2f %%), equal error %.2f %%, AUC %.5f",
		v.Data, v.HeldOut, v.Pairs, v.Negatives, 100*v.Accuracy, v.Threshold, 100*v.FalseAccepts, 100*v.FalseRejects, 100*v.EqualError, v.AUC)
}

// describeTraining gives the members of the training note, or the note as it is
// where it is no object.
func describeTraining(note json.RawMessage) ([]string, error) {
	if note == nil {
		return nil, nil
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(note, &members); err != nil {
		members = map[string]json.RawMessage{"": note}
	}
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(members)) {
		var compact bytes.Buffer
		if err := json.Compact(&compact, members[name]); err != nil {
			return nil, fmt.Errorf("card: training: %w", err)
		}
		text := compact.String()
		if name != "" {
			text = name + ": " + text
		}
		lines = append(lines, text)
	}
	return lines, nil
}
