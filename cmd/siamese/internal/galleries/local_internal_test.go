package galleries

import (
	"errors"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
)

func TestOneLine(t *testing.T) {
	err := oneLine{errors.Join(io.EOF)}
	if got := (oneLine{errors.New("failed:\n\tone host\n\tanother")}).Error(); got != "failed: one host another" {
		t.Errorf("the error reads %q, want one line", got)
	}
	if !errors.Is(err, io.EOF) {
		t.Errorf("%v is no longer what it was", err)
	}
}

func TestOnceLogsAMessageOnce(t *testing.T) {
	var out strings.Builder
	logger := slog.New(once{slog.NewTextHandler(&out, nil), new(sync.Map)})
	for _, message := range []string{"asked again", "asked again", "found", "asked again"} {
		logger.With("of", "database").Warn(message)
	}
	if got := out.String(); strings.Count(got, "asked again") != 1 || strings.Count(got, "found") != 1 || strings.Count(got, "of=database") != 2 {
		t.Errorf("it logs %q, want each message once", got)
	}
}
