package config

import (
	"cmp"
	"errors"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Validate tells everything that is wrong with the values, each a [Problem].
func (c Config) Validate() error {
	var all []error
	for _, p := range c.problems() {
		all = append(all, p)
	}
	return errors.Join(all...)
}

var regionPattern = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[1-9]$`)

type checks struct {
	fields map[string]*Field // by key
	found  []*Problem
}

// check complains of the value at key when it is not ok.
func (v *checks) check(ok bool, key, value, remedy string) {
	if ok {
		return
	}
	if f := v.fields[key]; f != nil {
		key = f.name()
	}
	v.found = append(v.found, &Problem{Key: key, Value: value, Remedy: remedy})
}

func (c *Config) problems() []*Problem {
	v := &checks{fields: map[string]*Field{}}
	for _, f := range Fields() {
		v.fields[f.Key] = &f
		v.number(c, &f)
	}
	v.addresses(c)
	v.secrets(c)
	v.http(&c.HTTP)
	v.oidc(&c.OIDC)
	v.check(slices.Contains([]string{"trace", "debug", "info", "warn", "error"}, c.Log.Level), "log.level", c.Log.Level, "write trace, debug, info, warn or error")
	v.check(slices.Contains([]string{"auto", "json", "console"}, c.Log.Format), "log.format", c.Log.Format, "write auto, json or console")
	t := &c.Timing
	v.check(t.Settle <= t.SettleMax, "timing.settle", t.Settle.String(), "give no more than timing.settle_max, "+t.SettleMax.String())
	v.check(t.ReadinessRefresh < t.ReadinessStale, "timing.readiness_refresh", t.ReadinessRefresh.String(),
		"give less than timing.readiness_stale, "+t.ReadinessStale.String()+": a check must be renewed before it is stale")
	v.organizations(c.Organizations)
	return v.found
}

// number checks that durations are positive and numbers not too small.
func (v *checks) number(c *Config, f *Field) {
	switch n := f.in(c).Interface().(type) {
	case time.Duration:
		v.check(n > 0, f.Key, n.String(), "give a duration above zero")
	case int:
		least, _ := strconv.Atoi(cmp.Or(f.min, "1")) // a tag, checked by a test
		v.check(n >= least, f.Key, strconv.Itoa(n), "give at least "+strconv.Itoa(least))
	}
}

func (v *checks) addresses(c *Config) {
	for _, a := range []struct{ key, addr string }{
		{"redis.addr", c.Redis.Addr}, {"http.addr", c.HTTP.Addr}, {"metrics.addr", c.Metrics.Addr}, {"monitor.addr", c.Monitor.Addr},
	} {
		host, port, err := net.SplitHostPort(a.addr)
		n, perr := strconv.Atoi(port)
		v.check(err == nil && perr == nil && n >= 0 && n < 1<<16 && (host != "" || a.key != "redis.addr"), a.key, a.addr, "write host:port")
	}
	uri := c.Mongo.URI.Reveal()
	v.check(strings.HasPrefix(uri, "mongodb://") || strings.HasPrefix(uri, "mongodb+srv://"), "mongo.uri", mask, "write mongodb://host:port or mongodb+srv://host")
	v.check(c.Mongo.Database != "" && !strings.ContainsAny(c.Mongo.Database, `/\. "$`), "mongo.database", c.Mongo.Database, "name the database")
	if c.AWS.EndpointURL != "" {
		u, err := url.Parse(c.AWS.EndpointURL)
		v.check(err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "", "aws.endpoint_url", c.AWS.EndpointURL, "write a URL such as http://127.0.0.1:4566")
	}
	v.check(regionPattern.MatchString(c.AWS.Region), "aws.region", c.AWS.Region, "write a Region such as us-east-1")
}

func (v *checks) secrets(c *Config) {
	v.check(len(c.Seal.Keys) > 0, "seal.keys", "", "is missing; "+errKeys.Error())
	if len(c.Seal.Keys) > 0 {
		_, known := c.Seal.Keys[c.Seal.Primary]
		v.check(known, "seal.primary", c.Seal.Primary, "name one of the keys: "+c.Seal.Keys.String())
	}
}
