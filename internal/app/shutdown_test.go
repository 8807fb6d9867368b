package app

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/kodekloud/kml/internal/access"
	"github.com/kodekloud/kml/internal/apitypes"
	"github.com/kodekloud/kml/internal/fleet"
)

// A server that stops says first that it is not ready, goes on taking calls for a
// while, and answers every call that it has taken: a lab request that waits comes
// back with the lab as it stands.
func TestShutdownLosesNothing(t *testing.T) {
	t.Parallel()
	a, _ := open(t)
	b := *a
	b.Config.HTTP.DrainWait = 2 * time.Second
	addr := make(listening, 1)
	b.Log = zerolog.New(addr)
	stop := run(t, func(ctx context.Context) error { return b.API(ctx) })
	base := "http://" + <-addr
	backend := key(t, a, access.Backend)
	request := func(student, wait string) (int, apitypes.Lab, error) {
		req, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), http.MethodPost, base+"/v1/labs?wait="+wait,
			strings.NewReader(`{"lab_type":"ec2-basics","student":"`+student+`","duration":"1h"}`))
		if err != nil {
			return 0, apitypes.Lab{}, err
		}
		req.Header.Set("Authorization", "Bearer "+backend)
		req.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return 0, apitypes.Lab{}, err
		}
		defer func() { _ = resp.Body.Close() }()
		raw, err := io.ReadAll(resp.Body)
		if err != nil {
			return 0, apitypes.Lab{}, err
		}
		var lab apitypes.Lab
		return resp.StatusCode, lab, json.Unmarshal(raw, &lab)
	}
	type answer struct {
		status int
		lab    apitypes.Lab
		err    error
	}
	waiting := make(chan answer, 1)
	go func() {
		status, lab, err := request("ada", "30s")
		waiting <- answer{status, lab, err}
	}()
	eventually(t, "the request is accepted", func() bool {
		found, err := a.DB.Sessions().Find(t.Context(), fleet.SessionQuery{Student: "ada"})
		return err == nil && len(found) == 1
	})
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		stop()
	}()
	eventually(t, "it is not ready", func() bool {
		code, body := ask(t, http.MethodGet, base+"/readyz", nil)
		return code == http.StatusServiceUnavailable && strings.Contains(body, "stopping")
	})
	if status, lab, err := request("grace", "0s"); status != http.StatusCreated || lab.ID == "" || err != nil {
		t.Errorf("a request while it drains: %d, %+v, %v", status, lab, err)
	}
	got := <-waiting
	if got.err != nil || got.status != http.StatusAccepted || got.lab.State != "waiting" {
		t.Errorf("the request that waited: %+v", got)
	}
	<-stopped
	for _, student := range []string{"ada", "grace"} {
		if found, err := a.DB.Sessions().Find(t.Context(), fleet.SessionQuery{Student: student}); err != nil || len(found) != 1 {
			t.Errorf("the lab of %s: %v, %v", student, found, err)
		}
	}
	if _, err := http.Get(base + "/healthz"); err == nil {
		t.Error("it still listens")
	}
}

// eventually looks again and again until ok, or the end of all patience.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(wait)
	for !ok() {
		select {
		case <-deadline:
			t.Fatalf("%s: not within %v", what, wait)
		case <-time.After(5 * time.Millisecond):
		}
	}
}
