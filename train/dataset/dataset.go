// Package dataset opens the images that a network learns from: a folder or a zip
// file in Omniglot's layout (alphabet/character/image), in one's own (class/image),
// or by domains (domain/kind/thing/image), told apart by depth.
//
// Opening lists, sniffs and decodes every image once, so that whatever would
// disturb a run of hours is named before it starts. Names are sorted: the
// same files give the same dataset everywhere. Split and Variants make further
// datasets of the same images.
package dataset

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"siamese/imaging"
)

// Config says which images to open and how.
type Config struct {
	Path       string            // a folder or a zip file
	Layout     Layout            // zero = Auto
	Unreadable Unreadable        // what to do about damaged images; zero = Stop
	Preparer   *imaging.Preparer // required; its limits bound each file, its output size is the network's input
	// PixelBytes is the most memory that decoded pictures are kept in: a byte a pixel
	// of gray ones, three of others. 0 = DefaultPixelBytes, below 0 = none.
	PixelBytes int64
}

// DefaultPixelBytes is five times what the 19,280 drawings of Omniglot's background
// set take at 105x105.
const DefaultPixelBytes = 1 << 30

// Validate reports the first field that is missing or out of range.
func (c Config) Validate() error {
	if c.Path == "" {
		return errors.New("dataset: Path is empty, expected a folder or a zip file")
	}
	if !c.Layout.known() {
		return fmt.Errorf("dataset: Layout is %d, expected Auto, Omniglot or Own", c.Layout)
	}
	if !c.Unreadable.known() {
		return fmt.Errorf("dataset: Unreadable is %d, expected Stop or Skip", c.Unreadable)
	}
	if c.Preparer == nil {
		return errors.New("dataset: Preparer is nil, expected one of the network's input size")
	}
	return nil
}

// Dataset is a list of classes with at least two classes, and at least one class
// of two images. It never changes and is safe for concurrent use.
type Dataset struct {
	preparer *imaging.Preparer
	source   *source
	classes  []Class
	shown    size // of Picture's pictures; zero: the preparer's
	layout   Layout
	penned   *penned // nil unless WithStrokes was called
}

// size is that of a picture, in pixels.
type size struct{ width, height int }

// Class is a set of images that count as the same.
type Class struct {
	Name     string  // "Greek/character01" in Omniglot's layout, "cats" in one's own; "…@90" or "…@mirror" where turned or mirrored
	Alphabet string  // "Greek", or a thing's kind: "milk", "pictures/milk" by domains; empty in one's own layout
	Domain   string  // "pictures"; empty but by domains
	Images   []Image // sorted by name, at least one
}

// Image names one picture of the dataset it came from. It is comparable and
// small; the pixels come from Dataset.Picture.
type Image struct {
	Name  string // path below the root, divided by "/", without folders that wrap all classes
	Turns int    // quarter turns clockwise: 0, or 1 to 3 in a class that Variants added

	Mirrored bool // left and right exchanged, before it is turned, in a class that Variants added

	file   *file
	second part // of an image that Combine made

	redrawn redrawing // of an image that Redrawn or Twin made
}

// Open lists the images below cfg.Path, decodes each once over all processors,
// and arranges them in classes. Decoded pictures are kept in memory up to
// cfg.PixelBytes, which of them by chance; of the others encoded images up to 64 MiB
// in all; what lies beyond is read and decoded again by each Picture.
//
// Data that cannot be trained on is an error: see the sentinels of this package
// and *UnreadableError. A missing path is fs.ErrNotExist. When ctx ends, so does
// Open, between two files.
func Open(ctx context.Context, cfg Config) (*Dataset, Report, error) {
	if err := cfg.Validate(); err != nil {
		return nil, Report{}, err
	}
	src, err := openSource(cfg.Path, cfg.Preparer.Config().Limits.MaxBytes)
	if err != nil {
		return nil, Report{}, fmt.Errorf("dataset: open %q: %w", cfg.Path, err)
	}
	if src.maxPixelBytes = cfg.PixelBytes; cfg.PixelBytes == 0 {
		src.maxPixelBytes = DefaultPixelBytes
	}
	d, report, err := load(ctx, cfg, src)
	if err != nil {
		return nil, Report{}, fmt.Errorf("dataset: open %q: %w", cfg.Path, errors.Join(err, src.close()))
	}
	return d, report, nil
}

// load takes the steps in the order of their cost, so that a wrong layout is
// reported before thousands of images are decoded.
func load(ctx context.Context, cfg Config, src *source) (*Dataset, Report, error) {
	listed, err := list(ctx, src)
	if err != nil {
		return nil, Report{}, err
	}
	images, others, err := sniff(ctx, cfg.Preparer, listed.files)
	if err != nil {
		return nil, Report{}, err
	}
	form, err := arrange(images, cfg.Layout)
	if errors.Is(err, ErrNoImages) {
		return nil, Report{}, noImages(images, others)
	}
	if err != nil {
		return nil, Report{}, err
	}
	readable, unreadable, err := verify(ctx, cfg, form, images)
	if err != nil {
		return nil, Report{}, err
	}
	if len(readable) == 0 {
		return nil, Report{}, noImages(images, others)
	}
	d := &Dataset{preparer: cfg.Preparer, source: src, classes: form.classes(readable), layout: form.layout}
	report := d.report(form, readable, passedOver{listed: listed, unreadable: unreadable, others: others})
	if err := d.enough(); err != nil {
		if len(report.Lost) > 0 {
			err = fmt.Errorf("%w; no readable picture lies in %s", err, strings.Join(report.Lost, "; "))
		}
		return nil, Report{}, err
	}
	return d, report, src.closeIfHeld(readable)
}

