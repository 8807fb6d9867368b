package access

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/kodekloud/kml/internal/clock"
)

const (
	answerLife  = 5 * time.Second // how often a provider is asked for the same thing
	answerLimit = 1 << 20         // bytes
)

// errNoAnswer says that the provider did not give what it was asked for.
var errNoAnswer = errors.New("no answer")

// polite asks for the same address once in a while only: a token with a key id
// that nobody knows makes go-oidc ask for the keys anew, and anybody can send
// such tokens.
type polite struct {
	next  http.RoundTripper
	clock clock.Clock

	mu      sync.Mutex
	answers map[string]providerAnswer
}

type providerAnswer struct {
	at     time.Time
	header http.Header
	body   []byte
	err    error
}

// RoundTrip implements http.RoundTripper.
func (p *polite) RoundTrip(r *http.Request) (*http.Response, error) {
	p.mu.Lock()
	defer p.mu.Unlock() // the addresses are two, and asking twice at once helps nobody
	at := r.URL.String()
	a, ok := p.answers[at]
	if !ok || p.clock.Since(a.at) >= answerLife {
		a = p.ask(r)
		if p.answers == nil {
			p.answers = map[string]providerAnswer{}
		}
		p.answers[at] = a
	}
	if a.err != nil {
		return nil, a.err
	}
	return &http.Response{Status: "200 OK", StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: a.header.Clone(), Body: io.NopCloser(bytes.NewReader(a.body)), ContentLength: int64(len(a.body)), Request: r}, nil
}

func (p *polite) ask(r *http.Request) providerAnswer {
	next := p.next
	if next == nil {
		next = http.DefaultTransport
	}
	a := providerAnswer{at: p.clock.Now()}
	resp, err := next.RoundTrip(r)
	if err != nil {
		a.err = fmt.Errorf("%w: %w", errNoAnswer, err)
		return a
	}
	defer func() { _ = resp.Body.Close() }() // only read
	a.header = resp.Header
	a.body, err = io.ReadAll(io.LimitReader(resp.Body, answerLimit))
	switch {
	case err != nil:
		a.err = fmt.Errorf("%w: %w", errNoAnswer, err)
	case resp.StatusCode != http.StatusOK:
		a.err = fmt.Errorf("%w: %s", errNoAnswer, resp.Status)
	}
	return a
}
