package serve

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"siamese/cmd/internal/cli"
	"siamese/cmd/internal/network"
	"siamese/server"
	"siamese/server/versions"
)

// modelFlags choose the models, and among the versions of each.
type modelFlags struct {
	Model        []string          `help:"Serves a model, as PATH or NAME=PATH; may be repeated. PATH is a folder of numbered versions, a SavedModel folder, a weight file (safetensors or Keras HDF5) or the name of a built-in model (./general is a folder or file of that name). Without NAME calls ask for it by the name of its file or folder. The first one is loaded first. Empty: the built-in models." placeholder:"[NAME=]PATH" sep:"none"`
	DefaultModel string            `help:"Chooses what answers calls that name no model: the name of one, or auto, the model to which both images are the most familiar. Empty: auto where the built-in models are served, else the first model." placeholder:"NAME"`
	ModelVersion []string          `help:"Chooses the version that answers calls which name MODEL and none: latest, a folder's number or a label. Without MODEL it is one of the default model; may be repeated. Empty: latest." placeholder:"[MODEL=]VERSION" sep:"none"`
	Label        map[string]string `help:"Names a version, such as canary=latest or omniglot/stable=3; may be repeated. Without MODEL it is one of the default model. Empty: no names." placeholder:"[MODEL/]NAME=VERSION"`
	ReloadPeriod time.Duration     `help:"Sets how often to look for new versions in the models' folders. 0: only when the admin service is asked to." default:"5s"`
	MaxModels    int               `help:"Limits the versions of one model in memory, those that answer their last calls included." default:"4"`
}

// chosenModel is a model that is to be served, and what is chosen among its versions.
type chosenModel struct {
	name    string            // by which calls ask for it
	path    string            // what opens it
	builtIn bool              // whether the program brings it along
	version string            // empty: the latest
	labels  map[string]string // from label to version
}

// choice is what the flags ask for.
type choice struct {
	models []*chosenModel // in the order of the flags; not empty
	answer string         // what answers calls that name no model: a name, or server.Auto
	asked  bool           // whether the flags name a model at all
}

// check returns an error where none of the models is there at all: a mistake of the
// command line that is to be told before anything else. Where there are others, a model
// that is not there leaves them serving, and the log tells of it.
func (c *choice) check() error {
	var errs []error
	for _, model := range c.models {
		err := model.check()
		if err == nil {
			return nil
		}
		errs = append(errs, fmt.Errorf("--model %s: %w", model.path, err))
	}
	return joined(errs)
}

// check returns an error where there is no model at the path.
func (m *chosenModel) check() error {
	if m.builtIn {
		return nil
	}
	info, err := os.Stat(m.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("there is no such file or folder; built in are %s", strings.Join(names(builtInModels()), " and "))
	case err != nil || !info.IsDir():
		return nil // the loader says more
	}
	if folders, err := versions.Numbered(m.path).Scan(); err != nil || len(folders) > 0 {
		return nil
	}
	if _, err := os.Stat(filepath.Join(m.path, "saved_model.pb")); errors.Is(err, fs.ErrNotExist) {
		return errors.New("the folder holds neither saved_model.pb nor numbered versions")
	}
	return nil
}

// builtInModels are the models that the program brings along.
func builtInModels() []*chosenModel {
	var all []*chosenModel
	for _, model := range network.BuiltIn() {
		all = append(all, &chosenModel{name: model.Name, path: model.Path, builtIn: true})
	}
	return all
}

// choose reads the flags. Nothing is loaded. Errors are about the command line.
func (f modelFlags) choose() (*choice, error) {
	c := &choice{}
	for _, value := range f.Model {
		if value == "" {
			continue // an environment variable that is set to nothing
		}
		model, err := readModel(value)
		if err == nil && c.find(model.name) != nil {
			err = fmt.Errorf("--model %s: received the name %q twice, expected names that differ, as NAME=PATH", value, model.name)
		}
		if err != nil {
			return nil, cli.Usage(err)
		}
		c.models = append(c.models, model)
	}
	c.asked = len(c.models) > 0 || f.DefaultModel != "" || len(f.ModelVersion) > 0 || len(f.Label) > 0
	if len(c.models) == 0 {
		c.models = builtInModels()
	}
	if err := errors.Join(f.chooseDefault(c), f.chooseVersions(c), f.chooseLabels(c)); err != nil {
		return nil, cli.Usage(err)
	}
	return c, nil
}

// readModel reads a value of --model. What is before the first equals sign is a name
// unless it has a separator in it, as a path may.
func readModel(value string) (*chosenModel, error) {
	name, path, named := strings.Cut(value, "=")
	if !named || strings.ContainsRune(name, filepath.Separator) {
		name, path = nameOf(value), value
	}
	if path == "" {
		return nil, fmt.Errorf("--model %s: received no path, expected NAME=PATH", value)
	}
	if err := server.CheckModelName(name); err != nil {
		return nil, fmt.Errorf("--model %s: %w (a path that has an equals sign begins with ./)", value, err)
	}
	for _, model := range builtInModels() {
		if model.name == path {
			model.name = name
			return model, nil
		}
	}
	return &chosenModel{name: name, path: path}, nil
}

