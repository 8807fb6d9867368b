package core

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net/http"
	"net/url"
	"sort"
	"strings"
	"time"
)

// signature is what a request says about who signed it and how.
// Source: "Signature Version 4 signing process", IAM user guide.
type signature struct {
	keyID, date, region, service string
	signedHeaders                []string
	value                        string
	token                        string
	when                         time.Time
	expires                      time.Duration // presigned only
	presigned                    bool
}

const amzTime = "20060102T150405Z"

// maxSkew is how far a signature's time may be from AWS's clock.
const maxSkew = 15 * time.Minute

// parseSignature reads the Authorization header or the presigned query; nil
// means that the request is not signed.
func parseSignature(r *http.Request) (*signature, *Error) {
	q := r.URL.Query()
	if q.Get("X-Amz-Algorithm") != "" {
		return parsePresigned(q)
	}
	h := r.Header.Get("Authorization")
	if strings.HasPrefix(h, "AWS ") || q.Has("AWSAccessKeyId") && q.Has("Signature") {
		// Signature Version 2, which S3 does not take for buckets made since
		// 24 June 2020 ("AWS Signature Version 2 Turned Off").
		return nil, Errorf(400, "InvalidRequest", "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.")
	}
	if h == "" {
		return nil, nil
	}
	rest, ok := strings.CutPrefix(h, "AWS4-HMAC-SHA256")
	if !ok {
		return nil, Errorf(400, "IncompleteSignature", "Unsupported authorization algorithm; the simulator verifies AWS4-HMAC-SHA256 only.")
	}
	s := &signature{token: r.Header.Get("X-Amz-Security-Token")}
	for _, part := range strings.Split(rest, ",") {
		k, v, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch k {
		case "Credential":
			if !s.scope(v) {
				return nil, Errorf(400, "IncompleteSignature", "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '%s'", v)
			}
		case "SignedHeaders":
			s.signedHeaders = strings.Split(v, ";")
		case "Signature":
			s.value = v
		}
	}
	stamp := r.Header.Get("X-Amz-Date")
	if stamp == "" {
		if t, err := http.ParseTime(r.Header.Get("Date")); err == nil {
			stamp = t.UTC().Format(amzTime)
		}
	}
	t, err := time.Parse(amzTime, stamp)
	if err != nil || s.value == "" || s.keyID == "" || len(s.signedHeaders) == 0 {
		return nil, Errorf(400, "IncompleteSignature", "Authorization header requires existence of 'Credential', 'SignedHeaders', 'Signature' and either a 'X-Amz-Date' or a 'Date' header.")
	}
	s.when = t
	return s, nil
}

func parsePresigned(q url.Values) (*signature, *Error) {
	s := &signature{presigned: true, token: q.Get("X-Amz-Security-Token"), value: q.Get("X-Amz-Signature"),
		signedHeaders: strings.Split(q.Get("X-Amz-SignedHeaders"), ";")}
	t, err := time.Parse(amzTime, q.Get("X-Amz-Date"))
	secs, err2 := time.ParseDuration(q.Get("X-Amz-Expires") + "s")
	if err != nil || err2 != nil || !s.scope(q.Get("X-Amz-Credential")) || s.value == "" {
		return nil, Errorf(400, "AuthorizationQueryParametersError", "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.")
	}
	s.when, s.expires = t, secs
	return s, nil
}

func (s *signature) scope(v string) bool {
	p := strings.Split(v, "/")
	if len(p) != 5 || p[4] != "aws4_request" {
		return false
	}
	s.keyID, s.date, s.region, s.service = p[0], p[1], p[2], p[3]
	return true
}

// fresh refuses signatures too far from now and presigned URLs that ran out.
func (s *signature) fresh(now time.Time) *Error {
	if s.presigned {
		if now.After(s.when.Add(s.expires)) {
			return Errorf(403, "AccessDenied", "Request has expired")
		}
		return nil
	}
	if d := now.Sub(s.when); d > maxSkew || d < -maxSkew {
		if s.service == "s3" {
			return Errorf(403, "RequestTimeTooSkewed", "The difference between the request time and the current time is too large.")
		}
		return Errorf(403, "SignatureDoesNotMatch", "Signature expired: %s is now earlier than %s", s.when.Format(amzTime), now.Add(-maxSkew).Format(amzTime))
	}
	return nil
}

