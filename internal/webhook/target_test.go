package webhook_test

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/internal/webhook"
)

func TestURLs(t *testing.T) {
	t.Parallel()
	private := webhook.Targets{Private: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("fd00:1::/64")}}
	for url, want := range map[string][2]bool{ // good by default, good with private targets
		"https://example.org":                              {true, true},
		"https://example.org:8443/a?b=c":                   {true, true},
		"https://93.184.216.34/":                           {true, true},
		"https://[2606:2800:220:1::1]/":                    {true, true},
		"https://bücher.example/":                          {true, true},
		"http://example.org":                               {false, true}, // judged when dialled
		"http://93.184.216.34":                             {false, false},
		"http://127.0.0.1:8080/":                           {false, true},
		"https://127.0.0.1/":                               {false, true},
		"https://127.255.1.1/":                             {false, true},
		"https://10.1.2.3/":                                {false, true},
		"https://10.2.2.3/":                                {false, false},
		"https://[fd00:1::5]/":                             {false, true},
		"https://[fd00:2::5]/":                             {false, false},
		"https://localhost/":                               {false, true},
		"https://a.LOCALHOST./":                            {false, true},
		"https://0.0.0.0/":                                 {false, false},
		"https://0.1.2.3/":                                 {false, false},
		"https://100.64.0.1/":                              {false, false}, // shared by carriers
		"https://169.254.169.254/latest":                   {false, false}, // metadata of instances
		"https://172.16.0.1/":                              {false, false},
		"https://172.31.255.255/":                          {false, false},
		"https://172.32.0.1/":                              {true, true},
		"https://192.168.1.1/":                             {false, false},
		"https://192.0.2.1/":                               {false, false}, // documentation
		"https://198.18.0.1/":                              {false, false},
		"https://198.51.100.7/":                            {false, false},
		"https://203.0.113.9/":                             {false, false},
		"https://224.0.0.1/":                               {false, false},
		"https://240.0.0.1/":                               {false, false},
		"https://255.255.255.255/":                         {false, false},
		"https://[::]/":                                    {false, false},
		"https://[::1]/":                                   {false, false},
		"https://[::ffff:127.0.0.1]/":                      {false, true}, // the same address, mapped
		"https://[::ffff:169.254.169.254]/":                {false, false},
		"https://[::ffff:a9fe:a9fe]/":                      {false, false},
		"https://[::127.0.0.1]/":                           {false, false}, // compatible
		"https://[64:ff9b::a9fe:a9fe]/":                    {false, false}, // NAT64
		"https://[64:ff9b:1::1]/":                          {false, false},
		"https://[2002:a9fe:a9fe::1]/":                     {false, false}, // 6to4
		"https://[2001:0:a9fe:a9fe::1]/":                   {false, false}, // Teredo
		"https://[2001:db8::1]/":                           {false, false}, // documentation
		"https://[fe80::1]/":                               {false, false},
		"https://[fe80::1%25eth0]/":                        {false, false},
		"https://[fec0::1]/":                               {false, false},
		"https://[fd00:ec2::254]/":                         {false, false}, // metadata of instances
		"https://[ff02::1]/":                               {false, false},
		"https://[100::1]/":                                {false, false},
		"https://2130706433/":                              {false, false}, // 127.0.0.1 to some
		"https://0177.0.0.1/":                              {false, false},
		"https://0x7f000001/":                              {false, false},
		"https://0x7f.0.0.1/":                              {false, false},
		"https://127.1/":                                   {false, false},
		"https://127.0.0.1./":                              {false, false},
		"https://user:hush@example.org/":                   {false, false},
		"https://hush@example.org/":                        {false, false},
		"https://example.org/#x":                           {false, false},
		"https://example.org:0/":                           {false, false},
		"https://example.org:65536/":                       {false, false},
		"https:///x":                                       {false, false},
		"https://":                                         {false, false},
		"https:example.org":                                {false, false},
		"example.org":                                      {false, false},
		"//example.org":                                    {false, false},
		"ftp://example.org":                                {false, false},
		"file:///etc/passwd":                               {false, false},
		"gopher://127.0.0.1":                               {false, false},
		"https://example.org/\r\nX-Injected: y":            {false, false},
		"https://exa mple.org/":                            {false, false},
		"":                                                 {false, false},
		"https://example.org/" + strings.Repeat("x", 2000): {false, false},
	} {
		for i, targets := range []webhook.Targets{{}, private} {
			err := targets.Check("url", url)
			var bad *fleet.FieldError
			if (err == nil) != want[i] || err != nil && (!errors.As(err, &bad) || bad.Field != "url" || bad.Remedy == "") {
				t.Errorf("%q, private %v: %v", url, i == 1, err)
			}
			if err != nil && strings.Contains(err.Error(), "hush") {
				t.Errorf("a password is repeated: %v", err)
			}
		}
	}
}

