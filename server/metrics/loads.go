package metrics

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

var modelLoads = describe("model_loads_total", "Loads of model versions since the start, the first one included.", "result")

// loads tells a count of loads to Prometheus.
type loads struct{ read func() (held, failed uint64) }

// CountLoads registers how many loads of model versions held and how many did
// not; read is called for each scrape, by several goroutines at a time.
func CountLoads(registerer prometheus.Registerer, read func() (held, failed uint64)) error {
	if err := registerer.Register(loads{read}); err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	return nil
}

// Describe implements prometheus.Collector.
func (l loads) Describe(out chan<- *prometheus.Desc) { out <- modelLoads }

// Collect implements prometheus.Collector.
func (l loads) Collect(out chan<- prometheus.Metric) {
	held, failed := l.read()
	sink(out).count(modelLoads, held, resultOK)
	sink(out).count(modelLoads, failed, resultFailed)
}
