package scraped

import (
	"context"
	"fmt"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
)

// Alert is what Prometheus has made of an alert rule.
type Alert struct {
	// Name is the alert's.
	Name string
	// Active is how many of it fire, or will when their time is over.
	Active int
	// Err says why Prometheus can't evaluate its expression, or that it has not yet.
	Err error
}

// Alerts are the rules that Prometheus has loaded, in the order of their file,
// as it has last evaluated them. It is an error when there are none.
func (r *Reader) Alerts(ctx context.Context) ([]Alert, error) {
	loaded, err := r.api.Rules(ctx, nil)
	if err != nil {
		return nil, fmt.Errorf("rules: %w", err)
	}
	var alerts []Alert
	for _, group := range loaded.Groups {
		for _, rule := range group.Rules {
			if alerting, ok := rule.(v1.AlertingRule); ok {
				alerts = append(alerts, newAlert(alerting))
			}
		}
	}
	if len(alerts) == 0 {
		return nil, fmt.Errorf("rules: received %d groups without an alert, expected at least one", len(loaded.Groups))
	}
	return alerts, nil
}

func newAlert(rule v1.AlertingRule) Alert {
	alert := Alert{Name: rule.Name, Active: len(rule.Alerts)}
	if rule.Health != v1.RuleHealthGood {
		alert.Err = fmt.Errorf("received health %q (%s), expected %q", rule.Health, rule.LastError, v1.RuleHealthGood)
	}
	return alert
}
