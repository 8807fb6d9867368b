package apiclient

import (
	"context"
	"io"
	"iter"
	"time"

	"github.com/kodekloud/kml/internal/apitypes"
)

// ActivityQuery narrows the activity log; empty fields do not. Limit is the most
// lines in all, 0: every one.
type ActivityQuery struct {
	Kind    string    `query:"kind"`
	Account string    `query:"account"`
	Lab     string    `query:"lab"`
	Type    string    `query:"lab_type"` // lab type
	Who     string    `query:"who"`
	Since   time.Time `query:"since"`
	Until   time.Time `query:"until"`
	Limit   int
}

// Activity lists what was done and by whom, newest first.
func (c *Client) Activity(ctx context.Context, q ActivityQuery) iter.Seq2[apitypes.Activity, error] {
	return pages[apitypes.Activity](ctx, c, q.Limit, get("/v1/activity").with(q))
}

// UsageQuery asks for usage: of the days From to To (2026-11-21), summed up by the
// columns of By (day, type, organization; total).
type UsageQuery struct {
	From string   `query:"from"`
	To   string   `query:"to"`
	By   []string `query:"by"`
}

// Usage sums up what the fleet did.
func (c *Client) Usage(ctx context.Context, q UsageQuery) ([]apitypes.Usage, error) {
	return whole[apitypes.Usage](ctx, c, get("/v1/usage").with(q))
}

// UsageCSV writes the same as CSV, with a line of heads.
func (c *Client) UsageCSV(ctx context.Context, q UsageQuery, w io.Writer) error {
	k := get("/v1/usage").with(q)
	k.query.Set("format", "csv")
	return c.text(ctx, k, w)
}

// Queues gives the queues.
func (c *Client) Queues(ctx context.Context) ([]apitypes.Queue, error) {
	return whole[apitypes.Queue](ctx, c, get("/v1/queues"))
}

// Tasks lists a queue's tasks in a state (pending, active, scheduled, retry,
// archived, completed); limit is the most in all, 0: every one.
func (c *Client) Tasks(ctx context.Context, queue, state string, limit int) iter.Seq2[apitypes.Task, error] {
	q := struct {
		State string `query:"state"`
	}{state}
	return pages[apitypes.Task](ctx, c, limit, get("/v1/queues/{queue}/tasks", queue).with(q))
}

// PauseQueue stops workers from taking the queue's tasks.
func (c *Client) PauseQueue(ctx context.Context, queue string) (apitypes.Queue, error) {
	return do[apitypes.Queue](ctx, c, post(nil, "/v1/queues/{queue}/pause", queue))
}

// ResumeQueue lets workers take them again.
func (c *Client) ResumeQueue(ctx context.Context, queue string) (apitypes.Queue, error) {
	return do[apitypes.Queue](ctx, c, post(nil, "/v1/queues/{queue}/resume", queue))
}

// RetryTasks has tasks run now.
func (c *Client) RetryTasks(ctx context.Context, queue string, a apitypes.TaskAction) (apitypes.Done, error) {
	return do[apitypes.Done](ctx, c, post(a, "/v1/queues/{queue}/retry", queue))
}

// ArchiveTasks puts tasks aside.
func (c *Client) ArchiveTasks(ctx context.Context, queue string, a apitypes.TaskAction) (apitypes.Done, error) {
	return do[apitypes.Done](ctx, c, post(a, "/v1/queues/{queue}/archive", queue))
}

// DeleteTasks deletes tasks.
func (c *Client) DeleteTasks(ctx context.Context, queue string, a apitypes.TaskAction) (apitypes.Done, error) {
	return do[apitypes.Done](ctx, c, post(a, "/v1/queues/{queue}/delete", queue))
}

// Version says what runs.
func (c *Client) Version(ctx context.Context) (apitypes.Version, error) {
	return do[apitypes.Version](ctx, c, get("/v1/version"))
}

// Checks has the server look at its surroundings: configuration, stores, AWS.
func (c *Client) Checks(ctx context.Context) ([]apitypes.Check, error) {
	return do[[]apitypes.Check](ctx, c, get("/v1/checks"))
}

// Healthy says whether the process answers. It is asked once.
func (c *Client) Healthy(ctx context.Context) error { return c.probe(ctx, "/healthz") }

// Ready says whether the server can serve. It is asked once.
func (c *Client) Ready(ctx context.Context) error { return c.probe(ctx, "/readyz") }

func (c *Client) probe(ctx context.Context, path string) error {
	k := get(path)
	k.once = true
	return c.none(ctx, k)
}
