package e2e_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"siamese/internal/e2e/fixture"
	"siamese/internal/proctest"
)

func TestCompareFiles(t *testing.T) {
	tests := []struct {
		give []string
		want string
	}{
		{[]string{proctest.GlyphA, proctest.GlyphB}, fixture.ScoreAB + " same (threshold 0.50, omniglot)\n"},
		{[]string{proctest.GlyphB, proctest.GlyphA}, fixture.ScoreAB + " same (threshold 0.50, omniglot)\n"},
		{[]string{proctest.GlyphA, proctest.GlyphC}, fixture.ScoreAC + " different (threshold 0.50, omniglot)\n"},
		{[]string{proctest.GlyphA, proctest.GlyphB, "--threshold=0.9999"}, fixture.ScoreAB + " different (threshold 0.9999, omniglot)\n"},
	}
	for _, tt := range tests {
		stdout, stderr, code := proctest.Run(t, "", append([]string{"compare"}, tt.give...)...)
		if stdout != tt.want || stderr != "" || code != 0 {
			t.Errorf("compare %v = %q, %q, exit code %d; want %q, nothing, 0", tt.give, stdout, stderr, code, tt.want)
		}
	}
}

func TestCompareJSON(t *testing.T) {
	stdout, _, code := proctest.Run(t, "", "compare", "--json", proctest.GlyphA, proctest.GlyphB)
	var got map[string]any
	if err := json.Unmarshal([]byte(stdout), &got); err != nil || code != 0 {
		t.Fatalf("compare --json printed %q with exit code %d: %v", stdout, code, err)
	}
	similarity, _ := got["similarity"].(float64)
	if fmt.Sprintf("%.4f", similarity) != fixture.ScoreAB || got["same"] != true || got["threshold"] != 0.5 || got["model"] != "siamese-omniglot" || len(got) != 6 {
		t.Errorf("compare --json printed %s, want similarity %s, same, threshold 0.5, the model's name and both images' familiarity", stdout, fixture.ScoreAB)
	}
}

// plotTitle is the height of the plot's title in pixels.
const plotTitle = 56

func TestComparePlot(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.png")
	if _, stderr, code := proctest.Run(t, "", "compare", "--plot", path, proctest.GlyphA, proctest.GlyphC); code != 0 {
		t.Fatalf("compare --plot: exit code %d, %s", code, stderr)
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	plot, err := png.Decode(file)
	if err != nil {
		t.Fatal(err)
	}
	// Dark pixels of the title, of the left and of the right picture.
	var title, left, right int
	bounds := plot.Bounds()
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			if red, _, _, _ := plot.At(x, y).RGBA(); red > 0x4000 {
				continue
			}
			switch {
			case y < plotTitle:
				title++
			case x < bounds.Dx()/2:
				left++
			default:
				right++
			}
		}
	}
	// Nine plot pixels stand for one of the drawing; each has some 800 of ink.
	if title < 200 || left < 1000 || right < 1000 {
		t.Errorf("plot has %d dark pixels in its title, %d left, %d right; want text and two drawings", title, left, right)
	}
}

