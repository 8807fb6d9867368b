package api

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/kodekloud/kml/internal/access"
	"github.com/kodekloud/kml/internal/fleet"
)

const (
	auditLimit     = 5 * time.Second
	strangersLimit = 30 // lines a minute
	hastyLimit     = 30 // lines a minute, of calls beyond a key's limit
)

// audited records every call that may change something or tells a secret, the
// refused ones too, before its answer goes out.
func (s *Server) audited(o op, next http.Handler) http.Handler {
	if s.Activity == nil || !o.mutates() && !o.hidden || o.needs == access.Anybody {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		k := keep(w)
		next.ServeHTTP(k, r)
		if recorded := s.record(o, r, k); !recorded && o.fresh {
			w.Header().Set("Retry-After", "2")
			s.refuse(w, r, newProblem(http.StatusServiceUnavailable, "unavailable", "the call cannot be recorded at present, and secrets are not told without a record", "try again"))
			return
		}
		k.send()
	})
}

// record appends the line, if it is one of those to keep. What was done is done,
// so its answer goes out even if the log does not take the line, which then stands
// in the process's own log; what only tells secrets is not told then.
func (s *Server) record(o op, r *http.Request, k *kept) (recorded bool) {
	c := callOf(r.Context())
	if c.who.ID == "" && !s.strange.take(s.Clock.Now(), strangersLimit) {
		return true // whoever may call without a key must not fill the log
	}
	if c.who.ID != "" && k.status == http.StatusTooManyRequests && !s.hasty.take(s.Clock.Now(), hastyLimit) {
		return true // nor one whose calls are refused because they are too many
	}
	line := s.line(o, r, c, k)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), auditLimit)
	defer cancel()
	err := s.Activity.Append(ctx, line)
	if err != nil {
		s.logger(ctx).Error().Err(err).Str("what", line.What).Str("outcome", line.Outcome).Str("reason", line.Reason).Msg("A CALL IS NOT IN THE ACTIVITY LOG")
	}
	return err == nil
}

func (s *Server) line(o op, r *http.Request, c *call, k *kept) fleet.Activity {
	a := fleet.Activity{ID: "call/" + rand.Text(), At: s.Clock.Now().UTC(), Kind: "call", Who: cmp.Or(c.who.Who(), "nobody"), Where: c.where(),
		What: o.id + " " + shorten(r.URL.Path), Outcome: strings.TrimSpace(strconv.Itoa(k.status) + " " + k.code())}
	if k.header.Get("Idempotency-Replayed") != "" {
		a.Outcome += " (replayed)"
	}
	var said struct{ Reason string }
	if json.Unmarshal(c.body, &said) == nil {
		a.Reason = shorten(said.Reason)
	}
	id := r.PathValue("id")
	if made := k.made(); made != "" && id == "" {
		id = made
		a.What += "/" + shorten(made)
	}
	switch noun, _, _ := strings.Cut(strings.TrimPrefix(o.path, "/v1/"), "/"); noun {
	case "accounts":
		a.Account = shorten(id)
	case "labs":
		a.Session = shorten(id)
	case "labtypes":
		a.LabType = shorten(r.PathValue("name"))
	}
	return a
}

// made is the id of what a call made.
func (k *kept) made() string {
	var v struct {
		ID string `json:"id"`
	}
	if k.status != http.StatusCreated && k.status != http.StatusAccepted || json.Unmarshal(k.body.Bytes(), &v) != nil {
		return ""
	}
	return v.ID
}

// observed tells logs and metrics of a call that is over.
func (s *Server) observed(o op, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, start := &noted{ResponseWriter: w}, s.Clock.Now()
		next.ServeHTTP(n, r)
		took, status := s.Clock.Since(start), cmp.Or(n.status, http.StatusOK)
		if s.Observe != nil {
			s.Observe(o.id, status, took)
		}
		s.logger(r.Context()).Debug().Str("operation", o.id).Str("path", shorten(r.URL.Path)).Int("status", status).Dur("took", took).Msg("call")
	})
}

// bounded lets so many through in a minute. The zero value is good.
type bounded struct {
	mu     sync.Mutex
	minute time.Time
	n      int
}

func (b *bounded) take(now time.Time, limit int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if minute := now.Truncate(time.Minute); !minute.Equal(b.minute) {
		b.minute, b.n = minute, 0
	}
	b.n++
	return b.n <= limit
}
