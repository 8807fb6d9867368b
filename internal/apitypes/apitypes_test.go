package apitypes_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/kodekloud/kml/internal/apitypes"
)

func TestDuration(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{`"90m"`: 90 * time.Minute, `"1h30m0s"`: 90 * time.Minute, `"-5s"`: -5 * time.Second} {
		var d, again apitypes.Duration
		if err := json.Unmarshal([]byte(text), &d); err != nil || time.Duration(d) != want {
			t.Errorf("%s is %v, %v", text, d, err)
		}
		raw, err := json.Marshal(d)
		if err == nil {
			err = json.Unmarshal(raw, &again)
		}
		if err != nil || again != d {
			t.Errorf("%s came back as %v by %s, %v", text, again, raw, err)
		}
	}
	for _, text := range []string{`"soon"`, `90`, `{}`, `"` + strings.Repeat("9", 500) + `"`} {
		var d apitypes.Duration
		if err := json.Unmarshal([]byte(text), &d); err == nil || len(err.Error()) > 200 {
			t.Errorf("%.20s is %v, %v", text, d, err)
		}
	}
}

// What holds a secret is written by no logger and in no error; the wire has it.
func TestSecretsAreHidden(t *testing.T) {
	t.Parallel()
	const secret = "THE-SECRET"
	for _, v := range []any{
		apitypes.Credentials{SecretAccessKey: secret, Password: secret}, apitypes.SignInLink{URL: secret},
		apitypes.NewKey{Secret: secret}, apitypes.WebhookSecret{Secret: secret},
	} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
			if said := fmt.Sprintf(verb, v); strings.Contains(said, secret) {
				t.Errorf("%s of %T: %s", verb, v, said)
			}
		}
		if raw, err := json.Marshal(v); err != nil || !strings.Contains(string(raw), secret) {
			t.Errorf("the wire has %s, %v", raw, err)
		}
	}
}

func TestStatesOfALab(t *testing.T) {
	t.Parallel()
	for state, want := range map[string][2]bool{"scheduled": {}, "waiting": {}, "assigning": {}, "active": {true, false}, "ended": {true, true}, "expired": {true, true}, "cancelled": {true, true}, "failed": {true, true}} {
		if l := (apitypes.Lab{State: state}); l.Settled() != want[0] || l.Final() != want[1] {
			t.Errorf("%s: settled %v, final %v", state, l.Settled(), l.Final())
		}
	}
}
