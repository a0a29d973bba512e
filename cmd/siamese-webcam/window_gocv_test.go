//go:build gocv

package main

import (
	"bufio"
	"bytes"
	"image"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"siamese/internal/proctest"
)

// shotsFolder is the variable that names a folder to keep screenshots in.
const shotsFolder = "SIAMESE_WEBCAM_SHOTS"

// desktop is a display of its own with a window manager.
type desktop struct {
	environment []string
}

// openDesktop starts a display.
func openDesktop(t *testing.T) *desktop {
	t.Helper()
	needs(t, "Xvfb", "openbox", "wmctrl", "xdotool", "import")
	// Xvfb takes a free number and writes it once it is ready.
	display := exec.CommandContext(t.Context(), "Xvfb", "-displayfd", "1", "-screen", "0", "1024x768x24")
	number := bufio.NewScanner(start(t, display))
	if !number.Scan() {
		t.Fatal("Xvfb gave no display")
	}
	d := &desktop{environment: []string{"DISPLAY=:" + number.Text()}}
	manager := exec.CommandContext(t.Context(), "openbox")
	manager.Env = append(os.Environ(), d.environment...)
	start(t, manager)
	eventually(t, "a window manager", func() bool { _, err := d.try("wmctrl", "-m"); return err == nil })
	return d
}

// try runs a program on the desktop.
func (d *desktop) try(name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), d.environment...)
	var out bytes.Buffer
	cmd.Stdout = &out
	err := cmd.Run()
	return out.String(), err
}

// do runs a program that has to succeed on the desktop.
func (d *desktop) do(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := d.try(name, args...)
	if err != nil {
		t.Fatalf("%s %v: %v", name, args, err)
	}
	return out
}

// screenshot is a picture of the screen; it is kept under a name where a folder for it
// is named.
func (d *desktop) screenshot(t *testing.T, name string) image.Image {
	t.Helper()
	folder := os.Getenv(shotsFolder)
	if folder == "" {
		folder = t.TempDir()
	}
	path := filepath.Join(folder, name+".png")
	d.do(t, "import", "-window", "root", path)
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	picture, err := png.Decode(file)
	if err != nil {
		t.Fatal(err)
	}
	return picture
}

// press focuses the client's window and presses a key.
func (d *desktop) press(t *testing.T, key string) {
	t.Helper()
	window := strings.TrimSpace(d.do(t, "xdotool", "search", "--sync", "--onlyvisible", "--name", "^siamese$"))
	d.do(t, "xdotool", "windowactivate", "--sync", window, "key", key)
}

// eventually tries until something holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for !holds() {
		select {
		case <-timeout.C:
			t.Fatalf("waited %v for %s", patience, what)
		case <-again.C:
		}
	}
}

// The overlay's colours for the verdict "same", for "different", and for
// warnings.
var (
	green  = color.RGBA{R: 80, G: 220, B: 110, A: 255}
	orange = color.RGBA{R: 255, G: 120, B: 95, A: 255}
	yellow = color.RGBA{R: 255, G: 200, B: 70, A: 255}
)

// pixels counts those of about a colour.
func pixels(picture image.Image, want color.RGBA) int {
	near := func(a uint32, b uint8) bool { return max(int(a>>8)-int(b), int(b)-int(a>>8)) < 24 }
	count := 0
	for y := picture.Bounds().Min.Y; y < picture.Bounds().Max.Y; y++ {
		for x := picture.Bounds().Min.X; x < picture.Bounds().Max.X; x++ {
			if r, g, b, _ := picture.At(x, y).RGBA(); near(r, want.R) && near(g, want.G) && near(b, want.B) {
				count++
			}
		}
	}
	return count
}

// The bar of a high similarity has thousands of pixels; of a line of words, most
// of whose pixels are blended with their ground, some tens are of its very
// colour.
const (
	barPixels   = 2000
	wordsPixels = 20
)

func TestWindow(t *testing.T) {
	desktop, server, path := openDesktop(t), serve(t, ""), film(t, proctest.GlyphB)
	table := filepath.Join(t.TempDir(), "scores.csv")
	cmd := command(t, desktop.environment, "--server", server.Address, "--reference", proctest.GlyphA, "--reference", proctest.GlyphC, "--source", path, "--loop", "--csv", table)
	start(t, cmd)
	same := func() bool { return pixels(desktop.screenshot(t, "same"), green) > barPixels }
	eventually(t, "a green bar", same)

	server.Kill()
	eventually(t, "a warning", func() bool { return pixels(desktop.screenshot(t, "away"), yellow) > wordsPixels })
	serve(t, server.Address)
	eventually(t, "a green bar again", same)

	desktop.press(t, "r")
	eventually(t, "a score against the reference that was taken", func() bool {
		data, err := os.ReadFile(table)
		return err == nil && bytes.Contains(data, []byte(",taken 1,"))
	})
	desktop.press(t, "n") // the first
	desktop.press(t, "n") // the second, which shows another character
	eventually(t, "the verdict different", func() bool { return pixels(desktop.screenshot(t, "different"), orange) > wordsPixels })

	desktop.do(t, "wmctrl", "-c", "siamese")
	if err := cmd.Wait(); err != nil {
		t.Errorf("after the window was closed: %v, want exit code 0", err)
	}
}

func TestWindowIsAmberWhereThePictureIsForeign(t *testing.T) {
	desktop, server, path := openDesktop(t), serveStrange(t), film(t, proctest.GlyphB)
	cmd := command(t, desktop.environment, "--server", server, "--model", "general", "--test-time", "2", "--reference", proctest.GlyphA, "--source", path, "--loop")
	start(t, cmd)
	eventually(t, "an amber bar without a green one", func() bool {
		shot := desktop.screenshot(t, "foreign")
		return pixels(shot, yellow) > barPixels && pixels(shot, green) < barPixels
	})
	desktop.press(t, "q")
	if err := cmd.Wait(); err != nil {
		t.Errorf("after q: %v, want exit code 0", err)
	}
}

func TestKeyQuits(t *testing.T) {
	desktop, path := openDesktop(t), film(t, proctest.GlyphB)
	cmd := command(t, desktop.environment, "--server", "127.0.0.1:1", "--source", path, "--loop")
	start(t, cmd)
	desktop.press(t, "q")
	if err := cmd.Wait(); err != nil {
		t.Errorf("after q: %v, want exit code 0, with no server there at all", err)
	}
}
