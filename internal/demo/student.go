package demo

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/smithy-go"

	"github.com/kodekloud/kml/internal/awssim"
	"github.com/kodekloud/kml/internal/fleet"
)

// student works in one lab and notes what the calls said.
type student struct {
	name     string
	lab      string
	session  string
	creds    fleet.Credentials
	boundary string     // ARN of the boundary that the lab requires
	outsider awssim.Key // of an accomplice in another account
	endpoint string
	http     *http.Client
	rng      *rand.Rand

	mu      sync.Mutex
	calls   int
	made    int
	refused []string // allowed calls that were refused
	worked  []string // forbidden calls that worked
	ghosts  []ghost  // credentials and doors that must be dead after the end
}

// ghost is one way in that was opened during the lab; try makes a call that the
// lab allowed.
type ghost struct {
	name      string
	anonymous bool // needs no credential: no policy of the lab can bind it
	try       func(ctx context.Context) error
}

// config signs with a key of the student's in a Region.
func (s *student) config(region, key, secret, token string) aws.Config {
	return aws.Config{
		Region: region, BaseEndpoint: &s.endpoint, HTTPClient: s.http,
		Credentials: credentials.NewStaticCredentialsProvider(key, secret, token),
		Retryer: func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts, o.MaxBackoff = 6, 2*time.Second })
		},
	}
}

func (s *student) own(region string) aws.Config {
	return s.config(region, s.creds.AccessKeyID, s.creds.SecretKey, "")
}

// newHTTPClient is shared by all students: one host behind it.
func newHTTPClient() *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost = 128
	return &http.Client{Transport: t, Timeout: 20 * time.Second}
}

// must notes a call that the lab allows; it gives false when it failed.
func (s *student) must(what string, err error) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	if err == nil {
		return true
	}
	s.refused = append(s.refused, fmt.Sprintf("%s (%s): %s: %v", s.name, s.lab, what, err))
	return false
}

// makes notes a call that makes n things.
func (s *student) makes(n int, what string, err error) bool {
	if !s.must(what, err) {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.made += n
	return true
}

// forbidden notes a call that must be refused by authorization: any other
// failure proves nothing and counts as a refusal of the wrong kind.
func (s *student) forbidden(what string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	switch {
	case err == nil:
		s.worked = append(s.worked, fmt.Sprintf("%s (%s): %s", s.name, s.lab, what))
	case !isDenied(err):
		s.refused = append(s.refused, fmt.Sprintf("%s (%s): %s was to be denied, and failed otherwise: %v", s.name, s.lab, what, err))
	}
}

// backDoor remembers a way in.
func (s *student) backDoor(name string, try func(ctx context.Context) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ghosts = append(s.ghosts, ghost{name: s.name + " (" + s.lab + "): " + name, try: try})
}

// openDoor remembers a way in that needs no credential.
func (s *student) openDoor(name string, try func(ctx context.Context) error) {
	s.backDoor(name, try)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ghosts[len(s.ghosts)-1].anonymous = true
}

// isDenied says whether AWS refused for want of permission.
func isDenied(err error) bool {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return false
	}
	switch api.ErrorCode() {
	case "AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError", "Forbidden":
		return true
	}
	return false
}

// eventually repeats what fails only because IAM has not told everybody yet.
func eventually(ctx context.Context, try func() error) error {
	var err error
	for range 40 {
		if err = try(); err == nil || !notYet(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-time.After(250 * time.Millisecond):
		}
	}
	return err
}

func notYet(err error) bool {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return false
	}
	switch api.ErrorCode() {
	case "InvalidClientTokenId", "UnrecognizedClientException", "AccessDenied", "AccessDeniedException", "NoSuchEntity":
		return true
	case "InvalidParameterValueException", "InvalidParameterValue", "ValidationError":
		return strings.Contains(api.ErrorMessage(), "role") || strings.Contains(api.ErrorMessage(), "assumed")
	}
	return false
}

func (s *student) id(prefix string) string {
	return fmt.Sprintf("%s-%s-%06x", prefix, s.creds.AccountID[6:], s.rng.Uint32()&0xffffff)
}
