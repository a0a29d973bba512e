package e2e_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/parquet-go/parquet-go"

	"siamese/internal/e2e/fixture"
	"siamese/internal/proctest"
)

// folder is a folder as people have them: drawings, one of them below, hidden files,
// a text, a page that is called a picture, and an empty file.
func folder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string][]byte{
		"b.png":            proctest.ReadFile(t, proctest.GlyphB),
		"below/c.png":      proctest.ReadFile(t, proctest.GlyphC),
		"a":                proctest.ReadFile(t, proctest.GlyphA),
		"readme.txt":       []byte("no picture"),
		"page.jpg":         []byte("<html>"),
		"empty.png":        nil,
		".hidden.png":      proctest.ReadFile(t, proctest.GlyphA),
		".cache/thumb.gif": []byte("GIF89a"),
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestRankFolder: a folder is walked, what is no picture is counted, what is called one
// has its error. Through a server that takes two candidates a call the answer is the
// same.
func TestRankFolder(t *testing.T) {
	dir := folder(t)
	server := proctest.Serve(t, "--max-candidates", "2", "--cache-bytes", "0")
	for _, more := range [][]string{nil, {"--server", server.Address}, {"--server", server.Address, "--model", "omniglot"}} {
		stdout, stderr, code := proctest.Run(t, "", append([]string{"rank", "--csv", "--model=omniglot", proctest.GlyphA, dir}, more...)...)
		if code != 1 || !strings.Contains(stderr, "1 file that is no picture was passed over") || !strings.Contains(stderr, "2 of 5 could not be used: the column error says why\n") {
			t.Errorf("rank %v: %q, exit code %d; want one file passed over and two failed", more, stderr, code)
		}
		rows, err := csv.NewReader(strings.NewReader(stdout)).ReadAll()
		if err != nil || len(rows) != 6 {
			t.Fatalf("rank %v printed %q, %v; want a head and 5 lines", more, stdout, err)
		}
		for i, want := range []string{"a", "b.png", "below/c.png", "empty.png", "page.jpg"} {
			row := rows[i+1]
			if row[1] != filepath.Join(dir, want) || (row[0] == "") != (i >= 3) || (row[8] == "") != (i < 3) {
				t.Errorf("rank %v: line %d is %q, want %s", more, i+1, row, want)
			}
		}
		if similarity, err := strconv.ParseFloat(rows[2][2], 64); err != nil || fmt.Sprintf("%.4f", similarity) != fixture.ScoreAB || rows[2][3] != "true" || rows[2][5] != "omniglot" {
			t.Errorf("rank %v: %q, want %s, the same by omniglot", more, rows[2], fixture.ScoreAB)
		}
	}
	stdout, _, _ := proctest.Run(t, "", "rank", "--json", "--top", "1", proctest.GlyphA, dir)
	var got struct {
		Matches []struct{ File string }
		Failed  []struct{ File, Error string }
	}
	if err := json.Unmarshal([]byte(stdout), &got); err != nil || len(got.Matches) != 1 || got.Matches[0].File != filepath.Join(dir, "a") || len(got.Failed) != 2 {
		t.Errorf("rank --json --top 1 printed %s, %v; want the first match and what failed", stdout, err)
	}
}

// pairsList is a list with a byte order mark, a head, CRLF, further columns, quotes,
// and lines that have no pair.
func pairsList(t *testing.T, dir string) string {
	t.Helper()
	path := filepath.Join(dir, "pairs.csv")
	text := "\ufeffleft,right,note\r\n" +
		"a,b.png,\"one, \"\"two\"\"\"\r\n" +
		"a,below/c.png,\r\n" +
		"a,missing.png,gone\r\n" +
		"\r\n" +
		"a\r\n" +
		"a,page.jpg,x,y\r\n" +
		"a,page.jpg,html\r\n"
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestBatch: each line has its similarity or its error, here and through a server that
// takes one pair a call.
func TestBatch(t *testing.T) {
	dir := folder(t)
	list := pairsList(t, dir)
	server := proctest.Serve(t, "--max-pairs", "1")
	for _, more := range [][]string{nil, {"--server", server.Address}} {
		stdout, stderr, code := proctest.Run(t, "", append([]string{"batch", list}, more...)...)
		if code != 1 || stderr != "siamese: 4 of 6 pairs failed: the column error says why\n" {
			t.Errorf("batch %v: %q, exit code %d; want how many failed and 1", more, stderr, code)
		}
		rows, err := csv.NewReader(strings.NewReader(stdout)).ReadAll()
		if err != nil || len(rows) != 7 || strings.Join(rows[0], " ") != "left right note similarity same threshold model familiarity_a familiarity_b warning error" {
			t.Fatalf("batch %v printed %q, %v; want a head and 6 lines", more, stdout, err)
		}
		for i, want := range []struct{ note, score, fault string }{
			{`one, "two"`, fixture.ScoreAB, ""}, {"", fixture.ScoreAC, ""}, {"gone", "", "missing.png: no such file"},
			{"", "", "line 6: received 1 fields, expected two image files"}, {"x", "", "line 7: received 4 fields, expected at most the 3"},
			{"html", "", "page.jpg: IMAGE_FORMAT_UNKNOWN"},
		} {
			row, score := rows[i+1], ""
			if similarity, err := strconv.ParseFloat(row[3], 64); err == nil {
				score = fmt.Sprintf("%.4f", similarity)
			}
			if row[2] != want.note || score != want.score || !strings.Contains(row[10], want.fault) || (row[10] == "") != (want.fault == "") {
				t.Errorf("batch %v: line %d is %q, want note %q, similarity %q, error %q", more, i+1, row, want.note, want.score, want.fault)
			}
		}
	}
	out := filepath.Join(t.TempDir(), "out.jsonl")
	input := proctest.GlyphA + "\t" + proctest.GlyphB + "\n"
	if _, stderr, code := proctest.Run(t, input, "batch", "-", "-o", out); code != 0 || stderr != "" {
		t.Errorf("batch -: %q, exit code %d; want 0", stderr, code)
	}
	var got struct {
		Line       int
		Similarity float64
		Model      string
	}
	if err := json.Unmarshal(proctest.ReadFile(t, out), &got); err != nil || got.Line != 1 || fmt.Sprintf("%.4f", got.Similarity) != fixture.ScoreAB || got.Model != "omniglot" {
		t.Errorf("batch -o out.jsonl wrote %+v, %v; want %s by omniglot", got, err, fixture.ScoreAB)
	}
}

// TestBatchInterrupted: Ctrl-C leaves whole lines and says how many there are.
func TestBatchInterrupted(t *testing.T) {
	cmd := proctest.Command(t, "batch", "-", "--format", "csv")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	const pairs = 70 // more than are scored in one go
	for range pairs {
		fmt.Fprintf(in, "%s,%s\n", proctest.GlyphA, proctest.GlyphB)
	}
	lines := bufio.NewScanner(out)
	written := 0
	for written < 1+64 && lines.Scan() { // the head and one go
		written++
	}
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	for lines.Scan() {
		written++
	}
	_ = cmd.Wait() // the code says what there is to say
	if code := cmd.ProcessState.ExitCode(); code != 130 || stderr.String() != fmt.Sprintf("siamese: interrupted: %d pairs are done and written\n", written-1) {
		t.Errorf("interrupted: exit code %d, %q after %d lines; want 130 and their number", code, stderr.String(), written)
	}
}

// TestPromptInterrupted: by either signal.
func TestPromptInterrupted(t *testing.T) {
	for signal, want := range map[syscall.Signal]struct {
		code int
		says string
	}{syscall.SIGINT: {130, "interrupted"}, syscall.SIGTERM: {143, "interrupted by SIGTERM"}} {
		cmd := proctest.Command(t, "compare")
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		proctest.WaitForLine(t, out, "Input image_1 filename:")
		if err := cmd.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, out)
		_ = cmd.Wait() // the code says what there is to say
		in.Close()
		if code := cmd.ProcessState.ExitCode(); code != want.code || stderr.String() != "siamese: "+want.says+"\n" {
			t.Errorf("%v: exit code %d, %q; want %d, %q", signal, code, stderr.String(), want.code, want.says)
		}
	}
}

// embedded is what is read from a file of embeddings.
type embedded struct {
	names  []string
	values [][]float32
}

// readNPY reads an array as NumPy does, and the names beside it.
func readNPY(t *testing.T, path string) (read embedded) {
	t.Helper()
	data := proctest.ReadFile(t, path)
	if len(data) < 128 || string(data[:8]) != "\x93NUMPY\x01\x00" || binary.LittleEndian.Uint16(data[8:]) != 118 || data[127] != '\n' {
		t.Fatalf("%s begins with %q, want a head of 128 bytes", path, data[:min(len(data), 128)])
	}
	var rows, columns int
	if _, err := fmt.Sscanf(string(data[10:127]), "{'descr': '<f4', 'fortran_order': False, 'shape': (%d, %d), }", &rows, &columns); err != nil || len(data) != 128+4*rows*columns {
		t.Fatalf("%s: head %q, %v, %d bytes; want as many as its shape says", path, data[10:127], err, len(data))
	}
	for row := range rows {
		var values []float32
		for column := range columns {
			values = append(values, math.Float32frombits(binary.LittleEndian.Uint32(data[128+4*(row*columns+column):])))
		}
		read.values = append(read.values, values)
	}
	var names struct {
		Rows []struct{ Name string }
	}
	if err := json.Unmarshal(proctest.ReadFile(t, strings.TrimSuffix(path, ".npy")+".json"), &names); err != nil {
		t.Fatal(err)
	}
	for _, row := range names.Rows {
		read.names = append(read.names, row.Name)
	}
	return read
}

func readParquet(t *testing.T, path string) (read embedded) {
	t.Helper()
	rows, err := parquet.ReadFile[struct {
		Name      string    `parquet:"name"`
		Embedding []float32 `parquet:"embedding,list"`
	}](path)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		read.names, read.values = append(read.names, row.Name), append(read.values, row.Embedding)
	}
	return read
}

