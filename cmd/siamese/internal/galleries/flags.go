package galleries

import (
	"context"
	"io"
	"time"

	"siamese/cmd/internal/dial"
	"siamese/cmd/siamese/internal/scorer"
)

// Name is the flag that names a gallery.
type Name struct {
	Gallery string `help:"Names the gallery." short:"g" required:"" placeholder:"NAME"`
}

// folder is the flag that says where galleries are.
type folder struct {
	Galleries Location `help:"Names the folder of the galleries, or the URL postgres://… of a database (PostgreSQL with pgvector), where no server is asked. Empty: siamese/galleries below $XDG_DATA_HOME or ~/.local/share, where siamese serve has its own." placeholder:"DIR"`
}

// Flags say where galleries are, for commands that ask a model.
type Flags struct {
	folder
	scorer.Flags
}

// Place says where galleries are, for commands that ask no model.
type Place struct {
	folder
	Server  string        `help:"Asks the server at this address for its galleries. Empty: those of --galleries." placeholder:"ADDR"`
	Timeout time.Duration `help:"Limits how long to wait for each answer of the server." default:"60s"`
	Dial    dial.Flags    `embed:""`
}

// Open opens what keeps the galleries. What the user should know is written to notes.
// The caller closes it.
func (f Flags) Open(ctx context.Context, notes io.Writer) (Keeper, error) {
	return f.OpenToIdentify(ctx, notes, 0)
}

// OpenToIdentify is Open, where Identify takes the mean of this many views of a picture; 0 or
// 1: the picture alone.
func (f Flags) OpenToIdentify(ctx context.Context, notes io.Writer, views int) (Keeper, error) {
	score := scorer.ScoreFlags{TestTime: views}
	if f.Server != "" {
		return openRemote(f, notes, score)
	}
	l := &local{at: f.Galleries, flags: f.Flags, score: score, notes: notes}
	return l, l.openStore(ctx)
}

// Open is as that of [Flags].
func (p Place) Open(ctx context.Context, notes io.Writer) (Keeper, error) {
	return Flags{folder: p.folder, Flags: scorer.Flags{Server: p.Server, Timeout: p.Timeout, Dial: p.Dial}}.Open(ctx, notes)
}
