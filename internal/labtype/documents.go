package labtype

import (
	"fmt"
	"time"

	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/internal/policy"
)

// Documents renders the IAM policies of a lab type as an account would get them,
// the boundary last, as JSON: for whoever wants to read them before it is
// applied. Errors: *fleet.FieldError where it cannot be rendered.
func Documents(lt fleet.LabType) ([]string, error) {
	in := policy.Sample(lt, time.Unix(0, 0).UTC())
	set, err := policy.LabPolicies(in)
	if err != nil {
		return nil, fmt.Errorf("policies of lab type %s: %w", lt.Name, err)
	}
	var out []string
	for _, d := range set.Documents {
		out = append(out, d.JSON)
	}
	boundary, err := policy.Boundary(in)
	if err != nil {
		return nil, fmt.Errorf("boundary of lab type %s: %w", lt.Name, err)
	}
	return append(out, boundary), nil
}
