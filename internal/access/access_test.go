package access_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/kodekloud/kml/internal/access"
	"github.com/kodekloud/kml/internal/fleet"
)

// What must hold of the table whatever else is put into it.
func TestTable(t *testing.T) {
	t.Parallel()
	for _, role := range access.Roles {
		if !role.May(access.Anybody) || !role.May(access.Authenticated) {
			t.Errorf("%s may not even ask who it is", role)
		}
		if keys := role.May(access.KeysRead) || role.May(access.KeysWrite); keys != (role == access.Admin) {
			t.Errorf("%s and keys: %v", role, keys)
		}
		for _, p := range role.Permissions() {
			if !access.Admin.May(p) {
				t.Errorf("admin lacks %s of %s", p, role)
			}
		}
	}
	for _, p := range access.Viewer.Permissions() {
		if p == access.LabsCredentials || slices.Contains([]string{":write"}, string(p)[len(p)-min(6, len(p)):]) {
			t.Errorf("a viewer may %s", p)
		}
	}
	for _, nobody := range []access.Role{"", "king"} {
		if nobody.May(access.Authenticated) || nobody.May(access.LabsRead) || !nobody.May(access.Anybody) || nobody.Valid() {
			t.Errorf("role %q may something", nobody)
		}
	}
}

func TestScope(t *testing.T) {
	t.Parallel()
	backend, viewer := access.Principal{Role: access.Backend, Owner: "a"}, access.Principal{Role: access.Viewer}
	for _, c := range []struct {
		p           access.Principal
		asked, want string
		err         error
	}{{backend, "", "a", nil}, {backend, "a", "a", nil}, {backend, "b", "", fleet.ErrForbidden}, {viewer, "", "", nil}, {viewer, "b", "b", nil}} {
		if got, err := c.p.Scope(c.asked); got != c.want || !errors.Is(err, c.err) {
			t.Errorf("%s asks for %q: %q, %v", c.p.Role, c.asked, got, err)
		}
	}
	if backend.Sees("b") || !backend.Sees("a") || !viewer.Sees("b") {
		t.Error("somebody sees too much or too little")
	}
}
