//go:build !gocv

package main

import (
	"context"
	"errors"

	"siamese/cmd/internal/cli"
)

// quieten has nothing to quieten without OpenCV.
func quieten() {}

// run is what is built without OpenCV: it says how to build it.
func (c *flags) run(context.Context, cli.Streams) error {
	return errors.New("this was built without OpenCV; build it by 'make webcam', or with the tags gocv,gocv_specific_modules,gocv_highgui,gocv_videoio")
}
