package api

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kodekloud/kml/internal/access"
	"github.com/kodekloud/kml/internal/apitypes"
	"github.com/kodekloud/kml/internal/fleet"
)

func wants(student string) apitypes.LabRequest {
	return apitypes.LabRequest{Type: labName, Student: student, Duration: apitypes.Duration(time.Hour)}
}

// request asks for a lab that must be accepted.
func (f *fleetBench) request(t testing.TB, as access.Principal, r apitypes.LabRequest) apitypes.Lab {
	t.Helper()
	l := decode[apitypes.Lab](t, f.do(t, as, http.MethodPost, "/v1/labs", r), http.StatusCreated)
	f.clock.Advance(time.Millisecond) // so that the next one is younger
	return l
}

// active gives a lab that runs in account n.
func (f *fleetBench) active(t testing.TB, as access.Principal, n int) apitypes.Lab {
	t.Helper()
	f.warm(t, n)
	l := f.request(t, as, wants(fmt.Sprint("student-", n)))
	f.serveLabs(t)
	l = get[apitypes.Lab](t, f.bench, as, "/v1/labs/"+l.ID)
	if l.State != "active" {
		t.Fatalf("lab is %s: %s", l.State, l.Reason)
	}
	return l
}

func TestRequestLab(t *testing.T) {
	t.Parallel()
	f := setupFleet(t)
	r := apitypes.LabRequest{Type: labName, Student: "ada@example.org", Duration: apitypes.Duration(90 * time.Minute), Callback: "https://lms.test/hook", Priority: 3,
		StartAt: t0.Add(time.Hour), Purpose: "testing", Patience: apitypes.Duration(5 * time.Minute), RequestID: "class-7/ada"}
	a := f.do(t, academy, http.MethodPost, "/v1/labs", r)
	l := decode[apitypes.Lab](t, a, http.StatusCreated)
	want := apitypes.Lab{ID: l.ID, RequestID: "class-7/ada", Type: labName, Student: r.Student, Owner: "academy", State: "scheduled", Duration: r.Duration, Priority: 3, Purpose: "testing",
		Callback: r.Callback, RequestedAt: t0, StartAt: r.StartAt, WaitUntil: r.StartAt.Add(5 * time.Minute), Version: 1}
	if l != want {
		t.Errorf("lab is\n%+v, want\n%+v", l, want)
	}
	if at := a.header.Get("Location"); at != "/v1/labs/"+l.ID || a.header.Get("ETag") != `"1"` {
		t.Errorf("at %q, version %q", at, a.header.Get("ETag"))
	}
	if again := decode[apitypes.Lab](t, f.do(t, academy, http.MethodPost, "/v1/labs", r), http.StatusCreated); again != l {
		t.Errorf("asked twice: %+v", again)
	}
}

// Two owners count their requests as they like and never meet.
func TestRequestIDsAreTheOwners(t *testing.T) {
	t.Parallel()
	f := setupFleet(t)
	r := wants("ada")
	r.RequestID = "1"
	mine, theirs := f.request(t, academy, r), f.request(t, bootcamp, r)
	if mine.ID == theirs.ID || mine.RequestID != "1" || theirs.RequestID != "1" {
		t.Errorf("labs %+v and %+v", mine, theirs)
	}
	other := wants("grace")
	other.RequestID = "1"
	p := refused(t, f.do(t, academy, http.MethodPost, "/v1/labs", other), http.StatusUnprocessableEntity, "invalid")
	names(t, p, "body.request_id")
	if strings.Contains(fmt.Sprint(p), "academy/") {
		t.Errorf("the problem shows how request ids are kept: %+v", p)
	}
	one := decode[apitypes.Lab](t, f.do(t, operator, http.MethodPost, "/v1/labs", wants("x")), http.StatusCreated)
	if one.Owner != operator.ID || one.RequestID == "" {
		t.Errorf("an operator's lab is %+v", one)
	}
}

// The key of an idempotent call is the id of its request: without stored answers
// the lab is still one.
func TestIdempotencyKeyIsTheRequestID(t *testing.T) {
	t.Parallel()
	f := setupFleet(t)
	first := f.do(t, academy, http.MethodPost, "/v1/labs", wants("ada"), "Idempotency-Key", "k 1!")
	again := f.do(t, academy, http.MethodPost, "/v1/labs", wants("ada"), "Idempotency-Key", "k 1!")
	a, b := decode[apitypes.Lab](t, first, http.StatusCreated), decode[apitypes.Lab](t, again, http.StatusCreated)
	if a.ID != b.ID || a.RequestID != "k 1!" {
		t.Errorf("labs %+v and %+v", a, b)
	}
	if c := f.request(t, academy, wants("ada")); c.ID == a.ID || c.RequestID == "" {
		t.Errorf("without a key: %+v", c)
	}
}

