package main

import (
	"context"
	"errors"
	"fmt"
	"io"
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

// run prints a line an expression and a line an alert.
func (l live) run(ctx context.Context, stdout io.Writer) error {
	reader, findings, err := l.settle(ctx)
	if err != nil {
		return err
	}
	good := printFindings(stdout, findings)
	alerts, err := reader.Alerts(ctx)
	if err != nil {
		return err
	}
	good = printAlerts(stdout, alerts) && good
	unlike, err := reader.Unlike(ctx, l.tests)
	if err != nil {
		return err
	}
	for _, sentence := range unlike {
		fmt.Fprintln(stdout, "alert tests:", sentence)
	}
	if !good || len(unlike) > 0 {
		return errFound
	}
	fmt.Fprintf(stdout, "%d expressions have data, %d alerts are silent, the series of their tests are like real ones\n", len(findings), len(alerts))
	return nil
}

// settle asks every second until every question has data or the wait is over,
// and returns the last answers.
func (l live) settle(ctx context.Context) (*scraped.Reader, []scraped.Finding, error) {
	start := time.Now()
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		reader, findings, err := l.ask(ctx, start.Add(-lookback))
		if err == nil && !lacking(findings) {
			return reader, findings, nil
		}
		if time.Since(start) > l.wait {
			return reader, findings, err
		}
		select {
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		case <-ticker.C:
		}
	}
}

func (l live) ask(ctx context.Context, start time.Time) (*scraped.Reader, []scraped.Finding, error) {
	reader, err := scraped.NewReader(ctx, l.api, start)
	if err != nil {
		return nil, nil, err
	}
	var findings []scraped.Finding
	for _, panel := range l.dashboard.Panels {
		findings = append(findings, reader.Panel(ctx, panel)...)
	}
	return reader, findings, nil
}

func lacking(findings []scraped.Finding) bool {
	for _, finding := range findings {
		if finding.Err != nil || finding.Series == 0 {
			return true
		}
	}
	return false
}

// printFindings reports whether each question has data.
func printFindings(stdout io.Writer, findings []scraped.Finding) bool {
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
	return !lacking(findings)
}

// printAlerts reports whether each alert can be evaluated and is silent.
func printAlerts(stdout io.Writer, alerts []scraped.Alert) bool {
	silent := true
	for _, alert := range alerts {
		word := "ok, silent"
		switch {
		case alert.Err != nil:
			word = alert.Err.Error()
		case alert.Active > 0:
			word = fmt.Sprintf("UP %d times", alert.Active)
		}
		silent = silent && alert.Err == nil && alert.Active == 0
		fmt.Fprintf(stdout, "alert %-28s %s\n", alert.Name, word)
	}
	return silent
}
