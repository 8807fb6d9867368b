package apiclient_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/kodekloud/kml/internal/apiclient"
)

func message(position, kind string) string {
	return fmt.Sprintf("id: %s\nevent: %s\ndata: {\"id\":\"e%s\",\n: not a line of the message\ndata: \"type\":%q}\n\n", position, kind, position, kind)
}

func stream(w http.ResponseWriter, text string) {
	w.Header().Set("Content-Type", "text/event-stream")
	_, _ = io.WriteString(w, text)
}

// A stream is put together from connections that break, and each goes on where
// the one before was.
func TestStreamsGoOn(t *testing.T) {
	t.Parallel()
	w := serve(t, func(n int, w http.ResponseWriter, r *http.Request) {
		switch n {
		case 0:
			stream(w, ": hello\n\nretry: 1\n\n"+message("1", "lab.active")+"id: 2\nevent: lab.ended\ndata: {\"half\"")
		case 1:
			hangUp(w)
		case 2:
			w.WriteHeader(http.StatusBadGateway)
		case 3:
			stream(w, "retry: 1\nid: 5\n\nid: 6\n") // a place alone, and half of one
		case 4:
			stream(w, "id: 8\nevent: reset\ndata:\n\n"+message("9", "lab.ended"))
		default:
			refuse(w, 401, "expired")
		}
	})
	var got []string
	var last error
	for e, err := range w.client(t, apiclient.Options{}).Events(t.Context(), apiclient.EventQuery{Types: []string{"lab.active", "lab.ended"}, After: "0"}) {
		if last = err; err == nil {
			got = append(got, fmt.Sprint(e.Position, " ", e.Reset, " ", e.Event.ID, " ", e.Event.Type))
		}
	}
	if want := "1 false e1 lab.active|8 true  |9 false e9 lab.ended"; strings.Join(got, "|") != want {
		t.Errorf("got %q", got)
	}
	if !apiclient.IsRefused(last) {
		t.Errorf("the end: %v", last)
	}
	var places []string
	for _, r := range w.tries() {
		places = append(places, r.Header.Get("Last-Event-ID"))
		if r.FormValue("type") != "lab.active,lab.ended" || r.FormValue("lab") != "" {
			t.Errorf("query %q", r.URL.RawQuery)
		}
	}
	if strings.Join(places, " ") != "0 1 1 1 5 9" {
		t.Errorf("places %q", places)
	}
}

func TestALabsStreamEndsWithIt(t *testing.T) {
	t.Parallel()
	w := serve(t, func(n int, w http.ResponseWriter, _ *http.Request) {
		state := []string{"active", "ended"}[n]
		stream(w, fmt.Sprintf("id: %d\ndata: {\"state\":%q}\n\n", n, state))
	})
	got := 0
	for _, err := range w.client(t, apiclient.Options{}).LabEvents(t.Context(), "l1", "") {
		if err != nil {
			t.Fatal(err)
		}
		got++
	}
	if got != 2 || len(w.tries()) != 2 {
		t.Errorf("%d events in %d connections", got, len(w.tries()))
	}
}

func TestAStreamEndsWhenToldTo(t *testing.T) {
	t.Parallel()
	w := serve(t, func(_ int, w http.ResponseWriter, r *http.Request) {
		stream(w, message("1", "ping"))
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	c := w.client(t, apiclient.Options{})
	for e, err := range c.Events(t.Context(), apiclient.EventQuery{}) {
		if err != nil || e.Event.Type != "ping" {
			t.Fatalf("%+v, %v", e, err)
		}
		break
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var last error
	for _, err := range c.Events(ctx, apiclient.EventQuery{}) {
		cancel()
		last = err
	}
	if !errors.Is(last, context.Canceled) {
		t.Errorf("the end: %v", last)
	}
}

func TestAStreamThatIsNone(t *testing.T) {
	t.Parallel()
	w := serve(t, func(_ int, w http.ResponseWriter, _ *http.Request) { stream(w, "id: 1\ndata: <html>\n\n") })
	for _, err := range w.client(t, apiclient.Options{}).Events(t.Context(), apiclient.EventQuery{}) {
		if !errors.Is(err, apiclient.ErrNotKML) {
			t.Error(err)
		}
	}
	down := serve(t, func(_ int, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	var last error
	for _, err := range down.client(t, apiclient.Options{}).Events(t.Context(), apiclient.EventQuery{}) {
		last = err
	}
	if !errors.Is(last, apiclient.ErrNotKML) || len(down.tries()) != 10 {
		t.Errorf("%v after %d tries", last, len(down.tries()))
	}
}
