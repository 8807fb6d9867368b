package api

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/kodekloud/kml/internal/apitypes"
)

// What fuzzing found.

// Every status of success is in the document, with what it answers.
func TestDocumentHasEveryStatus(t *testing.T) {
	t.Parallel()
	paths := setup(t).OpenAPI().Paths
	accepted, made := paths["/v1/labs"].Post.Responses["202"], paths["/v1/labs"].Post.Responses["201"]
	if accepted == nil || accepted.Description == "" || accepted.Content["application/json"] != made.Content["application/json"] || accepted.Headers["Location"] == nil {
		t.Errorf("a lab that is not ready: %+v", accepted)
	}
	if same := paths["/v1/labs/{id}"].Get.Responses["304"]; same == nil || len(same.Content) > 0 || same.Headers["ETag"] == nil {
		t.Errorf("a lab that is known: %+v", same)
	}
	put := paths["/v1/labtypes/{name}"].Put.Responses
	if put["201"] == nil || put["201"].Content["application/json"] != put["200"].Content["application/json"] {
		t.Errorf("a new lab type: %+v", put["201"])
	}
}

// Who knows all of a lab so far is heard at once, and not at the first event.
func TestStreamOfALabBeginsAtOnce(t *testing.T) {
	t.Parallel()
	w := setupWorld(t, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.url+"/v1/labs/"+w.known["labs"][0]+"/events", nil)
	must(t, err)
	req.Header.Set("Authorization", "Bearer "+w.keys["backend"])
	req.Header.Set("Last-Event-ID", "90")
	resp, err := w.client.Do(req) // the clock stands: nothing else would ever be sent
	must(t, err)
	defer func() { _ = resp.Body.Close() }() // only read
	if got := resp.Header.Get("Content-Type"); resp.StatusCode != http.StatusOK || got != eventStream {
		t.Errorf("%d %s", resp.StatusCode, got)
	}
}

// What the oracle of "nothing changed" sees, and that it can put it back.
func TestSnapshots(t *testing.T) {
	t.Parallel()
	w := setupWorld(t, nil)
	kept := newSnapshots(t, w.bench)
	before, err := kept.take(t.Context())
	must(t, err)
	id := w.known["accounts"][0]
	a := w.do(t, operator, http.MethodPost, "/v1/accounts/"+id+"/drain", apitypes.Reason{Reason: "odd"}, "Authorization", "Bearer "+w.keys["operator"])
	if a.status != http.StatusOK {
		t.Fatal(a)
	}
	must(t, w.redis.RPush(t.Context(), "asynq:{bulk}:pending", "odd").Err())
	now, err := kept.take(t.Context())
	must(t, err)
	if changed := before.differ(now); len(changed) < 2 {
		t.Fatalf("seen: %q", changed)
	}
	must(t, kept.restore(t.Context(), before, now))
	now, err = kept.take(t.Context())
	must(t, err)
	if left := before.differ(now); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}
