//go:build gocv && !matprofile

package webcam_test

import "testing"

// noOpenMats counts Mats with the tag matprofile only.
func noOpenMats(t *testing.T) {
	t.Helper()
	t.Log("open Mats are not counted: build with the tag matprofile")
}
