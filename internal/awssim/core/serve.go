package core

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxBody bounds a request; S3's own limit for a single put is larger, the
// laptop's memory is not.
const maxBody = 128 << 20

// ServeHTTP is the pipeline: read, recognise, fault, authenticate, throttle,
// authorize, handle, record, answer.
func (w *World) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	expected(rw, r)
	raw, err := io.ReadAll(http.MaxBytesReader(rw, r.Body, maxBody))
	if err != nil {
		http.Error(rw, "request body: "+err.Error(), http.StatusRequestEntityTooLarge)
		return
	}
	sig, serr := parseSignature(r)
	sum := sha256.Sum256(raw)
	body, cerr := decodeChunked(r, raw)
	c, ferr := w.find(r, sig, body)
	w.mu.Lock()
	c.RequestID = w.UUID()
	delay := w.latency.of(c.Service.Name, w.Float())
	w.mu.Unlock()
	if cerr != nil {
		ferr = Errorf(400, "InvalidRequest", "aws-chunked body: %v", cerr)
	}
	for _, e := range []*Error{serr, ferr} {
		if e != nil {
			w.write(rw, c, c.encodeError(e))
			return
		}
	}
	if !pause(r, delay) {
		return
	}
	w.run(rw, c, sig, hex.EncodeToString(sum[:]))
}

// expected tells a client to go on that asked to be told before it sends an
// empty body. Package http does it before the first read of any other body; for
// an empty one it gives the final answer at once, as it may, but then boto's
// connection misreads the next answer on it and hangs.
func expected(rw http.ResponseWriter, r *http.Request) {
	if r.ContentLength == 0 && strings.EqualFold(r.Header.Get("Expect"), "100-continue") {
		rw.WriteHeader(http.StatusContinue)
	}
}

// run is the part of the pipeline that the world's lock covers.
func (w *World) run(rw http.ResponseWriter, c *Call, sig *signature, bodyHash string) {
	a, f := w.locked(c, sig, bodyHash)
	if f != nil {
		switch f.Kind {
		case FaultTimeout:
			pause(c.Request, time.Minute)
			hijackClose(rw)
			return
		case FaultResetBefore, FaultResetAfter:
			hijackClose(rw)
			return
		}
	}
	w.write(rw, c, a)
}

func (w *World) locked(c *Call, sig *signature, bodyHash string) (answer, *FaultRule) {
	w.mu.Lock()
	defer w.mu.Unlock()
	c.Now = w.Clock.Now()
	if sig != nil {
		if e := c.authenticate(sig, c.Request, bodyHash); e != nil {
			return c.refuse(nil, e), nil
		}
	} else if !c.Op.Anonymous {
		return c.refuse(nil, c.denied("Missing Authentication Token")), nil
	}
	account := ""
	if c.Account != nil {
		account = c.Account.ID
	}
	f := w.faults.match(c.Service.Name, c.Op.Name, account, c.Region, c.role(), w.Float)
	if f != nil && f.Kind != FaultResetAfter {
		return c.refuse(nil, c.faultError(f)), f
	}
	if !c.allow() {
		return c.refuse(nil, c.throttled()), nil
	}
	w.settle(account, c.Region, c.Now)
	in, e := c.decode()
	if e == nil {
		e = c.authorizeOp(in)
	}
	if e != nil {
		c.record(in, nil, e)
		return c.refuse(in, e), f
	}
	out, err := c.Op.handle(c, in)
	if err != nil {
		e := asError(err)
		c.record(in, nil, e)
		return c.refuse(in, e), f
	}
	c.record(in, out, nil)
	c.count("")
	a, err := c.encode(out)
	if err != nil {
		return c.encodeError(Errorf(500, "InternalFailure", "simulator: %v", err)), f
	}
	return a, f
}

// settle brings asynchronous state up to now before anything looks at it.
func (w *World) settle(account, region string, now time.Time) {
	if account == "" {
		return
	}
	for _, s := range w.services {
		if s.Settle == nil {
			continue
		}
		if s.Global {
			s.Settle(account, "", now)
		} else {
			s.Settle(account, region, now)
		}
	}
}

func (c *Call) refuse(_ any, e *Error) answer {
	c.count(e.Code)
	return c.encodeError(e)
}

