package webcam

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"siamese/client"
)

const (
	// modelAuto leaves the choice of a model to the pictures.
	modelAuto = "auto"
	// infoTimeout is how long the server may take to tell about its models.
	infoTimeout = 10 * time.Second
	// knowsSpan is how long the window tells what the model knows: two sentences
	// are read in that time.
	knowsSpan = 10 * time.Second
)

// models is what the server has told of its models. The zero value is an older
// server, which tells nothing.
type models struct {
	info client.ServerInfo
	name string // as calls ask for it: a serving name, or "auto"; may be empty
}

// newModels takes what the server told and the model that was asked for; empty:
// the server's default.
func newModels(info client.ServerInfo, asked string) models {
	return models{info: info, name: cmp.Or(asked, info.DefaultModel)}
}

// title is a model's for people, by its name in a result.
func (m models) title(name string) string {
	served, _ := m.info.Served(name)
	return cmp.Or(served.Title, served.ServingName, name)
}

// chosen is what the model that was asked for is called, and what it knows.
func (m models) chosen() (title, knows string) {
	if m.name != modelAuto {
		return m.title(m.info.Model.Name), m.info.Model.Knows
	}
	var members []string
	for _, member := range m.info.AutoModels {
		for _, served := range m.info.Models {
			if served.ServingName == member {
				members = append(members, m.title(served.Name))
			}
		}
	}
	return "automatic", fmt.Sprintf("The model that knows the pictures best answers: %s.", strings.Join(members, " or "))
}

// threshold is what a score's verdict was made with. Where another model than the
// stream's answered, and the user set none, it is that model's own.
func (m models) threshold(score client.Score, state client.State, stream float32) float32 {
	own, known := m.info.Served(score.Model)
	first, _ := m.info.Served(state.Model)
	if known && score.Model != state.Model && first.Threshold == stream {
		return own.Threshold
	}
	return stream
}

// doubtOf is why a score means little, in a sentence; empty where nothing is
// foreign to the model. reference is what the server told of the reference.
func doubtOf(result client.Result, score client.Score, reference string) string {
	switch {
	case result.Warning != "":
		return result.Warning
	case result.Familiarity != nil && result.Familiarity.Foreign:
		return "The picture is foreign to the model: the similarity means little."
	case reference != "":
		return score.Reference + ": " + reference
	case score.Foreign:
		return "The picture or " + score.Reference + " is foreign to the model: the similarity means little."
	}
	return ""
}

// askModels asks about the models, beside the loop. A server that does not answer
// is an older one, or gone again: its next stream is asked.
func (l *loop) askModels(ctx context.Context) {
	if l.config.ServerInfo == nil {
		return
	}
	model := l.config.Model // a gallery's may be another when it is told of again
	l.asking.Go(func() {
		ctx, cancel := context.WithTimeout(ctx, infoTimeout)
		defer cancel()
		info, err := l.config.ServerInfo(ctx, model)
		if err != nil {
			return
		}
		select {
		case l.told <- info:
		case <-ctx.Done():
		}
	})
}

// describe tells which model answers and what it knows.
func (l *loop) describe(info client.ServerInfo) error {
	now := time.Now()
	l.board.models = newModels(info, l.config.Model)
	title, knows := l.board.models.chosen()
	l.knows, l.knowsAt = knows, now
	return l.report(Entry{Type: "model", Time: now, Model: cmp.Or(l.board.models.name, info.Model.Name), Title: title, Knows: knows})
}

// modelShown names the model of the shown score, where the pictures choose it.
func (l *loop) modelShown(shown *standing) string {
	if shown == nil || l.board.models.name != modelAuto {
		return ""
	}
	return l.board.models.title(shown.Model)
}

// note is the line over the panel: why the shown score means little, or, for some
// seconds, what the server remarks on the gallery, or what the model knows.
func (l *loop) note(shown *standing, now time.Time) (text string, doubt bool) {
	switch {
	case shown != nil && shown.Doubt != "":
		return shown.Doubt, true
	case l.board.gallery != nil && l.board.gallery.remark != "" && now.Sub(l.board.gallery.remarkAt) < remarkSpan:
		return l.board.gallery.remark, false
	case l.knows != "" && now.Sub(l.knowsAt) < knowsSpan:
		return l.knows, false
	}
	return "", false
}
