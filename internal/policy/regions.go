package policy

import (
	"maps"
	"slices"
	"strings"
)

const requestedRegion = "aws:RequestedRegion"

// globalServices answer in us-east-1 (Global Accelerator and Network Manager in
// us-west-2) wherever the lab is, so no Region condition may bind them.
var globalServices = []string{"iam", "sts", "cloudfront", "cloudfront-keyvaluestore", "route53", "support", "health",
	"trustedadvisor", "globalaccelerator", "networkmanager", "waf", "pricing", "ecr-public"}

// globalActions are the calls of regional services that clients make in
// us-east-1 whatever Region they work in.
var globalActions = []string{"s3:ListAllMyBuckets", "s3:GetBucketLocation", "ec2:DescribeRegions"}

// exempt lists what the boundary's Region limit leaves alone: of the global
// services only those that the lab could call anyway.
func (in *Input) exempt() list {
	var out list
	for _, s := range globalServices {
		if s == "iam" || s == "sts" || s == "health" || slices.Contains(in.LabType.Services, s) {
			out = append(out, s+":*")
		}
	}
	return append(out, globalActions...)
}

// bindRegions limits an Allow to the lab's Regions. One that mixes regional and
// global actions becomes two statements. A Deny stays as it is, and so does an
// Allow that already says something about the Region: the boundary limits it.
func bindRegions(s statement, regions []string) []statement {
	if s.Effect != effectAllow || s.namesRegion() {
		return []statement{s}
	}
	var regional, global list
	for _, action := range s.Action {
		prefix, _, _ := strings.Cut(action, ":")
		if slices.Contains(globalServices, prefix) {
			global = append(global, action)
			continue
		}
		matched, whole := matchGlobal(action)
		global = append(global, matched...)
		if !whole {
			regional = append(regional, action)
		}
	}
	var out []statement
	if len(regional) > 0 {
		bound := s
		bound.Action, bound.Condition = regional, s.Condition.with("StringEquals", requestedRegion, list(regions))
		out = append(out, bound)
	}
	if len(global) > 0 {
		free := s
		free.Action = global
		if len(out) > 0 && free.Sid != "" {
			free.Sid += "Global" // a Sid is unique within a document
		}
		out = append(out, free)
	}
	return out
}

// matchGlobal gives the global actions that a pattern matches; whole says that
// it matches nothing else.
func matchGlobal(pattern string) (matched list, whole bool) {
	for _, a := range globalActions {
		if strings.EqualFold(a, pattern) {
			return list{a}, true
		}
		if covers(pattern, a) {
			matched = append(matched, a)
		}
	}
	return matched, false
}

func (s *statement) namesRegion() bool {
	for _, keys := range s.Condition {
		for key := range keys {
			if strings.EqualFold(key, requestedRegion) {
				return true
			}
		}
	}
	return false
}

// with gives conditions with one more.
func (c conditions) with(operator, key string, values list) conditions {
	out := maps.Clone(c)
	if out == nil {
		out = conditions{}
	}
	keys := maps.Clone(out[operator])
	if keys == nil {
		keys = map[string]list{}
	}
	keys[key] = values
	out[operator] = keys
	return out
}
