package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/kodekloud/kml/internal/access"
	"github.com/kodekloud/kml/internal/apitypes"
	"github.com/kodekloud/kml/internal/fleet"
)

// SignIn makes links that open the AWS console: package identity.
type SignIn interface {
	// SignInLink gives a link for the student of an active lab, and until when it
	// is good.
	SignInLink(ctx context.Context, session *fleet.Session) (link string, expires time.Time, err error)
}

// A student's ways in are told by these two calls alone, each a POST, so that it
// is in the activity log.
func (s *Server) labSecretRoutes() {
	register(s, op{id: "reveal-lab-credentials", method: http.MethodPost, path: "/v1/labs/{id}/credentials", tag: "Labs", summary: "Reveal a lab's credentials", needs: access.LabsCredentials,
		hidden: true, fresh: true, detail: "Of an active lab. Each call is in the activity log."}, s.revealCredentials)
	register(s, op{id: "make-lab-signin-link", method: http.MethodPost, path: "/v1/labs/{id}/signin-link", tag: "Labs", summary: "Make a link that opens the AWS console", needs: access.LabsCredentials,
		hidden: true, fresh: true, limit: applyLimit, detail: "Of an active lab. Each call is in the activity log."}, s.signInLink)
}

func (s *Server) revealCredentials(ctx context.Context, in *struct{ LabPath }) (*body[apitypes.Credentials], error) {
	session, err := s.active(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	c, err := s.Labs.Reveal(ctx, session.ID)
	if err != nil {
		return nil, err
	}
	return ok(toCredentials(c, session.EndsAt, s.Endpoint)), nil
}

func (s *Server) signInLink(ctx context.Context, in *struct{ LabPath }) (*body[apitypes.SignInLink], error) {
	session, err := s.active(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	link, expires, err := s.SignIn.SignInLink(ctx, session)
	if err != nil {
		return nil, fmt.Errorf("sign-in link of lab %s: %w", session.ID, err)
	}
	return ok(apitypes.SignInLink{URL: link, ExpiresAt: expires}), nil
}

// toCredentials is a student's way in as JSON.
func toCredentials(c fleet.Credentials, ends time.Time, endpoint string) apitypes.Credentials {
	return apitypes.Credentials{Account: c.AccountID, Regions: append([]string{}, c.Regions...), AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretKey,
		ConsoleURL: c.ConsoleURL, UserName: c.UserName, Password: c.Password, EndsAt: ends, EndpointURL: endpoint}
}