func TestCompareRefuses(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.png")
	if err := os.WriteFile(empty, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		give     []string
		want     string
		wantCode int
	}{
		{[]string{"compare", proctest.GlyphA, "missing.png"}, "open missing.png: no such file", 1},
		{[]string{"compare", empty, proctest.GlyphA}, "empty.png: IMAGE_EMPTY", 1},
		{[]string{"compare", proctest.GlyphA, proctest.Glyph("README.md")}, "README.md: IMAGE_FORMAT_UNKNOWN", 1},
		{[]string{"rank", proctest.Glyph("README.md"), proctest.GlyphA}, "README.md: IMAGE_FORMAT_UNKNOWN", 1},
		{[]string{"compare", proctest.GlyphA}, "one image named", 2},
		{[]string{"compare", "-", "-"}, "standard input, which can be read once", 2},
		{[]string{"compare", "-", proctest.GlyphA}, "-: received nothing, expected a picture", 1},
		{[]string{"compare", proctest.GlyphA, proctest.GlyphB, "--plot=x.gif"}, "expected .png, .jpg or .jpeg", 2},
		{[]string{"rank", proctest.GlyphA, proctest.GlyphB, "--json", "--csv"}, "--json and --csv can't be used together", 2},
		{[]string{"rank", proctest.GlyphA, proctest.GlyphB, "--top=-1"}, "--top -1, expected 0", 2},
		{[]string{"embed", proctest.GlyphA, "-o", "out.txt"}, "expected .npy, .parquet or .jsonl", 2},
		{[]string{"embed", proctest.GlyphA, "-o", "out.npy", "--model=auto"}, "expected the name of one model", 2},
		{[]string{"batch", "missing.tsv"}, "open missing.tsv: no such file", 1},
		{[]string{"help", "nonsense"}, `no command "nonsense"`, 2},
		{[]string{"compare", proctest.GlyphA, proctest.GlyphB, "--threshold=2"}, "--threshold 2, want 0 to 1", 2},
		{[]string{"compare", proctest.GlyphA, proctest.GlyphB, "--resize=stretch"}, "--resize", 2},
		{[]string{"compare", proctest.GlyphA, proctest.GlyphB, "--device=tpu"}, `device "tpu", want "auto", "cpu" or "gpu:N"`, 1},
		{[]string{"nonsense"}, "unexpected argument nonsense: 'siamese help' lists the commands", 2},
	}
	for _, tt := range tests {
		stdout, stderr, code := proctest.Run(t, "", tt.give...)
		if code != tt.wantCode || stdout != "" || !strings.Contains(stderr, tt.want) {
			t.Errorf("%v = %q, %q, exit code %d; want %q in the error and %d", tt.give, stdout, stderr, code, tt.want, tt.wantCode)
		}
		proctest.OneLine(t, stderr)
	}
}

func TestPrompt(t *testing.T) {
	input := strings.Join([]string{proctest.GlyphA, proctest.GlyphB, "missing.png", proctest.GlyphB, proctest.GlyphA, proctest.Glyph("README.md"), proctest.GlyphA, proctest.GlyphC, proctest.GlyphA}, "\n") + "\n"
	stdout, stderr, code := proctest.Run(t, input, "compare")
	if code != 0 || stderr != "" {
		t.Errorf("the prompt ended with exit code %d and %q, want 0 and nothing", code, stderr)
	}
	wants := []string{
		"Input image_1 filename:Input image_2 filename:" + fixture.ScoreAB + " same (threshold 0.50, omniglot)\n",
		"Input image_1 filename:Input image_2 filename:Image_1 Open Error! Try again! (open missing.png: ",
		"Input image_1 filename:Input image_2 filename:Image_2 Open Error! Try again! (",
		"Input image_1 filename:Input image_2 filename:" + fixture.ScoreAC + " different (threshold 0.50, omniglot)\n",
		"Input image_1 filename:Input image_2 filename:\n",
	}
	rest := stdout
	for _, want := range wants {
		_, after, found := strings.Cut(rest, want)
		if !found {
			t.Fatalf("the prompt printed %q, want %q next, in %q", stdout, want, rest)
		}
		rest = after
	}
}

// TestPromptWithoutInput: nobody is there to be asked.
func TestPromptWithoutInput(t *testing.T) {
	_, stderr, code := proctest.Run(t, "", "compare")
	if code != 2 || !strings.Contains(stderr, "no image named, and standard input") {
		t.Errorf("compare without names and input = %q, exit code %d; want a sentence and 2", stderr, code)
	}
}

// TestCompareStandardInput: - is a picture.
func TestCompareStandardInput(t *testing.T) {
	stdout, stderr, code := proctest.Run(t, string(proctest.ReadFile(t, proctest.GlyphA)), "compare", "-", proctest.GlyphB)
	if want := fixture.ScoreAB + " same (threshold 0.50, omniglot)\n"; stdout != want || code != 0 {
		t.Errorf("compare - = %q, %q, exit code %d; want %q", stdout, stderr, code, want)
	}
}

// TestComparePlotJPEG: the file is what its name says.
func TestComparePlotJPEG(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.jpg")
	proctest.Succeed(t, "compare", "--plot", path, proctest.GlyphA, proctest.GlyphC)
	plot, err := jpeg.DecodeConfig(bytes.NewReader(proctest.ReadFile(t, path)))
	if err != nil || plot.Height <= plotTitle {
		t.Errorf("the plot is %+v, %v; want a JPEG", plot, err)
	}
}

