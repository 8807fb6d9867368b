package app

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/kodekloud/kml/internal/clock"
)

// authority signs certificates of tests.
type authority struct {
	t    *testing.T
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t, dir: t.TempDir()}
	a.cert, a.key = a.issue("authority", nil, nil)
	return a
}

func (a *authority) must(err error) {
	a.t.Helper()
	if err != nil {
		a.t.Fatal(err)
	}
}

// issue writes name.pem and name.key; without a signer it is its own.
func (a *authority) issue(name string, by *x509.Certificate, byKey *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	a.must(err)
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	a.must(err)
	c := &x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}
	if by == nil {
		c.IsCA, c.BasicConstraintsValid, c.KeyUsage = true, true, x509.KeyUsageCertSign
		by, byKey = c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, by, &key.PublicKey, byKey)
	a.must(err)
	cert, err := x509.ParseCertificate(der)
	a.must(err)
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	a.must(err)
	a.must(os.WriteFile(a.file(name+".pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	a.must(os.WriteFile(a.file(name+".key"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}), 0o600))
	return cert, key
}

func (a *authority) file(name string) string { return filepath.Join(a.dir, name) }

// client trusts the authority and shows the certificate of a name, "" for none.
func (a *authority) client(name string, most uint16) *http.Client {
	a.t.Helper()
	c := &tls.Config{RootCAs: x509.NewCertPool(), MaxVersion: most}
	c.RootCAs.AddCert(a.cert)
	if name != "" {
		pair, err := tls.LoadX509KeyPair(a.file(name+".pem"), a.file(name+".key"))
		a.must(err)
		c.Certificates = []tls.Certificate{pair}
	}
	tr := &http.Transport{TLSClientConfig: c, DisableKeepAlives: true}
	return &http.Client{Transport: tr, Timeout: wait}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	ca, other := newAuthority(t), newAuthority(t)
	ca.issue("server", ca.cert, ca.key)
	ca.issue("client", ca.cert, ca.key)
	other.issue("client", other.cert, other.key)
	plain, _ := open(t)
	a := *plain
	a.Config.HTTP.TLSCert, a.Config.HTTP.TLSKey, a.Config.HTTP.ClientCA = ca.file("server.pem"), ca.file("server.key"), ca.file("authority.pem")
	url := strings.Replace(serving(t, &a, (*App).API), "http://", "https://", 1) + "/v1/version"
	stranger := other.client("client", 0)
	stranger.Transport.(*http.Transport).TLSClientConfig.RootCAs.AddCert(ca.cert)
	for name, c := range map[string]struct {
		client *http.Client
		good   bool
	}{
		"a certificate":              {ca.client("client", 0), true},
		"TLS 1.2":                    {ca.client("client", tls.VersionTLS12), true},
		"TLS 1.1":                    {ca.client("client", tls.VersionTLS11), false},
		"no certificate":             {ca.client("", 0), false},
		"a certificate of strangers": {stranger, false},
	} {
		resp, err := c.client.Get(url)
		if err == nil {
			_ = resp.Body.Close()
		}
		if (err == nil) != c.good || err == nil && (resp.StatusCode != http.StatusOK || resp.Header.Get("Strict-Transport-Security") == "") {
			t.Errorf("%s: %v", name, err)
		}
	}
	a.Config.HTTP.TLSKey = ca.file("client.key")
	if err := a.API(t.Context()); err == nil || !strings.Contains(err.Error(), "http.tls_key") {
		t.Errorf("key and certificate do not fit: %v", err)
	}
}

// New files are used once they are whole; until then what was.
func TestCertificateIsReadAgain(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	first, _ := ca.issue("server", ca.cert, ca.key)
	fake := clock.NewFake(time.Now())
	k := &tlsKeeper{files: tlsFiles{cert: ca.file("server.pem"), key: ca.file("server.key")}, clock: fake, log: zerolog.Nop()}
	config, err := k.config()
	ca.must(err)
	serial := func() *big.Int {
		c, err := config.GetConfigForClient(nil)
		ca.must(err)
		return c.Certificates[0].Leaf.SerialNumber
	}
	if serial().Cmp(first.SerialNumber) != 0 {
		t.Fatal("not the certificate of the file")
	}
	ca.must(os.WriteFile(ca.file("server.pem"), []byte("half"), 0o600))
	fake.Advance(reloadEvery)
	if serial().Cmp(first.SerialNumber) != 0 {
		t.Error("half a file took the certificate away")
	}
	second, _ := ca.issue("server", ca.cert, ca.key)
	fake.Advance(reloadEvery - time.Second)
	if serial().Cmp(first.SerialNumber) != 0 {
		t.Error("the files are looked at all the time")
	}
	fake.Advance(time.Second)
	if serial().Cmp(second.SerialNumber) != 0 {
		t.Error("the new certificate is not used")
	}
	ca.must(os.Remove(ca.file("server.key")))
	fake.Advance(reloadEvery)
	if serial().Cmp(second.SerialNumber) != 0 {
		t.Error("a missing file took the certificate away")
	}
}
