package awssim

import (
	"crypto/subtle"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/kodekloud/kml/internal/awssim/core"
	"github.com/kodekloud/kml/internal/awssim/services/iam"
)

// signInPath stands for https://signin.aws.amazon.com.
const signInPath = "/_signin/"

// tokenLife is for how long a sign-in token is good, whatever the session's
// length ("Enable custom identity broker access to the AWS console").
const tokenLife = 15 * time.Minute

// signIn is AWS's federation endpoint:
//
//	GET /_signin/federation?Action=getSigninToken&Session={sessionId, sessionKey, sessionToken}
//	GET /_signin/federation?Action=login&Issuer=…&Destination=…&SigninToken=…
//
// The first trades temporary credentials for a token, the second opens a console
// session with it and leads there.
type signIn struct {
	world     *core.World
	directory *iam.IAM

	mu     sync.Mutex
	tokens map[string]ticket
}

// ticket is a sign-in token that nobody has used yet.
type ticket struct {
	who     *core.Principal
	expires time.Time
}

func newSignIn(w *core.World, directory *iam.IAM) *signIn {
	return &signIn{world: w, directory: directory, tokens: map[string]ticket{}}
}

// ServeHTTP implements http.Handler.
func (s *signIn) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != signInPath+"federation" {
		http.NotFound(w, r)
		return
	}
	// A form may be posted in place of a long query.
	if err := r.ParseForm(); err != nil || r.Method != http.MethodGet && r.Method != http.MethodPost {
		http.Error(w, "Bad request", http.StatusBadRequest)
		return
	}
	switch r.Form.Get("Action") {
	case "getSigninToken":
		s.token(w, r.Form)
	case "login":
		s.login(w, r)
	default:
		http.Error(w, "Unknown Action", http.StatusBadRequest)
	}
}

// token answers getSigninToken. It takes sessions of AssumeRole and of
// GetFederationToken; only of the former may the length be chosen anew.
func (s *signIn) token(w http.ResponseWriter, form url.Values) {
	var in struct{ SessionID, SessionKey, SessionToken string }
	if err := json.Unmarshal([]byte(form.Get("Session")), &in); err != nil {
		http.Error(w, "Session is no JSON", http.StatusBadRequest)
		return
	}
	var token string
	s.world.Do(func() {
		now := s.world.Clock.Now()
		secret, p, err := s.directory.Lookup(in.SessionID, in.SessionToken, now)
		if err != nil || p.Session == nil || subtle.ConstantTimeCompare([]byte(secret), []byte(in.SessionKey)) != 1 {
			return
		}
		chosen := form.Has("SessionDuration")
		if p.Session.Kind != iam.SessionRole && p.Session.Kind != iam.SessionFederation || chosen && p.Session.Kind == iam.SessionFederation {
			return
		}
		token = s.world.Secret(240)
		s.mu.Lock()
		defer s.mu.Unlock()
		for k, t := range s.tokens {
			if !now.Before(t.expires) {
				delete(s.tokens, k)
			}
		}
		s.tokens[token] = ticket{p, now.Add(tokenLife)}
	})
	if token == "" {
		http.Error(w, "Invalid credentials parameter", http.StatusBadRequest)
		return
	}
	answer(w, map[string]string{"SigninToken": token})
}

// login opens a console session, once for each token.
func (s *signIn) login(w http.ResponseWriter, r *http.Request) {
	to, err := url.Parse(r.Form.Get("Destination"))
	if err != nil || to.Scheme != "https" || !strings.HasPrefix(to.Host, "console.") && !strings.Contains(to.Host, ".console.") {
		http.Error(w, "Destination is no console of AWS", http.StatusBadRequest)
		return
	}
	var who *core.Principal
	s.world.Do(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		token, now := r.Form.Get("SigninToken"), s.world.Clock.Now()
		t, ok := s.tokens[token]
		delete(s.tokens, token)
		if ok && now.Before(t.expires) {
			who = t.who
			s.record(r, who, now)
		}
	})
	if who == nil {
		http.Error(w, "Your request has expired: the sign-in token is unknown, used or older than 15 minutes", http.StatusForbidden)
		return
	}
	info, _ := json.Marshal(map[string]string{"arn": who.ARN, "alias": "", "username": who.ARN[strings.LastIndexByte(who.ARN, ':')+1:]})
	http.SetCookie(w, &http.Cookie{Name: "aws-userInfo", Value: url.QueryEscape(string(info)), Path: "/", HttpOnly: true, Secure: true, SameSite: http.SameSiteLaxMode})
	http.Redirect(w, r, to.String(), http.StatusFound)
}

// record tells CloudTrail of the login, as of those that the global endpoint
// serves: in us-east-1.
func (s *signIn) record(r *http.Request, who *core.Principal, now time.Time) {
	e := &core.Event{EventVersion: "1.08", EventTime: now.UTC().Format(time.RFC3339), EventSource: "signin.amazonaws.com", EventName: "ConsoleLogin",
		AWSRegion: "us-east-1", SourceIPAddress: "127.0.0.1", UserAgent: r.UserAgent(), ResponseElements: map[string]any{"ConsoleLogin": "Success"},
		EventID: s.world.UUID(), RequestID: s.world.UUID(), EventType: "AwsConsoleSignIn", ManagementEvent: true, RecipientAccountID: who.Account, EventCategory: "Management",
		UserIdentity: core.UserIdentity{Type: who.Type, PrincipalID: who.UserID, ARN: who.ARN, AccountID: who.Account}, Time: now}
	s.world.Trail.Add(who.Account, e)
}