func readJSONL(t *testing.T, path string) (read embedded) {
	t.Helper()
	for line := range strings.Lines(string(proctest.ReadFile(t, path))) {
		var row struct {
			Name, Error string
			Embedding   []float32
		}
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatal(err)
		}
		if row.Error == "" {
			read.names, read.values = append(read.names, row.Name), append(read.values, row.Embedding)
		}
	}
	return read
}

// embeddingTolerance is how far a value may be off that was computed in another batch.
const embeddingTolerance = 1e-4

// TestEmbed: all forms hold the same embeddings, here and through a server that takes
// two images a call.
func TestEmbed(t *testing.T) {
	dir, out := folder(t), t.TempDir()
	server := proctest.Serve(t, "--max-images", "2")
	var want embedded
	for form, read := range map[string]func(*testing.T, string) embedded{"out.npy": readNPY, "out.parquet": readParquet, "out.jsonl": readJSONL} {
		for _, more := range [][]string{nil, {"--server", server.Address}} {
			path := filepath.Join(out, form)
			_, stderr, code := proctest.Run(t, "", append([]string{"embed", "--model=omniglot", dir, "-o", path}, more...)...)
			if code != 1 || !strings.Contains(stderr, "3 embeddings of 4608 numbers by omniglot") || !strings.Contains(stderr, "page.jpg: IMAGE_FORMAT_UNKNOWN") || !strings.Contains(stderr, "2 of 5 could not be used") {
				t.Errorf("embed -o %s %v: %q, exit code %d; want 3 embeddings and 2 that failed", form, more, stderr, code)
			}
			got := read(t, path)
			if want.names == nil {
				want = got
			}
			if strings.Join(got.names, " ") != strings.Join([]string{filepath.Join(dir, "a"), filepath.Join(dir, "b.png"), filepath.Join(dir, "below/c.png")}, " ") {
				t.Errorf("embed -o %s %v: names %v, want the three drawings", form, more, got.names)
			}
			for i := range want.values {
				for j, value := range want.values[i] {
					if math.Abs(float64(got.values[i][j]-value)) > embeddingTolerance {
						t.Fatalf("embed -o %s %v: value %d of row %d is %v, want %v", form, more, j, i, got.values[i][j], value)
					}
				}
			}
		}
	}
	left, err := filepath.Glob(filepath.Join(out, ".*"))
	if err != nil || len(left) != 0 {
		t.Errorf("embed left %v, %v; want the files alone", left, err)
	}
}

