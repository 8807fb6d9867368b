package events

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/kodekloud/kml/internal/clock"
	"github.com/kodekloud/kml/internal/fleet"
)

const (
	queued      = 4096            // written sessions and accounts that wait to be told at once
	batch       = 64              // told together
	tellTime    = 3 * time.Second // of a batch
	notTold     = 2 * time.Second // age from which a session is told again
	retellBatch = 200
)

// Config is what a Publisher is made of.
type Config struct {
	Log      fleet.ActivityLog
	Stream   fleet.EventStream
	Sessions fleet.Sessions
	Clock    clock.Clock
	// Deliver takes events on their way to webhooks; one that it knows already is
	// nothing new. nil: there are none.
	Deliver func(context.Context, []fleet.Event) error
	// Failed is told what could not be told at once; the tick does it again. May
	// be nil.
	Failed func(error)
}

// Publisher tells events. Those of sessions come from their documents, and are
// told until it worked; those of accounts, whose record is the activity log, are
// told once, as well as it goes.
type Publisher struct {
	Config
	items chan item
}

// item is something to be told at once: a session, or an event of an account.
type item struct {
	session *fleet.Session
	event   fleet.Event
}

// New makes a Publisher; [Publisher.Run] works on what is handed to it.
func New(c Config) *Publisher {
	if c.Failed == nil {
		c.Failed = func(error) {}
	}
	return &Publisher{Config: c, items: make(chan item, queued)}
}

// Session hands over a session that was written, to be told at once. It never
// waits: when too many do, the tick tells it.
func (p *Publisher) Session(s *fleet.Session) { p.hand(item{session: s}) }

// Account is an observer of lifecycle: a transition is told once.
func (p *Publisher) Account(old, next *fleet.Account) {
	if old != nil && old.State == next.State {
		return
	}
	p.hand(item{event: fleet.Event{ID: "account/" + next.ID + "/" + strconv.FormatInt(next.Version, 10), Type: fleet.EventAccount, At: next.Since,
		Account: next.ID, Lab: next.SessionID, LabType: next.LabType, Booking: next.Booking, State: string(next.State), Reason: next.Reason}})
}

func (p *Publisher) hand(i item) {
	select {
	case p.items <- i:
	default:
	}
}

// Run tells what was handed over until ctx ends; then what is left, once.
func (p *Publisher) Run(ctx context.Context) {
	for {
		select {
		case first := <-p.items:
			p.tell(ctx, first)
		case <-ctx.Done():
			for {
				select {
				case first := <-p.items:
					p.tell(ctx, first)
				default:
					return
				}
			}
		}
	}
}

// tell tells a batch that begins with first.
func (p *Publisher) tell(ctx context.Context, first item) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tellTime)
	defer cancel()
	sessions, accounts := p.collect(first)
	errs := []error{p.Publish(ctx, sessions...)}
	if len(accounts) > 0 {
		errs = append(errs, p.Tell(ctx, accounts...))
	}
	if err := errors.Join(errs...); err != nil {
		p.Failed(err)
	}
}

// collect gives what is handed over already, up to a batch, in its order.
func (p *Publisher) collect(i item) (sessions []*fleet.Session, accounts []fleet.Event) {
	for n := 1; ; n++ {
		if i.session != nil {
			sessions = append(sessions, i.session)
		} else {
			accounts = append(accounts, i.event)
		}
		if n == batch {
			return sessions, accounts
		}
		select {
		case i = <-p.items:
		default:
			return sessions, accounts
		}
	}
}

// Publish tells the changes of sessions that may not have been told, each session
// as it was read or written: to the activity log, to the webhooks, on the stream.
// Then it notes that they are told; a session that was written meanwhile stays
// noted as untold.
func (p *Publisher) Publish(ctx context.Context, sessions ...*fleet.Session) error {
	var entries []fleet.Activity
	var events []fleet.Event
	for _, s := range sessions {
		from := ""
		for _, c := range s.Log {
			if c.Version > s.Told {
				entries = append(entries, entry(s, c, from))
				events = append(events, Of(s, c))
			}
			from = string(c.State)
		}
	}
	if len(events) > 0 {
		if err := p.Log.Append(ctx, entries...); err != nil {
			return fmt.Errorf("log changes of sessions: %w", err)
		}
		if err := p.Tell(ctx, events...); err != nil {
			return err
		}
	}
	var wg sync.WaitGroup
	errs := make([]error, len(sessions))
	for i, s := range sessions {
		wg.Go(func() { errs[i] = p.Sessions.Published(ctx, s.ID, s.Version) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// Tell tells events to the webhooks and on the stream. Who needs them told
// whatever happens calls it again: an event may come twice.
func (p *Publisher) Tell(ctx context.Context, events ...fleet.Event) error {
	if p.Deliver != nil {
		if err := p.Deliver(ctx, events); err != nil {
			return fmt.Errorf("have events delivered: %w", err)
		}
	}
	if err := p.Stream.Publish(ctx, events...); err != nil {
		return fmt.Errorf("publish events: %w", err)
	}
	return nil
}

// Republish tells what may not have been told for a while; the tick of every few
// seconds. One session that cannot be told holds up no other.
func (p *Publisher) Republish(ctx context.Context) error {
	before := p.Clock.Now().Add(-notTold)
	for {
		found, err := p.Sessions.Find(ctx, fleet.SessionQuery{Unpublished: before, Limit: retellBatch})
		if err != nil {
			return fmt.Errorf("sessions whose changes are not told: %w", err)
		}
		var errs []error
		for _, s := range found {
			errs = append(errs, p.Publish(ctx, s))
		}
		if err := errors.Join(errs...); err != nil || len(found) < retellBatch {
			return err
		}
	}
}

// EventID is the id of a session's event.
func EventID(session string, version int64) string {
	return "session/" + session + "/" + strconv.FormatInt(version, 10)
}

// Of is the event of a change of a session.
func Of(s *fleet.Session, c fleet.SessionChange) fleet.Event {
	return fleet.Event{ID: EventID(s.ID, c.Version), Type: c.Type, At: c.At, Owner: s.Owner, Lab: s.ID, Account: c.Account, LabType: s.LabType,
		Booking: s.Booking, Student: s.Student, State: string(c.State), Reason: c.Reason, EndsAt: c.EndsAt,
		Callback: s.Callback}
}

func entry(s *fleet.Session, c fleet.SessionChange, from string) fleet.Activity {
	return fleet.Activity{ID: EventID(s.ID, c.Version), At: c.At, Kind: "session", Account: c.Account, Session: s.ID, LabType: s.LabType,
		From: from, To: string(c.State), Reason: c.Reason, What: c.Type}
}
