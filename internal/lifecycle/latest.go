package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"github.com/kodekloud/kml/internal/fleet"
)

// editTries bounds EditLatest: whoever loses so often competes with more
// writers than an account ever has.
const editTries = 100

// EditLatest reads the account, lets mutate change it and writes it, again
// while somebody else is faster. It gives the account as it stands. An error of
// mutate ends it and is given as it is; a mutate that changes nothing writes
// nothing. Errors: ErrNotFound, ErrInvalid, ErrConflict after many tries.
func (m *Machine) EditLatest(ctx context.Context, id string, mutate func(*fleet.Account) error) (*fleet.Account, error) {
	for range editTries {
		a, err := m.accounts.Get(ctx, id)
		if err != nil {
			return nil, fmt.Errorf("edit account %s: %w", id, err)
		}
		trial := a.Clone()
		if err := mutate(trial); err != nil {
			return nil, err
		}
		if reflect.DeepEqual(trial, a.Clone()) {
			return a, nil
		}
		next, err := m.Edit(ctx, a, func(n *fleet.Account) {
			version := n.Version
			*n = *trial
			n.Version += version - a.Version // a touched version still shows
		})
		if !errors.Is(err, fleet.ErrConflict) {
			return next, err
		}
		if ctx.Err() != nil {
			return nil, fmt.Errorf("edit account %s: %w", id, ctx.Err())
		}
	}
	return nil, fmt.Errorf("edit account %s: %d tries: %w", id, editTries, fleet.ErrConflict)
}
