package infer

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"siamese/server/internal/fault"
)

// Auto is the name by which calls leave the choice of the model to the server.
const Auto = "auto"

// latest chooses versions (package versions), so that it can't be a model's name.
const latest = "latest"

// maxNameLength is how many bytes the name of a model has at most: labels and health's
// names have it in them.
const maxNameLength = 63

// nameForm is what names of models look like: never like a version's number, and
// without what separates them from a version.
var nameForm = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.-]*$`)

// CheckName returns an error that says what was expected of a model's name, if it
// can't be one.
func CheckName(name string) error {
	if len(name) > maxNameLength || !nameForm.MatchString(name) || name == Auto || name == latest {
		return fmt.Errorf("server: model name %s: expected a letter, then letters, digits, \"-\", \"_\" and \".\", at most %d in all, and neither %q nor %q",
			fault.Quote(name), maxNameLength, Auto, latest)
	}
	return nil
}

// modelLocked returns the model of this name; nil where there is none.
func (r *Registry) modelLocked(name string) *namedModel {
	i := slices.IndexFunc(r.models, func(m *namedModel) bool { return m.name == name })
	if i < 0 {
		return nil
	}
	return r.models[i]
}

// findLocked returns the version that a call names: of the default model for an empty
// name, else by "model", "model/version" or "model/label", or by a version or label of
// the default model alone. A model's name wins over a version or label of the same
// spelling. Errors: *[fault.Fault].
func (r *Registry) findLocked(name string) (*loadedModel, error) {
	name = cmp.Or(name, r.defaultName())
	if name == Auto && len(r.cfg.AutoModels) > 0 {
		return r.firstAutoLocked()
	}
	of, version, qualified := strings.Cut(name, "/")
	m := r.modelLocked(of)
	if m == nil && !qualified { // a version or label alone
		m, version, qualified = r.modelLocked(r.baseName()), name, true
	} else if m == nil {
		return nil, r.notFoundLocked(name)
	}
	if m == nil || r.isEmptyLocked() {
		return nil, fault.NotReady()
	}
	loaded := m.chosen
	if qualified {
		loaded = m.find(version)
	}
	switch {
	case loaded != nil:
		return loaded, nil
	case m.chosen == nil:
		return nil, fault.ModelNotReady(m.name)
	case of == m.name:
		return nil, fault.VersionNotFound(name, m.name, slices.Sorted(maps.Keys(m.byVersion)))
	default: // no version or label of the default model either
		return nil, r.notFoundLocked(name)
	}
}

// find returns the version of this label or name; nil where there is none.
func (m *namedModel) find(name string) *loadedModel {
	if labelled, ok := m.byLabel[name]; ok {
		return labelled
	}
	return m.byVersion[name]
}

// defaultName is what calls ask for that name no model: a model or Auto; empty where
// there is none.
func (r *Registry) defaultName() string {
	if r.cfg.Default == "" && len(r.models) > 0 {
		return r.models[0].name
	}
	return r.cfg.Default
}

// baseName is the default model, of Auto the one that is tried first: versions and
// labels alone are of this one, and the health of the server is its. Empty where there
// is no model.
func (r *Registry) baseName() string {
	name := r.defaultName()
	if name == Auto && len(r.cfg.AutoModels) > 0 {
		return r.cfg.AutoModels[0]
	}
	return name
}

// autoLocked returns the default versions of the models among which Auto chooses, in
// the order in which they are tried; those that have none now, or that don't tell
// familiarity, are left out.
func (r *Registry) autoLocked() []*loadedModel {
	var all []*loadedModel
	for _, name := range r.cfg.AutoModels {
		if m := r.modelLocked(name); m != nil && m.chosen != nil && m.chosen.engine.info.Familiarity != nil {
			all = append(all, m.chosen)
		}
	}
	return all
}

// firstAutoLocked returns the version that Auto tries first. Where no model tells
// familiarity there is no Auto, unless it is the default: then the first model that is
// loaded answers.
func (r *Registry) firstAutoLocked() (*loadedModel, error) {
	if all := r.autoLocked(); len(all) > 0 {
		return all[0], nil
	}
	if r.isEmptyLocked() {
		return nil, fault.NotReady()
	}
	for _, name := range r.cfg.AutoModels {
		if m := r.modelLocked(name); r.cfg.Default == Auto && m != nil && m.chosen != nil {
			return m.chosen, nil
		}
	}
	return nil, r.notFoundLocked(Auto)
}

// isEmptyLocked reports whether no model has a default version.
func (r *Registry) isEmptyLocked() bool {
	return !slices.ContainsFunc(r.models, func(m *namedModel) bool { return m.chosen != nil })
}

// notFoundLocked says what there is in place of a name.
func (r *Registry) notFoundLocked(name string) *fault.Fault {
	var names []string
	for _, m := range r.models {
		names = append(names, m.name)
	}
	if len(r.autoLocked()) > 0 {
		names = append(names, Auto)
	}
	return fault.ModelNotFound(name, names)
}

// Catalogue is what there is to be asked for.
type Catalogue struct {
	Models  []ModelInfo // the default versions that are loaded, in the order of the models
	Default string      // what answers calls that name no model: a serving name, or Auto
	Auto    []string    // the serving names among which Auto chooses, in the order in which they are tried; nil: there is no Auto
}

// Catalogue returns what there is to be asked for now.
func (r *Registry) Catalogue() Catalogue {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := Catalogue{Default: r.defaultName()}
	if c.Default == Auto && len(r.autoLocked()) == 0 {
		c.Default = r.baseName() // as long as none tells familiarity
	}
	for _, m := range r.models {
		if m.chosen != nil {
			c.Models = append(c.Models, m.chosen.engine.info)
		}
	}
	for _, m := range r.autoLocked() {
		c.Auto = append(c.Auto, m.engine.info.ServingName)
	}
	return c
}
