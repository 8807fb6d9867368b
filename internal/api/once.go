package api

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"time"

	"github.com/kodekloud/kml/internal/apitypes"
	"github.com/kodekloud/kml/internal/fleet"
)

const (
	idempotencyKey  = "Idempotency-Key"
	idempotencyLife = 24 * time.Hour
	finishLimit     = 5 * time.Second
)

// goodKey is what an Idempotency-Key may be: printable ASCII.
var goodKey = regexp.MustCompile(`^[\x21-\x7e]([\x20-\x7e]{0,126}[\x21-\x7e])?$`)

// savedAnswer is a stored answer before it is sealed.
type savedAnswer struct {
	Header http.Header
	Body   []byte
}

// once answers a POST under a key that was used before as it was answered then.
// What failed on the server's side (5xx) or came too fast (429) is not kept: it
// may be tried again under the same key. Nor is a lab that still waits (202): who
// asks again wants to know what became of it.
func (s *Server) once(o op, next http.Handler) http.Handler {
	if o.method != http.MethodPost || s.Idempotent == nil || o.limit < 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key := r.Header.Get(idempotencyKey)
		if key == "" {
			next.ServeHTTP(w, r)
			return
		}
		if !goodKey.MatchString(key) {
			p := newProblem(http.StatusUnprocessableEntity, "invalid", "the Idempotency-Key is not 1 to 128 printable characters", "give a random one, such as a UUID")
			p.Errors = []apitypes.ProblemField{{Field: "header." + idempotencyKey, Remedy: p.Remedy}}
			s.refuse(w, r, p)
			return
		}
		s.onceUnder(key, o, w, r, next)
	})
}

func (s *Server) onceUnder(key string, o op, w http.ResponseWriter, r *http.Request, next http.Handler) {
	ctx, c, now := r.Context(), callOf(r.Context()), s.Clock.Now().UTC()
	mine := fleet.IdempotentCall{ID: callID(c.who.ID, o.id, key), Digest: digestOf(r, c.body), Claim: rand.Text(), At: now, Expires: now.Add(idempotencyLife)}
	// A try that is older than its limit has died with its process.
	stands, err := s.Idempotent.Begin(ctx, mine, now.Add(-2*max(o.limit, defaultLimit)))
	if err != nil {
		s.logger(ctx).Error().Err(err).Msg("an idempotency key cannot be looked up")
		w.Header().Set("Retry-After", "2")
		s.refuse(w, r, newProblem(http.StatusServiceUnavailable, "unavailable", "the Idempotency-Key cannot be looked up at present", "try again; nothing was done"))
		return
	}
	switch {
	case !bytes.Equal(stands.Digest, mine.Digest):
		s.refuse(w, r, newProblem(http.StatusUnprocessableEntity, "idempotency_mismatch", "the Idempotency-Key was used for another call", "use a new key for every new call, and the same one only to repeat a call as it was"))
	case stands.Done && o.fresh:
		next.ServeHTTP(w, r)
	case stands.Done:
		s.replay(w, r, stands)
	case stands.Claim != mine.Claim && (o.repeatable || o.fresh):
		next.ServeHTTP(w, r)
	case stands.Claim != mine.Claim:
		w.Header().Set("Retry-After", "1")
		s.refuse(w, r, newProblem(http.StatusConflict, "in_progress", "a call under this Idempotency-Key is being worked on", "wait a second and repeat the call as it was"))
	default:
		s.first(mine, o, w, r, next)
	}
}

// first does the call and keeps its answer.
func (s *Server) first(mine fleet.IdempotentCall, o op, w http.ResponseWriter, r *http.Request, next http.Handler) {
	k := keep(w)
	next.ServeHTTP(k, r)
	// The answer is kept though the client may have gone: it will ask again.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), finishLimit)
	defer cancel()
	if err := s.remember(ctx, mine, o, k); err != nil {
		s.logger(ctx).Error().Err(err).Msg("the answer to an idempotent call is not kept: a repetition will be done again")
	}
	k.send()
}

// remember notes that the call is done, with its answer, or lets go of one that
// may be tried again.
func (s *Server) remember(ctx context.Context, mine fleet.IdempotentCall, o op, k *kept) (err error) {
	if k.status >= http.StatusInternalServerError || k.status == http.StatusTooManyRequests || o.repeatable && k.status == http.StatusAccepted {
		return s.Idempotent.Abandon(ctx, mine.ID, mine.Claim)
	}
	var sealed *fleet.Sealed
	if !o.fresh {
		if sealed, err = s.save(k, mine.ID); err != nil {
			return err
		}
	}
	return s.Idempotent.Finish(ctx, mine.ID, mine.Claim, k.status, sealed)
}

func (s *Server) save(k *kept, id string) (*fleet.Sealed, error) {
	text, err := json.Marshal(savedAnswer{k.header, k.body.Bytes()})
	if err != nil {
		return nil, fmt.Errorf("answer: %w", err)
	}
	sealed, err := s.Sealer.Seal(string(text), "answer/"+id)
	return &sealed, err
}

// replay answers as before.
func (s *Server) replay(w http.ResponseWriter, r *http.Request, call *fleet.IdempotentCall) {
	var saved savedAnswer
	text, err := "", fleet.ErrNotFound
	if call.Answer != nil {
		text, err = s.Sealer.Open(*call.Answer, "answer/"+call.ID)
	}
	if err == nil {
		err = json.Unmarshal([]byte(text), &saved)
	}
	if err != nil {
		s.logger(r.Context()).Error().Err(err).Msg("a kept answer cannot be read")
		s.refuse(w, r, internalProblem())
		return
	}
	for name, values := range saved.Header {
		w.Header()[name] = values
	}
	w.Header().Set("Idempotency-Replayed", "true")
	w.WriteHeader(call.Status)
	_, _ = w.Write(saved.Body) // a client that went away is its own affair
}

// callID names a call: whose, of which operation, under which key. The parts
// cannot run into each other.
func callID(who, operation, key string) string {
	text, _ := json.Marshal([]string{who, operation, key}) // strings always marshal
	sum := sha256.Sum256(text)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// digestOf tells two calls apart. How long a caller has time makes no other call.
func digestOf(r *http.Request, body []byte) []byte {
	h, query := sha256.New(), r.URL.Query()
	query.Del("wait")
	_, _ = fmt.Fprintf(h, "%s %q %q\n", r.Method, r.URL.EscapedPath(), query.Encode()) // a hash takes everything
	_, _ = h.Write(body)
	return h.Sum(nil)
}
