//go:build !gocv

// Command siamese-webcam shows a camera's picture with its similarity to given
// references. This is what is built without OpenCV: it says how to build it.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "siamese-webcam: this was built without OpenCV; build it by 'make webcam', or with the tags gocv,gocv_specific_modules,gocv_highgui,gocv_videoio")
	os.Exit(1)
}
