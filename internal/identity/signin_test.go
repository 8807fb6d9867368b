package identity_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/kodekloud/kml/internal/awsclient"
	"github.com/kodekloud/kml/internal/awssim/core"
	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/internal/identity"
	"github.com/kodekloud/kml/internal/identity/labtest"
)

// consoleLab has a console, and nothing of STS but what the fleet adds.
func consoleLab() fleet.LabType {
	lt := labtest.Queues()
	lt.Name, lt.Console, lt.Keys = "console", true, false
	return lt
}

// wire stands before the sign-in endpoint and keeps what went over it.
type wire struct {
	*httptest.Server
	mu      sync.Mutex
	queries []url.Values
}

func listenIn(t *testing.T, to string) *wire {
	t.Helper()
	w := &wire{}
	w.Server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		w.queries = append(w.queries, r.URL.Query())
		w.mu.Unlock()
		http.Redirect(rw, r, to+r.URL.RequestURI(), http.StatusTemporaryRedirect)
	}))
	t.Cleanup(w.Close)
	return w
}

// held is the session that a link stands for.
func (w *wire) held(l *labtest.Lab) aws.Config {
	l.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	var s struct{ SessionID, SessionKey, SessionToken string }
	if err := json.Unmarshal([]byte(w.queries[0].Get("Session")), &s); err != nil {
		l.Fatal(err)
	}
	return l.Key(s.SessionID, s.SessionKey, s.SessionToken, "eu-west-1")
}

type linked struct {
	*labtest.Lab
	a       *fleet.Account
	users   *identity.Service
	session *fleet.Session
	wire    *wire
}

// openConsole hands out a lab with a console, for so long.
func openConsole(t *testing.T, d time.Duration) *linked {
	t.Helper()
	l := labtest.Open(t, labtest.Options{Options: core.Options{Seed: 1, IAMDelay: 4 * time.Second}, LabTypes: []fleet.LabType{consoleLab(), labtest.Queues()}})
	a := l.InUse(l.IDs[0], "console", d)
	o := &linked{Lab: l, a: a, wire: listenIn(t, l.Sim.URL()+"/_signin"), session: &fleet.Session{ID: a.SessionID, LabType: "console", AccountID: a.ID}}
	users := *l.Users
	users.SignInURL, users.HTTP = o.wire.URL, &http.Client{Timeout: time.Minute} // follows the redirect to the endpoint
	o.users = &users
	return o
}

func (o *linked) link() (string, time.Time) {
	o.Helper()
	link, expires, err := o.users.SignInLink(o.Context(), o.session)
	if err != nil {
		o.Fatal(err)
	}
	return link, expires
}

func queue(o *linked, cfg aws.Config, region string) error {
	cfg = cfg.Copy()
	cfg.Region = region
	_, err := sqs.NewFromConfig(cfg).CreateQueue(o.Context(), &sqs.CreateQueueInput{QueueName: aws.String("mine")})
	return err
}

// visit opens a link as a browser would, up to the first redirect.
func visit(t *testing.T, link string) (status int, to string) {
	t.Helper()
	c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := c.Get(link)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp.StatusCode, resp.Header.Get("Location")
}

func TestSignInLink(t *testing.T) {
	t.Parallel()
	o := openConsole(t, time.Hour)
	before := o.Clock.Now()
	link, expires := o.link()
	if life := expires.Sub(before); life < 15*time.Minute || life > 16*time.Minute {
		t.Errorf("the link is good for %v", life)
	}
	query := o.wire.queries[0]
	if query.Has("SessionDuration") || query.Get("Action") != "getSigninToken" {
		t.Errorf("asked with %v", query["Action"])
	}
	direct := strings.Replace(link, o.wire.URL, o.Sim.URL()+"/_signin", 1)
	if status, to := visit(t, direct); status != http.StatusFound || to != "https://console.aws.amazon.com/console/home?region=eu-west-1" {
		t.Errorf("the link gives %d, leads to %s", status, to)
	}
	if status, _ := visit(t, direct); status != http.StatusForbidden {
		t.Errorf("a second time it gives %d", status)
	}
	held := o.wire.held(o.Lab)
	if err := queue(o, held, "eu-west-1"); err != nil {
		t.Errorf("the session cannot do what the lab is for: %v", err)
	}
	for what, err := range map[string]error{
		"another Region":  queue(o, held, "us-east-1"),
		"another service": second(iam.NewFromConfig(held).ListUsers(t.Context(), nil)),
	} {
		if awsclient.Classify(err) != awsclient.Denied {
			t.Errorf("%s: %v", what, err)
		}
	}
	own := sts.NewFromConfig(o.Student(o.a, "eu-west-1"))
	_, err := own.GetFederationToken(t.Context(), &sts.GetFederationTokenInput{Name: aws.String("somebody")})
	if awsclient.Classify(err) != awsclient.Denied {
		t.Errorf("a session of another name: %v", err)
	}
}

