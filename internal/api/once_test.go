package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/kodekloud/kml/internal/fleet"
)

type text struct {
	Text string `json:"text"`
}

const echoPath = "/v1/echo/a"

func TestSameKeySameAnswer(t *testing.T) {
	t.Parallel()
	b, e := setupEcho(t, withCalls)
	first := b.do(t, academy, "POST", echoPath, text{"hello"}, idempotencyKey, "k1")
	b.clock.Advance(23 * time.Hour)
	again := b.do(t, academy, "POST", echoPath, text{"hello"}, idempotencyKey, "k1")
	if first.status != http.StatusCreated || again.status != first.status || again.body != first.body || e.count() != 1 {
		t.Fatalf("%+v\n%+v, called %d times", first, again, e.count())
	}
	for _, name := range []string{"Etag", "Content-Type"} {
		if first.header.Get(name) == "" || again.header.Get(name) != first.header.Get(name) {
			t.Errorf("%s: %q, then %q", name, first.header.Get(name), again.header.Get(name))
		}
	}
	if first.header.Get("Idempotency-Replayed") != "" || again.header.Get("Idempotency-Replayed") != "true" {
		t.Error("it is not told which answer is a repetition")
	}
	if first.header.Get("X-Request-Id") == again.header.Get("X-Request-Id") {
		t.Error("two calls have one id")
	}
	b.clock.Advance(time.Hour + time.Second)
	if late := b.do(t, academy, "POST", echoPath, text{"hello"}, idempotencyKey, "k1"); late.header.Get("Idempotency-Replayed") != "" || e.count() != 2 {
		t.Errorf("a day later it is a new call: %+v", late)
	}
}

func TestSameKeyAnotherCall(t *testing.T) {
	t.Parallel()
	b, e := setupEcho(t, withCalls)
	b.do(t, academy, "POST", echoPath, text{"hello"}, idempotencyKey, "k1")
	for what, a := range map[string]answer{
		"another body":  b.do(t, academy, "POST", echoPath, text{"hullo"}, idempotencyKey, "k1"),
		"spaces":        b.do(t, academy, "POST", echoPath, `{"text": "hello"}`, idempotencyKey, "k1"),
		"another id":    b.do(t, academy, "POST", "/v1/echo/b", text{"hello"}, idempotencyKey, "k1"),
		"another query": b.do(t, academy, "POST", echoPath+"?mode=x", text{"hello"}, idempotencyKey, "k1"),
	} {
		t.Log(what)
		refused(t, a, http.StatusUnprocessableEntity, "idempotency_mismatch")
	}
	if e.count() != 1 {
		t.Fatalf("called %d times", e.count())
	}
	// A key is its owner's, and an operation's.
	for what, a := range map[string]answer{
		"another's":         b.do(t, bootcamp, "POST", echoPath, text{"hullo"}, idempotencyKey, "k1"),
		"another operation": b.do(t, academy, "POST", "/v1/other/a", text{"hullo"}, idempotencyKey, "k1"),
		"another key":       b.do(t, academy, "POST", echoPath, text{"hullo"}, idempotencyKey, "k2"),
		"no key":            b.do(t, academy, "POST", echoPath, text{"hullo"}),
	} {
		if a.status/100 != 2 {
			t.Errorf("%s: %+v", what, a)
		}
	}
	if e.count() != 5 {
		t.Errorf("called %d times", e.count())
	}
}

func TestKeysThatAreNoKeys(t *testing.T) {
	t.Parallel()
	b, e := setupEcho(t, withCalls)
	for _, key := range []string{strings.Repeat("x", 129), "tab\there", "umlaut-ä"} {
		p := refused(t, b.do(t, academy, "POST", echoPath, text{"hello"}, idempotencyKey, key), http.StatusUnprocessableEntity, "invalid")
		names(t, p, "header.Idempotency-Key")
	}
	if e.count() != 0 {
		t.Errorf("called %d times", e.count())
	}
	for _, key := range []string{strings.Repeat("x", 128), "a b", `"quoted"`, "!"} {
		if a := b.do(t, academy, "POST", echoPath, text{"hello"}, idempotencyKey, key); a.status != http.StatusCreated {
			t.Errorf("%q: %+v", key, a)
		}
	}
}

// Many at once: one is done, the others get its answer or are told to wait.
func TestOneOfManyIsDone(t *testing.T) {
	t.Parallel()
	b, e := setupEcho(t, withCalls)
	begun, free := make(chan struct{}), make(chan struct{})
	e.do = func(context.Context, int) error {
		close(begun)
		<-free
		return nil
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		if a := b.do(t, academy, "POST", echoPath, text{"hello"}, idempotencyKey, "k1"); a.status != http.StatusCreated {
			t.Errorf("the first: %+v", a)
		}
	})
	<-begun
	var beside sync.WaitGroup
	for range 5 {
		beside.Go(func() {
			a := b.do(t, academy, "POST", echoPath, text{"hello"}, idempotencyKey, "k1")
			if a.status != http.StatusConflict || a.header.Get("Retry-After") == "" || !strings.Contains(a.body, "in_progress") {
				t.Errorf("beside it: %+v", a)
			}
		})
	}
	refused(t, b.do(t, academy, "POST", echoPath, text{"other"}, idempotencyKey, "k1"), http.StatusUnprocessableEntity, "idempotency_mismatch")
	beside.Wait()
	close(free)
	wg.Wait()
	if a := b.do(t, academy, "POST", echoPath, text{"hello"}, idempotencyKey, "k1"); a.header.Get("Idempotency-Replayed") != "true" || e.count() != 1 {
		t.Errorf("afterwards: %+v, called %d times", a, e.count())
	}
}

