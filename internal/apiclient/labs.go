package apiclient

import (
	"context"
	"iter"
	"time"

	"github.com/kodekloud/kml/internal/apitypes"
)

// LongestWait is the longest that the server waits in one call.
const LongestWait = 30 * time.Second

// LabQuery narrows a list of labs; empty fields do not. Limit is the most labs
// in all, 0: every one.
type LabQuery struct {
	State   []string  `query:"state"`
	Type    string    `query:"lab_type"`
	Student string    `query:"student"`
	Account string    `query:"account"`
	Booking string    `query:"booking"`
	Owner   string    `query:"owner"`
	Since   time.Time `query:"since"` // of the request
	Until   time.Time `query:"until"`
	Sort    string    `query:"sort"` // requested_at, or -requested_at: newest first, the default
	Limit   int
}

// waiting is the query of a call that may wait.
type waiting struct {
	Wait apitypes.Duration `query:"wait"`
}

func waitFor(d time.Duration) waiting { return waiting{apitypes.Duration(min(d, LongestWait))} }

// RequestLab asks for a lab, and waits for its assignment up to wait, at most
// [LongestWait]. What comes may still be waiting: see [apitypes.Lab.Settled] and
// [Client.WaitLab].
func (c *Client) RequestLab(ctx context.Context, r apitypes.LabRequest, wait time.Duration) (apitypes.Lab, error) {
	return do[apitypes.Lab](ctx, c, post(r, "/v1/labs").with(waitFor(wait)))
}

// Labs lists labs.
func (c *Client) Labs(ctx context.Context, q LabQuery) iter.Seq2[apitypes.Lab, error] {
	return pages[apitypes.Lab](ctx, c, q.Limit, get("/v1/labs").with(q))
}

// Lab gives a lab, once it is settled or wait is over.
func (c *Client) Lab(ctx context.Context, id string, wait time.Duration) (apitypes.Lab, error) {
	return do[apitypes.Lab](ctx, c, get("/v1/labs/{id}", id).with(waitFor(wait)))
}

// WaitLab waits until a lab is settled, for as long as ctx lasts; tell, which may
// be nil, is given the lab after each look. The lab comes with the error of ctx
// too, as it was last seen.
func (c *Client) WaitLab(ctx context.Context, id string, tell func(apitypes.Lab)) (apitypes.Lab, error) {
	var last apitypes.Lab
	for wait := time.Duration(0); ; wait = LongestWait {
		asked := time.Now()
		lab, err := c.Lab(ctx, id, wait)
		if err != nil {
			return last, err
		}
		if last = lab; tell != nil {
			tell(lab)
		}
		if lab.Settled() {
			return lab, nil
		}
		// A server that stops, or has many waiting, answers before its time.
		if wait > 0 && time.Since(asked) < c.pause {
			select {
			case <-ctx.Done():
				return last, ctx.Err()
			case <-time.After(c.pause):
			}
		}
	}
}

// Credentials reveals a lab's credentials; it is recorded that they were.
func (c *Client) Credentials(ctx context.Context, id string) (apitypes.Credentials, error) {
	return do[apitypes.Credentials](ctx, c, post(nil, "/v1/labs/{id}/credentials", id))
}

// SignInLink makes a link that opens the AWS console without a password.
func (c *Client) SignInLink(ctx context.Context, id string) (apitypes.SignInLink, error) {
	return do[apitypes.SignInLink](ctx, c, post(nil, "/v1/labs/{id}/signin-link", id))
}

// ExtendLab moves a lab's end to later.
func (c *Client) ExtendLab(ctx context.Context, id string, by time.Duration) (apitypes.Lab, error) {
	return do[apitypes.Lab](ctx, c, post(apitypes.Extension{By: apitypes.Duration(by)}, "/v1/labs/{id}/extend", id))
}

// EndLab ends a lab now.
func (c *Client) EndLab(ctx context.Context, id, reason string) (apitypes.Lab, error) {
	return do[apitypes.Lab](ctx, c, post(apitypes.LabEnd{Reason: reason}, "/v1/labs/{id}/end", id))
}

// LabEvidence gives what the cleaning after a lab did and found.
func (c *Client) LabEvidence(ctx context.Context, id string) (apitypes.CleaningEvidence, error) {
	return do[apitypes.CleaningEvidence](ctx, c, get("/v1/labs/{id}/evidence", id))
}
