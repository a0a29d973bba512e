package imaging_test

import (
	"cmp"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"siamese/imaging"
)

var update = flag.Bool("update", false, "writes docs/formats.md from the variants")

const (
	variantsFolder  = corpus + "/variants"
	formatsDocument = "../docs/formats.md"

	// variantsMeanDiff bounds the mean difference from the reference, in levels, that a
	// variant may ask for. Above it a person would see that colours are others.
	variantsMeanDiff = 2
)

// variant is one file of some kind of a format, an entry of a cases.json in a folder
// of variants. A script of scripts/imaging-variants makes each folder.
type variant struct {
	Input   string  `json:"input"`             // file name, in the folder
	Format  string  `json:"format"`            // as the document's table names it
	Variant string  `json:"variant"`           // what is special, in words for the table
	Want    string  `json:"want,omitempty"`    // file name of the reference's picture, upright RGB, at the image's size
	By      string  `json:"by,omitempty"`      // the reference, where it is not Pillow
	Mean    float64 `json:"mean,omitempty"`    // how far the mean may be off, in levels; 0: equal
	Refused string  `json:"refused,omitempty"` // why it is left out; the error must hold these words
	folder  string
}

func TestDecodeShowsEachVariant(t *testing.T) {
	preparer := newPreparer(t, imaging.Config{Limits: imaging.Limits{MinSide: 1, MaxSideRatio: 1000}})
	for _, tt := range variants(t) {
		t.Run(filepath.Base(tt.folder)+"/"+tt.Input, func(t *testing.T) {
			give, err := os.ReadFile(filepath.Join(tt.folder, tt.Input))
			if err != nil {
				t.Fatal(err)
			}
			got, err := preparer.Decode(give)
			if tt.Refused != "" {
				if _, ok := errors.AsType[*imaging.Error](err); !ok || !strings.Contains(err.Error(), tt.Refused) {
					t.Fatalf("Decode(%s) = %v, want an *Error with %q", tt.Input, err, tt.Refused)
				}
				return
			}
			if err != nil {
				t.Fatalf("Decode(%s) = %v", tt.Input, err)
			}
			tt.check(t, got)
		})
	}
}

// check holds the picture against the reference's.
func (v variant) check(t *testing.T, got *imaging.Picture) {
	t.Helper()
	want, err := os.ReadFile(filepath.Join(v.folder, v.Want))
	if err != nil {
		t.Fatal(err)
	}
	largest, mean := difference(t, got, decodePNG(t, want))
	t.Logf("%s: %d levels at most, %.3f on average", v.Input, largest, mean)
	if v.Mean == 0 && largest > 0 || mean > v.Mean {
		t.Errorf("Decode(%s) is off the reference by %.3f levels on average and %d at most, want %v on average", v.Input, mean, largest, v.Mean)
	}
}

// TestFormatsDocument holds docs/formats.md, a table of all variants, against them.
func TestFormatsDocument(t *testing.T) {
	want := formatsTable(variants(t))
	if *update {
		if err := os.WriteFile(formatsDocument, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(formatsDocument)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("docs/formats.md is not what the variants say; write it by: go test ./imaging -run TestFormatsDocument -update")
	}
}

func formatsTable(all []variant) string {
	var out strings.Builder
	fmt.Fprintf(&out, "# Formats\n\nWhat becomes of each kind of picture, %d of them. Each row is a file in `testdata/imaging/variants` with what Pillow 12.3 makes of it, or another program where Pillow shows nothing; "+
		"`go test ./imaging -run 'TestDecodeShowsEachVariant'` holds them together, and `-run TestFormatsDocument -update` writes this page.\n\n"+
		"*Equal*: the same pixels. *Within n*: at most n levels of 255 off, on average over the picture, since decoders round differently.\n\n"+
		"| format | variant | what happens | file |\n|---|---|---|---|\n", len(all))
	for _, v := range all {
		fmt.Fprintf(&out, "| %s | %s | %s | `%s/%s` |\n", v.Format, v.Variant, v.outcome(), filepath.Base(v.folder), v.Input)
	}
	return out.String()
}

func (v variant) outcome() string {
	by := cmp.Or(v.By, "Pillow")
	switch {
	case v.Refused != "":
		return "refused: " + v.Refused
	case v.Mean == 0:
		return "shown, equal to " + by
	default:
		return fmt.Sprintf("shown, within %v of %s", v.Mean, by)
	}
}

// variants are those of all folders, in the order of the document.
func variants(t *testing.T) []variant {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(variantsFolder, "*", "cases.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases in %s: %v", variantsFolder, err)
	}
	var all []variant
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var some []variant
		if err := json.Unmarshal(data, &some); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for _, v := range some {
			if (v.Want == "") == (v.Refused == "") || v.Mean > variantsMeanDiff || v.Format == "" || v.Variant == "" {
				t.Fatalf("%s: %+v, expected format, variant, one of want and refused, and a mean of at most %d", file, v, variantsMeanDiff)
			}
			v.folder = filepath.Dir(file)
			all = append(all, v)
		}
	}
	slices.SortStableFunc(all, func(a, b variant) int { return cmp.Compare(a.Format, b.Format) })
	return all
}
