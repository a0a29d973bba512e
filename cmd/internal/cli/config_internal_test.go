package cli

import (
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"
)

// settings is a command line with flags of each sort.
type settings struct {
	Config kong.ConfigFlag

	Compare struct {
		Threshold *float32
		JSON      bool
		Resize    string `enum:"crop,letterbox" default:"crop"`
		Timeout   time.Duration
	} `cmd:""`
	Train struct {
		Threshold int
		LogEvery  int
		Of        []string
		Label     map[string]string
	} `cmd:""`
	Check struct {
		LogEvery int
	} `cmd:""`
}

// parse parses a command line with a file of values.
func parse(t *testing.T, file string, args ...string) (settings, error) {
	t.Helper()
	var s settings
	parser, err := kong.New(&s, kong.Name("program"), kong.DefaultEnvars("PROGRAM"), kong.Exit(func(int) { t.Error("exit") }))
	if err != nil {
		t.Fatal(err)
	}
	values, err := newConfiguration(strings.NewReader(file), parser.Model, map[string]string{"check": "train"})
	if err != nil {
		return s, err
	}
	if err := kong.Resolvers(values).Apply(parser); err != nil {
		t.Fatal(err)
	}
	_, err = parser.Parse(args)
	return s, err
}

func TestConfiguration(t *testing.T) {
	got, err := parse(t, `{"log-every": 7, "threshold": 3, "of": ["a", "b"], "train": {"threshold": 4}, "compare": {"threshold": 0.5}}`, "train")
	if err != nil || got.Train.LogEvery != 7 || got.Train.Threshold != 4 || !cmp.Equal(got.Train.Of, []string{"a", "b"}) {
		t.Errorf("train took %+v, %v; want log-every 7, its own threshold 4, of a and b", got.Train, err)
	}
	got, err = parse(t, `{"threshold": 0.25, "logEvery": 7, "timeout": "5s", "json": true}`, "compare")
	if err != nil || *got.Compare.Threshold != 0.25 || got.Compare.Timeout != 5*time.Second || !got.Compare.JSON {
		t.Errorf("compare took %+v, %v; want a threshold that train can't take, 5s and JSON", got.Compare, err)
	}
	for _, file := range []string{`{"label": {"stable": "3", "canary": "latest"}}`, `{"label": "stable=3;canary=latest"}`} {
		want := map[string]string{"stable": "3", "canary": "latest"}
		if got, err = parse(t, file, "train"); err != nil || !cmp.Equal(got.Train.Label, want) {
			t.Errorf("%s gave labels %v, %v; want %v", file, got.Train.Label, err, want)
		}
	}
	if got, err = parse(t, `{"log-every": 7, "train": {"log-every": 8}}`, "check"); err != nil || got.Check.LogEvery != 8 {
		t.Errorf("a command that reads another's values took %+v, %v; want that one's log-every 8", got.Check, err)
	}
	t.Setenv("PROGRAM_LOG_EVERY", "9")
	if got, err = parse(t, `{"log_every": 7}`, "train"); err != nil || got.Train.LogEvery != 9 {
		t.Errorf("with a variable: log-every %d, %v; want the variable's 9", got.Train.LogEvery, err)
	}
	if got, err = parse(t, `{"log_every": 7}`, "train", "--log-every=8"); err != nil || got.Train.LogEvery != 8 {
		t.Errorf("with a flag: log-every %d, %v; want the flag's 8", got.Train.LogEvery, err)
	}
}

