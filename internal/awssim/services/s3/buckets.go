package s3

import (
	"encoding/base64"
	"encoding/xml"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/kodekloud/kml/internal/awssim/core"
)

var bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

// validName checks a name by the "General purpose bucket naming rules".
func validName(name string) bool {
	switch {
	case !bucketName.MatchString(name), net.ParseIP(name) != nil, strings.Contains(name, ".."):
		return false
	}
	for _, p := range []string{"xn--", "sthree-", "amzn-s3-demo-"} {
		if strings.HasPrefix(name, p) {
			return false
		}
	}
	for _, p := range []string{"-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"} {
		if strings.HasSuffix(name, p) {
			return false
		}
	}
	return true
}

// creating gives what CreateBucket needs by its headers.
func (s *Service) creating(c *core.Call, in *bucketIn) []core.Permission {
	if b := s.buckets[in.Bucket]; b != nil && b.account != c.Account.ID {
		return nil // BucketAlreadyExists; a stranger's policy has no say in it
	}
	actions := []string{"CreateBucket"}
	h := c.Request.Header
	if h.Get("x-amz-acl") != "" || len(grantHeaders(h)) > 0 {
		actions = append(actions, "PutBucketAcl")
	}
	if h.Get("x-amz-bucket-object-lock-enabled") == "true" {
		actions = append(actions, "PutBucketVersioning", "PutBucketObjectLockConfiguration")
	}
	if h.Get("x-amz-object-ownership") != "" {
		actions = append(actions, "PutBucketOwnershipControls")
	}
	var perms []core.Permission
	cond := s.conditions(c, "", "")
	if region, err := bucketRegion(c); err == nil {
		cond["s3:LocationConstraint"] = []string{region}
	}
	for _, a := range actions {
		perms = append(perms, core.Permission{Action: "s3:" + a, Resource: bucketARN(in.Bucket), Context: cond})
	}
	return perms
}

func (s *Service) createBucket(c *core.Call, in *bucketIn) (*core.Raw, error) {
	if !validName(in.Bucket) {
		e := core.Errorf(400, "InvalidBucketName", "The specified bucket is not valid.")
		e.Extra = map[string]any{"BucketName": in.Bucket}
		return nil, e
	}
	region, err := bucketRegion(c)
	if err != nil {
		return nil, err
	}
	h := c.Request.Header
	ownership := h.Get("x-amz-object-ownership")
	if ownership == "" {
		ownership = ownerEnforced
	}
	if !slices.Contains(ownerships, ownership) {
		return nil, invalidArgument("x-amz-object-ownership", ownership, "Invalid x-amz-object-ownership header: %s", ownership)
	}
	made := empty(http.StatusOK)
	made.Header.Set("Location", "/"+in.Bucket)
	if done, err := s.taken(c, in.Bucket, region); err != nil {
		return nil, err
	} else if done {
		return made, nil
	}
	b := &bucket{
		name: in.Bucket, account: c.Account.ID, region: region, created: c.Now,
		versions: map[string][]*version{}, uploads: map[string]*upload{}, configs: map[string][]byte{},
		encryption: encryption{algorithm: "AES256"},
	}
	b.setOwnership(ownership)
	b.setBlock(&publicAccessBlock{true, true, true, true}) // the default since April 2023
	if err := s.firstACL(c, b); err != nil {
		return nil, err
	}
	if h.Get("x-amz-bucket-object-lock-enabled") == "true" {
		b.versioning, b.lock = versioningEnabled, &lockDefaults{}
		b.configs["versioning"], _ = blank("VersioningConfiguration", "<Status>Enabled</Status>")(b)
		b.configs["object-lock"], _ = blank("ObjectLockConfiguration", "<ObjectLockEnabled>Enabled</ObjectLockEnabled>")(b)
	}
	var conf struct {
		Tags []tag `xml:"Tags>Tag"`
	}
	if len(c.Body) > 0 {
		if err := parse(c.Body, &conf); err != nil {
			return nil, err
		}
	}
	if len(conf.Tags) > 0 {
		if err := checkTags(conf.Tags, 50); err != nil {
			return nil, err
		}
		b.setTags(conf.Tags)
	}
	delete(s.graves, in.Bucket)
	s.buckets[in.Bucket] = b
	c.TrailResources = []core.TrailResource{{ARN: bucketARN(b.name), AccountID: b.account, Type: "AWS::S3::Bucket", Name: b.name}}
	return made, nil
}

// taken refuses a name that somebody has or had; done is true for the owner's
// repetition in us-east-1, which succeeds there and only there.
func (s *Service) taken(c *core.Call, name, region string) (done bool, err error) {
	if b := s.buckets[name]; b != nil {
		var e *core.Error
		switch {
		case b.account != c.Account.ID:
			e = core.Errorf(409, "BucketAlreadyExists", "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again.")
		case b.region == "us-east-1" && region == "us-east-1":
			return true, nil
		default:
			e = core.Errorf(409, "BucketAlreadyOwnedByYou", "Your previous request to create the named bucket succeeded and you already own it.")
		}
		e.Extra = map[string]any{"BucketName": name}
		return false, e
	}
	g, ok := s.graves[name]
	if ok && c.Now.Before(g.until) && (g.account != c.Account.ID || g.region != region) {
		return false, core.Errorf(409, "OperationAborted", "A conflicting conditional operation is currently in progress against this resource. Please try again.")
	}
	return false, nil
}

