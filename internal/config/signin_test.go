package config

import "testing"

func TestSignIn(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		aws  AWS
		want string
	}{
		{AWS{}, ""},
		{AWS{EndpointURL: "http://127.0.0.1:4566/"}, "http://127.0.0.1:4566/_signin"},
		{AWS{EndpointURL: "http://127.0.0.1:4566", SignInURL: "https://signin.example.org"}, "https://signin.example.org"},
	} {
		if got := c.aws.SignIn(); got != c.want {
			t.Errorf("%+v: %q, want %q", c.aws, got, c.want)
		}
	}
}
