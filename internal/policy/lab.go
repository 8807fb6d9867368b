package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/kodekloud/kml/internal/fleet"
)

// LabPolicies renders the customer managed policies of in.LabType for in's
// user. They hold no dates, so they can be made while the account is warm; what
// ends the lab is the boundary. Errors are *fleet.FieldError whose Field is the
// place in the lab type, wrapped with its name.
func LabPolicies(in Input) (Set, error) {
	set, err := labPolicies(&in)
	if err != nil {
		return Set{}, fmt.Errorf("lab type %s: %w", in.LabType.Name, err)
	}
	return set, nil
}

func labPolicies(in *Input) (Set, error) {
	if err := in.check(); err != nil {
		return Set{}, err
	}
	var statements []statement
	for i := range in.LabType.Statements {
		rendered, err := in.render(i)
		if err != nil {
			return Set{}, err
		}
		statements = append(statements, bindRegions(rendered, in.LabType.Regions)...)
	}
	if len(statements) == 0 {
		return Set{}, &fleet.FieldError{Field: "statements", Remedy: "write what the student may do"}
	}
	statements = append(append(statements, in.instanceLimits()...), in.signIn()...)
	sizes, sids := make([]int, len(statements)), map[string]bool{}
	for i := range statements {
		if sid := statements[i].Sid; sid != "" && sids[sid] {
			return Set{}, &fleet.FieldError{Field: statements[i].from + ".sid", Value: sid, Remedy: "give every statement a Sid of its own"}
		}
		sids[statements[i].Sid] = true
		text, err := compact(statements[i])
		if err != nil {
			return Set{}, fmt.Errorf("%s: %w", statements[i].from, err)
		}
		if sizes[i] = NonSpaceLen(string(text)); sizes[i] > MaxPolicySize-frame-1 {
			return Set{}, &fleet.FieldError{Field: statements[i].from, Value: fmt.Sprintf("%s: %d characters", statements[i].Sid, sizes[i]),
				Remedy: fmt.Sprintf("a managed policy holds %d; split the statement", MaxPolicySize)}
		}
	}
	bins := pack(sizes)
	if len(bins) > MaxDocuments {
		return Set{}, &fleet.FieldError{Field: "statements", Value: fmt.Sprintf("%d policies", len(bins)),
			Remedy: fmt.Sprintf("at most %d can be attached; use wildcards or fewer statements", MaxDocuments)}
	}
	return in.set(statements, bins)
}

// set writes the documents and takes their digest.
func (in *Input) set(statements []statement, bins [][]int) (Set, error) {
	var set Set
	hash := sha256.New()
	for n, bin := range bins {
		part := make([]statement, len(bin))
		for i, at := range bin {
			part[i] = statements[at]
		}
		text, err := document(part)
		if err != nil {
			return Set{}, err
		}
		d := Document{
			Name:        fmt.Sprintf("kml-%s-%d", in.LabType.Name, n+1),
			Description: fmt.Sprintf("KML lab type %s, part %d of %d", in.LabType.Name, n+1, len(bins)),
			JSON:        text,
		}
		fmt.Fprintf(hash, "%s\n%s\n", d.Name, d.JSON)
		set.Documents = append(set.Documents, d)
	}
	set.Digest = hex.EncodeToString(hash.Sum(nil))
	return set, nil
}

// Allows says whether an Allow statement of the lab type names the action; what
// Deny statements and resources take away again is not looked at.
func Allows(lt fleet.LabType, action string) bool {
	for _, s := range lt.Statements {
		for _, a := range s.Actions {
			if s.Effect == effectAllow && covers(a, action) {
				return true
			}
		}
	}
	return false
}

// covers matches an action against a pattern with * and ?, which IAM compares
// without regard to case.
func covers(pattern, action string) bool {
	return glob(strings.ToLower(pattern), strings.ToLower(action))
}

func glob(p, s string) bool {
	star, resume, i := -1, 0, 0
	for j := 0; j < len(s); {
		switch {
		case i < len(p) && p[i] == '*':
			star, resume = i, j
			i++
		case i < len(p) && (p[i] == '?' || p[i] == s[j]):
			i, j = i+1, j+1
		case star >= 0:
			resume++
			i, j = star+1, resume
		default:
			return false
		}
	}
	return strings.Trim(p[i:], "*") == ""
}
