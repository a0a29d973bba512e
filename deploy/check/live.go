package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"

	"siamese/deploy/check/dashboard"
	"siamese/deploy/check/scraped"
)

// errFound is the end of a check whose findings have been printed.
var errFound = errors.New("a panel is empty, an expression is wrong or an alert is up on a healthy server")

// lookback is how far back ranges reach: a server under load since then has had
// every kind of call.
const lookback = time.Minute

// live is the check against a Prometheus that scrapes a healthy server under load.
type live struct {
	api       v1.API
	dashboard dashboard.Dashboard
	tests     string        // the unit tests of the alerts
	wait      time.Duration // for every panel to have data
}

// answers are what one look at Prometheus has found.
type answers struct {
	findings []scraped.Finding
	alerts   []scraped.Alert
	unlike   []string // sentences on the series of the alerts' unit tests
}

// run prints a line an expression and a line an alert.
func (l live) run(ctx context.Context, stdout io.Writer) error {
	got, err := l.awaitHealth(ctx)
	if err != nil {
		return err
	}
	printFindings(stdout, got.findings)
	printAlerts(stdout, got.alerts)
	for _, sentence := range got.unlike {
		fmt.Fprintln(stdout, "alert tests:", sentence)
	}
	if lacking(got.findings) || loud(got.alerts) || len(got.unlike) > 0 {
		return errFound
	}
	fmt.Fprintf(stdout, "%d expressions have data, %d alerts are silent, the series of their tests are like real ones\n", len(got.findings), len(got.alerts))
	return nil
}

// awaitHealth asks every second until every question has data and no alert is up, or
// the wait is over, and returns the last answers. One scrape that a busy machine
// was too slow for is no finding.
func (l live) awaitHealth(ctx context.Context) (answers, error) {
	start := time.Now()
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		got, err := l.ask(ctx, start.Add(-lookback))
		if err == nil && !lacking(got.findings) && !loud(got.alerts) {
			return got, nil
		}
		if time.Since(start) > l.wait {
			return got, err
		}
		select {
		case <-ctx.Done():
			return answers{}, ctx.Err()
		case <-ticker.C:
		}
	}
}

func (l live) ask(ctx context.Context, start time.Time) (answers, error) {
	reader, err := scraped.NewReader(ctx, l.api, start)
	if err != nil {
		return answers{}, err
	}
	var got answers
	for _, panel := range l.dashboard.Panels {
		got.findings = append(got.findings, reader.Panel(ctx, panel)...)
	}
	if got.alerts, err = reader.Alerts(ctx); err != nil {
		return answers{}, err
	}
	got.unlike, err = reader.Unlike(ctx, l.tests)
	return got, err
}

// lacking reports whether a question has no data or can't be answered.
func lacking(findings []scraped.Finding) bool {
	return slices.ContainsFunc(findings, func(f scraped.Finding) bool { return f.Err != nil || f.Series == 0 })
}

// loud reports whether an alert is up or can't be evaluated.
func loud(alerts []scraped.Alert) bool {
	return slices.ContainsFunc(alerts, func(a scraped.Alert) bool { return a.Err != nil || a.Active > 0 })
}

func printFindings(stdout io.Writer, findings []scraped.Finding) {
	for _, finding := range findings {
		word := "ok"
		switch {
		case finding.Err != nil:
			word = finding.Err.Error()
		case finding.Series == 0:
			word = "EMPTY"
		}
		fmt.Fprintf(stdout, "panel %-28s %2d series  %s  %s\n", finding.Panel, finding.Series, word, finding.Expr)
	}
}

func printAlerts(stdout io.Writer, alerts []scraped.Alert) {
	for _, alert := range alerts {
		word := "ok, silent"
		switch {
		case alert.Err != nil:
			word = alert.Err.Error()
		case alert.Active > 0:
			word = fmt.Sprintf("UP %d times", alert.Active)
		}
		fmt.Fprintf(stdout, "alert %-28s %s\n", alert.Name, word)
	}
}
