package imaging

import (
	"os"
	"path/filepath"
	"testing"
)

const profileVariants = "../testdata/imaging/variants/profile"

func readVariant(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(profileVariants, name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestIsGray(t *testing.T) {
	tests := []struct {
		giveFormat Format
		giveFile   string
		want       bool
	}{
		{PNG, "gray_gamma.png", true}, {PNG, "gray_alpha.png", true}, {PNG, "display_p3.png", false}, {PNG, "p3_palette.png", false},
		{JPEG, "gray.jpg", true}, {JPEG, "p3.jpg", false}, {TIFF, "gray.tif", true}, {TIFF, "p3.tif", false}, {WebP, "p3.webp", false},
	}
	for _, tt := range tests {
		if got := isGray(tt.giveFormat, readVariant(t, tt.giveFile)); got != tt.want {
			t.Errorf("isGray(%s) = %v, want %v", tt.giveFile, got, tt.want)
		}
	}
}

func TestProfilesAreKept(t *testing.T) {
	var kept profiles
	profile := profileOf(JPEG, readVariant(t, "p3.jpg"))
	first := kept.transform(profile)
	if first == nil {
		t.Fatal("transform(Display P3) = nil, want one")
	}
	if second := kept.transform(profile); second != first {
		t.Error("the same profile was read twice, want it kept")
	}
	for i := range keptProfiles { // of nonsense
		if got := kept.transform([]byte{byte(i)}); got != nil {
			t.Errorf("transform(nonsense) = %v, want nil", got)
		}
	}
	if len(kept.kept) != keptProfiles {
		t.Errorf("%d profiles are kept, want %d", len(kept.kept), keptProfiles)
	}
	if again := kept.transform(profile); again == nil || again == first {
		t.Error("the oldest profile was not the one to go")
	}
	kept.transform(make([]byte, keptProfileSize+1))
	for _, k := range kept.kept {
		if len(k.data) > keptProfileSize {
			t.Errorf("a profile of %d bytes is kept, want at most %d", len(k.data), keptProfileSize)
		}
	}
}
