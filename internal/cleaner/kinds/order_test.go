package kinds

import (
	"os"
	"strings"
	"testing"
)

func TestOrder(t *testing.T) {
	t.Parallel()
	r, err := Registry()
	if err != nil {
		t.Fatal(err)
	}
	wave := map[string]int{}
	for i, w := range r.Waves() {
		var names []string
		for _, k := range w {
			wave[k.Name] = i
			names = append(names, k.Name)
		}
		t.Logf("wave %d: %s", i, strings.Join(names, " "))
	}
	for _, pair := range [][2]string{
		{"ec2.nat_gateway", "ec2.address"}, {"ec2.image", "ec2.snapshot"}, {"ec2.network_interface", "ec2.security_group"},
		{"ec2.subnet", "ec2.vpc"}, {"lambda.function", "logs.group"}, {"autoscaling.group", "ec2.instance"}, {"iam.role", "iam.policy"},
	} {
		if wave[pair[0]] >= wave[pair[1]] {
			t.Errorf("%s (wave %d) must go before %s (wave %d)", pair[0], wave[pair[0]], pair[1], wave[pair[1]])
		}
	}
	for _, name := range runsUnderRoles {
		if wave[name] >= wave["iam.role"] {
			t.Errorf("%s acts under roles and goes in wave %d, roles in wave %d", name, wave[name], wave["iam.role"])
		}
	}
}

func TestKindsAreShort(t *testing.T) {
	t.Parallel()
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f.Name())
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(b), "\n"); n >= 80 && !strings.HasSuffix(f.Name(), "_test.go") {
			t.Errorf("%s has %d lines; a kind has fewer than 80", f.Name(), n)
		}
	}
}
