package evaluation

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestCalibrateOverFoldsChecks: flags that say nothing beside --model are refused.
func TestCalibrateOverFoldsChecks(t *testing.T) {
	good := func() CalibrateCommand {
		c := CalibrateCommand{Data: "data"}
		c.Folds, c.Split, c.Level = 5, "none", "thing"
		return c
	}
	tests := []struct {
		edit    func(*CalibrateCommand)
		wantErr string
	}{
		{func(*CalibrateCommand) {}, ""},
		{func(c *CalibrateCommand) { c.Split = "class" }, ""},
		{func(c *CalibrateCommand) { c.Folds = 0 }, "--folds is 0"},
		{func(c *CalibrateCommand) { c.Fold = 2 }, "--fold is 2"},
		{func(c *CalibrateCommand) { c.Data = "" }, "--data is needed"},
		{func(c *CalibrateCommand) { c.Out = filepath.Join("a", "b") }, "leave OUT"},
		{func(c *CalibrateCommand) { c.Scale = 2 }, "leave OUT"},
		{func(c *CalibrateCommand) { c.Plot = "plot.png" }, "--plot"},
		{func(c *CalibrateCommand) { c.HoldOut = 6 }, "--hold-out"},
		{func(c *CalibrateCommand) { c.Split = "image" }, "--split image"},
	}
	for _, tt := range tests {
		c := good()
		tt.edit(&c)
		err := c.checkFolds()
		if (tt.wantErr == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), tt.wantErr) {
			t.Errorf("checkFolds = %v, want %q", err, tt.wantErr)
		}
	}
}