func TestRequestLabWaits(t *testing.T) {
	t.Parallel()
	f := setupFleet(t)
	f.warm(t, 1)
	f.waited = func(string) { f.serveLabs(t) }
	l := decode[apitypes.Lab](t, f.do(t, academy, http.MethodPost, "/v1/labs?wait=30s", wants("ada")), http.StatusCreated)
	if l.State != "active" || l.Account != "000000000001" || !l.Settled() {
		t.Errorf("lab is %+v", l)
	}
	f.waited = func(string) {}
	a := f.do(t, academy, http.MethodPost, "/v1/labs?wait=1s", wants("grace"))
	l = decode[apitypes.Lab](t, a, http.StatusAccepted)
	if l.State != "waiting" || a.header.Get("Location") == "" || !l.ReadyBy.Equal(t0.Add(time.Minute)) {
		t.Errorf("when the time is up: %+v", l)
	}
	// A process that stops does not let go of what it accepted.
	f.waited = func(string) { f.Drain() }
	if l = decode[apitypes.Lab](t, f.do(t, academy, http.MethodGet, "/v1/labs/"+l.ID+"?wait=30s", nil), http.StatusOK); l.State != "waiting" || !l.ReadyBy.Equal(t0.Add(time.Minute)) {
		t.Errorf("lab is %+v", l)
	}
}

// A lab that waited in vain is not told the same for a day: the same call, with
// whatever time the caller has now, says what became of it.
func TestRequestLabWaitsAgain(t *testing.T) {
	t.Parallel()
	f := setupFleet(t, withCalls)
	first := decode[apitypes.Lab](t, f.do(t, academy, http.MethodPost, "/v1/labs?wait=1s", wants("ada"), idempotencyKey, "order-1"), http.StatusAccepted)
	f.warm(t, 1)
	f.waited = func(string) { f.serveLabs(t) }
	l := decode[apitypes.Lab](t, f.do(t, academy, http.MethodPost, "/v1/labs?wait=30s", wants("ada"), idempotencyKey, "order-1"), http.StatusCreated)
	if l.ID != first.ID || l.State != "active" {
		t.Errorf("asked again: %+v, first %s", l, first.ID)
	}
}

func TestRequestLabRefuses(t *testing.T) {
	t.Parallel()
	f := setupFleet(t)
	for field, edit := range map[string]func(*apitypes.LabRequest){
		"body.lab_type": func(r *apitypes.LabRequest) { r.Type = "none" },
		"body.duration": func(r *apitypes.LabRequest) { r.Duration = -1 },
		"body.student":  func(r *apitypes.LabRequest) { r.Student = "" },
		"body.patience": func(r *apitypes.LabRequest) { r.Patience = -1 },
		"body.callback": func(r *apitypes.LabRequest) { r.Callback = "ftp://x.test/" },
		"body.start_at": func(r *apitypes.LabRequest) { r.StartAt = t0.Add(-time.Hour) },
		"body.priority": func(r *apitypes.LabRequest) { r.Priority = 10 },
		"body.purpose":  func(r *apitypes.LabRequest) { r.Purpose = "quarantine" },
		"body.booking":  func(r *apitypes.LabRequest) { r.Booking = "b1" },
	} {
		r := wants("ada")
		edit(&r)
		names(t, refused(t, f.do(t, academy, http.MethodPost, "/v1/labs", r), http.StatusUnprocessableEntity, "invalid"), field)
	}
	inner := wants("ada")
	inner.Callback = "https://inner.test/"
	names(t, refused(t, f.do(t, academy, http.MethodPost, "/v1/labs", inner), http.StatusUnprocessableEntity, "invalid"), "body.callback")
	for _, wait := range []string{"31s", "-1s", "soon"} {
		names(t, refused(t, f.do(t, academy, http.MethodPost, "/v1/labs?wait="+wait, wants("ada")), http.StatusUnprocessableEntity, "invalid"), "query.wait")
	}
	must(t, f.db.LabTypes().SetOff(f.ctx, labName, true, "it is broken", t0))
	if p := refused(t, f.do(t, academy, http.MethodPost, "/v1/labs", wants("ada")), http.StatusConflict, "lab_type_off"); !strings.Contains(p.Detail, "it is broken") {
		t.Errorf("the reason is missing: %+v", p)
	}
	if p := get[apitypes.Page[apitypes.Lab]](t, f.bench, operator, "/v1/labs"); len(p.Items) != 0 {
		t.Errorf("a refused request left %+v", p.Items)
	}
}

