package cleanup_test

import (
	"strings"
	"testing"

	"github.com/kodekloud/kml/internal/cleaner/kinds"
	"github.com/kodekloud/kml/internal/labtype"
)

// leavesNothing are services that a lab may use though no kind cleans them: what
// they make is gone by itself.
var leavesNothing = map[string]bool{"sts": true, "ec2-instance-connect": true}

// TestLabTypesCanBeCleaned: a lab type that allows a service which no kind cleans
// would have its accounts come back with things in them.
func TestLabTypesCanBeCleaned(t *testing.T) {
	t.Parallel()
	all, err := labtype.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	cleaned := map[string]bool{}
	for _, k := range kinds.All() {
		cleaned[strings.TrimSuffix(k.Source, ".amazonaws.com")] = true
		cleaned[k.Service()] = true
	}
	for _, lt := range all {
		for _, s := range lt.Services {
			if !cleaned[s] && !leavesNothing[s] {
				t.Errorf("lab type %s allows %s, which no kind cleans", lt.Name, s)
			}
		}
	}
}
