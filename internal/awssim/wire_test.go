package awssim_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// TestOldSignature: S3 does not take Signature Version 2, and says so.
func TestOldSignature(t *testing.T) {
	t.Parallel()
	b := newMember(t, core.Options{Seed: 7})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.URL()+"/bucket/key?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=x&Expires=1", nil)
	ok(t, err)
	res, err := http.DefaultClient.Do(req)
	ok(t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	ok(t, err)
	if res.StatusCode != 400 || !strings.Contains(string(body), "<Code>InvalidRequest</Code>") {
		t.Fatalf("%d %s", res.StatusCode, body)
	}
}

// TestContinue: who asks whether to send a body is told to, also an empty one.
func TestContinue(t *testing.T) {
	t.Parallel()
	b := newMember(t, core.Options{Seed: 7})
	for _, length := range []string{"0", "1"} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(b.URL(), "http://"))
		ok(t, err)
		_, err = io.WriteString(conn, "PUT /bucket/key HTTP/1.1\r\nHost: s3\r\nExpect: 100-continue\r\nContent-Length: "+length+"\r\n\r\n")
		ok(t, err)
		line, err := bufio.NewReader(conn).ReadString('\n')
		if err != nil || line != "HTTP/1.1 100 Continue\r\n" {
			t.Errorf("length %s: %q, %v", length, line, err)
		}
		ok(t, conn.Close())
	}
}
