package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/kodekloud/kml/internal/access"
	"github.com/kodekloud/kml/internal/apitypes"
	"github.com/kodekloud/kml/internal/events"
	"github.com/kodekloud/kml/internal/fleet"
)

// Events is the live stream of events: package events.
type Events interface {
	// Ready is closed when the stream is being read: from then on nothing is missed.
	Ready() <-chan struct{}
	// Subscribe gives the events after a position that the filter lets through.
	// The channel is closed when ctx ends or the subscription does; the function
	// tells why then.
	Subscribe(ctx context.Context, after string, filter func(fleet.Event) bool) (<-chan fleet.StreamedEvent, func() error)
	// Position gives the place of now.
	Position(ctx context.Context) (string, error)
}

var (
	streamEvents = op{id: "stream-events", method: http.MethodGet, path: "/v1/events", tag: "Events", summary: "Follow events as they come", limit: -1, needs: access.EventsRead,
		detail: "Server-Sent Events. The id of an event is its place: Last-Event-ID, or after, goes on behind it. An event reset says that the place is no longer known: " +
			"list anew what you follow; events go on from now. An event may come twice; the id in its data does not change."}
	streamLab = op{id: "stream-lab-events", method: http.MethodGet, path: "/v1/labs/{id}/events", tag: "Labs", summary: "Follow a lab from its request to its end", limit: -1, needs: access.LabsRead,
		detail: "Server-Sent Events: first the lab's last changes, then what comes, until the lab is final. The id of an event is the lab's version: Last-Event-ID, or after, goes on behind it. " +
			"When there is nothing more to come the answer is 204, and an EventSource stops asking."}
)

func (s *Server) eventRoutes() {
	register(s, streamEvents, s.followEvents)
	s.describeStream(streamEvents)
	register(s, streamLab, s.followLab)
	s.describeStream(streamLab)
	s.api.OpenAPI().Paths[streamLab.path].Get.Responses["204"] = &huma.Response{Description: "The lab is final, and all of it was told."}
}

// describeStream says in the document what a stream is made of.
func (s *Server) describeStream(o op) {
	schema := s.api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[apitypes.Event](), true, "Event")
	answer := s.api.OpenAPI().Paths[o.path].Get.Responses["200"]
	answer.Description = "A stream of Server-Sent Events; the data of each is an Event."
	answer.Content = map[string]*huma.MediaType{eventStream: {Schema: &huma.Schema{Type: huma.TypeString, Description: "event: type, id: place, data: JSON as in x-event",
		Extensions: map[string]any{"x-event": schema}}}}
}

// eventFilter is what a listener asks for.
type eventFilter struct {
	Type    []string `query:"type" maxItems:"20" doc:"types of events, with commas; none means all" example:"lab.active,lab.ended"`
	Lab     string   `query:"lab" maxLength:"128" doc:"id of a lab"`
	Account string   `query:"account" maxLength:"12" doc:"AWS account id"`
	LabType string   `query:"lab_type" maxLength:"64"`
	Booking string   `query:"booking" maxLength:"64"`
	Owner   string   `query:"owner" maxLength:"100" doc:"for those who see more than their own"`
	After   string   `query:"after" pattern:"^[0-9]{1,20}-[0-9]{1,20}$" doc:"place to go on from; none means now" example:"1763712000000-0"`
	Last    string   `header:"Last-Event-ID" pattern:"^[0-9]{1,20}-[0-9]{1,20}$" doc:"place to go on from; before after"`
}

// check refuses what would never let anything through.
func (f *eventFilter) check() error {
	for _, t := range f.Type {
		if !slices.Contains(fleet.EventTypes, t) {
			return &fleet.FieldError{Field: "query.type", Value: t, Remedy: "use types among " + strings.Join(fleet.EventTypes, ", ")}
		}
	}
	return nil
}

// filter lets through what is asked for and what the caller may see.
func (f *eventFilter) filter(who access.Principal, owner string) func(fleet.Event) bool {
	is := func(asked, got string) bool { return asked == "" || asked == got }
	return func(e fleet.Event) bool {
		if who.OwnOnly() && (e.Owner == "" || e.Owner != who.Owner) {
			return false
		}
		return (len(f.Type) == 0 || slices.Contains(f.Type, e.Type)) && is(owner, e.Owner) && is(f.Lab, e.Lab) && is(f.Account, e.Account) &&
			is(f.LabType, e.LabType) && is(f.Booking, e.Booking)
	}
}

// followEvents begins a stream of events.
func (s *Server) followEvents(ctx context.Context, in *eventFilter) (*huma.StreamResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, defaultLimit) // until the stream begins
	defer cancel()
	if err := s.eventsReady(ctx); err != nil {
		return nil, err
	}
	owner, err := ownerOf(ctx, in.Owner)
	if err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	place := in.Last
	if place == "" {
		place = in.After
	}
	if place == "" { // told at once, so that nothing is lost before the first event
		if place, err = s.Events.Position(ctx); err != nil {
			return nil, err
		}
	}
	return s.begin(ctx, func(hc huma.Context) {
		out := s.newStream(hc, streamEvents)
		defer out.close()
		out.end(s.sendEvents(out, place, in.filter(out.who, owner)))
	})
}

// eventsReady waits until the live stream is being read, which is at once but for
// the first moments of a process.
func (s *Server) eventsReady(ctx context.Context) error {
	select {
	case <-s.Events.Ready():
		return nil
	case <-ctx.Done():
		return fmt.Errorf("the live stream of events: %w", ctx.Err())
	}
}

// sendEvents sends events until somebody ends the stream; why is the error.
func (s *Server) sendEvents(out *stream, place string, filter func(fleet.Event) bool) error {
	if err := out.at(place); err != nil {
		return err
	}
	for {
		next, err := s.sendFrom(out, place, filter)
		switch {
		case errors.Is(err, events.ErrSlow): // all of it is still on the stream
			place = next
		case errors.Is(err, fleet.ErrTrimmed), errors.Is(err, fleet.ErrInvalid):
			if place, err = s.Events.Position(out.ctx); err != nil {
				return err
			}
			if err := out.reset(place); err != nil {
				return err
			}
		default:
			return err
		}
	}
}

// sendFrom sends the events of one subscription, and gives the place of the last.
func (s *Server) sendFrom(out *stream, place string, filter func(fleet.Event) bool) (last string, err error) {
	ctx, cancel := context.WithCancel(out.ctx)
	defer cancel()
	live, why := s.Events.Subscribe(ctx, place, filter)
	for {
		select {
		case e, more := <-live:
			if !more {
				return place, why()
			}
			if err := out.event(e.Position, e.Event); err != nil {
				return place, err
			}
			place = e.Position
		case <-out.beat.Chan():
			if err := out.alive(); err != nil {
				return place, err
			}
		case <-out.ctx.Done():
			return place, context.Cause(out.ctx)
		}
	}
}

// toEvent is an event in JSON.
func toEvent(e fleet.Event) apitypes.Event {
	return apitypes.Event{ID: e.ID, Type: e.Type, At: e.At, Owner: e.Owner, Lab: e.Lab, Account: e.Account, LabType: e.LabType, Booking: e.Booking,
		Student: e.Student, State: e.State, Reason: e.Reason, EndsAt: e.EndsAt}
}
