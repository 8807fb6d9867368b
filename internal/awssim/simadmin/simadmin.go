// Package simadmin speaks to the admin door of a simulated AWS in another
// process: the oracle, the clock, faults, counters.
package simadmin

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/kodekloud/kml/internal/awssim"
	"github.com/kodekloud/kml/internal/awssim/core"
)

// Client is a client of one admin door.
type Client struct {
	url  string
	http *http.Client
}

// New makes a client for the endpoint of a simulated AWS.
func New(endpoint string) *Client {
	return &Client{endpoint + "/_sim/", &http.Client{Timeout: 30 * time.Second}}
}

// Inventory gives everything that exists in an account ("": in all), by account.
func (c *Client) Inventory(ctx context.Context, account string) (out map[string][]core.Resource, err error) {
	return out, c.call(ctx, http.MethodGet, "inventory?account="+url.QueryEscape(account), nil, &out)
}

// Counters gives calls by account, service, operation and code.
func (c *Client) Counters(ctx context.Context) (out []core.Counter, err error) {
	return out, c.call(ctx, http.MethodGet, "counters", nil, &out)
}

// Trail gives every event of an account, oldest first.
func (c *Client) Trail(ctx context.Context, account string) (out []core.Event, err error) {
	return out, c.call(ctx, http.MethodGet, "trail?account="+url.QueryEscape(account), nil, &out)
}

// Seeded gives what the world was seeded with.
func (c *Client) Seeded(ctx context.Context) (out awssim.Seeded, err error) {
	return out, c.call(ctx, http.MethodGet, "seeded", nil, &out)
}

// Advance moves the world's clock forward.
func (c *Client) Advance(ctx context.Context, d time.Duration) error {
	return c.call(ctx, http.MethodPost, "clock", map[string]string{"advance": d.String()}, nil)
}

// SetFaults replaces the fault rules.
func (c *Client) SetFaults(ctx context.Context, rules []core.FaultRule) error {
	return c.call(ctx, http.MethodPut, "faults", rules, nil)
}

// SetLatency replaces the latency profile: service ("*" for the rest) to the
// shortest and longest delay, such as {"5ms", "20ms"}.
func (c *Client) SetLatency(ctx context.Context, m map[string][2]string) error {
	in := map[string]map[string]string{}
	for service, d := range m {
		in[service] = map[string]string{"min": d[0], "max": d[1]}
	}
	return c.call(ctx, http.MethodPut, "latency", in, nil)
}

func (c *Client) call(ctx context.Context, method, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("admin door %s: %w", path, err)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.url+path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("admin door %s: %w", path, err)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return fmt.Errorf("admin door %s: %w", path, err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode >= 300 {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 500))
		return fmt.Errorf("admin door %s: %s: %s", path, resp.Status, text)
	}
	if out == nil {
		return nil
	}
	if err := json.NewDecoder(resp.Body).Decode(out); err != nil {
		return fmt.Errorf("admin door %s: %w", path, err)
	}
	return nil
}
