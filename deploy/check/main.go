// Command check holds the dashboard against Grafana's own types, and, where a
// Prometheus scrapes a server under load, each expression of the dashboard and
// each alert against what is there. scripts/deploy-check.sh runs it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"

	"github.com/prometheus/client_golang/api"
	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "check:", err)
		os.Exit(1)
	}
}

// run is the program: it prints what it finds, and its error says that something
// is not as it should be.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("check", flag.ContinueOnError)
	flags.SetOutput(stderr)
	file := flags.String("dashboard", "deploy/grafana-dashboard.json", "the dashboard's `file`")
	tests := flags.String("tests", "deploy/alerts_test.yml", "the `file` with the alerts' unit tests")
	address := flags.String("prometheus", "", "`URL` of a Prometheus that scrapes a server under load; empty: the dashboard's form alone is checked")
	wait := flags.Duration("wait", time.Minute, "how long to wait at most until every panel has data and no alert is up")
	if err := flags.Parse(args); err != nil {
		return err
	}
	shown, err := form(*file, stdout)
	if err != nil || *address == "" {
		return err
	}
	tested, err := os.ReadFile(*tests)
	if err != nil {
		return err
	}
	client, err := api.NewClient(api.Config{Address: *address})
	if err != nil {
		return err
	}
	check := live{api: v1.NewAPI(client), dashboard: shown, tests: string(tested), wait: *wait}
	return check.run(ctx, stdout)
}

// form reads the dashboard and prints its faults.
func form(file string, stdout io.Writer) (dashboard, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return dashboard{}, err
	}
	shown, err := parseDashboard(text)
	if err != nil {
		return dashboard{}, err
	}
	faults := shown.faults()
	for _, fault := range faults {
		fmt.Fprintln(stdout, fault)
	}
	if len(faults) > 0 {
		return dashboard{}, errors.New("the dashboard has faults")
	}
	questions := 0
	for _, panel := range shown.Panels {
		questions += len(panel.Targets)
	}
	fmt.Fprintf(stdout, "dashboard: %d panels and rows with %d expressions, of Grafana's types, in order\n", len(shown.Panels), questions)
	return shown, nil
}