func TestListLabs(t *testing.T) {
	t.Parallel()
	f := setupFleet(t)
	var mine []string
	for i := range 5 {
		mine = append(mine, f.request(t, academy, wants(fmt.Sprint("student-", i))).ID)
	}
	f.request(t, bootcamp, wants("student-0"))
	list := func(as access.Principal, query string) (ids []string) {
		for cursor, more := "", true; more; {
			p := get[apitypes.Page[apitypes.Lab]](t, f.bench, as, "/v1/labs?limit=2&"+query+"&cursor="+cursor)
			for _, l := range p.Items {
				ids = append(ids, l.ID)
			}
			cursor, more = p.Next, p.Next != ""
		}
		return ids
	}
	newest := slices.Clone(mine)
	slices.Reverse(newest)
	since := url.QueryEscape(t0.Add(3 * time.Millisecond).Format(time.RFC3339Nano))
	for query, want := range map[string][]string{
		"": newest, "sort=requested_at": mine, "student=student-3": {mine[3]}, "state=active,ended": nil, "state=waiting,active": newest, "lab_type=none": nil,
		"owner=academy": newest, "booking=b": nil, "account=000000000001": nil,
		"since=" + since: newest[:2], "until=" + since: newest[2:],
	} {
		if got := list(academy, query); !slices.Equal(got, want) {
			t.Errorf("%q gives %v, want %v", query, got, want)
		}
	}
	if got := list(viewer, ""); len(got) != 6 {
		t.Errorf("a viewer sees %v", got)
	}
	if got := list(viewer, "owner=bootcamp"); len(got) != 1 {
		t.Errorf("of bootcamp a viewer sees %v", got)
	}
	refused(t, f.do(t, academy, http.MethodGet, "/v1/labs?owner=bootcamp", nil), http.StatusForbidden, "forbidden")
	for query, field := range map[string]string{"state=odd": "query.state[0]", "sort=student": "query.sort", "cursor=x": "query.cursor", "since=now": "query.since", "limit=501": "query.limit",
		"since=" + since + "&until=" + since: "query.until", "colour=red": "query.colour"} {
		names(t, refused(t, f.do(t, academy, http.MethodGet, "/v1/labs?"+query, nil), http.StatusUnprocessableEntity, "invalid"), field)
	}
}

func TestGetLab(t *testing.T) {
	t.Parallel()
	f := setupFleet(t)
	l := f.active(t, academy, 1)
	path := "/v1/labs/" + l.ID
	if l.Account != "000000000001" || l.EndsAt.Sub(l.StartedAt).Truncate(time.Second) != time.Hour {
		t.Errorf("lab is %+v", l)
	}
	tag := f.do(t, teacher, http.MethodGet, path, nil).header.Get("ETag")
	if a := f.do(t, academy, http.MethodGet, path, nil, "If-None-Match", tag); a.status != http.StatusNotModified || a.body != "" || a.header.Get("ETag") != tag {
		t.Errorf("the version that is known: %+v", a)
	}
	if a := f.do(t, academy, http.MethodGet, path, nil, "If-None-Match", `"0"`); a.status != http.StatusOK {
		t.Errorf("another version: %+v", a)
	}
}

// Whoever sees its own alone cannot tell another's lab from none.
func TestAnothersLabIsNone(t *testing.T) {
	t.Parallel()
	f := setupFleet(t)
	l := f.active(t, academy, 1)
	for _, c := range []struct{ method, path string }{{"GET", ""}, {"GET", "/evidence"}, {"POST", "/credentials"}, {"POST", "/signin-link"}, {"POST", "/end"}, {"POST", "/extend"}} {
		var body any
		if c.path == "/extend" {
			body = apitypes.Extension{By: apitypes.Duration(time.Minute)}
		}
		theirs := refused(t, f.do(t, bootcamp, c.method, "/v1/labs/"+l.ID+c.path, body), http.StatusNotFound, "not_found")
		none := refused(t, f.do(t, bootcamp, c.method, "/v1/labs/none"+c.path, body), http.StatusNotFound, "not_found")
		theirs.Detail, theirs.Request, none.Request = strings.ReplaceAll(theirs.Detail, l.ID, "none"), "", ""
		if fmt.Sprint(theirs) != fmt.Sprint(none) {
			t.Errorf("%s %s tells %+v of another's, %+v of none", c.method, c.path, theirs, none)
		}
	}
	if now := get[apitypes.Lab](t, f.bench, academy, "/v1/labs/"+l.ID); now != l {
		t.Errorf("lab is %+v after another called, was %+v", now, l)
	}
}

