package model

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"siamese/client"
	"siamese/cmd/internal/cli"
	"siamese/cmd/internal/dial"
	"siamese/cmd/internal/network"
	"siamese/tfmodel"
)

// ListCommand is `siamese models`.
type ListCommand struct {
	Server  string        `help:"Lists what the server at this address serves, too. Empty: what is built in alone." placeholder:"ADDR"`
	Timeout time.Duration `help:"Limits how long to wait for the server." default:"60s"`
	JSON    bool          `help:"Prints a JSON object: the models, and what the server answers calls by that name none."`

	Dial dial.Flags `embed:""`
}

// The places that a model can be at.
const (
	builtIn = "built in"
	served  = "served"
)

// listedModel is a model as it is printed. What its place does not tell is empty.
type listedModel struct {
	Where           string  `json:"where"` // builtIn or served
	Name            string  `json:"name"`  // by which it is asked for
	Version         string  `json:"version,omitempty"`
	Card            string  `json:"card"` // what its card calls it
	Title           string  `json:"title,omitempty"`
	Knows           string  `json:"knows,omitempty"`
	InputWidth      int     `json:"input_width"`
	InputHeight     int     `json:"input_height"`
	EmbeddingLength int     `json:"embedding_length"`
	Threshold       float64 `json:"threshold"`
	Digest          string  `json:"digest"`
	Device          string  `json:"device,omitempty"`
}

// listing is what is printed as JSON.
type listing struct {
	Models       []listedModel `json:"models"`
	DefaultModel string        `json:"default_model,omitempty"` // of the server
	AutoModels   []string      `json:"auto_models,omitempty"`   // of the server
}

// Run prints one model a line: those that are built in, then those that the server
// serves.
func (c *ListCommand) Run(ctx context.Context, s cli.Streams) error {
	var all listing
	for _, model := range network.BuiltIn() {
		source, err := tfmodel.ReadSource(ctx, model.Path, tfmodel.Trust{})
		if err != nil {
			return err
		}
		all.Models = append(all.Models, describeBuiltIn(model.Name, source.Card))
	}
	if c.Server != "" {
		if err := c.ask(ctx, &all); err != nil {
			return err
		}
	}
	if c.JSON {
		return json.NewEncoder(s.Out).Encode(all)
	}
	return all.print(s.Out)
}

func describeBuiltIn(name string, card tfmodel.Card) listedModel {
	return listedModel{
		Where:           builtIn,
		Name:            name,
		Card:            card.Name,
		Title:           card.Title,
		Knows:           card.Knows,
		InputWidth:      card.Architecture.Width,
		InputHeight:     card.Architecture.Height,
		EmbeddingLength: card.Architecture.EmbeddingLength(),
		Threshold:       card.Threshold,
		Digest:          card.Weights.Digest,
	}
}

// ask adds what the server tells.
func (c *ListCommand) ask(ctx context.Context, all *listing) error {
	options, err := c.Dial.Options(c.Server)
	if err != nil {
		return err
	}
	connection, err := client.New(c.Server, options...)
	if err != nil {
		return err
	}
	defer connection.Close()
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	info, err := connection.ServerInfo(ctx, "")
	if err != nil {
		return dial.Unreached(c.Server, err)
	}
	all.DefaultModel, all.AutoModels = info.DefaultModel, info.AutoModels
	if len(info.Models) == 0 { // an older server
		info.Models = []client.ModelInfo{info.Model}
	}
	for _, model := range info.Models {
		all.Models = append(all.Models, listedModel{
			Where:           served,
			Name:            cmp.Or(model.ServingName, model.Name),
			Version:         model.Version,
			Card:            model.Name,
			Title:           model.Title,
			Knows:           model.Knows,
			InputWidth:      model.InputWidth,
			InputHeight:     model.InputHeight,
			EmbeddingLength: model.EmbeddingLength,
			Threshold:       float64(model.Threshold),
			Digest:          model.Digest,
			Device:          model.Device,
		})
	}
	return nil
}

// digestLength is what of a digest tells models apart, as metrics have it.
const digestLength = 12

// print writes a table, and below it what the server's default is.
func (l listing) print(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "WHERE\tNAME\tVERSION\tTITLE\tINPUT\tEMBEDDING\tTHRESHOLD\tDIGEST\tDEVICE")
	for _, m := range l.Models {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%d×%d\t%d\t%.2f\t%s\t%s\n", m.Where, m.Name, dash(m.Version), dash(m.Title),
			m.InputWidth, m.InputHeight, m.EmbeddingLength, m.Threshold, m.Digest[:min(len(m.Digest), digestLength)], dash(m.Device))
	}
	if err := table.Flush(); err != nil || l.DefaultModel == "" {
		return err
	}
	of := ""
	if len(l.AutoModels) > 0 {
		of = fmt.Sprintf("; auto chooses among %s", strings.Join(l.AutoModels, ", "))
	}
	_, err := fmt.Fprintf(w, "calls that name no model are answered by %s%s\n", l.DefaultModel, of)
	return err
}

// dash stands for what is not told.
func dash(text string) string { return cmp.Or(text, "-") }
