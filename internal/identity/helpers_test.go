package identity_test

import (
	"context"
	"errors"
	"net/url"

	"github.com/kodekloud/kml/internal/awssim/core"
	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/internal/identity"
)

var errDied = errors.New("the worker died")

// overtaken is a Machine whose caller sleeps before its move while others act;
// with nobody to act it dies there.
type overtaken struct {
	identity.Machine
	meanwhile func()
}

func (o overtaken) Move(ctx context.Context, a *fleet.Account, to fleet.State, reason string, mutate func(*fleet.Account)) (*fleet.Account, error) {
	if o.meanwhile == nil {
		return nil, errDied
	}
	o.meanwhile()
	return o.Machine.Move(ctx, a, to, reason, mutate)
}

// faultAfter loses every reply of an operation that AWS has carried out.
func faultAfter(op string) core.FaultRule {
	return core.FaultRule{ID: op, Service: "iam", Op: op, Kind: core.FaultResetAfter}
}

// unescaped is a policy document as the API gives it, in the clear.
func unescaped(doc string) *string {
	plain, err := url.QueryUnescape(doc)
	if err != nil {
		plain = err.Error()
	}
	return &plain
}
