package api

import (
	"reflect"
	"testing"
	"time"

	"github.com/hibiken/asynq"

	"github.com/kodekloud/kml/internal/access"
	"github.com/kodekloud/kml/internal/apitypes"
	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/internal/identity"
)

// fill puts something into every field, other things into fields of one kind.
func fill(v reflect.Value, n *int) {
	*n++
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), n)
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(t0.Add(time.Duration(*n) * time.Second)))
			return
		}
		for i := range v.NumField() {
			fill(v.Field(i), n)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), n)
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(key, n)
		fill(value, n)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.String:
		v.SetString("text-" + string(rune('a'+*n%26)) + string(rune('a'+*n/26%26)))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		if v.Type() == reflect.TypeFor[asynq.TaskState]() {
			v.Set(reflect.ValueOf(asynq.TaskStateRetry))
			return
		}
		v.SetInt(int64(*n))
	case reflect.Float64:
		v.SetFloat(float64(*n))
	case reflect.Uint8:
		v.SetUint(uint64(*n % 256))
	}
}

func filled[T any]() (v T) {
	n := 0
	fill(reflect.ValueOf(&v).Elem(), &n)
	return v
}

// Whatever the fleet knows of a noun arrives in its JSON: no field is forgotten.
func TestNoFieldIsForgotten(t *testing.T) {
	t.Parallel()
	session, account, run := filled[fleet.Session](), filled[fleet.Account](), filled[fleet.CleaningRun]()
	for _, c := range []struct {
		json any
		but  []string // what comes from elsewhere
	}{
		{toLab(&session), []string{"ReadyBy"}},
		{toAccount(&account), nil},
		{toCleaning(&run), nil},
		{toEvidence([]fleet.Evidence{filled[fleet.Evidence]()})[0], nil},
		{toLabType(filled[fleet.LabType](), filled[fleet.LabTypeStatus]()), []string{"Active"}},
		{toAnswer(filled[identity.Answer]()), []string{"Allowed"}},
		{toActivity(filled[fleet.Activity]()), nil},
		{toTransition(filled[fleet.Activity]()), nil},
		{toUsage(filled[fleet.Usage]()), nil},
		{toQueue(ptr(filled[asynq.QueueInfo]())), nil},
		{toTask(ptr(filled[asynq.TaskInfo]())), nil},
		{toOrganization(filled[fleet.Organization](), nil), nil},
		{toCredentials(filled[fleet.Credentials](), t0, "http://aws.test"), nil},
	} {
		empty(t, reflect.ValueOf(c.json), c.but)
	}
}

func ptr[T any](v T) *T { return &v }

// empty complains of fields that hold nothing.
func empty(t *testing.T, v reflect.Value, but []string) {
	t.Helper()
	skip := map[string]bool{}
	for _, name := range but {
		skip[name] = true
	}
	for i := range v.NumField() {
		name, f := v.Type().Field(i).Name, v.Field(i)
		switch {
		case skip[name]:
		case f.IsZero():
			t.Errorf("%s.%s is empty", v.Type(), name)
		case f.Kind() == reflect.Struct && f.Type() != reflect.TypeFor[time.Time]():
			empty(t, f, but)
		}
	}
}

// A lab type that is read and applied again is the same one.
func TestLabTypeRoundTrip(t *testing.T) {
	t.Parallel()
	want := filled[fleet.LabType]()
	want.Revision = 0 // the catalog's affair
	if got := fromSpec(toLabType(want, fleet.LabTypeStatus{}).LabTypeSpec); !reflect.DeepEqual(got, want) {
		t.Errorf("came back as\n%+v, was\n%+v", got, want)
	}
}

// Every field of a request is handed on.
func TestLabRequestIsHandedOn(t *testing.T) {
	t.Parallel()
	r := labRequest(access.Principal{ID: "k", Role: access.Backend, Owner: "o/o"}, filled[apitypes.LabRequest](), "")
	v := reflect.ValueOf(r)
	for i := range v.NumField() {
		if name := v.Type().Field(i).Name; v.Field(i).IsZero() && name != "Queued" {
			t.Errorf("%s is empty", name)
		}
	}
	if got := toLab(&fleet.Session{Owner: r.Owner, RequestID: r.RequestID}).RequestID; got != filled[apitypes.LabRequest]().RequestID {
		t.Errorf("the request id comes back as %q", got)
	}
}
