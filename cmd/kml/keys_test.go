package main

import (
	"strings"
	"testing"

	"github.com/kodekloud/kml/internal/access"
	"github.com/kodekloud/kml/internal/fleet"
)

func TestKeys(t *testing.T) {
	a, _ := start(t)
	out, err := kml(t, "keys", "bootstrap", "--name", "the first")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out), "\n")
	plain := lines[len(lines)-1]
	p, err := a.Keys().Verify(t.Context(), plain, "here")
	if err != nil || p.Role != access.Admin || p.Name != "the first" {
		t.Fatalf("%q: %+v, %v", out, p, err)
	}
	if again, err := kml(t, "keys", "bootstrap"); err == nil || !strings.Contains(err.Error(), "--force") || strings.Contains(again, "kml_") {
		t.Errorf("a second first key: %q, %v", again, err)
	}
	if _, err := kml(t, "keys", "bootstrap", "--force"); err != nil {
		t.Errorf("the keys are lost: %v", err)
	}
	listed, err := kml(t, "keys", "list", plain[:10])
	if err != nil || !strings.Contains(listed, p.ID) || strings.Count(listed, "\n") != 2 || strings.Contains(listed, plain) {
		t.Errorf("list is %q, %v", listed, err)
	}
	if out, err := kml(t, "keys", "revoke", p.ID); err != nil || !strings.Contains(out, p.ID) {
		t.Errorf("revoke: %q, %v", out, err)
	}
	if _, err := a.Keys().Verify(t.Context(), plain, "here"); err == nil {
		t.Error("a revoked key works")
	}
	if _, err := kml(t, "keys", "revoke", "none"); err == nil {
		t.Error("a key that is none was revoked")
	}
	entries, err := a.DB.Activity().Find(t.Context(), fleet.ActivityQuery{Kind: "call"})
	if err != nil || len(entries) != 3 {
		t.Errorf("in the activity log: %+v, %v", entries, err)
	}
	for _, e := range entries {
		if strings.Contains(e.What, plain) || !strings.Contains(e.What, "key ") {
			t.Errorf("entry %+v", e)
		}
	}
}