// photograph writes a JPEG of 48 megapixels and more than 20 MB, as telephones make
// them: the drawing, enlarged and noisy.
func photograph(t *testing.T, of string) string {
	t.Helper()
	file, err := os.Open(of)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	drawing, _, err := image.Decode(file)
	if err != nil {
		t.Fatal(err)
	}
	const width, height, noise = 8000, 6000, 64
	large := image.NewGray(image.Rect(0, 0, width, height))
	random := rand.New(rand.NewPCG(1, 2))
	bounds := drawing.Bounds()
	const side = height // of the drawing, in the middle
	for y := range height {
		for x := range width {
			shade := uint32(0xff)
			if at := x - (width-side)/2; at >= 0 && at < side {
				shade, _, _, _ = drawing.At(bounds.Min.X+at*bounds.Dx()/side, bounds.Min.Y+y*bounds.Dy()/side).RGBA()
				shade >>= 8
			}
			large.Pix[y*large.Stride+x] = uint8(max(int(shade)*(256-noise)>>8, 0)) + uint8(random.Uint32N(noise))
		}
	}
	path := filepath.Join(t.TempDir(), "photograph.jpg")
	out, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	if err := jpeg.Encode(out, large, &jpeg.Options{Quality: 92}); err != nil {
		t.Fatal(err)
	}
	if info, err := out.Stat(); err != nil || info.Size() < 20<<20 {
		t.Fatalf("the photograph has %d bytes, %v; want 20 MB and more", info.Size(), err)
	}
	return path
}

