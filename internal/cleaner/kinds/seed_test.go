package kinds_test

import (
	"maps"
)

// seeds says how every kind gets into an account.
var seeds = merge(seedsOfEC2, seedsOfVPC, seedsOfIAM, seedsOfServices)

func merge(ms ...map[string]seed) map[string]seed {
	out := map[string]seed{}
	for _, m := range ms {
		maps.Copy(out, m)
	}
	return out
}