// bucketRegion is where CreateBucket is to put the bucket. A regional endpoint
// makes buckets in its own Region only and wants it named; us-east-1 is the
// place when nothing is named and may not be.
func bucketRegion(c *core.Call) (string, error) {
	var conf struct{ LocationConstraint string }
	if len(c.Body) > 0 {
		if err := parse(c.Body, &conf); err != nil {
			return "", err
		}
	}
	want := conf.LocationConstraint
	if want == "EU" {
		want = "eu-west-1"
	}
	switch {
	case c.Region == "us-east-1" && want == "":
		return "us-east-1", nil
	case want == "us-east-1" && c.Region == "us-east-1":
		return "", core.Errorf(400, "InvalidLocationConstraint", "The specified location-constraint is not valid")
	case c.Region == "us-east-1" && regionName.MatchString(want), want == c.Region:
		return want, nil
	case !regionName.MatchString(want) && want != "":
		return "", core.Errorf(400, "InvalidLocationConstraint", "The specified location-constraint is not valid")
	case want == "":
		want = "unspecified"
	}
	return "", core.Errorf(400, "IllegalLocationConstraintException", "The %s location constraint is incompatible for the region specific endpoint this request was sent to.", want)
}

var regionName = regexp.MustCompile(`^[a-z]{2}(-gov)?-[a-z]+-\d$`)

func (s *Service) headBucket(_ *core.Call, b *bucket) (*core.Raw, error) {
	raw := empty(http.StatusOK)
	raw.Header.Set("x-amz-bucket-region", b.region)
	raw.Header.Set("x-amz-bucket-arn", bucketARN(b.name))
	raw.Header.Set("x-amz-access-point-alias", "false")
	raw.Header.Set("Content-Type", "application/xml")
	return raw, nil
}

func (s *Service) deleteBucket(c *core.Call, b *bucket) (*core.Raw, error) {
	if len(b.keys) > 0 {
		e := core.Errorf(409, "BucketNotEmpty", "The bucket you tried to delete is not empty")
		if b.versioned() {
			e.Message += ". You must delete all versions in the bucket."
		}
		e.Extra = map[string]any{"BucketName": b.name}
		return nil, e
	}
	delete(s.buckets, b.name) // unfinished uploads do not hold a bucket back
	s.graves[b.name] = grave{b.account, b.region, c.After(s.opts.NameBlock)}
	return empty(http.StatusNoContent), nil
}

func (s *Service) bucketLocation(_ *core.Call, b *bucket) (*core.Raw, error) {
	type doc struct {
		XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ LocationConstraint"`
		Region  string   `xml:",chardata"`
	}
	if b.region == "us-east-1" { // said with an empty element
		return document(doc{})
	}
	return document(doc{Region: b.region})
}

type bucketEntry struct {
	Name         string
	CreationDate string
	BucketRegion string `xml:",omitempty"`
}

func (s *Service) listBuckets(c *core.Call, _ *core.None) (*core.Raw, error) {
	out := struct {
		XMLName           xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListAllMyBucketsResult"`
		Owner             owner
		Buckets           []bucketEntry `xml:"Buckets>Bucket"`
		ContinuationToken string        `xml:",omitempty"`
		Prefix            string        `xml:",omitempty"`
	}{Owner: ownerOf(c.Account.ID)}
	q := c.Request.URL.Query()
	most, err := queryInt(q, "max-buckets", 10000, 10000)
	if err != nil {
		return nil, err
	}
	if most == 0 {
		return nil, invalidArgument("max-buckets", "0", "Argument max-buckets must be an integer between 1 and 10000")
	}
	after, err := base64.RawURLEncoding.DecodeString(q.Get("continuation-token"))
	if err != nil {
		return nil, invalidArgument("continuation-token", q.Get("continuation-token"), "The continuation token provided is incorrect")
	}
	paged := q.Has("max-buckets") || q.Has("prefix") || q.Has("bucket-region") || q.Has("continuation-token")
	out.Prefix = q.Get("prefix")
	for _, b := range s.owned(c.Account.ID) {
		if !strings.HasPrefix(b.name, out.Prefix) || b.name <= string(after) ||
			q.Get("bucket-region") != "" && b.region != q.Get("bucket-region") {
			continue
		}
		if len(out.Buckets) == most {
			out.ContinuationToken = base64.RawURLEncoding.EncodeToString([]byte(out.Buckets[most-1].Name))
			break
		}
		e := bucketEntry{Name: b.name, CreationDate: stamp(b.created)}
		if paged {
			e.BucketRegion = b.region
		}
		out.Buckets = append(out.Buckets, e)
	}
	return document(out)
}
