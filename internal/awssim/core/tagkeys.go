package core

import "sort"

// TagKeys gives the condition keys that tags make: aws:RequestTag/… and
// aws:TagKeys of those sent along, aws:ResourceTag/… of those the resource has.
func TagKeys(requested, existing map[string]string) map[string][]string {
	m := make(map[string][]string, len(requested)+len(existing)+1)
	for k, v := range requested {
		m["aws:RequestTag/"+k] = []string{v}
		m["aws:TagKeys"] = append(m["aws:TagKeys"], k)
	}
	sort.Strings(m["aws:TagKeys"])
	for k, v := range existing {
		m["aws:ResourceTag/"+k] = []string{v}
	}
	return m
}
