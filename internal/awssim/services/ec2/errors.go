package ec2

import "github.com/kodekloud/kml/internal/awssim/core"

func missingParameter(name string) error {
	return core.Errorf(400, "MissingParameter", "The request must contain the parameter %s", name)
}

func invalidValue(name, value, why string) error {
	return core.Errorf(400, "InvalidParameterValue", "Value (%s) for parameter %s is invalid. %s", value, name, why)
}

func invalidCombination(format string, args ...any) error {
	return core.Errorf(400, "InvalidParameterCombination", format, args...)
}

// dependency is the refusal to delete what is still in use.
func dependency(k *kind, id string) error {
	return core.Errorf(400, "DependencyViolation", "The %s '%s' has dependencies and cannot be deleted.", k.noun, id)
}

// need checks required parameters, given as name, value, name, value…
func need(pairs ...string) error {
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			return missingParameter(pairs[i])
		}
	}
	return nil
}
