package iam

import (
	_ "embed" // the documents
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/kodekloud/kml/internal/awssim/iameval"
)

// awsManagedJSON holds the AWS-managed policies that the simulator knows, as
// AWS publishes them, one per line.
//
//go:embed data/awsmanaged.json
var awsManagedJSON []byte

// awsManaged parses them once for all worlds: they never change.
var awsManaged = sync.OnceValue(func() map[string]*Policy {
	var all []struct {
		Name, Path, Version string
		Created, Updated    time.Time
		Document            json.RawMessage
	}
	if err := json.Unmarshal(awsManagedJSON, &all); err != nil {
		panic("awssim/iam: AWS-managed policies: " + err.Error())
	}
	m := make(map[string]*Policy, len(all))
	for n, p := range all {
		d, err := parseDocument(string(p.Document), iameval.Identity)
		if err != nil {
			panic("awssim/iam: AWS-managed policy " + p.Name + ": " + err.Error())
		}
		number, err := strconv.Atoi(strings.TrimPrefix(p.Version, "v"))
		if err != nil {
			panic("awssim/iam: AWS-managed policy " + p.Name + ": " + err.Error())
		}
		pol := &Policy{Account: "aws", ID: fmt.Sprintf("ANPAAWSMANAGED%07d", n), Name: p.Name, Path: p.Path,
			Created: p.Created, Updated: p.Updated, Default: p.Version,
			Versions: []*version{{ID: p.Version, Number: number, Created: p.Updated, document: d}}}
		m[pol.ARN()] = pol
	}
	return m
})

// awsPolicy finds an AWS-managed policy, or nil.
func awsPolicy(arn string) *Policy {
	if !strings.HasPrefix(arn, "arn:aws:iam::aws:") {
		return nil
	}
	return awsManaged()[arn]
}

func awsPolicies() []*Policy {
	out := make([]*Policy, 0, len(awsManaged()))
	for _, p := range awsManaged() {
		out = append(out, p)
	}
	return out
}
