package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"siamese/bench/load"
)

// Sweep has servers of different settings answer the same traffic, in turn, so
// that the machine's moods hit all of them: what the defaults were chosen by.
type Sweep struct {
	// Command starts a server, as Serving.Command does; settings are put before
	// its last word.
	Command []string
	// Settings are flags of the server, one setting a text; the empty one is the
	// defaults.
	Settings []string
	Traffic  Traffic
	// Rounds is how often each setting is measured.
	Rounds   int
	Progress io.Writer
}

const (
	// loneSpan is how long a lone caller of a sweep is measured.
	loneSpan = 4 * time.Second
	// halfSpans is how many times as long as all callers calls at half load are
	// measured: few of them make the tail.
	halfSpans = 3
)

// Swept is what became of one setting: medians of its rounds.
type Swept struct {
	Setting string
	// Rate is answered calls/s.
	Rate float64
	// Median and High are seconds that 50 and 99 of 100 calls did not go over, Lone
	// the median where there was one caller, HalfHigh of 99 where calls arrived at
	// random at half the rate of the first setting.
	Median, High, Lone, HalfHigh float64
	// Failed is how many calls failed, in all rounds.
	Failed int
}

// Run measures all settings.
func (s Sweep) Run(ctx context.Context) ([]Swept, error) {
	rounds := make([][]Swept, len(s.Settings)) // by setting
	var half float64                           // calls/s, half of what the first one did
	for round := range s.Rounds {
		for i, setting := range s.Settings {
			fmt.Fprintf(s.Progress, "bench: round %d of %d: %s\n", round+1, s.Rounds, settingName(setting))
			measured, err := s.measure(ctx, setting, half)
			if err != nil {
				return nil, fmt.Errorf("bench sweep: %s: %w", settingName(setting), err)
			}
			half = cmp.Or(half, measured.Rate/2)
			rounds[i] = append(rounds[i], measured)
		}
	}
	swept := make([]Swept, len(s.Settings))
	for i, setting := range s.Settings {
		swept[i] = Swept{
			Setting: setting,
			Rate:    medianOf(rounds[i], func(s Swept) float64 { return s.Rate }),
			Median:  medianOf(rounds[i], func(s Swept) float64 { return s.Median }),
			High:    medianOf(rounds[i], func(s Swept) float64 { return s.High }),
			Lone:    medianOf(rounds[i], func(s Swept) float64 { return s.Lone }),

			HalfHigh: medianOf(rounds[i], func(s Swept) float64 { return s.HalfHigh }),
			Failed:   failures(rounds[i]),
		}
	}
	return swept, nil
}

// measure starts a server with the setting and sends it the traffic, then a lone
// caller's, then half as many calls a second, arriving at random; half 0 stands
// for half of what the traffic came to.
func (s Sweep) measure(ctx context.Context, setting string, half float64) (_ Swept, err error) {
	last := len(s.Command) - 1
	command := slices.Concat(s.Command[:last], strings.Fields(setting), s.Command[last:])
	server, err := StartServer(ctx, command)
	if err != nil {
		return Swept{}, err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	at := func(pace load.Config) (Outcome, error) {
		traffic := s.Traffic
		traffic.Pace = pace
		return traffic.Run(ctx, "", server.address)
	}
	many, err := at(s.Traffic.Pace)
	if err != nil {
		return Swept{}, err
	}
	lone, err := at(load.Config{Clients: 1, WarmUp: time.Second, Duration: loneSpan})
	if err != nil {
		return Swept{}, err
	}
	random, err := at(load.Config{
		Rate: cmp.Or(half, many.Throughput()/2), Seed: s.Traffic.Pace.Seed, WarmUp: time.Second, Duration: halfSpans * s.Traffic.Pace.Duration,
	})
	if err != nil {
		return Swept{}, err
	}
	return Swept{
		Setting: setting,
		Rate:    many.Throughput(),
		Median:  many.Percentile(50).Seconds(),
		High:    many.Percentile(99).Seconds(),
		Lone:    lone.Percentile(50).Seconds(),

		HalfHigh: random.Percentile(99).Seconds(),
		Failed:   many.Sent - many.Answered + lone.Sent - lone.Answered + random.Sent - random.Answered,
	}, nil
}

func failures(rounds []Swept) int {
	sum := 0
	for _, round := range rounds {
		sum += round.Failed
	}
	return sum
}

func settingName(setting string) string {
	if setting == "" {
		return "the defaults"
	}
	return setting
}

// WriteSweep prints what became of the settings, rates to the first one's too.
func WriteSweep(w io.Writer, swept []Swept) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "setting\tcalls/s\tto the first\tp50\tp99\tone caller's p50\tp99 at half load\tfailed\n")
	for _, s := range swept {
		fmt.Fprintf(table, "%s\t%.4g\t%.2f×\t%.4g ms\t%.4g ms\t%.4g ms\t%.4g ms\t%d\n",
			settingName(s.Setting), s.Rate, s.Rate/swept[0].Rate, s.Median*1e3, s.High*1e3, s.Lone*1e3, s.HalfHigh*1e3, s.Failed)
	}
	return table.Flush()
}

// SweepRows are the figures of a sweep.
func SweepRows(swept []Swept) []Row {
	var rows []Row
	for _, s := range swept {
		name := "sweep, " + settingName(s.Setting)
		rows = append(rows,
			Figure(name+", answered", s.Rate, "calls/s"),
			Figure(name+", 50 of 100", s.Median*1e3, "ms"),
			Figure(name+", 99 of 100", s.High*1e3, "ms"),
			Figure(name+", one caller, 50 of 100", s.Lone*1e3, "ms"),
			Figure(name+", at half load, 99 of 100", s.HalfHigh*1e3, "ms"),
			Figure(name+", failed", float64(s.Failed), "calls"))
	}
	return rows
}