func TestSignInLinkIsTooOld(t *testing.T) {
	t.Parallel()
	o := openConsole(t, time.Hour)
	link, expires := o.link()
	o.Sim.World.Clock.Freeze(expires.Add(time.Second)) // the token is a little younger than the answer says
	if status, _ := visit(t, strings.Replace(link, o.wire.URL, o.Sim.URL()+"/_signin", 1)); status != http.StatusForbidden {
		t.Errorf("after its time the link gives %d", status)
	}
}

// TestAWSEndsTheConsole: a federated session lasts 15 minutes at least, and has
// no power from the lab's end on all the same.
func TestAWSEndsTheConsole(t *testing.T) {
	t.Parallel()
	o := openConsole(t, 5*time.Minute)
	_, expires := o.link()
	if !expires.Equal(o.a.EndsAt) {
		t.Errorf("the link is told to be good until %v, the lab ends at %v", expires, o.a.EndsAt)
	}
	held := o.wire.held(o.Lab)
	o.Sim.World.Clock.Freeze(o.a.EndsAt.Add(-time.Second))
	if err := queue(o, held, "eu-west-1"); err != nil {
		t.Errorf("a second before the end: %v", err)
	}
	o.Sim.World.Clock.Freeze(o.a.EndsAt)
	err := queue(o, held, "eu-west-1")
	if awsclient.Code(err) != "AccessDenied" {
		t.Errorf("at the end: %v; want a denial, of a token that has not expired", err)
	}
}

// TestFreezeKillsTheConsole: so does an early end.
func TestFreezeKillsTheConsole(t *testing.T) {
	t.Parallel()
	o := openConsole(t, time.Hour)
	o.link()
	held := o.wire.held(o.Lab)
	if err := queue(o, held, "eu-west-1"); err != nil {
		t.Fatalf("during the lab: %v", err)
	}
	a := o.Move(o.a, fleet.Cleanup, nil)
	sess, err := o.AWS.Mutator(t.Context(), awsclient.Target{Org: a.Org, AccountID: a.ID, OU: a.OU, Epoch: a.Epoch}, "test")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(o.Users.Overwrite(t.Context(), sess, a), sess.Close(t.Context())); err != nil {
		t.Fatal(err)
	}
	o.Sim.World.Clock.Advance(4 * time.Second)
	if err := queue(o, held, "eu-west-1"); awsclient.Code(err) != "AccessDenied" {
		t.Errorf("after the boundary was frozen: %v", err)
	}
	if _, _, err := o.users.SignInLink(t.Context(), o.session); !errors.Is(err, fleet.ErrEnded) {
		t.Errorf("a link of a lab that is over: %v", err)
	}
}

func TestSignInLinkRefuses(t *testing.T) {
	t.Parallel()
	o := openConsole(t, time.Hour)
	other := *o.session
	other.ID = "somebody's"
	if _, _, err := o.users.SignInLink(t.Context(), &other); !errors.Is(err, fleet.ErrEnded) {
		t.Errorf("another session: %v", err)
	}
	other = *o.session
	other.LabType = "queues"
	if _, _, err := o.users.SignInLink(t.Context(), &other); !errors.Is(err, fleet.ErrInvalid) {
		t.Errorf("a lab without a console: %v", err)
	}
	other.LabTypeRevision = 7
	if _, _, err := o.users.SignInLink(t.Context(), &other); !errors.Is(err, fleet.ErrNotFound) {
		t.Errorf("an unknown revision: %v", err)
	}
}

// TestSignInFailsWithoutSecrets: whatever the endpoint does, the error tells
// nothing of the session.
func TestSignInFailsWithoutSecrets(t *testing.T) {
	t.Parallel()
	for what, answer := range map[string]http.HandlerFunc{
		"refuses": func(w http.ResponseWriter, r *http.Request) { http.Error(w, r.URL.RawQuery, http.StatusBadRequest) },
		"redirects": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/elsewhere?"+r.URL.RawQuery, http.StatusFound)
		},
		"breaks off": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"says nothing": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = fmt.Fprint(w, "{}")
		},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			o := openConsole(t, time.Hour)
			var session string
			endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				session = r.URL.Query().Get("Session")
				answer(w, r)
			}))
			t.Cleanup(endpoint.Close)
			users := *o.Users
			users.SignInURL = endpoint.URL
			link, _, err := users.SignInLink(t.Context(), o.session)
			if err == nil || link != "" {
				t.Fatalf("got %q", link)
			}
			var s map[string]string
			if jerr := json.Unmarshal([]byte(session), &s); jerr != nil || len(s) != 3 {
				t.Fatalf("no session was sent: %v", jerr)
			}
			for part, secret := range s {
				if strings.Contains(err.Error(), secret) || strings.Contains(err.Error(), url.QueryEscape(secret)) {
					t.Errorf("the error tells %s: %v", part, err)
				}
			}
		})
	}
}
