package iam

import (
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// Kinds of core.Session.
const (
	SessionRole       = "AssumeRole"
	SessionToken      = "GetSessionToken"
	SessionFederation = "GetFederationToken"
	SessionService    = "Service"
)

// session is a set of temporary credentials.
type session struct {
	core.Session
	account, roleARN, userID string
	secret, token            string
	transitive               map[string]string
}

type sessionStore struct {
	m       map[string]*session // by access key id
	sweepAt int
}

func newSessionStore() sessionStore {
	return sessionStore{m: map[string]*session{}, sweepAt: 1024}
}

// Credentials are a key pair with a session token.
type Credentials struct {
	AccessKeyID, SecretAccessKey, SessionToken string
	Expires                                    time.Time
}

// Mint makes credentials for a session of a role. s needs Kind, Name, Issued
// and Expires; transitive are those of s.Tags that chained sessions inherit.
func (i *IAM) Mint(role *Role, s core.Session, transitive map[string]string) Credentials {
	s.RoleID = role.ID
	return i.mint(&session{Session: s, account: role.Account, roleARN: role.ARN(), transitive: transitive})
}

// MintOwn makes credentials for a session of a user, or of the root user if
// userID is "": GetSessionToken and GetFederationToken.
func (i *IAM) MintOwn(account, userID string, s core.Session) Credentials {
	return i.mint(&session{Session: s, account: account, userID: userID})
}

// TransitiveTags are the tags that sessions chained from this one inherit.
func (i *IAM) TransitiveTags(p *core.Principal) map[string]string {
	if s := i.sessions.m[p.AccessKeyID]; s != nil {
		return s.transitive
	}
	return nil
}

func (i *IAM) mint(s *session) Credentials {
	i.sessions.sweep(s.Issued)
	id := i.accessKeyID("ASIA", s.account)
	s.secret = i.w.Secret(40)
	s.token = newToken(id, s.Expires, i.w.Secret(240))
	i.sessions.m[id] = s
	return Credentials{id, s.secret, s.token, s.Expires}
}

// sweep forgets expired sessions whenever their number has doubled.
func (st *sessionStore) sweep(now time.Time) {
	if len(st.m) < st.sweepAt {
		return
	}
	for id, s := range st.m {
		if s.Expires.Before(now) {
			delete(st.m, id)
		}
	}
	st.sweepAt = max(1024, 2*len(st.m))
}

// A token tells its own end, so that an expired session is known as such after
// it was forgotten.
func newToken(keyID string, expires time.Time, random string) string {
	head := keyID + " " + strconv.FormatInt(expires.Unix(), 10)
	return base64.StdEncoding.EncodeToString([]byte(head)) + "/" + random
}

func tokenExpired(keyID, token string, now time.Time) bool {
	head, _, _ := strings.Cut(token, "/")
	b, err := base64.StdEncoding.DecodeString(head)
	if err != nil {
		return false
	}
	id, end, _ := strings.Cut(string(b), " ")
	secs, err := strconv.ParseInt(end, 10, 64)
	return err == nil && id == keyID && !now.Before(time.Unix(secs, 0))
}

// accessKeyID makes an access key id that holds its account's number, as AWS's
// do: base32 of a set bit, 40 bits of account, and 39 bits of chance.
func (i *IAM) accessKeyID(prefix, account string) string {
	n, err := strconv.ParseUint(account, 10, 40)
	chance, err2 := hex.DecodeString(i.w.Hex(10))
	if err != nil || err2 != nil {
		panic("awssim/iam: account id " + account + " is not 12 digits")
	}
	b := binary.BigEndian.AppendUint64(nil, 1<<47|n<<7|uint64(chance[0]&0x7f))[2:]
	return prefix + base32.StdEncoding.EncodeToString(append(b, chance[1:]...))
}

// KeyAccount reads the account's number out of an access key id; ok is false
// for what is no access key id.
func KeyAccount(id string) (account string, ok bool) {
	if len(id) != 20 || !strings.HasPrefix(id, "AKIA") && !strings.HasPrefix(id, "ASIA") {
		return "", false
	}
	b, err := base32.StdEncoding.DecodeString(id[4:])
	if err != nil {
		return "", false
	}
	n := binary.BigEndian.Uint64(append([]byte{0, 0}, b[:6]...))
	digits := strconv.FormatUint(n>>7&(1<<40-1), 10)
	return strings.Repeat("0", max(0, 12-len(digits))) + digits, true
}
