package dataset_test

import (
	"errors"
	"slices"
	"testing"

	"siamese/imaging"
	"siamese/train/dataset"
)

func TestOpenTellsLayoutsApart(t *testing.T) {
	const auto, omniglot, own = dataset.Auto, dataset.Omniglot, dataset.Own
	tests := []struct {
		name        string
		giveFolders []string
		giveLayout  dataset.Layout
		wantLayout  dataset.Layout
		wantClasses []string
	}{
		{"own", []string{"cat", "dog"}, auto, own, []string{"cat", "dog"}},
		{"own, wrapped", []string{"pets/cat", "pets/dog"}, auto, own, []string{"cat", "dog"}},
		{"own, wrapped twice", []string{"my/pets/cat", "my/pets/dog"}, auto, own, []string{"cat", "dog"}},
		{"omniglot", []string{"Greek/a", "Latin/a"}, auto, omniglot, []string{"Greek/a", "Latin/a"}},
		{"omniglot, wrapped", []string{"top/Greek/a", "top/Latin/a"}, auto, omniglot, []string{"Greek/a", "Latin/a"}},
		{"one alphabet", []string{"Greek/a", "Greek/b"}, auto, own, []string{"a", "b"}},
		{"one alphabet, insisted on", []string{"Greek/a", "Greek/b"}, omniglot, omniglot, []string{"Greek/a", "Greek/b"}},
		{"one alphabet, wrapped", []string{"top/Greek/a", "top/Greek/b"}, omniglot, omniglot, []string{"Greek/a", "Greek/b"}},
		{"names that begin alike", []string{"Greek/a", "Greek-old/a"}, auto, omniglot, []string{"Greek-old/a", "Greek/a"}},
		{"own, insisted on", []string{"pets/cat", "pets/dog"}, own, own, []string{"cat", "dog"}},
		{"other scripts, spaces", []string{"猫", "собака на траве"}, auto, own, []string{"собака на траве", "猫"}},
	}
	for _, tt := range tests {
		give := glyphs(t, 2, tt.giveFolders...)
		for kind, path := range map[string]string{"folder": give.folder(t), "zip": give.archive(t)} {
			t.Run(tt.name+" in a "+kind, func(t *testing.T) {
				d, report, err := dataset.Open(t.Context(), dataset.Config{Path: path, Layout: tt.giveLayout, Preparer: preparer(t)})
				if err != nil {
					t.Fatal(err)
				}
				if report.Layout != tt.wantLayout {
					t.Errorf("layout = %v, want %v", report.Layout, tt.wantLayout)
				}
				if got := classNames(d); !slices.Equal(got, tt.wantClasses) {
					t.Errorf("classes = %q, want %q", got, tt.wantClasses)
				}
				for _, class := range d.Classes() {
					if hasAlphabet := class.Alphabet != ""; hasAlphabet != (tt.wantLayout == omniglot) {
						t.Errorf("class %q has alphabet %q in layout %v", class.Name, class.Alphabet, tt.wantLayout)
					}
				}
			})
		}
	}
}

func TestOpenRefusesOtherLayouts(t *testing.T) {
	tests := []struct {
		name       string
		give       files
		giveLayout dataset.Layout
		want       error
		wantNames  []string // what the message must say
	}{
		{
			"mixed depth", glyphs(t, 2, "cat", "dog/small"), dataset.Auto,
			dataset.ErrMixedDepth, []string{`"cat/01.png" lies 1 folders deep`, `"dog/small/01.png" 2`},
		},
		{
			"an image beside the classes", glyphs(t, 2, "cat", "dog").with("preview.png", glyph(t, "p")), dataset.Auto,
			dataset.ErrMixedDepth, []string{`"preview.png" 0`},
		},
		{
			"own data as omniglot", glyphs(t, 2, "cat", "dog"), dataset.Omniglot,
			dataset.ErrLayout, []string{`"cat/01.png" lies 1 folders deep, expected alphabet/character/image`},
		},
		{
			"omniglot as own data", glyphs(t, 2, "Greek/a", "Latin/a"), dataset.Own,
			dataset.ErrLayout, []string{`"Greek/a/01.png" lies 2 folders deep, expected class/image`},
		},
		{
			"a level too many", glyphs(t, 2, "all/1/Greek/a", "some/2/Latin/a"), dataset.Auto,
			dataset.ErrLayout, []string{"domain/kind/thing/image, alphabet/character/image or class/image"},
		},
		{
			"things as domains", glyphs(t, 2, "milk/oat", "juice/apple"), dataset.Domains,
			dataset.ErrLayout, []string{"lies 2 folders deep, expected domain/kind/thing/image"},
		},
		{
			"folders without end", glyphs(t, 2, "a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q/r"), dataset.Auto,
			dataset.ErrTooDeep, []string{"at most 16"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := dataset.Open(t.Context(), dataset.Config{Path: tt.give.folder(t), Layout: tt.giveLayout, Preparer: preparer(t)})
			if !errors.Is(err, tt.want) {
				t.Errorf("Open = %v, want %v", err, tt.want)
			}
			for _, name := range tt.wantNames {
				wantMessage(t, err, name)
			}
		})
	}
}

