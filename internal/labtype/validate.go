package labtype

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/internal/policy"
)

// Bounds of max_duration: role sessions and the shortest lab that makes sense in
// a demonstration.
const (
	minDuration = 5 * time.Second
	maxDuration = 12 * time.Hour
)

var (
	// namePattern leaves room for the name in IAM policy names and Redis keys.
	namePattern     = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)
	regionPattern   = regexp.MustCompile(`^(af|ap|ca|cn|eu|il|me|mx|sa|us|us-gov)-(central|north|south|east|west|northeast|northwest|southeast|southwest)-[1-9]$`)
	instancePattern = regexp.MustCompile(`^[a-z][a-z0-9-]*\.([a-z0-9-]+|\*)$`)
	resourcePattern = regexp.MustCompile(`^(\*|arn:.+)$`)
	operatorPattern = regexp.MustCompile(`^(ForAllValues:|ForAnyValue:)?((String|Numeric|Date|Arn)(Not)?(Equals|Like|EqualsIgnoreCase|LessThan|LessThanEquals|GreaterThan|GreaterThanEquals)|Bool|BinaryEquals|(Not)?IpAddress|Null)(IfExists)?$`)
	keyPattern      = regexp.MustCompile(`^[A-Za-z0-9-]+:\S+$`)
)

const maxNameLen = 40

// Check lists everything that is wrong with a lab type, whether it came in a file
// or by the API; nothing is wrong with one that can be handed out.
func Check(lt fleet.LabType) []*fleet.FieldError {
	v := &faults{}
	v.check(namePattern.MatchString(lt.Name) && len(lt.Name) <= maxNameLen, "name", lt.Name, "use small letters, digits and single dashes, 40 at most")
	v.check(lt.Title != "", "title", "", "say in a few words what the lab is")
	v.each("regions", lt.Regions, true, regionPattern.MatchString, "write a Region such as eu-west-1")
	v.each("services", lt.Services, true, func(s string) bool { return s != "" }, "name IAM prefixes, such as ec2")
	v.each("instance_types", lt.InstanceTypes, false, instancePattern.MatchString, "write an instance type such as t3.micro")
	v.check(lt.MaxDuration >= minDuration && lt.MaxDuration <= maxDuration, "max_duration", lt.MaxDuration.String(),
		fmt.Sprintf("give between %v and %v", minDuration, maxDuration))
	v.check(lt.Console || lt.Keys, "keys", "", "give the student keys, console, or both")
	for i := range lt.Statements {
		v.statement(fmt.Sprintf("statements[%d]", i), &lt.Statements[i])
	}
	switch {
	case !slices.Contains(fleet.Probes, lt.Probe):
		v.add("probe", lt.Probe, "use one of "+strings.Join(fleet.Probes, ", "))
	case !policy.Allows(lt, lt.Probe):
		v.add("probe", lt.Probe, "no statement allows it")
	}
	if len(*v) == 0 {
		v.render(lt)
	}
	return *v
}

type faults []*fleet.FieldError

func (v *faults) add(field, value, remedy string) {
	*v = append(*v, &fleet.FieldError{Field: field, Value: value, Remedy: remedy})
}

func (v *faults) check(ok bool, field, value, remedy string) {
	if !ok {
		v.add(field, value, remedy)
	}
}

// each checks a list: not empty if needed, every value good, none twice.
func (v *faults) each(field string, values []string, needed bool, good func(string) bool, remedy string) {
	v.check(len(values) > 0 || !needed, field, "", remedy)
	for i, s := range values {
		at := fmt.Sprintf("%s[%d]", field, i)
		v.check(good(s), at, s, remedy)
		v.check(slices.Index(values, s) == i, at, s, "it is there twice")
	}
}

// statement checks what package policy does not: it sees rendered text only.
func (v *faults) statement(from string, s *fleet.Statement) {
	for i, r := range s.Resources {
		v.check(resourcePattern.MatchString(r), fmt.Sprintf("%s.resources[%d]", from, i), r, `write an ARN or "*"`)
	}
	for operator, keys := range s.Conditions {
		at := from + ".conditions." + operator
		v.check(operatorPattern.MatchString(operator), at, operator, "write a condition operator of IAM such as StringEquals")
		for key, values := range keys {
			v.check(keyPattern.MatchString(key), at+"."+key, key, "write a condition key such as aws:SourceIp")
			v.check(len(values) > 0, at+"."+key, "", "give a value")
		}
	}
}

// render proves that the documents can be rendered and fit, for the longest
// names that IAM takes.
func (v *faults) render(lt fleet.LabType) {
	const account = "123456789012"
	arn, name := "arn:aws-us-gov:iam::"+account+":", strings.Repeat("n", 64)
	in := policy.Input{Account: account, UserName: name, MemberRole: name, LabType: lt, End: time.Unix(1, 0),
		UserARN: arn + "user" + policy.FleetPath + name, BoundaryARN: arn + "policy" + policy.FleetPath + name}
	_, err := policy.LabPolicies(in)
	if err == nil {
		_, err = policy.Boundary(in)
	}
	var f *fleet.FieldError
	switch {
	case errors.As(err, &f):
		*v = append(*v, f)
	case err != nil:
		v.add("statements", "", err.Error())
	}
}
