package s3

import "github.com/kodekloud/kml/internal/awssim/core"

// ReadObject gives the body of an object to another service, for the caller of
// c, who must be allowed to get it; version "" is the current one. The bucket
// must be in the call's Region. Errors are *core.Error. Lock held.
func (s *Service) ReadObject(c *core.Call, name, key, version string) ([]byte, error) {
	b := s.buckets[name]
	switch {
	case b == nil:
		return nil, noSuchBucket(name)
	case b.region != c.Region:
		return nil, core.Errorf(301, "PermanentRedirect", "The bucket is in this region: %s. Please use this region to retry the request", b.region)
	}
	asked := *c
	asked.Service = s.core // whose policies have a say
	action := "s3:GetObject"
	if version != "" {
		action = "s3:GetObjectVersion"
	}
	if asked.Authorize(core.Permission{Action: action, Resource: objectARN(name, key)}) != nil {
		return nil, denied("Access Denied")
	}
	v := b.current(key)
	if version != "" {
		v = b.find(key, version)
	}
	if v == nil || v.marker {
		return nil, noSuchKey(key)
	}
	return v.body, nil
}
