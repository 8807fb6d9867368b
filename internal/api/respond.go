package api

import (
	"bytes"
	"encoding/json"
	"net/http"
	"time"
)

// writeJSON answers with JSON.
func writeJSON(w http.ResponseWriter, status int, contentType string, v any) {
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v) // a client that went away is its own affair
}

// kept is an answer that is held back until it is recorded.
type kept struct {
	socket http.ResponseWriter
	header http.Header
	status int
	body   bytes.Buffer
}

func keep(w http.ResponseWriter) *kept { return &kept{socket: w, header: http.Header{}} }

// SetReadDeadline is for http.ResponseController.
func (k *kept) SetReadDeadline(t time.Time) error {
	return http.NewResponseController(k.socket).SetReadDeadline(t)
}

// Header implements http.ResponseWriter.
func (k *kept) Header() http.Header { return k.header }

// WriteHeader implements http.ResponseWriter; the first status holds.
func (k *kept) WriteHeader(status int) {
	if k.status == 0 {
		k.status = status
	}
}

// Write implements http.ResponseWriter.
func (k *kept) Write(b []byte) (int, error) {
	k.WriteHeader(http.StatusOK)
	return k.body.Write(b)
}

// send lets the answer go.
func (k *kept) send() {
	k.WriteHeader(http.StatusOK)
	for name, values := range k.header {
		k.socket.Header()[name] = values
	}
	k.socket.WriteHeader(k.status)
	_, _ = k.socket.Write(k.body.Bytes()) // a client that went away is its own affair
}

// code is the code of the problem that the answer is, "" if it is none.
func (k *kept) code() string {
	var p struct{ Code string }
	if k.status < http.StatusBadRequest || json.Unmarshal(k.body.Bytes(), &p) != nil {
		return ""
	}
	return p.Code
}

// noted lets an answer through and notes its status.
type noted struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements http.ResponseWriter.
func (n *noted) WriteHeader(status int) {
	if n.status == 0 {
		n.status = status
	}
	n.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (n *noted) Write(b []byte) (int, error) {
	if n.status == 0 {
		n.status = http.StatusOK
	}
	return n.ResponseWriter.Write(b)
}

// Flush implements http.Flusher, for streams.
func (n *noted) Flush() { _ = http.NewResponseController(n.ResponseWriter).Flush() }

// Unwrap is for http.ResponseController.
func (n *noted) Unwrap() http.ResponseWriter { return n.ResponseWriter }