// noImages says what was found in place of images.
func noImages(unreadable, others []*file) error {
	switch {
	case len(unreadable) > 0:
		return fmt.Errorf("%w; received %w", ErrNoImages, unreadableError(arrangement{}, unreadable))
	case len(others) > 0:
		return fmt.Errorf("%w; received %s", ErrNoImages, summary(others))
	}
	return ErrNoImages
}

// Layout is how the folders were read, never Auto.
func (d *Dataset) Layout() Layout { return d.layout }

// Classes lists the classes, sorted by name. The caller owns the result.
func (d *Dataset) Classes() []Class {
	classes := slices.Clone(d.classes)
	for i := range classes {
		classes[i].Images = slices.Clone(classes[i].Images)
	}
	return classes
}

// Alphabets lists the alphabets, sorted; none in one's own layout. The caller
// owns the result.
func (d *Dataset) Alphabets() []string {
	seen := map[string]bool{}
	var alphabets []string
	for _, class := range d.classes {
		if class.Alphabet != "" && !seen[class.Alphabet] {
			seen[class.Alphabet] = true
			alphabets = append(alphabets, class.Alphabet)
		}
	}
	slices.Sort(alphabets)
	return alphabets
}

// Picture gives an image as the network wants it ([H,W,3] uint8 RGB), mirrored,
// turned and combined as the image says; it decodes one that is not in memory. The
// caller owns the picture. It fails where such a file has changed or vanished since
// Open, with ErrForeignImage where the image belongs to another dataset, and with
// ErrNotSquare where the image is turned and not square.
func (d *Dataset) Picture(image Image) (*imaging.Picture, error) {
	picture, err := d.picture(image)
	if err != nil || d.shown == (size{}) {
		return picture, err
	}
	return picture.Resize(d.shown.width, d.shown.height, imaging.Bilinear), nil
}

// picture is Picture at the size that is in memory.
func (d *Dataset) picture(image Image) (*imaging.Picture, error) {
	if image.second.how != 0 {
		return d.combined(image)
	}
	if image.file == nil || image.file.source != d.source {
		return nil, fmt.Errorf("dataset: image %q: %w", image.Name, ErrForeignImage)
	}
	if image.redrawn.is {
		return d.redrawnPicture(image)
	}
	picture, err := image.file.picture(d.preparer)
	if err != nil {
		return nil, fmt.Errorf("dataset: image %q: %w", image.Name, err)
	}
	if picture.Pix, err = d.canvas(3).pose(picture.Pix, image); err != nil {
		return nil, fmt.Errorf("dataset: image %q: %w", image.Name, err)
	}
	return picture, nil
}

// Shown is the same dataset with pictures brought to another size, in pixels: data
// that are opened larger than the network's input, so that crops of them stay sharp,
// are so validated at its size. Gray then gives nothing.
func (d *Dataset) Shown(width, height int) *Dataset {
	shown := *d
	shown.shown = size{width, height}
	return &shown
}

// Gray gives the pixels of an image whose channels are all alike, once a pixel:
// [H,W] uint8 of the network's input size, mirrored, turned and combined as the
// image says. They must not be changed. It returns false where the image has
// colours or is not in memory, or Picture would fail: ask Picture then.
func (d *Dataset) Gray(image Image) (pixels []byte, ok bool) {
	if d.shown != (size{}) {
		return nil, false
	}
	if image.second.how != 0 {
		return d.combinedGray(image)
	}
	if image.file == nil || image.file.source != d.source {
		return nil, false
	}
	if image.redrawn.is {
		return d.drawnAgain(image)
	}
	if !image.file.gray {
		return nil, false
	}
	pixels, err := d.canvas(1).pose(image.file.pixels, image)
	return pixels, err == nil
}

// Size is that of the network's input, which Gray and Picture have, in pixels.
func (d *Dataset) Size() (width, height int) {
	if d.shown != (size{}) {
		return d.shown.width, d.shown.height
	}
	config := d.preparer.Config()
	return config.Width, config.Height
}

// Close closes the archive that images are read from, which every dataset made
// from this one shares. There is nothing to close for a folder, nor where all
// images are held in memory: Picture then works on. Close may be called again.
func (d *Dataset) Close() error {
	return d.source.close()
}

// enough refuses what no pairs can be made of.
func (d *Dataset) enough() error {
	if len(d.classes) == 0 {
		return ErrNoImages
	}
	if len(d.classes) == 1 {
		return fmt.Errorf("%w: received only %q", ErrTooFewClasses, d.classes[0].Name)
	}
	pairable := func(c Class) bool { return len(c.Images) >= 2 }
	if !slices.ContainsFunc(d.classes, pairable) {
		return fmt.Errorf("%w: received %d classes of one image", ErrNoPairs, len(d.classes))
	}
	return nil
}
