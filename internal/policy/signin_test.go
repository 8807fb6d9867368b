package policy

import (
	"strings"
	"testing"
	"time"
)

// TestSignIn: a student of a lab with a console may make a session of himself,
// of nobody else, and only while the lab lasts; one without a console may not.
func TestSignIn(t *testing.T) {
	t.Parallel()
	with := s3Lab
	with.Console = true
	const own = "arn:aws:sts::" + account + ":federated-user/kml-student-7"
	during := start.Add(time.Minute)
	for what, c := range map[string]struct {
		who  judge
		call call
		want bool
	}{
		"himself":           {student(t, with), call{action: "sts:GetFederationToken", resource: own, region: "us-east-1", at: during}, true},
		"somebody else":     {student(t, with), call{action: "sts:GetFederationToken", resource: own + "8", region: "us-east-1", at: during}, false},
		"tagged":            {student(t, with), call{action: "sts:TagSession", resource: own, region: "us-east-1", at: during}, false},
		"after the end":     {student(t, with), call{action: "sts:GetFederationToken", resource: own, region: "us-east-1", at: end}, false},
		"without a console": {student(t, s3Lab), call{action: "sts:GetFederationToken", resource: own, region: "us-east-1", at: during}, false},
	} {
		if d := c.who.decide(c.call); d.Allowed != c.want {
			t.Errorf("%s: allowed is %v, by %s", what, d.Allowed, d.By)
		}
	}
}

func TestSample(t *testing.T) {
	t.Parallel()
	lt := s3Lab
	lt.MaxDuration = time.Hour
	in := Sample(lt, start)
	set, err := LabPolicies(in)
	if err != nil {
		t.Fatal(err)
	}
	boundary, err := Boundary(in)
	if err != nil || !strings.Contains(boundary, end.Format(time.RFC3339)) || len(set.Documents) != 1 {
		t.Errorf("%d documents, boundary %s, %v", len(set.Documents), boundary, err)
	}
}
