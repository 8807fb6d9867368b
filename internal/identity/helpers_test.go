package identity_test

import (
	"context"
	"errors"

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
