package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"

	"github.com/kodekloud/kml/internal/access"
	"github.com/kodekloud/kml/internal/events"
	"github.com/kodekloud/kml/internal/fleet"
)

const (
	eventStream = "text/event-stream"
	beatEvery   = 15 * time.Second // proxies cut what is silent for longer
	writeTime   = 10 * time.Second // of one event; who takes longer is gone
	maxStreams  = 50               // of one key, in this process
	lookEvery   = 3 * time.Second  // how old the word on a key may be when an event is sent
)

// begin begins a stream unless the caller has too many.
func (s *Server) begin(ctx context.Context, run func(huma.Context)) (*huma.StreamResponse, error) {
	release, ok := s.streams.take(access.From(ctx).ID, maxStreams)
	if !ok {
		return nil, newProblem(http.StatusTooManyRequests, "too_many_streams", fmt.Sprintf("this key has %d streams open", maxStreams), "close one, or follow several labs on one stream")
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		defer release()
		run(hc)
	}}, nil
}

// stream is one answer of Server-Sent Events.
type stream struct {
	ctx  context.Context
	s    *Server
	o    op
	who  access.Principal
	r    *http.Request
	w    http.ResponseWriter
	rc   *http.ResponseController
	seen time.Time // when the key was last found to be good
	beat interface {
		Chan() <-chan time.Time
		Stop()
	}
}

// newStream sends the head of a stream.
func (s *Server) newStream(hc huma.Context, o op) *stream {
	r, w := humachi.Unwrap(hc)
	out := &stream{ctx: hc.Context(), s: s, o: o, who: access.From(hc.Context()), r: r, w: w, rc: http.NewResponseController(w),
		seen: s.Clock.Now(), beat: s.Clock.NewTicker(beatEvery)}
	hc.SetHeader("Content-Type", eventStream)
	hc.SetHeader("X-Accel-Buffering", "no") // a proxy that holds answers back must not
	hc.SetStatus(http.StatusOK)
	// At once: a reader must not wait for the first event to know that it is heard.
	if err := out.rc.Flush(); err != nil {
		s.logger(out.ctx).Debug().Err(err).Msg("a reader of events was gone before the beginning")
	}
	return out
}

func (o *stream) close() { o.beat.Stop() }

// write sends text as it is, at once.
func (o *stream) write(text string) error {
	// A socket goes by the machine's clock.
	if err := o.rc.SetWriteDeadline(time.Now().Add(writeTime)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	if _, err := o.w.Write([]byte(text)); err != nil {
		return err
	}
	return o.rc.Flush()
}

// event sends an event with its place, if the reader may still listen.
func (o *stream) event(place string, e fleet.Event) error {
	if o.s.Clock.Since(o.seen) >= lookEvery {
		if err := o.look(); err != nil {
			return err
		}
	}
	data, err := json.Marshal(toEvent(e))
	if err != nil {
		return err
	}
	return o.write("id: " + place + "\nevent: " + e.Type + "\ndata: " + string(data) + "\n\n")
}

// at tells the reader its place; it is no event.
func (o *stream) at(place string) error { return o.write("retry: 3000\nid: " + place + "\n\n") }

// reset tells the reader that its place is not known any more.
func (o *stream) reset(place string) error {
	return o.write("id: " + place + "\nevent: reset\ndata: {\"detail\":\"events were missed: list anew what you follow\"}\n\n")
}

// errDenied ends the stream of a key that is not good any more.
var errDenied = errors.New("the key is no longer good for this stream")

// look says whether the reader may still listen. Keys that cannot be checked at
// present are no reason to end.
func (o *stream) look() error {
	who, err := o.s.caller(o.o, o.r)
	denied := err == nil && (!who.Role.May(o.o.needs) || who.Role != o.who.Role || who.Owner != o.who.Owner)
	if denied || errors.Is(err, access.ErrUnauthenticated) {
		return errDenied
	}
	o.seen = o.s.Clock.Now()
	return nil
}

// alive sends a comment, if the reader may still listen.
func (o *stream) alive() error {
	if err := o.look(); err != nil {
		return err
	}
	return o.write(": alive\n\n")
}

// end says good-bye, when there is somebody left to hear it.
func (o *stream) end(err error) {
	text := ""
	switch {
	case errors.Is(context.Cause(o.ctx), errDraining), errors.Is(err, events.ErrClosed):
		text = "retry: 1000\n: this server is stopping, connect again\n\n"
	case errors.Is(err, errDenied):
		text = ": the key is no longer good\n\n"
	case o.ctx.Err() != nil:
		return
	case err == nil:
		text = ": this is all\n\n"
	default:
		o.s.logger(o.ctx).Warn().Err(err).Msg("a stream of events broke off")
		text = "retry: 5000\n: broken off, connect again\n\n"
	}
	if err := o.write(text); err != nil {
		o.s.logger(o.ctx).Debug().Err(err).Msg("a reader of events was gone before the end")
	}
}
