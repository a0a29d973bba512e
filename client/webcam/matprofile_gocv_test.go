//go:build gocv && matprofile

package webcam_test

import (
	"strings"
	"testing"

	"gocv.io/x/gocv"
)

// noOpenMats checks, at a test's end, that each Mat made in it was closed.
func noOpenMats(t *testing.T) {
	t.Helper()
	before := gocv.MatProfile.Count()
	t.Cleanup(func() {
		if open := gocv.MatProfile.Count() - before; open != 0 {
			var stacks strings.Builder
			_ = gocv.MatProfile.WriteTo(&stacks, 1)
			t.Errorf("%d Mats are still open, want none\n%s", open, stacks.String())
		}
	})
}
