//go:build gocv

package webcam

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"siamese/imaging"
	"siamese/internal/regular"
)

// stills decodes pictures at their own size, as package imaging has them: upright, on
// white. Its limits are those of a person's own files, a phone's largest among them.
var stills = sync.OnceValues(func() (*imaging.Preparer, error) {
	return imaging.New(imaging.Config{Limits: imaging.Limits{
		MaxBytes: maxStillBytes, MaxPixels: 200_000_000, MaxSideRatio: 100, MinSide: 1, MaxDecodeBytes: 4 << 30,
	}})
})

// maxStillBytes is the largest picture file that is read.
const maxStillBytes = 256 << 20

// decodeStill decodes a picture file. Errors are imaging's.
func decodeStill(encoded []byte) (*imaging.Picture, error) {
	preparer, err := stills()
	if err != nil {
		return nil, err
	}
	return preparer.Decode(encoded)
}

// readStill decodes a picture file by its path. Errors name it.
func readStill(path string) (*imaging.Picture, error) {
	encoded, err := regular.Read(path, maxStillBytes)
	if err != nil {
		return nil, err
	}
	picture, err := decodeStill(encoded)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return picture, nil
}

// sniffed is how many bytes of a file tell what it is.
const sniffed = 64 << 10

// stillKind reports whether a file is a picture that imaging knows, and whether it may
// be a film all the same: animations, and films of pictures one after the other.
func stillKind(path string) (still, perhapsFilm bool) {
	file, err := regular.Open(path, math.MaxInt64)
	if err != nil {
		return false, false
	}
	defer file.Close()
	head, err := io.ReadAll(io.LimitReader(file, sniffed))
	if err != nil || !known(head) {
		return false, false
	}
	ending := strings.ToLower(filepath.Ext(path))
	perhapsFilm = bytes.HasPrefix(head, []byte("GIF8")) || bytes.Contains(head, []byte("acTL")) || bytes.Contains(head, []byte("ANIM")) ||
		bytes.Contains(head[:min(len(head), 64)], []byte("avis")) || ending == ".mjpg" || ending == ".mjpeg"
	return true, perhapsFilm
}

// known reports whether a file that begins so is of a format that imaging reads.
func known(head []byte) bool {
	preparer, err := stills()
	if err != nil || len(head) == 0 {
		return false
	}
	_, err = preparer.Inspect(head)
	return !errors.Is(err, &imaging.Error{Reason: imaging.ReasonFormatUnknown})
}

// verb is the number in the name of a sequence; %% stands for a percent sign.
var verb = regexp.MustCompile(`%(0?[1-9]?)d`)

// numbered gives the files of a sequence by their numbers, gaps left out; none where the
// pattern is not one of a number or nothing fits it.
func numbered(pattern string) []string {
	folder, name := filepath.Split(pattern)
	plain := strings.ReplaceAll(name, "%%", "\x00")
	at := verb.FindStringIndex(plain)
	if at == nil || strings.Count(plain, "%") != 1 || strings.Contains(folder, "%") {
		return nil
	}
	before, after := strings.ReplaceAll(plain[:at[0]], "\x00", "%"), strings.ReplaceAll(plain[at[1]:], "\x00", "%")
	entries, err := os.ReadDir(cmp.Or(folder, "."))
	if err != nil {
		return nil
	}
	paths := make(map[int]string)
	for _, entry := range entries {
		digits, ok := strings.CutPrefix(entry.Name(), before)
		digits, ends := strings.CutSuffix(digits, after)
		number, err := strconv.Atoi(digits)
		if ok && ends && err == nil && number >= 0 && fmt.Sprintf(plain[at[0]:at[1]], number) == digits {
			paths[number] = filepath.Join(folder, entry.Name())
		}
	}
	return inOrder(paths)
}

func inOrder(paths map[int]string) []string {
	numbers := make([]int, 0, len(paths))
	for number := range paths {
		numbers = append(numbers, number)
	}
	slices.Sort(numbers)
	ordered := make([]string, len(numbers))
	for i, number := range numbers {
		ordered[i] = paths[number]
	}
	return ordered
}
