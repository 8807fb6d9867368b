package app

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/kodekloud/kml/internal/access"
	"github.com/kodekloud/kml/internal/apitypes"
)

func TestChecks(t *testing.T) {
	t.Parallel()
	a, parts := open(t)
	base := serving(t, a, (*App).API)
	operator := key(t, a, access.Operator)
	checks := func() map[string]apitypes.Check {
		code, body := ask(t, http.MethodGet, base+"/v1/checks", func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+operator) })
		var list []apitypes.Check
		if err := json.Unmarshal([]byte(body), &list); code != http.StatusOK || err != nil {
			t.Fatalf("%d %s: %v", code, body, err)
		}
		out := map[string]apitypes.Check{}
		for _, c := range list {
			out[c.Name] = c
		}
		return out
	}
	good := checks()
	for _, name := range []string{"mongodb", "redis", "clock of redis", "clock of aws", "role in alpha", "role in beta", "queues"} {
		if c := good[name]; !c.OK || c.Detail == "" {
			t.Errorf("%s: %+v", name, c)
		}
	}
	if err := parts.Redis.Close(); err != nil {
		t.Fatal(err)
	}
	b := *a
	b.Config.AWS.EndpointURL = "http://127.0.0.1:1"
	bad := map[string]apitypes.Check{}
	for _, c := range b.checks(t.Context()) {
		bad[c.Name] = c
	}
	for _, name := range []string{"redis", "clock of aws", "queues"} {
		if c := bad[name]; c.OK || c.Detail == "" || c.Remedy == "" {
			t.Errorf("%s: %+v", name, c)
		}
	}
	if !bad["mongodb"].OK {
		t.Errorf("%+v", bad["mongodb"])
	}
}