func TestCredentials(t *testing.T) {
	t.Parallel()
	f := setupFleet(t)
	waiting := f.request(t, academy, wants("early"))
	for _, what := range []string{"/credentials", "/signin-link"} {
		refused(t, f.do(t, academy, http.MethodPost, "/v1/labs/"+waiting.ID+what, nil), http.StatusConflict, "lab_not_ready")
	}
	f.do(t, academy, http.MethodPost, "/v1/labs/"+waiting.ID+"/end", nil)
	l := f.active(t, academy, 1)
	path := "/v1/labs/" + l.ID
	a := f.do(t, academy, http.MethodPost, path+"/credentials", nil)
	c := decode[apitypes.Credentials](t, a, http.StatusOK)
	if c.Account != l.Account || c.AccessKeyID != "AKIAEXAMPLE" || c.SecretAccessKey != secretKey || c.Password != password || !c.EndsAt.Equal(l.EndsAt) || c.EndpointURL != f.Endpoint || !slices.Equal(c.Regions, ec2Basics.Regions) {
		t.Errorf("credentials are %#v", c)
	}
	if got := a.header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("a cache may keep them: %q", got)
	}
	link := decode[apitypes.SignInLink](t, f.do(t, academy, http.MethodPost, path+"/signin-link", nil), http.StatusOK)
	if link.URL != "https://signin.test/"+l.Account || !link.ExpiresAt.Equal(t0.Add(15*time.Minute)) {
		t.Errorf("link is %+v", link)
	}
	lines, err := f.db.Activity().Find(f.ctx, fleet.ActivityQuery{Session: l.ID, Kind: "call", Who: academy.Who()})
	must(t, err)
	told := fmt.Sprint(lines)
	if !strings.Contains(told, "reveal-lab-credentials") || !strings.Contains(told, "make-lab-signin-link") || strings.Contains(told, secretKey) {
		t.Errorf("the log says %s", told)
	}
	decode[apitypes.Lab](t, f.do(t, academy, http.MethodPost, path+"/end", nil), http.StatusOK)
	for _, what := range []string{"/credentials", "/signin-link"} {
		refused(t, f.do(t, academy, http.MethodPost, path+what, nil), http.StatusConflict, "lab_over")
	}
}

// What is told of a running lab is not told again under the same key when it is
// over, and is not kept beside it.
func TestCredentialsAreNotReplayed(t *testing.T) {
	t.Parallel()
	f := setupFleet(t, withCalls)
	l := f.active(t, academy, 1)
	path := "/v1/labs/" + l.ID
	calls := []string{"/credentials", "/signin-link"}
	for _, what := range calls {
		for range 2 {
			a := f.do(t, academy, http.MethodPost, path+what, nil, idempotencyKey, what)
			if a.status != http.StatusOK || a.header.Get("Idempotency-Replayed") != "" {
				t.Fatalf("%s: %+v", what, a)
			}
		}
		other := f.do(t, academy, http.MethodPost, "/v1/labs/another"+what, nil, idempotencyKey, what)
		refused(t, other, http.StatusUnprocessableEntity, "idempotency_mismatch")
	}
	decode[apitypes.Lab](t, f.do(t, academy, http.MethodPost, path+"/end", nil), http.StatusOK)
	for _, what := range calls {
		refused(t, f.do(t, academy, http.MethodPost, path+what, nil, idempotencyKey, what), http.StatusConflict, "lab_over")
	}
	for op, what := range map[string]string{"reveal-lab-credentials": calls[0], "make-lab-signin-link": calls[1]} {
		kept, err := f.Idempotent.Begin(f.ctx, fleet.IdempotentCall{ID: callID(academy.ID, op, what), Claim: "mine", At: t0, Expires: t0.Add(time.Hour)}, t0.Add(-time.Hour))
		must(t, err)
		if !kept.Done || kept.Answer != nil {
			t.Errorf("%s: kept is %+v", op, kept)
		}
	}
}

