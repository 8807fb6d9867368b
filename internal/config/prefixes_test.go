package config

import (
	"slices"
	"strings"
	"testing"
)

func TestPrefixes(t *testing.T) {
	t.Parallel()
	c, err := Load([]string{"KML_SEAL_KEYS=a:" + key, "KML_WEBHOOKS_ALLOW_PRIVATE=10.20.0.0/16, fd00:1::/64"}, write(t, "kml.yaml", inline()))
	if err != nil || c.Webhooks.AllowPrivate.String() != "10.20.0.0/16,fd00:1::/64" {
		t.Fatalf("%v, %v", c.Webhooks, err)
	}
	if !slices.Contains(c.Environ(), "KML_WEBHOOKS_ALLOW_PRIVATE=10.20.0.0/16,fd00:1::/64") || !strings.Contains(c.Masked(), "10.20.0.0/16,fd00:1::/64") {
		t.Error("it is not told as it is read")
	}
	c, err = Load([]string{"KML_SEAL_KEYS=a:" + key}, write(t, "kml.yaml", inline()+"webhooks:\n  allow_private: 127.0.0.1/32\n"))
	if err != nil || len(c.Webhooks.AllowPrivate) != 1 {
		t.Fatalf("%v, %v", c.Webhooks, err)
	}
	for _, bad := range []string{"yes", "10.0.0.1", "10.0.0.1/8", "10.0.0.0/8,", "::ffff:10.0.0.0/104"} {
		_, err := Load([]string{"KML_SEAL_KEYS=a:" + key, "KML_WEBHOOKS_ALLOW_PRIVATE=" + bad}, write(t, "kml.yaml", inline()))
		if err == nil || !strings.Contains(err.Error(), "KML_WEBHOOKS_ALLOW_PRIVATE") || !strings.Contains(err.Error(), errPrefixes.Error()) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}
