package mongosim

import (
	"time"
)

// Hook decides what goes wrong. It is asked twice per command: before its
// effect (after is false) and when the effect is there but the client does not
// know yet (after is true). collection is empty for commands without one.
type Hook func(command, collection string, after bool) Fault

// Fault is what a Hook wants; the zero value is nothing. Delay comes first,
// then Drop, then Code.
type Fault struct {
	// Delay holds the command or its reply back.
	Delay time.Duration
	// Drop closes the connection without a reply.
	Drop bool
	// Code, if not zero, is replied as a MongoDB error, e.g. 10107
	// NotWritablePrimary, in place of the reply. On a retryable write the
	// codes that MongoDB calls retryable carry the label RetryableWriteError.
	Code int32
	// Labels replace the error's own labels.
	Labels []string
}

// apply carries out a fault. dropped says that the connection must go.
func (s *Server) apply(f Fault) (failure *cmdError, dropped bool) {
	if f.Delay > 0 {
		t := time.NewTimer(f.Delay)
		defer t.Stop()
		select {
		case <-t.C:
		case <-s.ctx.Done():
			return nil, true
		}
	}
	if f.Drop {
		return nil, true
	}
	if f.Code == 0 {
		return nil, false
	}
	e := errf(f.Code, "injected fault %s", codeName(f.Code))
	e.labels = f.Labels
	return e, false
}

func (s *Server) fault(req *request, after bool) (*cmdError, bool) {
	if s.cfg.Hook == nil {
		return nil, false
	}
	return s.apply(s.cfg.Hook(req.command, req.collection(), after))
}

// collection is the name that the command is about, "" if none.
func (r *request) collection() string {
	if r.command == "getMore" {
		name, _ := lookup(r.body, "collection")
		s, _ := name.(string)
		return s
	}
	s, _ := r.body[0].Value.(string)
	return s
}