func TestExtendLab(t *testing.T) {
	t.Parallel()
	f := setupFleet(t)
	l := f.active(t, academy, 1)
	path := "/v1/labs/" + l.ID + "/extend"
	by := func(d time.Duration) apitypes.Extension { return apitypes.Extension{By: apitypes.Duration(d)} }
	a := f.do(t, academy, http.MethodPost, path, by(30*time.Minute))
	if now := decode[apitypes.Lab](t, a, http.StatusOK); !now.EndsAt.Equal(l.EndsAt.Add(30*time.Minute)) || a.header.Get("ETag") != etag(now.Version) {
		t.Errorf("lab is %+v", now)
	}
	for _, d := range []time.Duration{0, -time.Minute, 4 * time.Hour} {
		names(t, refused(t, f.do(t, academy, http.MethodPost, path, by(d)), http.StatusUnprocessableEntity, "invalid"), "body.by")
	}
	early := f.request(t, academy, wants("early"))
	refused(t, f.do(t, academy, http.MethodPost, "/v1/labs/"+early.ID+"/extend", by(time.Minute)), http.StatusConflict, "lab_not_ready")
	f.do(t, academy, http.MethodPost, "/v1/labs/"+l.ID+"/end", nil)
	refused(t, f.do(t, academy, http.MethodPost, path, by(time.Minute)), http.StatusConflict, "lab_over")
}

func TestEndLab(t *testing.T) {
	t.Parallel()
	f := setupFleet(t)
	l := f.active(t, academy, 1)
	path := "/v1/labs/" + l.ID + "/end"
	ended := decode[apitypes.Lab](t, f.do(t, academy, http.MethodPost, path, apitypes.LabEnd{Reason: "the class is over"}), http.StatusOK)
	if ended.State != "ended" || ended.Reason != "the class is over" {
		t.Errorf("lab is %+v", ended)
	}
	if again := decode[apitypes.Lab](t, f.do(t, operator, http.MethodPost, path, apitypes.LabEnd{Reason: "another"}), http.StatusOK); again != ended {
		t.Errorf("ended twice: %+v", again)
	}
	waiting := f.request(t, academy, wants("early"))
	if l := decode[apitypes.Lab](t, f.do(t, academy, http.MethodPost, "/v1/labs/"+waiting.ID+"/end", nil), http.StatusOK); l.State != "cancelled" || !strings.Contains(l.Reason, academy.Who()) {
		t.Errorf("lab is %+v", l)
	}
}

func TestLabEvidence(t *testing.T) {
	t.Parallel()
	f := setupFleet(t)
	l := f.active(t, academy, 1)
	path := "/v1/labs/" + l.ID + "/evidence"
	refused(t, f.do(t, academy, http.MethodGet, path, nil), http.StatusConflict, "cleaning_not_begun")
	f.do(t, academy, http.MethodPost, "/v1/labs/"+l.ID+"/end", nil)
	refused(t, f.do(t, academy, http.MethodGet, path, nil), http.StatusConflict, "cleaning_not_begun")
	run := f.cleaning(t, l.Account)
	got := get[apitypes.CleaningEvidence](t, f.bench, academy, path)
	if got.ID != run.ID || got.Lab != l.ID || len(got.Evidence) != 1 || got.Evidence[0].Resource != "i-1" {
		t.Errorf("evidence is %+v", got)
	}
	never := f.request(t, academy, wants("early"))
	refused(t, f.do(t, academy, http.MethodGet, "/v1/labs/"+never.ID+"/evidence", nil), http.StatusConflict, "cleaning_not_begun")
	f.do(t, academy, http.MethodPost, "/v1/labs/"+never.ID+"/end", nil)
	refused(t, f.do(t, academy, http.MethodGet, "/v1/labs/"+never.ID+"/evidence", nil), http.StatusNotFound, "not_found")
}

// cleaning writes a run of an account's present epoch, with a line of evidence.
func (f *fleetBench) cleaning(t testing.TB, account string) *fleet.CleaningRun {
	t.Helper()
	a, err := f.db.Accounts().Get(f.ctx, account)
	must(t, err)
	run := &fleet.CleaningRun{ID: fleet.RunID(a.ID, a.Epoch), AccountID: a.ID, Org: a.Org, Epoch: a.Epoch, SessionID: a.SessionID, LabType: a.LabType, Reason: "it ended", Version: 1,
		Phase: fleet.PhaseSweep, Round: 1, StartedAt: f.clock.Now().UTC(), PhaseSince: f.clock.Now().UTC()}
	must(t, f.db.Cleanings().Insert(f.ctx, run))
	must(t, f.db.Cleanings().AddEvidence(f.ctx, []fleet.Evidence{{ID: run.ID + "|1", RunID: run.ID, Account: a.ID, At: t0, Phase: "sweep", Action: "deleted", Kind: "ec2.instance", Region: "us-east-1", Resource: "i-1"}}))
	return run
}
