package webhook

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

const (
	sendLimit   = 15 * time.Second // of an attempt, all in all, unless configured
	dialLimit   = 5 * time.Second
	againAfter  = 200 * time.Millisecond // a connection that broke is tried once more
	maxResponse = 64 << 10
	maxHeader   = 64 << 10
	busyFor     = 500 * time.Millisecond
)

// How much is sent at once by a process. Receivers that hang must not take the
// slots that cleanings share with deliveries, nor an owner those of the others.
const (
	atOnce      = 8
	atOnceOwner = 6
	atOnceHost  = 4
)

// sender posts to receivers. Plain http has a client of its own, which goes to
// admitted addresses alone.
type sender struct {
	secure, plain *retryablehttp.Client
	limit         time.Duration

	mu   sync.Mutex
	busy map[string]int // requests by host and by owner
	all  int
}

func newSender(c Config) *sender {
	return &sender{secure: newClient(c, false), plain: newClient(c, true), limit: cmp.Or(c.Limit, sendLimit), busy: map[string]int{}}
}

func newClient(cfg Config, plain bool) *retryablehttp.Client {
	// Control sees the very address that the socket is about to connect to.
	dialer := &net.Dialer{Timeout: dialLimit, Resolver: cfg.Resolver, Control: func(_, address string, _ syscall.RawConn) error { return cfg.Targets.dial(address, plain) }}
	c := retryablehttp.NewClient()
	c.HTTPClient = &http.Client{
		Transport: &http.Transport{
			Proxy: nil, DialContext: dialer.DialContext, TLSHandshakeTimeout: dialLimit, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: cfg.Roots},
			ForceAttemptHTTP2: true, DisableCompression: true, MaxResponseHeaderBytes: maxHeader, MaxIdleConnsPerHost: 2, IdleConnTimeout: 30 * time.Second,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	c.Logger = nil
	c.RetryMax, c.RetryWaitMin, c.RetryWaitMax = 1, againAfter, againAfter
	c.CheckRetry = func(ctx context.Context, _ *http.Response, err error) (bool, error) {
		var op *net.OpError
		broken := errors.As(err, &op) || errors.Is(err, io.EOF)
		return ctx.Err() == nil && broken && !errors.Is(err, errRefused), nil
	}
	c.ErrorHandler = retryablehttp.PassthroughErrorHandler // the cause as it was
	return c
}

func (s *sender) close() {
	s.secure.HTTPClient.CloseIdleConnections()
	s.plain.HTTPClient.CloseIdleConnections()
}

// slot takes the right to send to the host of an owner's URL; free gives it back.
func (s *sender) slot(owner, raw string) (free func(), ok bool) {
	host := raw
	if u, err := url.Parse(raw); err == nil {
		host = u.Host
	}
	host, owner = "host/"+host, "owner/"+owner
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all >= atOnce || s.busy[host] >= atOnceHost || s.busy[owner] >= atOnceOwner {
		return nil, false
	}
	s.all++
	s.busy[host]++
	s.busy[owner]++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.all--
		for _, of := range []string{host, owner} {
			if s.busy[of]--; s.busy[of] == 0 {
				delete(s.busy, of)
			}
		}
	}, true
}

// answer is what became of a request.
type answer struct {
	status  int    // 0 without an answer
	err     string // "" if it was accepted
	refused bool   // the target is not admitted
	after   string // header Retry-After
}

// post sends a body, follows nothing, and keeps nothing of the answer but its
// status.
func (s *sender) post(ctx context.Context, to string, header http.Header, body []byte) answer {
	ctx, cancel := context.WithTimeout(ctx, s.limit)
	defer cancel()
	req, err := retryablehttp.NewRequestWithContext(ctx, http.MethodPost, to, body)
	if err != nil {
		return answer{err: "the URL cannot be used"}
	}
	req.Header = header
	client := s.secure
	if req.URL.Scheme == "http" {
		client = s.plain
	}
	resp, err := client.Do(req)
	if err != nil {
		return answer{err: reason(err), refused: errors.Is(err, errRefused)}
	}
	defer resp.Body.Close()
	// What is not read costs the connection, nothing else.
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxResponse))
	return answer{status: resp.StatusCode, err: verdict(resp.StatusCode), after: resp.Header.Get("Retry-After")}
}

// verdict says what is wrong with a status; "" if nothing is.
func verdict(status int) string {
	switch {
	case status >= 200 && status < 300:
		return ""
	case status >= 300 && status < 400:
		return fmt.Sprintf("answered %d: redirects are not followed; give the address it leads to", status)
	case status == http.StatusGone:
		return "answered 410: it is gone for good, and nothing more is sent there"
	}
	return fmt.Sprintf("answered %d %s", status, http.StatusText(status))
}

// reason is an error in words of our own: those of the machine would tell
// addresses of the inner network.
func reason(err error) string {
	var dns *net.DNSError
	var unknown x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	var verify *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var timeout net.Error
	switch {
	case errors.Is(err, errRefused):
		return errRefused.Error()
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return "no answer in time"
	case errors.As(err, &dns):
		return "the name was not found"
	case errors.As(err, &unknown), errors.As(err, &host), errors.As(err, &invalid), errors.As(err, &verify):
		return "the certificate is not valid for this name"
	case errors.As(err, &record), errors.Is(err, http.ErrSchemeMismatch):
		return "it does not speak TLS"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "the connection was refused"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the connection was closed without an answer"
	}
	return "the request failed"
}

// retryAfter is how long the receiver asks to be left alone, in seconds or to a
// date; 0 if it does not.
func (a answer) retryAfter(now time.Time) time.Duration {
	if n, err := strconv.ParseUint(a.after, 10, 31); err == nil {
		return time.Duration(n) * time.Second
	}
	if at, err := http.ParseTime(a.after); err == nil {
		return max(at.Sub(now), 0)
	}
	return 0
}
