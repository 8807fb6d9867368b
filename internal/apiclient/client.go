package apiclient

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

// Options say how to reach the server. The zero value is right for most.
type Options struct {
	// CAFile is a PEM file of the authorities that the server's certificate may
	// come from; empty: those of the system.
	CAFile string
	// CertFile and KeyFile are the client's own certificate and its key, PEM, for
	// servers that ask for one.
	CertFile, KeyFile string
	// Timeout bounds one try of a call, 150 s if zero; the server itself takes at
	// most 2 minutes, over a dry run. Streams have none. A whole call is bounded by
	// its context.
	Timeout time.Duration
	// UserAgent names the program in the server's logs.
	UserAgent string
	// HTTPClient is used instead of one that the fields above describe. Its own
	// timeout is not.
	HTTPClient *http.Client
	// Tries is how often a call that may be repeated is tried, 5 if zero; Pause is
	// the wait before the second try, doubled for each further one up to 5 s,
	// 200 ms if zero. The server's Retry-After goes before both.
	Tries int
	Pause time.Duration
}

// The defaults of [Options].
const (
	defaultTimeout = 150 * time.Second
	defaultTries   = 5
	defaultPause   = 200 * time.Millisecond
	longestPause   = 5 * time.Second
)

// Client calls one server with one key. It may be used by many goroutines.
type Client struct {
	base  *url.URL
	key   string
	agent string
	pause time.Duration

	calls   *retryablehttp.Client
	streams *http.Client // without a timeout
}

// New makes a client of the server at an address such as https://kml.example.org,
// with an API key or a bearer token. An empty key asks as nobody.
func New(baseURL, key string, o Options) (*Client, error) {
	base, err := url.Parse(baseURL)
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" || base.RawQuery != "" || base.User != nil {
		return nil, fmt.Errorf("server address %.100q: give one such as https://kml.example.org", baseURL)
	}
	base.Path = strings.TrimSuffix(base.Path, "/")
	key = strings.TrimSpace(key)
	if strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, errors.New("the API key holds spaces, line breaks or foreign characters: give it as it was shown")
	}
	plain, err := o.client()
	if err != nil {
		return nil, err
	}
	c := &Client{base: base, key: key, agent: cmp.Or(o.UserAgent, "kml-go"), pause: cmp.Or(o.Pause, defaultPause), streams: plain}
	timed := *plain
	timed.Timeout = cmp.Or(o.Timeout, defaultTimeout)
	c.calls = &retryablehttp.Client{HTTPClient: &timed, RetryMax: cmp.Or(o.Tries, defaultTries) - 1, RetryWaitMin: c.pause, RetryWaitMax: longestPause,
		CheckRetry: again, Backoff: retryablehttp.DefaultBackoff, ErrorHandler: retryablehttp.PassthroughErrorHandler}
	return c, nil
}

// Server is the server's address.
func (c *Client) Server() string { return c.base.String() }

// String names the server; the key is not in it.
func (c *Client) String() string { return "client of " + c.base.Redacted() }

// GoString hides the key.
func (c *Client) GoString() string { return c.String() }

// client is the HTTP client that the options describe. Redirects are not
// followed: a POST would become a GET on the way.
func (o Options) client() (*http.Client, error) {
	var out http.Client
	if o.HTTPClient != nil {
		out = *o.HTTPClient
		out.Timeout = 0
	} else {
		t := http.DefaultTransport.(*http.Transport).Clone()
		config, err := o.tls()
		if err != nil {
			return nil, err
		}
		t.TLSClientConfig = config
		out.Transport = t
	}
	out.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &out, nil
}

func (o Options) tls() (*tls.Config, error) {
	out := &tls.Config{MinVersion: tls.VersionTLS12}
	if o.CAFile != "" {
		pem, err := os.ReadFile(o.CAFile)
		if err != nil {
			return nil, fmt.Errorf("certificates of the authorities: %w", err)
		}
		out.RootCAs = x509.NewCertPool()
		if !out.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("certificates of the authorities: %s holds none in PEM", o.CAFile)
		}
	}
	if o.CertFile != "" || o.KeyFile != "" {
		pair, err := tls.LoadX509KeyPair(o.CertFile, o.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("the client's certificate: %w", err)
		}
		out.Certificates = []tls.Certificate{pair}
	}
	return out, nil
}
