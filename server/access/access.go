// Package access decides who may call and how much: certificates and bearer
// tokens, read from files that may change while they are in use, and a bound on
// what each caller asks. It knows no wire; the server asks it.
package access

import (
	"context"
	"log/slog"
	"os"
	"time"
)

// Source is something that is read from files and can be read again.
type Source interface {
	// Reload reads the files again and reports whether what they say has changed.
	// On an error what was read before stays in use. It is safe for concurrent
	// use with everything but itself.
	Reload() (changed bool, err error)

	// String names the source for the log, without anything secret.
	String() string
}

// Watch reloads the sources every period, and at once when wake delivers, until
// ctx is done. A period of 0 leaves it to wake alone. The log tells what was
// taken over and why something was not: an error that stays is told once, and
// again when wake asked.
func Watch(ctx context.Context, period time.Duration, wake <-chan os.Signal, log *slog.Logger, sources ...Source) {
	var tick <-chan time.Time
	if period > 0 {
		ticker := time.NewTicker(period)
		defer ticker.Stop()
		tick = ticker.C
	}
	told := make(map[Source]string)
	for {
		asked := false
		select {
		case <-ctx.Done():
			return
		case <-tick:
		case <-wake:
			asked = true
		}
		for _, source := range sources {
			told[source] = reload(source, told[source], asked, log)
		}
	}
}

// reload returns the error's text, which is not told again while it stays.
func reload(source Source, told string, asked bool, log *slog.Logger) string {
	changed, err := source.Reload()
	switch {
	case err != nil:
		if asked || err.Error() != told {
			log.Error("not reloaded, what was read before stays in use", "source", source.String(), "err", err)
		}
		return err.Error()
	case changed:
		log.Info("reloaded", "source", source.String())
	case asked || told != "":
		log.Info("nothing to reload, the files are as before", "source", source.String())
	}
	return ""
}