func (c *Call) count(code string) {
	k := CounterKey{Service: c.Service.Name, Op: c.Op.Name, Code: code, Role: c.role()}
	if c.Account != nil {
		k.Account = c.Account.ID
	}
	c.World.counters.add(k)
}

// role is the name of the role whose session made the call, or "".
func (c *Call) role() string {
	if c.Principal == nil || c.Principal.RoleARN == "" {
		return ""
	}
	return afterLast(c.Principal.RoleARN, '/')
}

func (c *Call) faultError(f *FaultRule) *Error {
	switch {
	case f.Kind == FaultThrottle:
		return c.throttled()
	case f.Code != "":
		return Errorf(max(f.Status, 400), f.Code, "injected fault %s", f.ID)
	default:
		return Errorf(500, "InternalFailure", "injected fault %s", f.ID)
	}
}

func (w *World) write(rw http.ResponseWriter, c *Call, a answer) {
	h := rw.Header()
	for k, v := range a.header {
		if strings.HasPrefix(k, "X-Amz-Meta-") {
			k = strings.ToLower(k) // as S3 writes it: boto keeps the case of users' own names
		}
		h[k] = v
	}
	h.Set("x-amzn-RequestId", c.RequestID)
	h.Set("x-amz-request-id", c.RequestID)
	// Clients learn from it how far their clock is from AWS's, and sign by that.
	h.Set("Date", w.Clock.Now().Format(http.TimeFormat))
	if h.Get("Content-Length") == "" && c.Request.Method != http.MethodHead {
		h.Set("Content-Length", strconv.Itoa(len(a.body)))
	}
	rw.WriteHeader(a.status)
	if c.Request.Method != http.MethodHead {
		_, _ = rw.Write(a.body) // a client that went away is its own affair
	}
}

// pause waits for d or for the client to go away; false means it went.
func pause(r *http.Request, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-r.Context().Done():
		return false
	}
}

// hijackClose drops the connection without an answer.
func hijackClose(rw http.ResponseWriter) {
	if hj, ok := rw.(http.Hijacker); ok {
		if conn, _, err := hj.Hijack(); err == nil {
			_ = conn.Close()
			return
		}
	}
	panic(http.ErrAbortHandler)
}

// decodeChunked undoes the aws-chunked content encoding of S3 uploads. The seed
// signature has been verified with the headers; chunk signatures are not.
func decodeChunked(r *http.Request, raw []byte) ([]byte, error) {
	if !strings.HasPrefix(r.Header.Get("X-Amz-Content-Sha256"), "STREAMING-") {
		return raw, nil
	}
	var out bytes.Buffer
	for rest := raw; len(rest) > 0; {
		line, after, ok := bytes.Cut(rest, []byte("\r\n"))
		if !ok {
			return nil, fmt.Errorf("chunk header without end of line")
		}
		size, _, _ := strings.Cut(string(line), ";")
		n, err := strconv.ParseInt(strings.TrimSpace(size), 16, 64)
		if err != nil {
			return nil, fmt.Errorf("chunk size: %w", err)
		}
		if n == 0 {
			r.Trailer = trailers(after)
			return out.Bytes(), nil
		}
		if int64(len(after)) < n+2 {
			return nil, fmt.Errorf("chunk of %d bytes is cut short", n)
		}
		out.Write(after[:n])
		rest = after[n+2:]
	}
	return nil, fmt.Errorf("no final chunk")
}

// trailers reads what follows the last chunk: the checksum of the body.
func trailers(b []byte) http.Header {
	h := http.Header{}
	for line := range bytes.SplitSeq(b, []byte("\r\n")) {
		if name, value, ok := bytes.Cut(line, []byte(":")); ok {
			h.Set(string(bytes.TrimSpace(name)), string(bytes.TrimSpace(value)))
		}
	}
	return h
}

// Inventory is the oracle: everything in an account, or in all if account is "".
func (w *World) Inventory(account string) map[string][]Resource {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.Clock.Now()
	out := map[string][]Resource{}
	for _, a := range w.Accounts() {
		if account != "" && a.ID != account {
			continue
		}
		for _, name := range w.serviceNames() {
			s := w.services[name]
			if s.Inventory == nil {
				continue
			}
			for _, r := range s.Inventory(a.ID, now) {
				if r.Service == "" {
					r.Service = s.Name
				}
				out[a.ID] = append(out[a.ID], r)
			}
		}
	}
	return out
}