func TestRank(t *testing.T) {
	stdout, stderr, code := proctest.Run(t, "", "rank", proctest.GlyphA, proctest.GlyphC, proctest.Glyph("README.md"), proctest.GlyphB)
	if code != 1 || !strings.Contains(stderr, "README.md: IMAGE_FORMAT_UNKNOWN") || !strings.HasSuffix(stderr, "\nsiamese: 1 of 3 could not be used\n") {
		t.Errorf("rank with an unusable candidate = %q with exit code %d, want its error, how many failed, and 1", stderr, code)
	}
	lines := strings.Split(strings.TrimSpace(stdout), "\n")
	if len(lines) != 3 ||
		strings.Join(strings.Fields(lines[1]), " ") != "1 "+fixture.ScoreAB+" same omniglot "+proctest.GlyphB ||
		strings.Join(strings.Fields(lines[2]), " ") != "2 "+fixture.ScoreAC+" different omniglot "+proctest.GlyphC {
		t.Errorf("rank printed\n%s\nwant %s, then %s", stdout, proctest.GlyphB, proctest.GlyphC)
	}
}

func TestHelpAndVersions(t *testing.T) {
	tests := []struct {
		give []string
		want string
	}{
		{nil, "Usage: siamese <command>"},
		{[]string{"serve", "--help"}, "--max-queued-images"},
		{[]string{"version"}, "TensorFlow 2."},
		{[]string{"--version"}, "TensorFlow 2."},
		{[]string{"help"}, "Usage: siamese <command>"},
		{[]string{"help", "compare"}, "--plot=FILE"},
		{[]string{"help", "model", "export"}, "Usage: siamese model export"},
		{[]string{"devices"}, "cpu"},
	}
	for _, tt := range tests {
		stdout, stderr, code := proctest.Run(t, "", tt.give...)
		if code != 0 || stderr != "" || !strings.Contains(stdout, tt.want) {
			t.Errorf("%v = %q, %q, exit code %d; want %q and 0", tt.give, stdout, stderr, code, tt.want)
		}
	}
}

// TestFlagsFromFileAndEnvironment: a flag beats a variable beats the file.
func TestFlagsFromFileAndEnvironment(t *testing.T) {
	config := filepath.Join(t.TempDir(), "config.json")
	if err := os.WriteFile(config, []byte(`{"threshold": 0.1, "json": true}`), 0o644); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		env, flag string
		want      string
	}{
		{"", "", `"threshold":0.1,`},
		{"SIAMESE_THRESHOLD=0.2", "", `"threshold":0.2,`},
		{"SIAMESE_THRESHOLD=0.2", "--threshold=0.3", `"threshold":0.3,`},
	}
	for _, tt := range tests {
		cmd := proctest.Command(t, strings.Fields("compare --config "+config+" "+proctest.GlyphA+" "+proctest.GlyphB+" "+tt.flag)...)
		cmd.Env = append(cmd.Env, tt.env)
		stdout, err := cmd.Output()
		if err != nil || !strings.Contains(string(stdout), tt.want) {
			t.Errorf("with %q and %q: printed %q, %v; want %q", tt.env, tt.flag, stdout, err, tt.want)
		}
	}
}

// TestConfigRefuses: what no flag takes is told with the file's name.
func TestConfigRefuses(t *testing.T) {
	config := filepath.Join(t.TempDir(), "config.json")
	for give, want := range map[string]string{
		`{"treshold": 0.1}`:      `unknown key "treshold", did you mean "threshold"?`,
		`{"threshold": "often"}`: `key "threshold": received "often", expected a number`,
	} {
		if err := os.WriteFile(config, []byte(give), 0o644); err != nil {
			t.Fatal(err)
		}
		_, stderr, code := proctest.Run(t, "", "compare", "--config", config, proctest.GlyphA, proctest.GlyphB)
		if code != 2 || !strings.Contains(stderr, config+": "+want) {
			t.Errorf("%s = %q, exit code %d; want %q and 2", give, stderr, code, want)
		}
		proctest.OneLine(t, stderr)
	}
}
