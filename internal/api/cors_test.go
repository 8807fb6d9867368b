package api

import (
	"net/http"
	"testing"
)

// A site that may call the API may not press the dashboard's buttons: there the
// browser sends the key by itself.
func TestFriendsMayNotSteerTheMonitor(t *testing.T) {
	t.Parallel()
	const friend = "https://academy.example"
	pressed := 0
	b, _ := setupEcho(t, func(_ *bench, c *Config) {
		c.Origins = []string{friend}
		c.Monitor = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { pressed++ })
	})
	refused(t, b.do(t, operator, "POST", "/monitor/api/queues/x:pause", nil, "Origin", friend), http.StatusForbidden, "cross_origin")
	if pressed != 0 {
		t.Error("the dashboard was steered from another site")
	}
	if a := b.do(t, operator, "POST", "/monitor/api/queues/x:pause", nil, "Origin", b.url); a.status != http.StatusOK || pressed != 1 {
		t.Errorf("from its own page: %+v", a)
	}
	if a := b.do(t, operator, "POST", echoPath, text{"x"}, "Origin", friend); a.status != http.StatusCreated {
		t.Errorf("a call of the API: %+v", a)
	}
}
