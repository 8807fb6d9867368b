package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/kodekloud/kml/internal/fleet"
)

// IdempotentCalls tests a store of answers to calls. open gives an empty one to
// each test.
func IdempotentCalls(t *testing.T, open func(t *testing.T) fleet.IdempotentCalls) {
	suite(t, open, map[string]func(*testing.T, context.Context, fleet.IdempotentCalls){
		"Answer": answerCall, "OneBegins": oneBegins, "TakenOver": takeOverCall, "RunOut": callRunsOut, "Abandon": abandonCall,
	})
}

// call is the same call at minute n, as a try with that claim makes it. It ends
// far from now, so that no server tidies it up in a test.
func call(claim string, n int) fleet.IdempotentCall {
	return fleet.IdempotentCall{ID: "ada/request-lab/k1", Digest: []byte("body"), Claim: claim, At: far(n), Expires: far(n + 60)}
}

// far is minute n of a day long after any run of these tests.
func far(n int) time.Time { return stored(at(n).AddDate(100, 0, 0)) }

func begin(t *testing.T, ctx context.Context, s fleet.IdempotentCalls, c fleet.IdempotentCall, stale int) fleet.IdempotentCall {
	t.Helper()
	got, err := s.Begin(ctx, c, far(stale))
	must(t, err)
	return *got
}

func answerCall(t *testing.T, ctx context.Context, s fleet.IdempotentCalls) {
	first := call("a", 1)
	equal(t, "what stands after the first", begin(t, ctx, s, first, 0), first)
	equal(t, "what the second is told", begin(t, ctx, s, call("b", 1), 0), first)
	equal(t, "what the first is told again", begin(t, ctx, s, first, 0), first)
	answer := &fleet.Sealed{KeyID: "k", Nonce: []byte{1}, Data: []byte{2}}
	wantErr(t, s.Finish(ctx, first.ID, "b", 201, answer), fleet.ErrConflict)
	wantErr(t, s.Finish(ctx, "none", "a", 201, answer), fleet.ErrConflict)
	must(t, s.Finish(ctx, first.ID, "a", 201, answer))
	must(t, s.Finish(ctx, first.ID, "a", 201, answer))
	want := first
	want.Done, want.Status, want.Answer = true, 201, answer
	equal(t, "the answer, however late", begin(t, ctx, s, call("c", 30), 29), want)
	must(t, s.Abandon(ctx, first.ID, "a"))
	equal(t, "the answer is not abandoned", begin(t, ctx, s, call("c", 30), 29), want)
}

func oneBegins(t *testing.T, ctx context.Context, s fleet.IdempotentCalls) {
	claims := make([]string, 32)
	for _, err := range race(len(claims), func(i int) error {
		got, err := s.Begin(ctx, call(fmt.Sprint(i), 1), far(0))
		if err == nil {
			claims[i] = got.Claim
		}
		return err
	}) {
		must(t, err)
	}
	for _, c := range claims {
		equal(t, "who owns the call", c, claims[0])
	}
}

func takeOverCall(t *testing.T, ctx context.Context, s fleet.IdempotentCalls) {
	begin(t, ctx, s, call("dead", 1), 0)
	other := call("other", 5)
	other.Digest = []byte("another body")
	equal(t, "another body takes nothing over", begin(t, ctx, s, other, 2).Claim, "dead")
	equal(t, "not stale yet", begin(t, ctx, s, call("b", 5), 1).Claim, "dead")
	equal(t, "taken over", begin(t, ctx, s, call("b", 5), 2), call("b", 5))
	wantErr(t, s.Finish(ctx, other.ID, "dead", 200, nil), fleet.ErrConflict)
	must(t, s.Abandon(ctx, other.ID, "dead"))
	must(t, s.Finish(ctx, other.ID, "b", 200, nil))
}

func callRunsOut(t *testing.T, ctx context.Context, s fleet.IdempotentCalls) {
	begin(t, ctx, s, call("a", 1), 0)
	must(t, s.Finish(ctx, call("a", 1).ID, "a", 201, &fleet.Sealed{KeyID: "k"}))
	late := call("b", 61)
	late.Digest = []byte("another body")
	equal(t, "a call that ran out is new", begin(t, ctx, s, late, 0), late)
}

func abandonCall(t *testing.T, ctx context.Context, s fleet.IdempotentCalls) {
	must(t, s.Abandon(ctx, "none", "a"))
	begin(t, ctx, s, call("a", 1), 0)
	must(t, s.Abandon(ctx, call("a", 1).ID, "b"))
	equal(t, "not the other's to abandon", begin(t, ctx, s, call("b", 1), 0).Claim, "a")
	must(t, s.Abandon(ctx, call("a", 1).ID, "a"))
	equal(t, "begun anew", begin(t, ctx, s, call("b", 1), 0).Claim, "b")
}
