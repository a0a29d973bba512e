package dataset

import (
	"errors"
	"fmt"
	"strings"

	"siamese/train/archive"
)

// What Open refuses.
var (
	// ErrNoImages: nothing below the path is an image.
	ErrNoImages = errors.New("no images, expected alphabet/character/image or class/image")
	// ErrMixedDepth: some images lie deeper than others, so that no layout fits all.
	ErrMixedDepth = errors.New("images lie at different depths, expected all at one")
	// ErrLayout: the images' depth fits no layout, or not the one insisted on.
	ErrLayout = errors.New("the folders fit no layout")
	// ErrTooDeep: folders are nested beyond anything that is a dataset.
	ErrTooDeep = errors.New("folders are nested too deeply")
	// ErrEncrypted: the archive asks for a password.
	ErrEncrypted = archive.ErrEncrypted
)

// What Open and Split refuse.
var (
	// ErrTooFewClasses: different pairs need two classes.
	ErrTooFewClasses = errors.New("too few classes, expected at least 2")
	// ErrNoPairs: same pairs need a class of two images.
	ErrNoPairs = errors.New("no class has 2 images, expected at least one such class")
)

// What a dataset cannot do.
var (
	// ErrNoAlphabets: one's own layout has none to split by.
	ErrNoAlphabets = errors.New("the layout has no alphabets, expected alphabet/character/image")
	// ErrHoldOut: nothing would be left to learn from.
	ErrHoldOut = errors.New("too much is held out")
	// ErrUnknownName: no class or alphabet has the name that was asked for.
	ErrUnknownName = errors.New("unknown name")
	// ErrRotated: the dataset holds turned classes already.
	ErrRotated = errors.New("the classes are rotated already, expected to split first and to rotate once")
	// ErrNotSquare: a quarter turn would exchange the sides of the network's input.
	ErrNotSquare = errors.New("only square pictures can be turned")
	// ErrForeignImage: the image came from another dataset, or from none.
	ErrForeignImage = errors.New("the image is not of this dataset")
)

// maxNamed bounds how many images an error lists; UnreadableError.Images has all.
const maxNamed = 5

// UnreadableError lists pictures that cannot be decoded, or not read at all.
type UnreadableError struct {
	Images  []string // "name: reason", sorted by name
	Summary string   // how many there are by extension and by what they are: "9 .heic, 2 .png (HTML)"
}

// Error sums them up and names the first few.
func (e *UnreadableError) Error() string {
	text := fmt.Sprintf("%d unreadable: ", len(e.Images))
	if e.Summary != "" {
		text += e.Summary + ": "
	}
	return text + e.named()
}

// named lists the first few.
func (e *UnreadableError) named() string {
	named := e.Images[:min(len(e.Images), maxNamed)]
	text := strings.Join(named, "; ")
	if more := len(e.Images) - len(named); more > 0 {
		text += fmt.Sprintf("; and %d more", more)
	}
	return text
}