// What failed on this side may be tried again; what was refused is refused again.
func TestWhichAnswersAreKept(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err   error
		panic bool
		kept  bool
	}{
		"unexpected":   {err: errors.New("disk full")},
		"a panic":      {panic: true},
		"try later":    {err: newProblem(http.StatusTooManyRequests, "slow_down", "", "")},
		"no account":   {err: fleet.ErrPoolEmpty},
		"not found":    {err: fleet.ErrNotFound, kept: true},
		"wrong state":  {err: fleet.ErrBadMove, kept: true},
		"invalid body": {err: &fleet.FieldError{Field: "text", Remedy: "another"}, kept: true},
	} {
		b, e := setupEcho(t, withCalls)
		e.do = func(_ context.Context, n int) error {
			if n > 1 {
				return nil
			}
			if c.panic {
				panic("boom")
			}
			return c.err
		}
		first := b.do(t, academy, "POST", echoPath, text{"hello"}, idempotencyKey, "k1")
		again := b.do(t, academy, "POST", echoPath, text{"hello"}, idempotencyKey, "k1")
		if kept := again.status == first.status && again.body == first.body && e.count() == 1; first.status < 400 || kept != c.kept || !kept && again.status != http.StatusCreated {
			t.Errorf("%s: %d, then %d, called %d times", name, first.status, again.status, e.count())
		}
	}
}

// How long a caller has time makes no other call, and a lab that waited in vain
// is looked at again.
func TestWaitIsNoOtherCall(t *testing.T) {
	t.Parallel()
	of := func(query string) string {
		return string(digestOf(&http.Request{Method: "POST", URL: mustParse(t, "/v1/labs"+query)}, nil))
	}
	if of("") != of("?wait=30s") || of("") == of("?weight=30s") {
		t.Error("the digest of a call takes the wait for a part of it, or not the rest")
	}
}

// What may be done twice at once does not wait for a try whose process may have
// died: a student waits.
func TestRepeatableDoesNotWait(t *testing.T) {
	t.Parallel()
	b, e := setupEcho(t, withCalls)
	const path = "/v1/again/1"
	dead := fleet.IdempotentCall{ID: callID(academy.ID, "echo-again", "k1"), Claim: "of the dead", At: t0, Expires: t0.Add(idempotencyLife),
		Digest: digestOf(&http.Request{Method: "POST", URL: mustParse(t, path)}, []byte(`{"text":"hello"}`))}
	_, err := b.Idempotent.Begin(b.ctx, dead, t0.Add(-time.Minute))
	must(t, err)
	if a := b.do(t, academy, "POST", path, text{"hello"}, idempotencyKey, "k1"); a.status != http.StatusOK || e.count() != 1 {
		t.Errorf("%+v", a)
	}
	refused(t, b.do(t, academy, "POST", path, text{"other"}, idempotencyKey, "k1"), http.StatusUnprocessableEntity, "idempotency_mismatch")
}

// A try whose process died is taken over by a repetition, after a while.
func TestDeadTryIsTakenOver(t *testing.T) {
	t.Parallel()
	b, e := setupEcho(t, withCalls)
	dead := fleet.IdempotentCall{ID: callID(academy.ID, "echo", "k1"), Claim: "of the dead", At: t0, Expires: t0.Add(idempotencyLife),
		Digest: digestOf(&http.Request{Method: "POST", URL: mustParse(t, echoPath)}, []byte(`{"text":"hello"}`))}
	_, err := b.Idempotent.Begin(b.ctx, dead, t0.Add(-time.Minute))
	must(t, err)
	refused(t, b.do(t, academy, "POST", echoPath, text{"hello"}, idempotencyKey, "k1"), http.StatusConflict, "in_progress")
	b.clock.Advance(time.Minute)
	if a := b.do(t, academy, "POST", echoPath, text{"hello"}, idempotencyKey, "k1"); a.status != http.StatusCreated || e.count() != 1 {
		t.Errorf("%+v", a)
	}
}

// What is stored of an answer cannot be read by who reads the store.
func TestKeptAnswersAreSealed(t *testing.T) {
	t.Parallel()
	b, _ := setupEcho(t, withCalls)
	a := b.do(t, academy, "POST", echoPath, text{"hello"}, idempotencyKey, "k1")
	if !strings.Contains(a.body, "hush-hush") {
		t.Fatalf("the answer has no secret: %s", a.body)
	}
	call, err := b.Idempotent.Begin(b.ctx, fleet.IdempotentCall{ID: callID(academy.ID, "echo", "k1"), Digest: []byte("x"), Claim: "mine", At: t0, Expires: t0.Add(time.Hour)}, t0.Add(-time.Hour))
	must(t, err)
	raw, err := bson.Marshal(call)
	must(t, err)
	if !call.Done || strings.Contains(string(raw), "hush") || strings.Contains(fmt.Sprintf("%+v", call), "hush") {
		t.Errorf("stored: %q", raw)
	}
}
