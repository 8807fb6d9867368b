package identity_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/internal/identity"
	"github.com/kodekloud/kml/internal/identity/labtest"
)

func previewed() fleet.LabType {
	lt := labtest.Queues()
	lt.Title, lt.Services = "Tagged «queues»", []string{"sqs", "s3"}
	lt.Statements = append(lt.Statements,
		fleet.Statement{Sid: "Read", Effect: "Allow", Actions: []string{"s3:Get*"}, Resources: []string{"arn:aws:s3:::{{.Account}}-ü/*"}},
		fleet.Statement{Sid: "Small", Effect: "Allow", Actions: []string{"s3:PutObject"}, Resources: []string{"*"},
			Conditions: map[string]map[string][]string{"NumericLessThan": {"s3:max-keys": {"10"}}}},
		fleet.Statement{Sid: "Keep", Effect: "Deny", Actions: []string{"sqs:DeleteQueue"}, Resources: []string{"*"}})
	return lt
}

func TestPreview(t *testing.T) {
	t.Parallel()
	l := labtest.Open(t, labtest.Options{})
	for _, c := range []struct {
		q    identity.Question
		want string // decision, policy:sid:effect…, missing, boundary
	}{
		{identity.Question{Action: "sqs:SendMessage"}, "allowed kml-queues-1:All:Allow bounded"},
		{identity.Question{Action: "sqs:SendMessage", Resource: "arn:aws:sqs:eu-west-1:123456789012:q"}, "allowed kml-queues-1:All:Allow bounded"},
		{identity.Question{Action: "sqs:DeleteQueue"}, "explicitDeny kml-queues-1:Keep:Deny bounded"},
		{identity.Question{Action: "sqs:SendMessage", Context: map[string][]string{"aws:requestedregion": {"us-west-2"}}}, "explicitDeny permissions boundary:Regions:Deny unbounded"},
		{identity.Question{Action: "sqs:SendMessage", Context: map[string][]string{"aws:CurrentTime": {"2100-01-01T00:00:00Z"}}}, "explicitDeny permissions boundary:End:Deny unbounded"},
		{identity.Question{Action: "s3:GetObject", Resource: "arn:aws:s3:::123456789012-ü/k"}, "allowed kml-queues-1:Read:Allow bounded"},
		{identity.Question{Action: "s3:GetObject", Resource: "arn:aws:s3:::other/k"}, "implicitDeny bounded"},
		{identity.Question{Action: "s3:PutObject", Resource: "arn:aws:s3:::b/k"}, "implicitDeny missing s3:max-keys bounded"},
		{identity.Question{Action: "s3:PutObject", Context: map[string][]string{"s3:max-keys": {"5"}}}, "allowed kml-queues-1:Small:Allow bounded"},
		{identity.Question{Action: "ec2:RunInstances"}, "implicitDeny unbounded"},
	} {
		got, err := l.Users.Preview(t.Context(), previewed(), c.q)
		if err != nil {
			t.Errorf("%+v: %v", c.q, err)
			continue
		}
		said := got.Decision
		for _, s := range got.Statements {
			said += " " + s.Policy + ":" + s.Sid + ":" + s.Effect
			if !strings.HasPrefix(s.Text, `{"Sid":"`+s.Sid+`"`) || !strings.HasSuffix(s.Text, "}") {
				t.Errorf("%+v: the text is %s", c.q, s.Text)
			}
		}
		if len(got.Missing) > 0 {
			said += " missing " + strings.Join(got.Missing, ",")
		}
		if got.Boundary != nil {
			said += map[bool]string{true: " bounded", false: " unbounded"}[*got.Boundary]
		}
		if said != c.want {
			t.Errorf("%+v:\ngot  %s\nwant %s", c.q, said, c.want)
		}
	}
}

func TestPreviewRefuses(t *testing.T) {
	t.Parallel()
	l := labtest.Open(t, labtest.Options{})
	bad := previewed()
	bad.Statements[0].Actions = []string{"ec2:*"}
	if _, err := l.Users.Preview(t.Context(), bad, identity.Question{Action: "sqs:SendMessage"}); !errors.Is(err, fleet.ErrInvalid) {
		t.Errorf("a bad lab type: %v", err)
	}
	if _, err := l.Users.Preview(t.Context(), previewed(), identity.Question{Action: "SendMessage"}); !errors.Is(err, fleet.ErrInvalid) {
		t.Errorf("a bad action: %v", err)
	}
	none := *l.Users
	none.Orgs = nil
	if _, err := none.Preview(t.Context(), previewed(), identity.Question{Action: "sqs:SendMessage"}); !errors.Is(err, fleet.ErrInvalid) {
		t.Errorf("without organizations: %v", err)
	}
}
