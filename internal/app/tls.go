package app

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/kodekloud/kml/internal/clock"
)

// reloadEvery is how soon a new certificate is seen.
const reloadEvery = 10 * time.Second

// tlsFiles are the places of certificates; ca "" asks clients for none.
type tlsFiles struct{ cert, key, ca string }

// tlsKeeper keeps a server's TLS configuration as its files say. Files that
// cannot be used, such as ones half written, leave what was.
type tlsKeeper struct {
	files tlsFiles
	clock clock.Clock
	log   zerolog.Logger

	mu      sync.Mutex
	current *tls.Config
	stamp   string
	looked  time.Time
}

// config is a server's configuration, which looks at the files again as time
// goes by. The error is that of the first look.
func (k *tlsKeeper) config() (*tls.Config, error) {
	if _, err := k.look(); err != nil {
		return nil, err
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"},
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return k.look() }}, nil
}

func (k *tlsKeeper) look() (*tls.Config, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.clock.Now()
	if k.current != nil && now.Sub(k.looked) < reloadEvery {
		return k.current, nil
	}
	k.looked = now
	stamp, err := k.files.stamp()
	if err == nil && stamp == k.stamp {
		return k.current, nil
	}
	var next *tls.Config
	if err == nil {
		next, err = k.files.load()
	}
	switch {
	case err == nil:
		k.current, k.stamp = next, stamp
	case k.current != nil:
		k.log.Error().Err(err).Msg("the new certificate is not used")
		err = nil
	}
	return k.current, err
}

// stamp changes when a file does.
func (f tlsFiles) stamp() (string, error) {
	var stamp string
	for _, name := range []string{f.cert, f.key, f.ca} {
		if name == "" {
			continue
		}
		info, err := os.Stat(name)
		if err != nil {
			return "", err
		}
		stamp += fmt.Sprint(info.ModTime().UnixNano(), info.Size(), " ")
	}
	return stamp, nil
}

func (f tlsFiles) load() (*tls.Config, error) {
	pair, err := tls.LoadX509KeyPair(f.cert, f.key)
	if err != nil {
		return nil, err
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}, Certificates: []tls.Certificate{pair}}
	if f.ca == "" {
		return c, nil
	}
	pem, err := os.ReadFile(f.ca)
	if err != nil {
		return nil, err
	}
	c.ClientAuth, c.ClientCAs = tls.RequireAndVerifyClientCert, x509.NewCertPool()
	if !c.ClientCAs.AppendCertsFromPEM(pem) {
		return nil, errors.New(f.ca + " holds no certificate in PEM")
	}
	return c, nil
}
