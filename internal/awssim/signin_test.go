package awssim_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"

	"github.com/kodekloud/kml/internal/awssim"
)

// signing is a world with a user who may do everything, and the sign-in endpoint.
type signing struct {
	*testing.T
	sim *awssim.Server
	sts *sts.Client
	key aws.Credentials
}

func openSignIn(t *testing.T) *signing {
	t.Helper()
	sim, err := awssim.Start(awssim.Config{Organizations: []awssim.Organization{{Name: "o", ManagementAccount: "111111111111"}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sim.Close() })
	k := sim.Seeded.Outsider
	cfg := aws.Config{Region: "us-east-1", BaseEndpoint: aws.String(sim.URL()), Credentials: credentials.NewStaticCredentialsProvider(k.AccessKeyID, k.SecretAccessKey, "")}
	return &signing{t, sim, sts.NewFromConfig(cfg), aws.Credentials{AccessKeyID: k.AccessKeyID, SecretAccessKey: k.SecretAccessKey}}
}

// ask calls the endpoint and gives status, body and where it leads.
func (s *signing) ask(query url.Values) (int, string, string) {
	s.Helper()
	c := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := c.Get(s.sim.URL() + "/_signin/federation?" + query.Encode())
	if err != nil {
		s.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		s.Fatal(err)
	}
	return resp.StatusCode, string(body), resp.Header.Get("Location")
}

func (s *signing) federated() *types.Credentials {
	s.Helper()
	out, err := s.sts.GetFederationToken(s.Context(), &sts.GetFederationTokenInput{Name: aws.String("ada"), DurationSeconds: aws.Int32(900),
		Policy: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`)})
	if err != nil {
		s.Fatal(err)
	}
	return out.Credentials
}

func asked(id, key, token string) url.Values {
	return url.Values{"Action": {"getSigninToken"}, "Session": {fmt.Sprintf(`{"sessionId":%q,"sessionKey":%q,"sessionToken":%q}`, id, key, token)}}
}

func (s *signing) token() string {
	s.Helper()
	c := s.federated()
	status, body, _ := s.ask(asked(*c.AccessKeyId, *c.SecretAccessKey, *c.SessionToken))
	var out struct{ SigninToken string }
	if err := json.Unmarshal([]byte(body), &out); status != 200 || err != nil || out.SigninToken == "" {
		s.Fatalf("%d %s", status, body)
	}
	return out.SigninToken
}

func login(token, destination string) url.Values {
	return url.Values{"Action": {"login"}, "Issuer": {"test"}, "Destination": {destination}, "SigninToken": {token}}
}

const console = "https://console.aws.amazon.com/s3/home?region=eu-west-1"

func TestSignIn(t *testing.T) {
	t.Parallel()
	s := openSignIn(t)
	token := s.token()
	if status, _, to := s.ask(login(token, console)); status != http.StatusFound || to != console {
		t.Errorf("%d, leads to %q", status, to)
	}
	if status, _, _ := s.ask(login(token, console)); status != http.StatusForbidden {
		t.Errorf("a token was taken twice: %d", status)
	}
	var logins int
	s.sim.World.Do(func() {
		for _, e := range s.sim.World.Trail.All("999999999999") {
			if e.EventName == "ConsoleLogin" && strings.HasSuffix(e.UserIdentity.ARN, ":federated-user/ada") {
				logins++
			}
		}
	})
	if logins != 1 {
		t.Errorf("CloudTrail tells %d logins", logins)
	}
	token = s.token()
	s.sim.World.Clock.Advance(15 * time.Minute)
	if status, _, _ := s.ask(login(token, console)); status != http.StatusForbidden {
		t.Errorf("a token of 15 minutes ago: %d", status)
	}
	for _, destination := range []string{"", "http://console.aws.amazon.com/", "https://example.org/console.", "javascript:alert(1)"} {
		if status, _, to := s.ask(login(s.token(), destination)); status != http.StatusBadRequest || to != "" {
			t.Errorf("destination %q: %d, leads to %q", destination, status, to)
		}
	}
}

func TestSignInRefuses(t *testing.T) {
	t.Parallel()
	s := openSignIn(t)
	c := s.federated()
	own, err := s.sts.GetSessionToken(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	lasting := asked(*c.AccessKeyId, *c.SecretAccessKey, *c.SessionToken)
	lasting.Set("SessionDuration", "1800")
	for what, query := range map[string]url.Values{
		"SessionDuration of a federated session": lasting,
		"a wrong key":                            asked(*c.AccessKeyId, "wrong", *c.SessionToken),
		"a wrong token":                          asked(*c.AccessKeyId, *c.SecretAccessKey, "wrong"),
		"a long-term key":                        asked(s.key.AccessKeyID, s.key.SecretAccessKey, ""),
		"a session of GetSessionToken":           asked(*own.Credentials.AccessKeyId, *own.Credentials.SecretAccessKey, *own.Credentials.SessionToken),
		"no JSON":                                {"Action": {"getSigninToken"}, "Session": {"x"}},
		"no action":                              {},
	} {
		if status, body, _ := s.ask(query); status != http.StatusBadRequest || strings.Contains(body, "SigninToken\"") {
			t.Errorf("%s: %d %s", what, status, body)
		}
	}
	s.sim.World.Clock.Advance(15 * time.Minute)
	if status, body, _ := s.ask(asked(*c.AccessKeyId, *c.SecretAccessKey, *c.SessionToken)); status != http.StatusBadRequest {
		t.Errorf("an expired session: %d %s", status, body)
	}
}