func TestNamesAreParsedAsTheyAreWritten(t *testing.T) {
	for _, l := range []dataset.Layout{dataset.Auto, dataset.Omniglot, dataset.Own, dataset.Things, dataset.Domains} {
		if got, err := dataset.ParseLayout(l.String()); got != l || err != nil {
			t.Errorf("ParseLayout(%q) = %v, %v, want %v", l, got, err, l)
		}
	}
	for _, u := range []dataset.Unreadable{dataset.Stop, dataset.Skip} {
		if got, err := dataset.ParseUnreadable(u.String()); got != u || err != nil {
			t.Errorf("ParseUnreadable(%q) = %v, %v, want %v", u, got, err, u)
		}
	}
	for _, b := range []dataset.SplitBy{dataset.ByImage, dataset.ByClass, dataset.ByAlphabet} {
		if got, err := dataset.ParseSplitBy(b.String()); got != b || err != nil {
			t.Errorf("ParseSplitBy(%q) = %v, %v, want %v", b, got, err, b)
		}
	}
}

func TestParseRefusesOtherNames(t *testing.T) {
	_, layoutErr := dataset.ParseLayout("Omniglot")
	wantMessage(t, layoutErr, `layout is "Omniglot", expected one of ["auto" "omniglot" "own" "things" "domains"]`)
	_, unreadableErr := dataset.ParseUnreadable("")
	wantMessage(t, unreadableErr, `unreadable is "", expected one of ["stop" "skip"]`)
	_, splitErr := dataset.ParseSplitBy("file")
	wantMessage(t, splitErr, `split is "file", expected one of ["image" "class" "alphabet"]`)
	got := []string{dataset.Layout(9).String(), dataset.Unreadable(-1).String(), dataset.SplitBy(3).String()}
	if want := []string{"Layout(9)", "Unreadable(-1)", "SplitBy(3)"}; !slices.Equal(got, want) {
		t.Errorf("names of unknown values = %q, want %q", got, want)
	}
}

// TestKindsAndDomainsComeFromTheFolders: kinds take the place of alphabets, with
// their domain in the name, so that kinds of one name in two domains stay two.
func TestKindsAndDomainsComeFromTheFolders(t *testing.T) {
	tests := []struct {
		name   string
		give   files
		layout dataset.Layout
		want   [][3]string // name, kind, domain
	}{
		{"things", glyphs(t, 2, "milk/oat", "milk/soy"), dataset.Things, [][3]string{{"milk/oat", "milk", ""}, {"milk/soy", "milk", ""}}},
		{
			"domains by depth", glyphs(t, 2, "drawings/milk/a", "pictures/milk/oat"), dataset.Auto,
			[][3]string{{"drawings/milk/a", "drawings/milk", "drawings"}, {"pictures/milk/oat", "pictures/milk", "pictures"}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d, _, err := dataset.Open(t.Context(), dataset.Config{Path: tt.give.folder(t), Layout: tt.layout, Preparer: preparer(t)})
			if err != nil {
				t.Fatal(err)
			}
			var got [][3]string
			for _, class := range d.Classes() {
				got = append(got, [3]string{class.Name, class.Alphabet, class.Domain})
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("classes = %q, want %q", got, tt.want)
			}
		})
	}
}

// TestShownPicturesHaveTheirSize: a view at another size resizes what Picture gives
// and leaves the dataset as it is.
func TestShownPicturesHaveTheirSize(t *testing.T) {
	d, _, err := dataset.Open(t.Context(), dataset.Config{Path: glyphs(t, 2, "cat", "dog").folder(t), Preparer: preparer(t)})
	if err != nil {
		t.Fatal(err)
	}
	image := d.Classes()[0].Images[0]
	whole, err := d.Picture(image)
	if err != nil {
		t.Fatal(err)
	}
	shown := d.Shown(7, 5)
	small, err := shown.Picture(image)
	if err != nil {
		t.Fatal(err)
	}
	if want := whole.Resize(7, 5, imaging.Bilinear); small.Width != 7 || small.Height != 5 || !slices.Equal(small.Pix, want.Pix) {
		t.Errorf("shown at 7x5: %dx%d, want the picture resized to that", small.Width, small.Height)
	}
	if width, height := shown.Size(); width != 7 || height != 5 {
		t.Errorf("Size() = %d, %d, want 7, 5", width, height)
	}
	if _, ok := shown.Gray(image); ok {
		t.Error("Gray() of a resized view = true, want false")
	}
	if _, ok := d.Gray(image); !ok {
		t.Error("Gray() of the dataset = false, want true")
	}
}