// largeTolerance is how far the similarity of a photograph that was sent smaller may
// be off.
const largeTolerance = 0.005

// TestLargePhotograph: it is taken here, and through a server whose limits it is far
// over; a limit of one's own refuses it.
func TestLargePhotograph(t *testing.T) {
	large := photograph(t, proctest.GlyphA)
	server := proctest.Serve(t)
	similarity := func(more ...string) (value float64, stderr string) {
		stdout, stderr, code := proctest.Run(t, "", append([]string{"compare", "--json", large, proctest.GlyphB}, more...)...)
		var got struct{ Similarity float64 }
		if err := json.Unmarshal([]byte(stdout), &got); err != nil || code != 0 {
			t.Fatalf("compare %v: %q, %q, exit code %d", more, stdout, stderr, code)
		}
		return got.Similarity, stderr
	}
	for _, model := range []string{"omniglot", "general", "auto"} {
		here, _ := similarity("--model", model)
		there, said := similarity("--model", model, "--server", server.Address)
		if math.Abs(here-there) > largeTolerance || !strings.Contains(said, "it is sent smaller") {
			t.Errorf("%s: similarity %v here and %v by the server (%q), want them within %v and a word on it", model, here, there, said, largeTolerance)
		}
	}
	_, stderr, code := proctest.Run(t, "", "compare", large, proctest.GlyphB, "--max-image-pixels=25000000")
	if code != 1 || !strings.Contains(stderr, "received 8000x6000 pixels, expected at most 25000000") {
		t.Errorf("compare --max-image-pixels = %q, exit code %d; want the photograph refused", stderr, code)
	}
}
