package cli

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/kodekloud/kml/internal/apitypes"
)

// slowly answers a request for a lab with "waiting", and looks at it with the
// states that follow; the last stays, and a wait for more lasts as long as its
// caller does.
func slowly(t *testing.T, states ...string) *server {
	t.Helper()
	s := &server{mux: http.NewServeMux()}
	s.Server = newServer(t, func(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) })
	s.on("POST /v1/labs", apitypes.Lab{ID: "lab-1", State: "waiting"})
	s.on("POST /v1/labs/{id}/credentials", apitypes.Credentials{AccessKeyID: "AKID", SecretAccessKey: "s", EndsAt: t0})
	var n atomic.Int64
	s.on("GET /v1/labs/{id}", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i := int(n.Add(1)) - 1
		if i >= len(states) {
			<-r.Context().Done()
			return
		}
		answer(w, apitypes.Lab{ID: "lab-1", State: states[i], Reason: "no account in time"})
	}))
	return s
}

func TestWaiting(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		states []string
		code   int
		says   string
	}{
		"served":     {[]string{"waiting", "assigning", "active"}, exitOK, ""},
		"in vain":    {[]string{"waiting", "expired"}, exitFailed, "lab lab-1 is expired: no account in time"},
		"impatient":  {[]string{"waiting", "assigning"}, exitTimeout, "lab lab-1 is still assigning"},
		"never once": {nil, exitTimeout, "kmlctl labs wait lab-1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := slowly(t, c.states...).kmlctl(t, outside{}, "labs", "request", "--type", "x", "--student", "ada", "--wait", "-o", "env", "--timeout", "500ms")
			if r.code != c.code || !strings.Contains(r.err, c.says) || (r.out != "") != (c.code == exitOK) {
				t.Errorf("code %d\n%s%s", r.code, r.out, r.err)
			}
		})
	}
}

// On a terminal one line tells how it stands, and is gone in the end.
func TestProgress(t *testing.T) {
	t.Parallel()
	args := []string{"labs", "request", "--type", "x", "--student", "ada", "--wait", "-o", "template={{.state}}"}
	r := slowly(t, "assigning", "active").kmlctl(t, outside{terminal: true}, args...)
	if r.code != exitOK || r.out != "active\n" || !strings.HasPrefix(r.err, "\r\x1b[Klab lab-1: waiting (0s)") || !strings.Contains(r.err, "lab lab-1: assigning") || !strings.HasSuffix(r.err, "\r\x1b[K") {
		t.Errorf("%d %q %q", r.code, r.out, r.err)
	}
	for _, quiet := range []run{slowly(t, "active").kmlctl(t, outside{}, args...), slowly(t, "active").kmlctl(t, outside{terminal: true}, append(args, "-q")...)} {
		if quiet.err != "" {
			t.Errorf("it says %q", quiet.err)
		}
	}
}

func TestExitCodes(t *testing.T) {
	t.Parallel()
	for status, code := range map[int]int{400: exitUsage, 422: exitUsage, 401: exitRefused, 403: exitRefused, 404: exitNotFound, 409: exitConflict, 412: exitConflict, 500: exitFailed, 504: exitTimeout} {
		s := &server{mux: http.NewServeMux()}
		s.Server = newServer(t, func(w http.ResponseWriter, _ *http.Request) {
			refuse(w, apitypes.Problem{Status: status, Code: "c", Detail: "no \x1b[31mred\n", Errors: []apitypes.ProblemField{{Field: "body.x", Value: "\x07", Remedy: "give y"}}})
		})
		r := s.kmlctl(t, outside{terminal: true}, "me")
		if r.code != code || strings.ContainsAny(r.err, "\x1b\x07") || !strings.Contains(r.err, "\n  → ") || !strings.Contains(r.err, "give y") {
			t.Errorf("%d: code %d, %q", status, r.code, r.err)
		}
	}
	proxy := &server{}
	proxy.Server = newServer(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	if r := proxy.kmlctl(t, outside{}, "me"); r.code != exitUnreachable {
		t.Errorf("a proxy: %d", r.code)
	}
	proxy.Close()
	if r := proxy.kmlctl(t, outside{}, "me", "--timeout", "10s"); r.code != exitUnreachable {
		t.Errorf("nobody: %d %s", r.code, r.err)
	}
}

func TestColours(t *testing.T) {
	t.Parallel()
	s := start(t)
	for name, c := range map[string]struct {
		o    outside
		want bool
	}{
		"terminal":            {outside{terminal: true}, true},
		"file":                {outside{}, false},
		"terminal, NO_COLOR":  {outside{terminal: true, env: []string{"NO_COLOR=1"}}, false},
		"terminal that is no": {outside{terminal: true, env: []string{"TERM=dumb"}}, false},
	} {
		if r := s.kmlctl(t, c.o, "labs", "list"); strings.Contains(r.out, "\x1b[32mactive\x1b[0m") != c.want || strings.Contains(r.out, "\x1b[2J") {
			t.Errorf("%s: %q", name, r.out)
		}
	}
}
