package apiclient

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"time"

	"github.com/kodekloud/kml/internal/apitypes"
)

// EventQuery narrows a stream of events; empty fields do not. After is where it
// goes on: the position of the last event that was read, "" is now.
type EventQuery struct {
	Types   []string `query:"type"`
	Lab     string   `query:"lab"`
	Account string   `query:"account"`
	LabType string   `query:"lab_type"`
	Booking string   `query:"booking"`
	Owner   string   `query:"owner"` // for those who see more than their own
	After   string
}

// StreamEvent is an event in its place on a stream. Of a Reset the event is
// empty: some events were missed for good, and what is to be known must be
// listed again; the stream goes on after it.
type StreamEvent struct {
	Position string
	Event    apitypes.Event
	Reset    bool
}

// reset is the kind of message by which the server says that the place is gone.
const reset = "reset"

// Events streams what happens, for as long as ctx lasts. When the connection
// breaks it goes on where it was; an event may then come twice. The error that
// ends it is the context's, or a refusal of the server.
func (c *Client) Events(ctx context.Context, q EventQuery) iter.Seq2[StreamEvent, error] {
	return c.stream(ctx, get("/v1/events").with(q), q.After)
}

// LabEvents streams what happens to one lab, as [Client.Events]. It ends with
// the lab.
func (c *Client) LabEvents(ctx context.Context, id, after string) iter.Seq2[StreamEvent, error] {
	return c.stream(ctx, get("/v1/labs/{id}/events", id), after)
}

// stream reads a stream, and comes again when it breaks.
func (c *Client) stream(ctx context.Context, k call, after string) iter.Seq2[StreamEvent, error] {
	return func(yield func(StreamEvent, error) bool) {
		s := &stream{Client: c, call: k, after: after}
		for {
			more, err := s.read(ctx, yield)
			if err == nil && more {
				err = s.wait(ctx)
			}
			if err != nil {
				yield(StreamEvent{}, err)
			}
			if err != nil || !more {
				return
			}
		}
	}
}

// stream is where a stream stands.
type stream struct {
	*Client
	call  call
	after string
	pause time.Duration // as the server asked, 0: the client's own
	fails int           // connections in a row that gave nothing
}

// read makes one connection and reads it to its end. more says whether to come
// again; err that it would be in vain.
func (s *stream) read(ctx context.Context, yield func(StreamEvent, error) bool) (more bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	silence := time.AfterFunc(longestSilence, cancel)
	defer silence.Stop()
	answer, err := s.open(ctx)
	if err != nil {
		return false, err
	}
	if answer == nil {
		return true, nil
	}
	defer func() { _ = answer.Body.Close() }() // nothing was written to it
	if answer.StatusCode == http.StatusNoContent {
		return false, nil // the server's word for: do not come again
	}
	in := newFrames(awake{answer.Body, silence})
	for {
		f, err := in.next()
		s.pause = cmp.Or(in.retry, s.pause)
		if in.id != "" {
			s.fails, s.after = 0, in.id
		}
		if err != nil {
			return true, nil // it broke: how does not matter
		}
		e := StreamEvent{Position: f.id, Reset: f.kind == reset}
		switch {
		case !e.Reset && f.data == "":
			continue // a sign of life
		case !e.Reset:
			if err := json.Unmarshal([]byte(f.data), &e.Event); err != nil {
				return false, fmt.Errorf("event %.100q: %w: %w", f.id, ErrNotKML, err)
			}
		}
		if !yield(e, nil) || s.over(e.Event) {
			return false, nil
		}
	}
}

// over says whether nothing can follow an event on the stream of one lab.
func (s *stream) over(e apitypes.Event) bool {
	return len(s.call.vars) > 0 && apitypes.Lab{State: e.State}.Final()
}

// open connects. No answer and no error: come again.
func (s *stream) open(ctx context.Context) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url(s.call), nil)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.call.path, err)
	}
	s.header(r.Header)
	r.Header.Set("Accept", "text/event-stream")
	if s.after != "" {
		r.Header.Set("Last-Event-ID", s.after)
	}
	s.fails++
	answer, err := s.streams.Do(r)
	switch {
	case err != nil && ctx.Err() == nil && s.fails >= mostFails:
		return nil, s.unreachable(err)
	case err != nil:
		return nil, nil
	case answer.StatusCode == http.StatusOK, answer.StatusCode == http.StatusNoContent:
		return answer, nil
	}
	defer func() { _ = answer.Body.Close() }() // nothing was written to it
	if transient(answer.StatusCode) && s.fails < mostFails {
		s.pause = cmp.Or(retryAfter(answer), s.pause)
		return nil, nil
	}
	return nil, failure(answer)
}

const (
	// longestSilence is when a connection without even a sign of life is given
	// up: the server gives one more often.
	longestSilence = 90 * time.Second
	// mostFails is how many connections in a row may give nothing.
	mostFails = 10
)

// transient says whether an answer may be another one soon.
func transient(status int) bool {
	return status == http.StatusTooManyRequests || status >= http.StatusInternalServerError && status != http.StatusNotImplemented
}

// wait waits before the next connection: the first comes at once if the last one
// gave something.
func (s *stream) wait(ctx context.Context) error {
	pause := cmp.Or(s.pause, s.Client.pause)
	for range s.fails - 1 {
		pause = min(2*pause, max(longestPause, s.pause))
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// awake is a reader whose every byte puts off the end of patience.
type awake struct {
	in interface{ Read([]byte) (int, error) }
	by *time.Timer
}

// Read implements io.Reader.
func (a awake) Read(b []byte) (int, error) {
	n, err := a.in.Read(b)
	if n > 0 {
		a.by.Reset(longestSilence)
	}
	return n, err
}
