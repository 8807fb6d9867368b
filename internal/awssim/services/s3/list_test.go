package s3_test

import (
	"fmt"
	"net/url"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"pgregory.net/rapid"

	"github.com/kodekloud/kml/internal/awssim/services/s3"
)

// naive lists keys the slow and obvious way: everything at once.
func naive(keys []string, prefix, delimiter string) (contents, prefixes []string) {
	sort.Strings(keys)
	for _, k := range slices.Compact(keys) {
		rest, ok := strings.CutPrefix(k, prefix)
		if !ok {
			continue
		}
		if i := strings.Index(rest, delimiter); delimiter != "" && i >= 0 {
			prefixes = append(prefixes, prefix+rest[:i+len(delimiter)])
			continue
		}
		contents = append(contents, k)
	}
	return contents, slices.Compact(prefixes)
}

// Whatever keys there are and however a listing is cut into pages, the pages
// together tell each key and each common prefix exactly once, in order.
func TestListingAgainstNaiveModel(t *testing.T) {
	t.Parallel()
	b := setup(t, s3.Options{})
	c := b.client(ada, region)
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		name := fmt.Sprintf("model-%d", n)
		b.make(c, name, region)
		key := rapid.StringOfN(rapid.SampledFrom([]rune("ab/ +é")), 1, 6, -1)
		keys := rapid.SliceOfN(key, 0, 25).Draw(rt, "keys")
		prefix := rapid.SampledFrom([]string{"", "", "a", "a/", "/", "b b"}).Draw(rt, "prefix")
		delimiter := rapid.SampledFrom([]string{"", "/", "/", "a", "/a"}).Draw(rt, "delimiter")
		page := int32(rapid.IntRange(1, 5).Draw(rt, "page"))
		for _, k := range keys {
			put(t, c, name, k, k)
		}
		wantKeys, wantPrefixes := naive(keys, prefix, delimiter)
		for how, list := range map[string]func() ([]string, []string){
			"v1":       func() ([]string, []string) { return listV1(t, c, name, prefix, delimiter, page) },
			"v2":       func() ([]string, []string) { return listV2(t, c, name, prefix, delimiter, page) },
			"versions": func() ([]string, []string) { return listVersions(t, c, name, prefix, delimiter, page) },
		} {
			gotKeys, gotPrefixes := list()
			if !slices.Equal(gotKeys, wantKeys) || !slices.Equal(gotPrefixes, wantPrefixes) {
				rt.Fatalf("%s: keys %q, prefixes %q; want %q, %q", how, gotKeys, gotPrefixes, wantKeys, wantPrefixes)
			}
		}
	})
}

func listV1(t *testing.T, c *sdk.Client, bucket, prefix, delimiter string, page int32) (keys, prefixes []string) {
	marker := ""
	for {
		out, err := c.ListObjects(t.Context(), &sdk.ListObjectsInput{Bucket: &bucket, Prefix: &prefix, Delimiter: &delimiter,
			MaxKeys: &page, Marker: &marker, EncodingType: types.EncodingTypeUrl})
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range out.Contents {
			keys = append(keys, decoded(t, *o.Key))
		}
		for _, p := range out.CommonPrefixes {
			prefixes = append(prefixes, decoded(t, *p.Prefix))
		}
		if !*out.IsTruncated {
			return keys, prefixes
		}
		if marker = decoded(t, aws.ToString(out.NextMarker)); marker == "" {
			marker = keys[len(keys)-1]
		}
	}
}

func decoded(t *testing.T, s string) string {
	t.Helper()
	u, err := url.QueryUnescape(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func listV2(t *testing.T, c *sdk.Client, bucket, prefix, delimiter string, page int32) (keys, prefixes []string) {
	p := sdk.NewListObjectsV2Paginator(c, &sdk.ListObjectsV2Input{Bucket: &bucket, Prefix: &prefix, Delimiter: &delimiter, MaxKeys: &page})
	for p.HasMorePages() {
		out, err := p.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if n := len(out.Contents) + len(out.CommonPrefixes); n > int(page) || n != int(*out.KeyCount) {
			t.Fatalf("a page of %d, KeyCount %d, MaxKeys %d", n, *out.KeyCount, page)
		}
		for _, o := range out.Contents {
			keys = append(keys, *o.Key)
		}
		for _, x := range out.CommonPrefixes {
			prefixes = append(prefixes, *x.Prefix)
		}
	}
	return keys, prefixes
}

func listVersions(t *testing.T, c *sdk.Client, bucket, prefix, delimiter string, page int32) (keys, prefixes []string) {
	p := sdk.NewListObjectVersionsPaginator(c, &sdk.ListObjectVersionsInput{Bucket: &bucket, Prefix: &prefix, Delimiter: &delimiter, MaxKeys: &page})
	for p.HasMorePages() {
		out, err := p.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range out.Versions {
			keys = append(keys, *o.Key)
		}
		for _, x := range out.CommonPrefixes {
			prefixes = append(prefixes, *x.Prefix)
		}
	}
	return keys, prefixes
}

// Emptying a bucket page by page, as a cleaner does it, ends with nothing left.
func TestEmptyingMoreThanOnePage(t *testing.T) {
	t.Parallel()
	b := setup(t, s3.Options{})
	c := b.bucket("emptied")
	name := aws.String("emptied")
	versioning(t, c, *name, types.BucketVersioningStatusEnabled)
	for i := range 600 {
		put(t, c, *name, fmt.Sprintf("k%03d", i), "x")
		if _, err := c.DeleteObject(t.Context(), &sdk.DeleteObjectInput{Bucket: name, Key: aws.String(fmt.Sprintf("k%03d", i))}); err != nil {
			t.Fatal(err)
		}
	}
	pages := 0
	for p := sdk.NewListObjectVersionsPaginator(c, &sdk.ListObjectVersionsInput{Bucket: name}); p.HasMorePages(); pages++ {
		out, err := p.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var ids []types.ObjectIdentifier
		for _, v := range out.Versions {
			ids = append(ids, types.ObjectIdentifier{Key: v.Key, VersionId: v.VersionId})
		}
		for _, v := range out.DeleteMarkers {
			ids = append(ids, types.ObjectIdentifier{Key: v.Key, VersionId: v.VersionId})
		}
		res, err := c.DeleteObjects(t.Context(), &sdk.DeleteObjectsInput{Bucket: name, Delete: &types.Delete{Objects: ids}})
		if err != nil || len(res.Errors) > 0 {
			t.Fatalf("DeleteObjects = %+v, %v", res, err)
		}
	}
	if n := b.w.Inventory(ada)[ada][0].Children; n != 0 || pages != 2 {
		t.Errorf("%d left after %d pages; want 0 after 2", n, pages)
	}
	if _, err := c.DeleteBucket(t.Context(), &sdk.DeleteBucketInput{Bucket: name}); err != nil {
		t.Error(err)
	}
}
