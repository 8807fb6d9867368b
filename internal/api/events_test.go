package api

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kodekloud/kml/internal/access"
	"github.com/kodekloud/kml/internal/apitypes"
	"github.com/kodekloud/kml/internal/clock"
	"github.com/kodekloud/kml/internal/events"
	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/internal/redis"
)

const waitEvents = 20 * time.Second

// eventBench is the API on a live stream.
type eventBench struct {
	*bench
	stream   *redis.EventStream
	sessions *events.Sessions
}

func setupEvents(t *testing.T, edits ...func(*bench, *Config)) *eventBench {
	t.Helper()
	f := &eventBench{}
	f.bench = setup(t, append([]func(*bench, *Config){func(b *bench, c *Config) {
		f.stream = redis.NewEventStream(b.redis)
		f.sessions = &events.Sessions{Sessions: b.db.Sessions(), Clock: b.clock, Tell: func(s *fleet.Session) {
			must(t, f.stream.Publish(b.ctx, events.Of(s, s.Log[len(s.Log)-1])))
		}}
		hub := events.NewHub(f.stream, clock.New(), func(err error) { t.Log("hub:", err) })
		ctx, stop := context.WithCancel(b.ctx)
		ended := make(chan struct{})
		go func() { defer close(ended); hub.Run(ctx) }()
		t.Cleanup(func() { stop(); <-ended })
		c.Events, c.Sessions = hub, f.sessions
	}}, edits...)...)
	return f
}

// publish tells events of the academy's, numbered.
func (f *eventBench) publish(t *testing.T, from, to int, edits ...func(*fleet.Event)) {
	t.Helper()
	for n := from; n < to; n++ {
		e := fleet.Event{ID: fmt.Sprintf("session/s1/%d", n), Type: fleet.EventLabActive, At: t0, Owner: "academy", Lab: "s1"}
		for _, edit := range edits {
			edit(&e)
		}
		must(t, f.stream.Publish(f.ctx, e))
	}
}

// frame is what stands between two empty lines of a stream.
type frame struct{ id, event, data, retry, comment string }

// listener reads a stream.
type listener struct {
	status int
	header http.Header
	frames chan frame // closed at the end of the stream
	drop   func()     // breaks the connection
}

func (f *eventBench) listen(t *testing.T, as access.Principal, path string, headers ...string) *listener {
	t.Helper()
	ctx, cancel := context.WithCancel(f.ctx)
	t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, f.url+path, nil)
	must(t, err)
	who, err := json.Marshal(as)
	must(t, err)
	req.Header.Set("X-Test-Principal", string(who))
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := f.client.Do(req)
	must(t, err)
	l := &listener{resp.StatusCode, resp.Header, make(chan frame, 1000), cancel}
	go func() {
		defer close(l.frames)
		defer func() { _ = resp.Body.Close() }() // only read
		var now frame
		for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
			name, value, _ := strings.Cut(lines.Text(), ": ")
			switch {
			case lines.Text() == "":
				l.frames <- now
				now = frame{}
			case name == "id":
				now.id = value
			case name == "event":
				now.event = value
			case name == "data":
				now.data = value
			case name == "retry":
				now.retry = value
			case name == "":
				now.comment = value
			}
		}
	}()
	return l
}

// next gives the next frame.
func (l *listener) next(t *testing.T) frame {
	t.Helper()
	select {
	case f, more := <-l.frames:
		if !more {
			t.Fatal("the stream ended")
		}
		return f
	case <-time.After(waitEvents):
		t.Fatal("nothing came")
	}
	return frame{}
}

// ids gives the ids of the next events, and the place of the last.
func (l *listener) ids(t *testing.T, n int) (ids []string, place string) {
	t.Helper()
	for range n {
		f := l.next(t)
		var e apitypes.Event
		if err := json.Unmarshal([]byte(f.data), &e); err != nil || e.Type != f.event {
			t.Fatalf("%+v: %v", f, err)
		}
		ids, place = append(ids, e.ID), f.id
	}
	return ids, place
}

func (l *listener) over(t *testing.T) {
	t.Helper()
	select {
	case f, more := <-l.frames:
		if more {
			t.Fatalf("more came: %+v", f)
		}
	case <-time.After(waitEvents):
		t.Fatal("the stream goes on")
	}
}

func numbered(from, to int) string {
	var out []string
	for n := from; n < to; n++ {
		out = append(out, fmt.Sprintf("session/s1/%d", n))
	}
	return fmt.Sprint(out)
}

