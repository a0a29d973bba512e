package bench

import (
	"context"
	"fmt"
	"time"

	"siamese/bench/load"
)

// speedRates are what a server and this process did in a second, index i of both
// right after each other.
type speedRates struct {
	server, here []float64
}

// inTurn measures the server under load and the same work in this process, one
// after the other in this goroutine, for some rounds.
func (s Speed) inTurn(ctx context.Context, config load.Config, here load.Call) (speedRates, error) {
	var rates speedRates
	config.WarmUp, config.Duration = speedWarmUp, speedSpan
	number := 0
	for range speedRounds {
		begin := time.Now()
		first := number
		for ; time.Since(begin) < speedSpan; number++ {
			if err := here(ctx, number); err != nil {
				return speedRates{}, err
			}
		}
		rates.here = append(rates.here, float64(number-first)/time.Since(begin).Seconds())
		report, err := load.Run(ctx, config)
		if err == nil {
			err = report.FirstFailure
		}
		if err != nil {
			return speedRates{}, err
		}
		rates.server = append(rates.server, report.Throughput())
	}
	return rates, nil
}

// served is the server's rate, the median of the rounds.
func (r speedRates) served() float64 { return middleOf(r.server) }

// rows are the two rates and their ratio, which has a bar.
func (r speedRates) rows(name, unit string, bar float64) []Row {
	return []Row{
		figure(name+", rate", r.served(), unit+"/s"),
		figure(name+", decoded and encoded in process", middleOf(r.here), unit+"/s"),
		atLeast(fmt.Sprintf("%s, to in process", name), middleRatio(r.server, r.here), "×", bar),
	}
}
