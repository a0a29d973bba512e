// Package dashboard reads a dashboard of Grafana as strictly as its own types
// allow, and says where it would not look or work as meant.
package dashboard

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/table"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
)

// Dashboard is what of a dashboard can be right or wrong without Grafana. The
// zero value is an empty one, which has faults.
type Dashboard struct {
	// UID is what links name it by.
	UID string
	// Title is shown above it.
	Title string
	// Variables are the names that expressions may use after a $.
	Variables []string
	// Panels are its panels, rows among them, in the order of the file.
	Panels []Panel
}

// Panel is one picture, or the heading of a row.
type Panel struct {
	// ID is unique in a dashboard; 0 where it has none.
	ID uint32
	// Type is row, stat, table or timeseries.
	Type string
	// Title is shown above it.
	Title string
	// Unit is Grafana's name of the unit of its numbers; empty in a row.
	Unit string
	// Datasource is the uid of the source that it asks; empty in a row.
	Datasource string
	// Place is where it stands.
	Place Place
	// Targets are its questions; none in a row.
	Targets []Target
}

// Place is a rectangle on a grid that is 24 cells wide and grows downwards.
type Place struct {
	// X and Y are the upper left corner, W and H the size, in cells.
	X, Y, W, H uint32
}

// Target is one question of a panel.
type Target struct {
	// RefID is unique in a panel.
	RefID string
	// Expr is PromQL with Grafana's variables in it.
	Expr string
	// Legend names a series by its labels: {{label}}; empty: all of them.
	Legend string
	// Datasource is the uid of the source that it asks.
	Datasource string
	// Instant asks for the newest values, where others ask for a range of time.
	Instant bool
}

// registerVariants makes known the kinds of panels and questions that a
// dashboard may have; others are read without a look at their options, and Parse
// refuses them. All of the SDK's kinds would take half a minute to compile.
var registerVariants = sync.OnceFunc(func() {
	runtime := cog.NewRuntime()
	runtime.RegisterPanelcfgVariant(stat.VariantConfig())
	runtime.RegisterPanelcfgVariant(table.VariantConfig())
	runtime.RegisterPanelcfgVariant(timeseries.VariantConfig())
	runtime.RegisterDataqueryVariant(prometheus.VariantConfig())
})

// Parse reads the JSON of a dashboard. A field that Grafana does not know, one
// of the wrong type and one that is missing are errors, each named by its path.
// It may be called concurrently.
func Parse(text []byte) (Dashboard, error) {
	registerVariants()
	source, err := read(text)
	if err != nil {
		return Dashboard{}, fmt.Errorf("dashboard: %w", err)
	}
	parsed := Dashboard{UID: value(source.Uid), Title: value(source.Title)}
	for _, variable := range source.Templating.List {
		parsed.Variables = append(parsed.Variables, variable.Name)
	}
	for _, entry := range source.Panels {
		if entry.RowPanel != nil {
			parsed.Panels = append(parsed.Panels, row(entry.RowPanel))
			continue
		}
		panel, err := picture(entry.Panel)
		if err != nil {
			return Dashboard{}, err
		}
		parsed.Panels = append(parsed.Panels, panel)
	}
	return parsed, nil
}

// classic is the form that every Grafana imports; its successor needs version 12.
type classic = dashboard.Dashboard //nolint:staticcheck // deprecated in favour of a form that few can import yet

// read reads twice: the SDK's strict reading finds what is wrong, yet returns an
// empty list of errors where nothing is, and leaves out panels on the way.
func read(text []byte) (classic, error) {
	var strict, source classic
	var faults cog.BuildErrors
	if err := strict.UnmarshalJSONStrict(text); err != nil && (!errors.As(err, &faults) || len(faults) > 0) {
		return source, err
	}
	if err := json.Unmarshal(text, &source); err != nil {
		return source, err
	}
	return source, source.Validate()
}

// value is what a field holds, and the zero value where it is missing.
func value[T any](field *T) T {
	if field == nil {
		var zero T
		return zero
	}
	return *field
}

func row(source *dashboard.RowPanel) Panel {
	return Panel{ID: source.Id, Type: source.Type, Title: value(source.Title), Place: place(source.GridPos)}
}

func picture(source *dashboard.Panel) (Panel, error) {
	if _, known := cog.ConfigForPanelcfgVariant(source.Type); !known {
		return Panel{}, fmt.Errorf("panel %q: received type %q, expected row, stat, table or timeseries", value(source.Title), source.Type)
	}
	panel := Panel{
		ID: value(source.Id), Type: source.Type, Title: value(source.Title),
		Datasource: datasource(source.Datasource), Place: place(source.GridPos),
	}
	if source.FieldConfig != nil {
		panel.Unit = value(source.FieldConfig.Defaults.Unit)
	}
	for _, query := range source.Targets {
		known, ok := query.(*prometheus.Dataquery)
		if !ok {
			return Panel{}, fmt.Errorf("panel %q: received a question for %T, expected one for prometheus", panel.Title, query)
		}
		panel.Targets = append(panel.Targets, Target{
			RefID: value(known.RefId), Expr: known.Expr, Legend: value(known.LegendFormat),
			Datasource: datasource(known.Datasource), Instant: value(known.Instant),
		})
	}
	return panel, nil
}

func place(source *dashboard.GridPos) Place {
	position := value(source)
	return Place{X: position.X, Y: position.Y, W: position.W, H: position.H}
}

func datasource(source *common.DataSourceRef) string {
	return value(value(source).Uid)
}
