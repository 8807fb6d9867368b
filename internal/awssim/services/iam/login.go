package iam

import (
	"crypto/subtle"
	"strings"
	"time"
	"unicode"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// login is a console password.
type login struct {
	password string
	created  time.Time
	reset    bool
}

type loginIn struct {
	UserName              string
	Password              string `trail:"-"`
	PasswordResetRequired *bool
}

func (in *loginIn) name() string { return in.UserName }

type loginOut struct {
	UserName              string
	CreateDate            core.Time
	PasswordResetRequired bool
}

type oneLoginOut struct{ LoginProfile loginOut }

type changePasswordIn struct {
	OldPassword string `trail:"-"`
	NewPassword string `trail:"-"`
}

func (i *IAM) loginOps() []core.Op {
	onSelf := on(i, kindUser, (*loginIn).name)
	return []core.Op{
		core.Handle("CreateLoginProfile", i.createLogin, onSelf),
		core.Handle("GetLoginProfile", func(c *core.Call, in *loginIn) (*oneLoginOut, error) {
			u, err := i.loginUser(c, in)
			if err != nil {
				return nil, err
			}
			return u.loginOut(), nil
		}, core.ReadOnly, onSelf),
		core.Handle("UpdateLoginProfile", func(c *core.Call, in *loginIn) (core.None, error) {
			u, err := i.loginUser(c, in)
			if err != nil {
				return core.None{}, err
			}
			if in.Password != "" {
				if err := i.of(c).acceptable(in.Password, u); err != nil {
					return core.None{}, err
				}
				u.Login.password = in.Password
			}
			if in.PasswordResetRequired != nil {
				u.Login.reset = *in.PasswordResetRequired
			}
			return core.None{}, nil
		}, onSelf),
		core.Handle("DeleteLoginProfile", func(c *core.Call, in *loginIn) (core.None, error) {
			u, err := i.loginUser(c, in)
			if err != nil {
				return core.None{}, err
			}
			u.Login = nil
			return core.None{}, nil
		}, onSelf),
		core.Handle("ChangePassword", i.changePassword, on(i, kindUser, func(*changePasswordIn) string { return "" })),
	}
}

func (u *User) loginOut() *oneLoginOut {
	return &oneLoginOut{loginOut{u.Name, core.At(u.Login.created), u.Login.reset}}
}

func (i *IAM) loginUser(c *core.Call, in *loginIn) (*User, error) {
	u, err := i.of(c).user(own(c, in.UserName))
	if err != nil {
		return nil, err
	}
	if u.Login == nil {
		return nil, notFound("Login Profile for User %s cannot be found.", u.Name)
	}
	return u, nil
}

func (i *IAM) createLogin(c *core.Call, in *loginIn) (*oneLoginOut, error) {
	a := i.of(c)
	u, err := a.user(own(c, in.UserName))
	if err != nil {
		return nil, err
	}
	if u.Login != nil {
		return nil, exists("Login Profile for user %s already exists.", u.Name)
	}
	if err := a.acceptable(in.Password, u); err != nil {
		return nil, err
	}
	u.Login = &login{password: in.Password, created: c.Now, reset: in.PasswordResetRequired != nil && *in.PasswordResetRequired}
	return u.loginOut(), nil
}

func (i *IAM) changePassword(c *core.Call, in *changePasswordIn) (core.None, error) {
	if c.Principal.UserName == "" {
		return core.None{}, core.Errorf(400, "InvalidUserType", "Only IAM Users can change their own password")
	}
	a := i.of(c)
	u, err := i.loginUser(c, &loginIn{})
	if err != nil {
		return core.None{}, err
	}
	if !same(u.Login.password, in.OldPassword) {
		return core.None{}, core.Errorf(403, "AccessDenied", "The old password was incorrect.")
	}
	if err := a.acceptable(in.NewPassword, u); err != nil {
		return core.None{}, err
	}
	u.Login.password, u.Login.reset = in.NewPassword, false
	return core.None{}, nil
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// acceptable holds a password against the account's password policy, or against
// AWS's default one: eight characters of three kinds, and not the user's name.
func (a *account) acceptable(password string, u *User) error {
	var upper, lower, digit, symbol int
	for _, r := range password {
		switch {
		case unicode.IsUpper(r):
			upper = 1
		case unicode.IsLower(r):
			lower = 1
		case unicode.IsDigit(r):
			digit = 1
		default:
			symbol = 1
		}
	}
	bad := func(what string) error {
		return core.Errorf(400, "PasswordPolicyViolation", "Password does not conform to the account password policy: %s", what)
	}
	p := a.password
	switch {
	case p == nil && (len(password) < 8 || upper+lower+digit+symbol < 3):
		return bad("at least 8 characters of three kinds")
	case p == nil && strings.EqualFold(password, u.Name):
		return bad("not the name of the user")
	case p == nil:
		return nil
	case len(password) < p.MinimumPasswordLength:
		return bad("too short")
	case p.RequireUppercaseCharacters && upper == 0, p.RequireLowercaseCharacters && lower == 0,
		p.RequireNumbers && digit == 0, p.RequireSymbols && symbol == 0:
		return bad("a required kind of character is missing")
	}
	return nil
}

// SignIn is the console's door: it reports whether a user could sign in with a
// password now. The console knows a change of password at once.
func (i *IAM) SignIn(accountID, userName, password string, now time.Time) bool {
	u := i.account(accountID).users.get(userName)
	if u == nil || u.Login == nil || !same(u.Login.password, password) {
		return false
	}
	u.PasswordLastUsed = now
	return true
}