// verify computes the signature with the secret and compares. bodyHash is the
// SHA-256 of the body as sent.
func (s *signature) verify(r *http.Request, secret, bodyHash string) bool {
	payload := r.Header.Get("X-Amz-Content-Sha256")
	switch {
	case s.presigned && payload == "":
		payload = "UNSIGNED-PAYLOAD"
		if s.service != "s3" {
			payload = bodyHash
		}
	case payload == "" || isHash(payload):
		if payload != "" && payload != bodyHash {
			return false
		}
		payload = bodyHash
	}
	canonical := strings.Join([]string{
		r.Method, s.canonicalPath(r), s.canonicalQuery(r), s.canonicalHeaders(r),
		strings.Join(s.signedHeaders, ";"), payload,
	}, "\n")
	sum := sha256.Sum256([]byte(canonical))
	scope := strings.Join([]string{s.date, s.region, s.service, "aws4_request"}, "/")
	toSign := strings.Join([]string{"AWS4-HMAC-SHA256", s.when.Format(amzTime), scope, hex.EncodeToString(sum[:])}, "\n")
	key := mac([]byte("AWS4"+secret), s.date)
	for _, part := range []string{s.region, s.service, "aws4_request"} {
		key = mac(key, part)
	}
	want := hex.EncodeToString(mac(key, toSign))
	return subtle.ConstantTimeCompare([]byte(want), []byte(s.value)) == 1
}

func mac(key []byte, s string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(s))
	return h.Sum(nil)
}

func isHash(s string) bool {
	_, err := hex.DecodeString(s)
	return err == nil && len(s) == 64
}

// canonicalPath: S3 signs the path as it is sent, all others encode it once more.
func (s *signature) canonicalPath(r *http.Request) string {
	p := r.URL.EscapedPath()
	if p == "" {
		p = "/"
	}
	if s.service == "s3" {
		return strictEscape(unescapePath(p), true)
	}
	return strictEscape(p, true)
}

func unescapePath(p string) string {
	u, err := url.PathUnescape(p)
	if err != nil {
		return p
	}
	return u
}

func (s *signature) canonicalQuery(r *http.Request) string {
	var pairs []string
	for _, kv := range strings.Split(r.URL.RawQuery, "&") {
		if kv == "" {
			continue
		}
		k, v, _ := strings.Cut(kv, "=")
		k, v = unescapeQuery(k), unescapeQuery(v)
		if k == "X-Amz-Signature" {
			continue
		}
		pairs = append(pairs, strictEscape(k, false)+"="+strictEscape(v, false))
	}
	sort.Strings(pairs)
	return strings.Join(pairs, "&")
}

func unescapeQuery(s string) string {
	u, err := url.QueryUnescape(s)
	if err != nil {
		return s
	}
	return u
}

func (s *signature) canonicalHeaders(r *http.Request) string {
	var b strings.Builder
	for _, h := range s.signedHeaders {
		var vals []string
		switch h {
		case "host":
			vals = []string{r.Host}
		case "content-length":
			vals = []string{r.Header.Get("Content-Length")}
			if vals[0] == "" {
				vals[0] = itoa(r.ContentLength)
			}
		default:
			for _, v := range r.Header.Values(h) {
				vals = append(vals, strings.Join(strings.Fields(v), " "))
			}
		}
		b.WriteString(h + ":" + strings.Join(vals, ",") + "\n")
	}
	return b.String()
}

const upperHex = "0123456789ABCDEF"

// strictEscape is RFC 3986 percent-encoding; "/" stays when keepSlash.
func strictEscape(s string, keepSlash bool) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' ||
			c == '-' || c == '_' || c == '.' || c == '~' || c == '/' && keepSlash {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(upperHex[c>>4])
		b.WriteByte(upperHex[c&15])
	}
	return b.String()
}