// names answers DNS questions: each A question with the next of some addresses,
// the last for ever.
func names(t *testing.T, addresses ...string) *net.Resolver {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	must(t, err)
	done := make(chan struct{})
	t.Cleanup(func() { must(t, c.Close()); <-done })
	var asked atomic.Int64
	go func() {
		defer close(done)
		buf := make([]byte, 1500)
		for {
			n, from, err := c.ReadFrom(buf)
			if err != nil {
				return
			}
			if _, err := c.WriteTo(reply(buf[:n], &asked, addresses), from); err != nil {
				return
			}
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", c.LocalAddr().String())
	}}
}

// reply answers one question (RFC 1035, section 4).
func reply(question []byte, asked *atomic.Int64, addresses []string) []byte {
	end := 12
	for question[end] != 0 {
		end += int(question[end]) + 1
	}
	end += 5
	out := append([]byte(nil), question[:end]...)
	copy(out[2:], []byte{0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0})
	a := netip.MustParseAddr(addresses[min(int(asked.Load()), len(addresses)-1)])
	kind := binary.BigEndian.Uint16(out[end-4:])
	if a.Is4() != (kind == 1) || kind != 1 && kind != 28 {
		return out
	}
	asked.Add(1)
	out[7] = 1
	out = append(out, 0xc0, 12, byte(kind>>8), byte(kind), 0, 1, 0, 0, 0, 0, 0, byte(a.BitLen()/8))
	return append(out, a.AsSlice()...)
}

// A name that leads to the inner network is refused when it is dialled, whatever
// it led to before; the receiver that stands there never sees a connection, and
// the error tells nothing of it.
func TestNamesThatLeadInside(t *testing.T) {
	t.Parallel()
	var reached atomic.Int64
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { must(t, inner.Close()) })
	go func() {
		for {
			c, err := inner.Accept()
			if err != nil {
				return
			}
			reached.Add(1)
			_ = c.Close() // nothing is said here
		}
	}()
	_, port, err := net.SplitHostPort(inner.Addr().String())
	must(t, err)
	for _, address := range []string{"127.0.0.1", "::1", "::ffff:127.0.0.1", "0.0.0.0", "169.254.169.254", "10.0.0.1", "64:ff9b::7f00:1", "fd00:ec2::254"} {
		b := setup(t, func(c *webhook.Config) { c.Targets, c.Resolver = webhook.Targets{}, names(t, address) })
		b.create(t, "https://inner.example.org:"+port)
		must(t, b.Deliver(b.ctx, []fleet.Event{event(1, fleet.EventLabActive)}))
		d := b.run(t, b.one(t))
		if d.State != fleet.DeliveryDead || d.Status != 0 || !strings.Contains(d.Error, "not a public address") || strings.Contains(d.Error, address) {
			t.Errorf("%s: %+v", address, d)
		}
	}
	if n := reached.Load(); n != 0 {
		t.Errorf("the inner network was reached %d times", n)
	}
}

// A name changes what it leads to between two attempts: the second is judged anew.
func TestRebinding(t *testing.T) {
	t.Parallel()
	r := receive(t, false, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Connection", "close") // the next attempt dials again
		w.WriteHeader(500)
	})
	_, port, err := net.SplitHostPort(r.Listener.Addr().String())
	must(t, err)
	admitted := webhook.Targets{Private: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}}
	b := setup(t, func(c *webhook.Config) { c.Targets, c.Resolver = admitted, names(t, "127.0.0.1", "127.0.0.2") })
	b.create(t, "http://moving.example.org:"+port)
	must(t, b.Deliver(b.ctx, []fleet.Event{event(1, fleet.EventLabActive)}))
	if d := b.run(t, b.one(t)); d.Status != 500 {
		t.Fatalf("first: %+v", d)
	}
	if d := b.run(t, b.one(t)); d.State != fleet.DeliveryDead || len(r.got()) != 1 {
		t.Errorf("second: %+v, %d requests", d, len(r.got()))
	}
}

// Plain http goes to admitted addresses alone, even if a name leads elsewhere.
func TestPlainHTTPStaysInside(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *webhook.Config) { c.Resolver = names(t, "93.184.216.34") })
	b.create(t, "http://public.example.org")
	must(t, b.Deliver(b.ctx, []fleet.Event{event(1, fleet.EventLabActive)}))
	if d := b.run(t, b.one(t)); d.State != fleet.DeliveryDead || !strings.Contains(d.Error, "does not admit") {
		t.Errorf("%+v", d)
	}
}

// A callback comes from a request and not through the check of webhooks.
func TestCallbackThatLeadsInside(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *webhook.Config) { c.Targets = webhook.Targets{} })
	for n, url := range []string{"http://example.org", "https://169.254.169.254/", "file:///etc/passwd", "https://u:p@example.org"} {
		must(t, b.Deliver(b.ctx, []fleet.Event{calling(event(n, fleet.EventLabActive), url)}))
		if d := b.run(t, b.one(t)); d.State != fleet.DeliveryDead {
			t.Errorf("%s: %+v", url, d)
		}
	}
}