// A reader whose connection breaks goes on where it was: nothing is lost and
// nothing comes twice, though events come all the time.
func TestStreamResumes(t *testing.T) {
	t.Parallel()
	f := setupEvents(t)
	f.publish(t, 0, 3) // before anybody listens
	l := f.listen(t, academy, "/v1/events")
	first := l.next(t)
	if l.status != http.StatusOK || l.header.Get("Content-Type") != "text/event-stream" || first.retry == "" || first.id == "" || first.data != "" {
		t.Fatalf("%d %v, began with %+v", l.status, l.header, first)
	}
	place := first.id
	l.drop() // before the first event
	f.publish(t, 3, 10)
	published := make(chan struct{})
	go func() { defer close(published); f.publish(t, 10, 300) }()
	var got []string
	for n, header := 0, true; n < 297; header = !header {
		path, headers := "/v1/events", []string{"Last-Event-ID", place}
		if !header {
			path, headers = path+"?after="+place, nil
		}
		l := f.listen(t, academy, path, headers...)
		l.next(t)
		some := min(50, 297-n)
		ids, last := l.ids(t, some)
		l.drop()
		got, place, n = append(got, ids...), last, n+some
	}
	<-published
	if fmt.Sprint(got) != numbered(3, 300) {
		t.Errorf("got %v", got)
	}
}

func TestStreamFilters(t *testing.T) {
	t.Parallel()
	f := setupEvents(t)
	_, begin, err := f.stream.Read(f.ctx, "", 0, 1)
	must(t, err)
	all := []fleet.Event{
		{Type: fleet.EventLabActive, Owner: "academy", Lab: "s1", LabType: "ec2-basics", Account: "000000000001", Booking: "b1"},
		{Type: fleet.EventLabEnded, Owner: "academy", Lab: "s1", LabType: "ec2-basics"},
		{Type: fleet.EventLabActive, Owner: "bootcamp", Lab: "s2", LabType: "s3-basics"},
		{Type: fleet.EventAccount, Account: "000000000001"},
	}
	for i := range all {
		all[i].ID, all[i].At = fmt.Sprint("e", i), t0
		must(t, f.stream.Publish(f.ctx, all[i]))
	}
	for _, c := range []struct {
		as   access.Principal
		in   eventFilter
		want string
	}{
		{academy, eventFilter{}, "[e0 e1]"}, {teacher, eventFilter{}, "[e0 e1]"}, {bootcamp, eventFilter{}, "[e2]"},
		{operator, eventFilter{}, "[e0 e1 e2 e3]"}, {viewer, eventFilter{}, "[e0 e1 e2 e3]"}, {operator, eventFilter{Owner: "bootcamp"}, "[e2]"},
		{operator, eventFilter{Type: []string{"lab.active"}}, "[e0 e2]"}, {operator, eventFilter{Type: []string{"lab.ended", "account.changed"}}, "[e1 e3]"},
		{operator, eventFilter{Lab: "s2"}, "[e2]"}, {operator, eventFilter{Account: "000000000001"}, "[e0 e3]"}, {operator, eventFilter{LabType: "ec2-basics"}, "[e0 e1]"},
		{operator, eventFilter{Booking: "b1"}, "[e0]"}, {academy, eventFilter{Lab: "s2"}, "[]"}, {academy, eventFilter{Account: "000000000001"}, "[e0]"},
	} {
		pass, passed := c.in.filter(c.as, c.in.Owner), []string{}
		for _, e := range all {
			if pass(e) {
				passed = append(passed, e.ID)
			}
		}
		if fmt.Sprint(passed) != c.want {
			t.Errorf("%s %+v lets through %v, want %s", c.as.ID, c.in, passed, c.want)
		}
		query := url.Values{"after": {begin}, "type": {strings.Join(c.in.Type, ",")}, "owner": {c.in.Owner}, "lab": {c.in.Lab}, "account": {c.in.Account},
			"lab_type": {c.in.LabType}, "booking": {c.in.Booking}}
		for name, value := range query {
			if value[0] == "" {
				delete(query, name)
			}
		}
		l := f.listen(t, c.as, "/v1/events?"+query.Encode())
		l.next(t)
		if got, _ := l.ids(t, len(passed)); len(passed) > 0 && fmt.Sprint(got) != c.want {
			t.Errorf("%s %v: %v, want %s", c.as.ID, query, got, c.want)
		}
		l.drop()
	}
}

func TestStreamRefuses(t *testing.T) {
	t.Parallel()
	f := setupEvents(t)
	refused(t, f.do(t, access.Principal{}, http.MethodGet, "/v1/events", nil), http.StatusUnauthorized, "unauthenticated")
	refused(t, f.do(t, academy, http.MethodGet, "/v1/events?owner=bootcamp", nil), http.StatusForbidden, "forbidden")
	refused(t, f.do(t, access.Principal{ID: "k", Role: access.Backend}, http.MethodGet, "/v1/events", nil), http.StatusForbidden, "forbidden")
	names(t, refused(t, f.do(t, academy, http.MethodGet, "/v1/events?type=lab.none", nil), http.StatusUnprocessableEntity, "invalid"), "query.type")
	refused(t, f.do(t, academy, http.MethodGet, "/v1/events?after=yesterday", nil), http.StatusUnprocessableEntity, "invalid")
	refused(t, f.do(t, academy, http.MethodGet, "/v1/events", nil, "Last-Event-ID", "x"), http.StatusUnprocessableEntity, "invalid")
	refused(t, f.do(t, academy, http.MethodGet, "/v1/labs/none/events", nil), http.StatusNotFound, "not_found")
	for range maxStreams {
		f.listen(t, academy, "/v1/events").next(t)
	}
	refused(t, f.do(t, academy, http.MethodGet, "/v1/events", nil), http.StatusTooManyRequests, "too_many_streams")
	f.listen(t, bootcamp, "/v1/events").next(t)
}

