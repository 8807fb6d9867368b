package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/kodekloud/kml/internal/access"
	"github.com/kodekloud/kml/internal/apitypes"
)

// Operate steers accounts and lab types by hand: package failsafe. who and why
// go to their history.
type Operate interface {
	Quarantine(ctx context.Context, account, who, why string) error
	Release(ctx context.Context, account, who, why string) error
	Drain(ctx context.Context, account, who, why string) error
	Clean(ctx context.Context, account string, full bool, who, why string) error
	SwitchLabType(ctx context.Context, name string, off bool, who, why string) error
}

const dryRunLimit = 2 * time.Minute

// IfSame is embedded by the input of an order that may say which version of the
// account it is for.
type IfSame struct {
	IfMatch string `header:"If-Match" maxLength:"200" doc:"ETag that the order is for; it is refused if the account has changed since"`
}

// accountAction is the input of what is done to an account for a reason.
type accountAction struct {
	AccountPath
	IfSame
	Body apitypes.Reason
}

func (s *Server) accountActions() {
	for _, a := range []struct {
		name, summary, detail string
		do                    func(o Operate, ctx context.Context, account, who, why string) error
	}{
		{"quarantine", "Put an account under investigation", "It leaves the pool; a lab in it ends.", Operate.Quarantine},
		{"release", "Release an account from investigation", "It is cleaned and returns to the pool.", Operate.Release},
		{"drain", "Take an account out of the fleet", "As soon as it is free.", Operate.Drain},
	} {
		register(s, op{id: a.name + "-account", method: http.MethodPost, path: "/v1/accounts/{id}/" + a.name, tag: "Accounts", summary: a.summary, detail: a.detail, needs: access.AccountsWrite},
			func(ctx context.Context, in *accountAction) (*tagged[apitypes.Account], error) {
				return s.act(ctx, in.ID, in.IfMatch, func(who string) error { return a.do(s.Operate, ctx, in.ID, who, in.Body.Reason) })
			})
	}
	register(s, op{id: "clean-account", method: http.MethodPost, path: "/v1/accounts/{id}/clean", tag: "Accounts", summary: "Clean an account now", needs: access.AccountsWrite}, s.cleanAccount)
	register(s, op{id: "dry-run-account", method: http.MethodPost, path: "/v1/accounts/{id}/dry-run", tag: "Accounts", summary: "See what a full cleaning would do", needs: access.AccountsWrite, limit: dryRunLimit,
		detail: "Nothing is changed."}, s.dryRunAccount)
}

func (s *Server) cleanAccount(ctx context.Context, in *struct {
	AccountPath
	IfSame
	Body apitypes.CleanOrder
}) (*tagged[apitypes.Account], error) {
	return s.act(ctx, in.ID, in.IfMatch, func(who string) error {
		return s.Operate.Clean(ctx, in.ID, in.Body.Full, who, in.Body.Reason)
	})
}

// act does something to an account, if that is still the version meant.
func (s *Server) act(ctx context.Context, id, ifMatch string, do func(who string) error) (*tagged[apitypes.Account], error) {
	a, err := s.account(ctx, id)
	if err != nil {
		return nil, err
	}
	if ifMatch != "" {
		if err := (Versioned{ifMatch}).match(a.Version); err != nil {
			return nil, err
		}
	}
	if err := do(access.From(ctx).Who()); err != nil {
		return nil, err
	}
	if a, err = s.account(ctx, id); err != nil {
		return nil, err
	}
	return answerAccount(a), nil
}

func (s *Server) dryRunAccount(ctx context.Context, in *struct{ AccountPath }) (*body[apitypes.DryRun], error) {
	if _, err := s.account(ctx, in.ID); err != nil {
		return nil, err
	}
	lines, err := s.DryRun(ctx, in.ID)
	if err != nil {
		return nil, fmt.Errorf("dry run of account %s: %w", in.ID, err)
	}
	return ok(apitypes.DryRun{Account: in.ID, Evidence: toEvidence(lines)}), nil
}
