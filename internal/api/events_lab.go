package api

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"github.com/kodekloud/kml/internal/events"
	"github.com/kodekloud/kml/internal/fleet"
)

type labEvents struct {
	LabPath
	After int64  `query:"after" minimum:"0" doc:"version of the lab to go on from; none means from the beginning"`
	Last  string `header:"Last-Event-ID" pattern:"^[0-9]{1,18}$" doc:"version of the lab to go on from; before after"`
}

// followLab begins a stream of a lab's changes.
func (s *Server) followLab(ctx context.Context, in *labEvents) (*huma.StreamResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, defaultLimit) // until the stream begins
	defer cancel()
	if err := s.eventsReady(ctx); err != nil {
		return nil, err
	}
	session, err := s.lab(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	after := in.After
	if in.Last != "" {
		if after, err = strconv.ParseInt(in.Last, 10, 64); err != nil {
			return nil, &fleet.FieldError{Field: "header.Last-Event-ID", Value: in.Last, Remedy: "give the id of an event of this lab"}
		}
	}
	if session.State.Final() && after >= session.Version {
		return &huma.StreamResponse{Body: func(hc huma.Context) { hc.SetStatus(http.StatusNoContent) }}, nil
	}
	return s.begin(ctx, func(hc huma.Context) {
		out := s.newStream(hc, streamLab)
		defer out.close()
		out.end(s.sendLab(out, session.ID, after))
	})
}

// sendLab sends a lab's changes in their order until it is final. The changes
// are those of its document; the live stream only says when to look, and each
// beat looks too.
func (s *Server) sendLab(out *stream, id string, after int64) error {
	ctx, cancel := context.WithCancel(out.ctx)
	defer cancel()
	// A listener may miss what was published before Subscribe returned: look after it.
	live, why := s.Events.Subscribe(ctx, "", func(e fleet.Event) bool { return e.Lab == id })
	for {
		session, err := s.Sessions.Get(ctx, id)
		if err != nil {
			return err
		}
		for _, c := range session.Log {
			if c.Version <= after {
				continue
			}
			if err := out.event(strconv.FormatInt(c.Version, 10), events.Of(session, c)); err != nil {
				return err
			}
			after = c.Version
		}
		if session.State.Final() {
			return nil
		}
		select {
		case _, more := <-live:
			if !more && errors.Is(why(), events.ErrClosed) {
				return events.ErrClosed
			}
			if !more {
				live, why = nil, nil // until the next beat
			}
		case <-out.beat.Chan():
			if err := out.alive(); err != nil {
				return err
			}
			if live == nil {
				live, why = s.Events.Subscribe(ctx, "", func(e fleet.Event) bool { return e.Lab == id })
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
