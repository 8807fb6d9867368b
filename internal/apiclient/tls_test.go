package apiclient_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/kodekloud/kml/internal/apiclient"
	"github.com/kodekloud/kml/internal/apitypes"
)

func write(t *testing.T, kind string, der []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "file.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// certificate makes one that vouches for itself, as files.
func certificate(t *testing.T) (cert *x509.Certificate, certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	if cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return cert, write(t, "CERTIFICATE", der), write(t, "EC PRIVATE KEY", raw)
}

func TestTLS(t *testing.T) {
	t.Parallel()
	cert, certFile, keyFile := certificate(t)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { tell(w, apitypes.Me{ID: "k1"}) }))
	server.TLS = &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: x509.NewCertPool()}
	server.TLS.ClientCAs.AddCert(cert)
	server.StartTLS()
	t.Cleanup(server.Close)
	ca := write(t, "CERTIFICATE", server.Certificate().Raw)
	for _, c := range []struct {
		name string
		o    apiclient.Options
		ok   bool
	}{
		{"authority and certificate", apiclient.Options{CAFile: ca, CertFile: certFile, KeyFile: keyFile}, true},
		{"no certificate", apiclient.Options{CAFile: ca}, false},
		{"no authority", apiclient.Options{CertFile: certFile, KeyFile: keyFile}, false},
	} {
		c.o.Tries, c.o.Pause = 2, time.Millisecond
		client, err := apiclient.New(server.URL, "kml_id_secret", c.o)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client.Me(t.Context()); (err == nil) != c.ok || err != nil && !errors.Is(err, apiclient.ErrUnreachable) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
