package training

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"
)

// TestResumeTakesWhatCanChange: a run that goes on has its configuration; what would make
// another run of it is refused by name, wherever it comes from.
func TestResumeTakesWhatCanChange(t *testing.T) {
	folder := t.TempDir()
	config := `{"data":"/pictures","epochs":3,"steps_per_epoch":7,"batch":32,"elastic":4,"augment":"affine","split":"alphabet","folds":5,"fold":2}`
	if err := os.WriteFile(filepath.Join(folder, configFile), []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		give, variable, wantErr string
		edit                    func(*trainFlags)
	}{
		{"", "", "", nil},
		{"--time-limit 5m", "", "", nil},
		{"--time-limit 5m --epochs 9", "", "", func(f *trainFlags) { f.Epochs = 9 }},
		{"--data elsewhere", "", "", func(f *trainFlags) { f.DataPath, _ = filepath.Abs("elsewhere") }},
		{"--device cpu --workers 3 --patience 2 --name mine", "", "", func(f *trainFlags) { f.Device, f.Workers, f.Patience, f.Name = "cpu", 3, 2, "mine" }},
		{"--batch 32 --elastic 4 --augment affine", "", "", nil}, // as it is
		{"--elastic 3", "", "--elastic can't change in a run that goes on: received 3, the run was begun with 4", nil},
		{"--folds 5 --fold 2", "", "", nil}, // as it is
		{"--fold 3", "", "--fold can't change in a run that goes on: received 3, the run was begun with 2", nil},
		{"--batch 64", "", "--batch can't change", nil}, // the default, and not the run's
		{"--time-limit 5m --epochs 9 --stroke 1", "", "--stroke can't change", nil},
		{"--no-nesterov", "", "--nesterov can't change", nil},
		{"--allow-any-op", "", "--allow-any-op can't change", nil},
		{"--run other", "", "goes without --run", nil},
		{"", "SIAMESE_ELASTIC=3", "--elastic can't change", nil},
		{"", "SIAMESE_EPOCHS=8", "", func(f *trainFlags) { f.Epochs = 8 }},
	}
	for _, tt := range tests {
		t.Run(tt.give+tt.variable, func(t *testing.T) {
			if name, value, ok := strings.Cut(tt.variable, "="); ok {
				t.Setenv(name, value)
			}
			var command Command
			parser, err := kong.New(&command, kong.DefaultEnvars("SIAMESE"))
			if err != nil {
				t.Fatal(err)
			}
			parsed, err := parser.Parse(append(strings.Fields(tt.give), "--resume", folder))
			if err != nil {
				t.Fatal(err)
			}
			_, err = command.runFolder(given(parsed))
			if (tt.wantErr == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), tt.wantErr) {
				t.Fatalf("--resume = %v, want %q", err, tt.wantErr)
			}
			if err != nil {
				return
			}
			want, err := savedFlags(folder)
			if err != nil {
				t.Fatal(err)
			}
			if tt.edit != nil {
				tt.edit(&want)
			}
			if diff := cmp.Diff(want, command.trainFlags, cmp.AllowUnexported(trainFlags{})); diff != "" {
				t.Errorf("the run goes on with (-want +got):\n%s", diff)
			}
			if want := strings.Contains(tt.give, "5m"); want != (command.moreTime == 5*time.Minute) {
				t.Errorf("more time = %v, want 5m: %t", command.moreTime, want)
			}
		})
	}
}
