package s3

import (
	"net"
	"net/http"
	"net/url"
	"strings"
)

// controlPath is where S3 Control keeps the account's public access block.
const controlPath = "/v20180820/configuration/publicAccessBlock"

// route names the operation of a request: by method, by whether bucket and key
// are named, and by the subresource in the query.
func route(r *http.Request) (string, map[string]string) {
	if strings.TrimSuffix(r.URL.Path, "/") == controlPath {
		return map[string]string{
			http.MethodGet: "GetAccountPublicAccessBlock", http.MethodPut: "PutAccountPublicAccessBlock",
			http.MethodDelete: "DeleteAccountPublicAccessBlock",
		}[r.Method], nil
	}
	bucket, key := target(r)
	params := map[string]string{"Bucket": bucket, "Key": key}
	q := r.URL.Query()
	switch {
	case bucket == "" && r.Method == http.MethodGet:
		return "ListBuckets", params
	case bucket == "":
		return "", nil
	case key == "":
		return pick(bucketRoutes, r.Method, q, r.Header), params
	default:
		return pick(objectRoutes, r.Method, q, r.Header), params
	}
}

// target finds bucket and key: in the host (virtual-host style) or the path.
func target(r *http.Request) (bucket, key string) {
	path := strings.TrimPrefix(r.URL.Path, "/")
	if b := hostBucket(r.Host); b != "" {
		return b, path
	}
	bucket, key, _ = strings.Cut(path, "/")
	return bucket, key
}

// hostBucket gives the bucket of a virtual-host style request, else "".
func hostBucket(hostport string) string {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	if b, ok := strings.CutSuffix(host, ".localhost"); ok {
		if b == "s3" || strings.HasPrefix(b, "s3.") {
			return ""
		}
		return strings.TrimSuffix(b, ".s3")
	}
	rest, ok := strings.CutSuffix(host, ".amazonaws.com")
	if !ok {
		return ""
	}
	if i := strings.LastIndex(rest, ".s3"); i > 0 && (i+3 == len(rest) || rest[i+3] == '.' || rest[i+3] == '-') {
		return rest[:i]
	}
	return ""
}

// endpointRegion is the Region that a host of AWS names: "" for the global
// endpoint and for hosts that name none.
func endpointRegion(hostport string) (region string, aws bool) {
	host, _, _ := strings.Cut(hostport, ":")
	rest, ok := strings.CutSuffix(host, ".amazonaws.com")
	if !ok {
		return "", false
	}
	i := strings.LastIndex("."+rest, ".s3")
	if i < 0 {
		return "", false
	}
	return strings.Trim(rest[min(i+2, len(rest)):], ".-"), true
}

// branch is one way that a query makes out of a method.
type branch struct {
	method, query, op string
}

// pick finds the first branch whose query parameter is there ("" always is).
func pick(branches []branch, method string, q url.Values, h http.Header) string {
	for _, b := range branches {
		if b.method != method || b.query != "" && !q.Has(b.query) {
			continue
		}
		switch {
		case b.op == "ListObjectsV2" && q.Get("list-type") != "2":
			continue
		case b.op == "UploadPart" && !q.Has("partNumber"):
			continue
		case b.op == "UploadPart" && h.Get("x-amz-copy-source") != "":
			return "UploadPartCopy"
		case b.op == "PutObject" && h.Get("x-amz-copy-source") != "":
			return "CopyObject"
		}
		return b.op
	}
	return ""
}

// bucketRoutes are the branches of a bucket; those of configs are added by
// init, before the ones without a query.
var bucketRoutes = append(configRoutes(),
	branch{"GET", "acl", "GetBucketAcl"}, branch{"PUT", "acl", "PutBucketAcl"},
	branch{"GET", "policy", "GetBucketPolicy"}, branch{"PUT", "policy", "PutBucketPolicy"},
	branch{"DELETE", "policy", "DeleteBucketPolicy"}, branch{"GET", "policyStatus", "GetBucketPolicyStatus"},
	branch{"GET", "location", "GetBucketLocation"},
	branch{"GET", "versions", "ListObjectVersions"}, branch{"GET", "uploads", "ListMultipartUploads"},
	branch{"GET", "analytics", "ListBucketAnalyticsConfigurations"}, branch{"GET", "metrics", "ListBucketMetricsConfigurations"},
	branch{"GET", "inventory", "ListBucketInventoryConfigurations"},
	branch{"GET", "intelligent-tiering", "ListBucketIntelligentTieringConfigurations"},
	branch{"POST", "delete", "DeleteObjects"},
	branch{"GET", "session", ""}, branch{"PUT", "analytics", ""}, branch{"PUT", "metrics", ""}, branch{"PUT", "inventory", ""},
	branch{"PUT", "intelligent-tiering", ""}, branch{"DELETE", "analytics", ""}, branch{"DELETE", "metrics", ""},
	branch{"DELETE", "inventory", ""}, branch{"DELETE", "intelligent-tiering", ""},
	branch{"GET", "abac", ""}, branch{"PUT", "abac", ""}, branch{"GET", "metadataTable", ""}, branch{"GET", "metadataConfiguration", ""},
	branch{"GET", "list-type", "ListObjectsV2"}, branch{"GET", "", "ListObjects"},
	branch{"HEAD", "", "HeadBucket"}, branch{"PUT", "", "CreateBucket"}, branch{"DELETE", "", "DeleteBucket"},
)

// objectRoutes are the branches of an object. An empty operation is one that
// the simulator does not know: refusing is better than doing another one.
var objectRoutes = []branch{
	{"GET", "acl", "GetObjectAcl"}, {"PUT", "acl", "PutObjectAcl"},
	{"GET", "tagging", "GetObjectTagging"}, {"PUT", "tagging", "PutObjectTagging"}, {"DELETE", "tagging", "DeleteObjectTagging"},
	{"GET", "retention", "GetObjectRetention"}, {"PUT", "retention", "PutObjectRetention"},
	{"GET", "legal-hold", "GetObjectLegalHold"}, {"PUT", "legal-hold", "PutObjectLegalHold"},
	{"GET", "attributes", "GetObjectAttributes"}, {"GET", "uploadId", "ListParts"},
	{"GET", "torrent", ""}, {"PUT", "renameObject", ""}, {"PUT", "encryption", ""},
	{"PUT", "uploadId", "UploadPart"},
	{"POST", "uploads", "CreateMultipartUpload"}, {"POST", "uploadId", "CompleteMultipartUpload"},
	{"DELETE", "uploadId", "AbortMultipartUpload"},
	{"GET", "", "GetObject"}, {"HEAD", "", "HeadObject"}, {"PUT", "", "PutObject"}, {"DELETE", "", "DeleteObject"},
}
