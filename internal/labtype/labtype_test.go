package labtype

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kodekloud/kml/internal/fleet"
)

const good = `name: files
title: Files
regions: [eu-west-1]
services: [s3]
max_duration: 90m
keys: true
probe: s3:ListAllMyBuckets
statements:
  - sid: All
    effect: Allow
    actions: ["s3:*"]
    resources: ["*"]
    conditions:
      StringEquals:
        aws:PrincipalTag/team.name: ["{{.User}}"]
`

func TestParse(t *testing.T) {
	t.Parallel()
	lt, err := Parse("files.yaml", []byte(good))
	if err != nil {
		t.Fatal(err)
	}
	if lt.Name != "files" || lt.MaxDuration.Minutes() != 90 || lt.Statements[0].Conditions["StringEquals"]["aws:PrincipalTag/team.name"][0] != "{{.User}}" {
		t.Errorf("got %+v", lt)
	}
}

func TestFaultsHaveAPlace(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, old, new, want string }{
		{"unknown field", "keys: true", "keyes: true", `f.yaml:6:1: keyes: unknown field "keyes"`},
		{"unknown field within", "effect: Allow", "efect: Allow", `f.yaml:10:5: statements[0].efect: unknown field "efect"`},
		{"repeated field", "keys: true", "keys: true\nname: x", `f.yaml:7:1: mapping key "name" already defined at [1:1]`},
		{"type", "regions: [eu-west-1]", "regions: eu-west-1", `f.yaml:3:10: regions: string was used where sequence is expected`},
		{"syntax", "title: Files", "title: a: b", `f.yaml:2:8: mapping value is not allowed in this context`},
		{"second document", "title: Files", "---\ntitle: Files", `f.yaml:3:1: a second document`},
		{"name", "name: files", "name: Files_1", `f.yaml:1:7: name: "Files_1": use small letters`},
		{"no title", "title: Files", "description: x", `f.yaml:1:1: title: say in a few words`},
		{"region", "[eu-west-1]", "[eu-west-1, eu-west]", `f.yaml:3:22: regions[1]: "eu-west": write a Region`},
		{"region twice", "[eu-west-1]", "[eu-west-1, eu-west-1]", `f.yaml:3:22: regions[1]: "eu-west-1": it is there twice`},
		{"no region", "[eu-west-1]", "[]", `f.yaml:3:10: regions: write a Region`},
		{"unknown service", "[s3]", "[s3, s4]", `f.yaml:4:16: services[1]: "s4": name the IAM prefix`},
		{"refused service", "[s3]", "[s3, cloudshell]", `f.yaml:4:16: services[1]: "cloudshell": no lab may have`},
		{"duration", "90m", "1d", `f.yaml:5:15: max_duration: "1d": write a duration`},
		{"long duration", "90m", "13h", `f.yaml:5:15: max_duration: "13h0m0s": give between 5s and 12h0m0s`},
		{"short duration", "90m", "4s", `f.yaml:5:15: max_duration: "4s": give between`},
		{"no way in", "keys: true", "keys: false", `f.yaml:6:7: keys: give the student keys`},
		{"instance type", "keys: true", "keys: true\ninstance_types: [t3]", `f.yaml:7:18: instance_types[0]: "t3": write an instance type`},
		{"unknown probe", "s3:ListAllMyBuckets", "s3:ListBucket", `f.yaml:7:8: probe: "s3:ListBucket": use one of ec2:DescribeInstances`},
		{"probe not allowed", "s3:ListAllMyBuckets", "sqs:ListQueues", `f.yaml:7:8: probe: "sqs:ListQueues": no statement allows it`},
		{"effect", "effect: Allow", "effect: allow", `f.yaml:7:8: probe:`},
		{"effect of another", "statements:", "statements:\n  - {effect: deny, actions: [\"s3:*\"], resources: [\"*\"]}", `f.yaml:9:14: statements[0].effect: "deny": write Allow or Deny`},
		{"resource", `resources: ["*"]`, `resources: ["mybucket"]`, `f.yaml:12:17: statements[0].resources[0]: "mybucket": write an ARN`},
		{"template", `resources: ["*"]`, `resources: ["arn:{{.Acount}}"]`, `f.yaml:12:17: statements[0].resources[0]: "arn:{{.Acount}}": a template may use {{.Account}}`},
		{"template in a condition", `"{{.User}}"`, `a, "{{.Usr}}"`, `f.yaml:15:41: statements[0].conditions.StringEquals.aws:PrincipalTag/team.name[1]: "{{.Usr}}"`},
		{"operator", "StringEquals:", "StringEqual:", `statements[0].conditions.StringEqual: "StringEqual": write a condition operator`},
		{"condition key", "aws:PrincipalTag/team.name:", "team:", `statements[0].conditions.StringEquals.team: "team": write a condition key`},
		{"foreign action", `["s3:*"]`, `["s3:*", "sqs:*"]`, `f.yaml:11:23: statements[0].actions[1]: "sqs:*": the lab's services are s3`},
		{"no resources", `resources: ["*"]`, `resources: []`, `f.yaml:12:16: statements[0].resources: name the resources`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			text := strings.Replace(good, c.old, c.new, 1)
			if text == good {
				t.Fatal("nothing was replaced")
			}
			_, err := Parse("f.yaml", []byte(text))
			var e *Error
			if !errors.As(err, &e) || !errors.Is(err, fleet.ErrInvalid) {
				t.Fatalf("got %v", err)
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}

func TestAllFaultsAtOnce(t *testing.T) {
	t.Parallel()
	text := strings.NewReplacer("name: files", "name: F", "eu-west-1", "europe", "90m", "1s").Replace(good)
	_, err := Parse("f.yaml", []byte(text))
	for _, want := range []string{"f.yaml:1:7: name", "f.yaml:3:11: regions[0]", "f.yaml:5:15: max_duration"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s is missing in %v", want, err)
		}
	}
}

func TestEmptyFile(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "# nothing\n", "---\n"} {
		if _, err := Parse("f.yaml", []byte(text)); !errors.Is(err, fleet.ErrInvalid) {
			t.Errorf("%q: got %v", text, err)
		}
	}
}

func TestTooLarge(t *testing.T) {
	t.Parallel()
	text := strings.Replace(good, `["*"]`, `["arn:aws:s3:::`+strings.Repeat("x", 6500)+`"]`, 1)
	if _, err := Parse("f.yaml", []byte(text)); err == nil || !strings.Contains(err.Error(), "f.yaml:9:5: statements[0]: \"All: 6") {
		t.Errorf("got %v", err)
	}
}

func TestLoadDir(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := LoadDir(dir); !errors.Is(err, fleet.ErrInvalid) || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("empty folder: %v", err)
	}
	if _, err := LoadDir(filepath.Join(dir, "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no folder: %v", err)
	}
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("a.yaml", good)
	write("notes.txt", "not a lab type")
	types, err := LoadDir(dir)
	if err != nil || len(types) != 1 || types["files"].Title != "Files" {
		t.Fatalf("got %v, %v", types, err)
	}
	write("b.yml", good)
	write("c.yaml", "name: x\n")
	_, err = LoadDir(dir)
	for _, want := range []string{"/b.yml: name: \"files\" is taken by ", "/c.yaml:1:1: title"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s is missing in %v", want, err)
		}
	}
}