// What can't be in a model's name: at its beginning, and anywhere.
var (
	unfitFirst = regexp.MustCompile(`^[^A-Za-z]+`)
	unfit      = regexp.MustCompile(`[^A-Za-z0-9_.-]+`)
)

// nameOf is what a model at path is called by itself: after its file, without the
// ending, or after its folder; after the folder above where that gives no name, as a
// version's number gives none.
func nameOf(path string) string {
	const fallback, longest = "model", 63
	absolute, err := filepath.Abs(path)
	if err != nil {
		return fallback
	}
	if info, err := os.Stat(absolute); err == nil && !info.IsDir() {
		absolute = strings.TrimSuffix(absolute, filepath.Ext(absolute))
	}
	for ; absolute != filepath.Dir(absolute); absolute = filepath.Dir(absolute) {
		name := unfit.ReplaceAllString(unfitFirst.ReplaceAllString(filepath.Base(absolute), ""), "-")
		if name = name[:min(len(name), longest)]; server.CheckModelName(name) == nil {
			return name
		}
	}
	return fallback
}

// find returns the model of this name; nil where there is none.
func (c *choice) find(name string) *chosenModel {
	i := slices.IndexFunc(c.models, func(m *chosenModel) bool { return m.name == name })
	if i < 0 {
		return nil
	}
	return c.models[i]
}

// names are the models' names in their order.
func (c *choice) names() []string { return names(c.models) }

func names(models []*chosenModel) []string {
	var names []string
	for _, model := range models {
		names = append(names, model.name)
	}
	return names
}

// base is the default model, of auto the one that is tried first.
func (c *choice) base() *chosenModel {
	if model := c.find(c.answer); model != nil {
		return model
	}
	return c.models[0]
}

// leaveOutLast takes the last model away; false where the flags ask for it, or there is
// no other. The first one answers in place of auto where it is alone.
func (c *choice) leaveOutLast() bool {
	if c.asked || len(c.models) == 1 {
		return false
	}
	c.models = c.models[:len(c.models)-1]
	if len(c.models) == 1 {
		c.answer = c.models[0].name
	}
	return true
}

// autoModels are the names of the models among which auto chooses: all that tell
// familiarity, as each card says when it is loaded.
func (c *choice) autoModels() []string {
	if len(c.models) == 1 && c.answer != server.Auto {
		return nil
	}
	return c.names()
}

// chooseDefault reads --default-model.
func (f modelFlags) chooseDefault(c *choice) error {
	c.answer = f.DefaultModel
	if c.answer == "" {
		c.answer = c.models[0].name
		if all := builtInModels(); len(all) > 1 && c.serves(all) {
			c.answer = server.Auto
		}
	}
	if c.answer != server.Auto && c.find(c.answer) == nil {
		return fmt.Errorf("--default-model: %w", c.unknown(c.answer))
	}
	return nil
}

// serves reports whether all these built-in models are among those chosen.
func (c *choice) serves(builtIn []*chosenModel) bool {
	for _, model := range builtIn {
		if found := c.find(model.name); found == nil || !found.builtIn {
			return false
		}
	}
	return true
}

// unknown is the error about a name that no model has.
func (c *choice) unknown(name string) error {
	return fmt.Errorf("received model %.64q, expected one of %s", name, strings.Join(c.names(), ", "))
}

// chooseVersions reads --model-version.
func (f modelFlags) chooseVersions(c *choice) error {
	for _, value := range f.ModelVersion {
		model, version := c.base(), value
		if name, after, named := strings.Cut(value, "="); named {
			if model, version = c.find(name), after; model == nil {
				return fmt.Errorf("--model-version %s: %w", value, c.unknown(name))
			}
		}
		if model.version != "" {
			return fmt.Errorf("--model-version %s: received another version of %q, expected one", value, model.name)
		}
		model.version = version
	}
	return nil
}

// chooseLabels reads --label.
func (f modelFlags) chooseLabels(c *choice) error {
	for key, version := range f.Label {
		model, label := c.base(), key
		if name, after, named := strings.Cut(key, "/"); named {
			if model, label = c.find(name), after; model == nil {
				return fmt.Errorf("--label %s=%s: %w", key, version, c.unknown(name))
			}
		}
		if _, twice := model.labels[label]; twice {
			return fmt.Errorf("--label %s=%s: received label %q of %q twice, expected once", key, version, label, model.name)
		}
		if label == "" || version == "" {
			return fmt.Errorf("--label %s=%s: received an empty label or version, expected NAME=VERSION", key, version)
		}
		if model.labels == nil {
			model.labels = make(map[string]string)
		}
		model.labels[label] = version
	}
	return nil
}