// A place that is not on the stream, any more or at all: the reader is told to
// list anew, and events go on.
func TestStreamThatWasTrimmed(t *testing.T) {
	t.Parallel()
	for _, place := range []string{"1-0", "99999999999999999999-0"} {
		f := setupEvents(t)
		f.publish(t, 0, 3)
		l := f.listen(t, academy, "/v1/events", "Last-Event-ID", place)
		l.next(t)
		if r := l.next(t); r.event != "reset" || r.id == "" || r.id == place || r.data == "" {
			t.Fatalf("%s: %+v", place, r)
		}
		f.publish(t, 3, 5)
		if ids, _ := l.ids(t, 2); fmt.Sprint(ids) != numbered(3, 5) {
			t.Errorf("%s: %v", place, ids)
		}
	}
}

// A silent stream shows that it lives, until its key is no longer good.
func TestStreamBeatsWhileTheKeyIsGood(t *testing.T) {
	t.Parallel()
	good := make(chan bool, 10)
	f := setupEvents(t, func(_ *bench, c *Config) {
		c.Authenticate = func(r *http.Request) (access.Principal, error) {
			if !<-good {
				return access.Principal{}, fmt.Errorf("revoked: %w", access.ErrUnauthenticated)
			}
			return told(r)
		}
	})
	good <- true
	l := f.listen(t, academy, "/v1/events")
	l.next(t)
	beat := func(ok bool) frame {
		t.Helper()
		good <- ok
		must(t, f.clock.BlockUntilContext(f.ctx, 1))
		f.clock.Advance(beatEvery)
		return l.next(t)
	}
	if b := beat(true); b.comment != "alive" {
		t.Fatalf("%+v", b)
	}
	if b := beat(false); !strings.Contains(b.comment, "key") {
		t.Fatalf("%+v", b)
	}
	l.over(t)
}

// A busy stream does not go on to the next beat when its key has ended.
func TestStreamTellsNothingToARevokedKey(t *testing.T) {
	t.Parallel()
	var revoked atomic.Bool
	f := setupEvents(t, func(_ *bench, c *Config) {
		c.Authenticate = func(r *http.Request) (access.Principal, error) {
			if revoked.Load() {
				return access.Principal{}, fmt.Errorf("revoked: %w", access.ErrUnauthenticated)
			}
			return told(r)
		}
	})
	l := f.listen(t, academy, "/v1/events")
	l.next(t)
	for n := range 3 {
		f.clock.Advance(lookEvery)
		f.publish(t, n, n+1)
		l.ids(t, 1)
	}
	revoked.Store(true)
	f.clock.Advance(lookEvery)
	f.publish(t, 3, 4)
	if e := l.next(t); e.data != "" || !strings.Contains(e.comment, "key") {
		t.Errorf("told %+v", e)
	}
	l.over(t)
}

// A server that stops says so, and its streams end.
func TestStreamsEndWithTheServer(t *testing.T) {
	t.Parallel()
	f := setupEvents(t)
	s := f.insert(t, "s9")
	all := []*listener{f.listen(t, academy, "/v1/events"), f.listen(t, academy, "/v1/labs/"+s.ID+"/events")}
	for _, l := range all {
		l.next(t)
	}
	f.Drain()
	for _, l := range all {
		if bye := l.next(t); bye.retry == "" || !strings.Contains(bye.comment, "stopping") {
			t.Errorf("%+v", bye)
		}
		l.over(t)
	}
}

// The limits that a server sets to calls do not cut a stream.
func TestStreamOutlivesTheServersLimits(t *testing.T) {
	t.Parallel()
	f := setupEvents(t)
	short := httptest.NewUnstartedServer(f.Server)
	const limit = 100 * time.Millisecond
	short.Config.ReadTimeout, short.Config.WriteTimeout = limit, limit
	short.Start()
	t.Cleanup(short.Close)
	f.url = short.URL
	l := f.listen(t, academy, "/v1/events")
	l.next(t)
	<-time.After(3 * limit) // what is proven is that this time does nothing
	f.publish(t, 0, 1)
	if ids, _ := l.ids(t, 1); fmt.Sprint(ids) != numbered(0, 1) {
		t.Errorf("%v", ids)
	}
}
