package trail_test

import (
	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/internal/identity/labtest"
)

// account is a document that a lease can be taken on.
func account(l *labtest.Lab, id string) *fleet.Account {
	return &fleet.Account{ID: id, Org: "school", OU: l.Unit.ID, State: fleet.Loaded, Version: 1}
}