func TestConfigurationRefuses(t *testing.T) {
	tests := []struct{ give, want string }{
		{`{"treshold": 1}`, `configuration: unknown key "treshold", did you mean "threshold"?`},
		{`{"compare": {"log-every": 1}}`, `unknown key "compare.log-every": no flag of program compare is called like that`},
		{`{"tarin": {"log-every": 1}}`, `unknown key "tarin", did you mean "train"?`},
		{`{"zzzzzz": 1}`, `unknown key "zzzzzz": no flag of program is called like that`},
		{`{"threshold": "x"}`, `key "threshold": received "x", expected a number`},
		{`{"log-every": 1.5}`, `key "log-every": received 1.5, expected a whole number`},
		{`{"log-every": null}`, `key "log-every": received null, expected a whole number`},
		{`{"timeout": 5}`, `key "timeout": received 5, expected a duration such as "5s"`},
		{`{"json": 1}`, `key "json": received 1, expected true or false`},
		{`{"of": [1]}`, `key "of": received a list of 1, expected a list of strings`},
		{`{"label": ["stable=3"]}`, `key "label": received a list of 1, expected an object of strings`},
		{`{"label": {"stable": 3}}`, `key "label": received an object, expected an object of strings`},
		{`{"resize": "stretch"}`, `key "resize": received "stretch", expected one of crop, letterbox`},
		{`{"log-every": 1, "logEvery": 2}`, `keys "log-every" and "logEvery" are one flag`},
		{`{"threshold": 0.5}`, `key "threshold": received 0.5, expected a whole number`}, // of train, which is asked for
		{`[]`, "expected a JSON object"},
		{`null`, "received null, expected a JSON object"},
		{`{} {}`, "received more after the JSON object"},
		{``, "expected a JSON object"},
	}
	for _, tt := range tests {
		if _, err := parse(t, tt.give, "train"); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s = %v, want %q", tt.give, err, tt.want)
		}
	}
}

// variablesOf is a program whose commands mean two things by --shift.
type variablesOf struct {
	Train struct {
		Shift float64
		Cert  string
	} `cmd:""`
	Calibrate struct{ Shift float64 } `cmd:""`
}

// Run says what the flags are.
func (v *variablesOf) Run() error { return nil }

func TestVariables(t *testing.T) {
	program := func(commands *variablesOf) Program {
		return Program{Name: "program", Commands: commands, Variables: map[string]Variable{
			"calibrate shift": {Own: "SIAMESE_CALIBRATE", Refused: true},
			"train cert":      {Own: "SIAMESE_TRAIN", Shared: true},
		}}
	}
	tests := []struct {
		name, command string
		give          map[string]string
		want          variablesOf
		wantError     string
	}{
		{name: "shared", command: "train", give: map[string]string{"SIAMESE_SHIFT": "2"}, want: func() (v variablesOf) { v.Train.Shift = 2; return }()},
		{name: "own", command: "calibrate", give: map[string]string{"SIAMESE_CALIBRATE_SHIFT": "3", "SIAMESE_SHIFT": "2"}, want: func() (v variablesOf) { v.Calibrate.Shift = 3; return }()},
		{name: "of another command", command: "calibrate", give: map[string]string{"SIAMESE_SHIFT": "2"}, wantError: "expected SIAMESE_CALIBRATE_SHIFT for --shift of calibrate"},
		{name: "own before shared", command: "train", give: map[string]string{"SIAMESE_TRAIN_CERT": "a", "SIAMESE_CERT": "b"}, want: func() (v variablesOf) { v.Train.Cert = "a"; return }()},
		{name: "shared for own", command: "train", give: map[string]string{"SIAMESE_CERT": "b"}, want: func() (v variablesOf) { v.Train.Cert = "b"; return }()},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for name, value := range tt.give {
				t.Setenv(name, value)
			}
			var got variablesOf
			err := program(&got).run(t.Context(), []string{tt.command}, Streams{})
			if tt.wantError != "" {
				if err == nil || !strings.Contains(err.Error(), tt.wantError) {
					t.Errorf("run = %v, want %q", err, tt.wantError)
				}
				return
			}
			if tt.command == "train" && got.Train != tt.want.Train || tt.command == "calibrate" && got.Calibrate != tt.want.Calibrate || err != nil {
				t.Errorf("flags = %+v, %v; want %+v", got, err, tt.want)
			}
		})
	}
}
