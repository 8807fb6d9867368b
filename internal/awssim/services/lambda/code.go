package lambda

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// Code is a deployment package: a zip file, one in S3, or a container image.
type Code struct {
	ZipFile         []byte `trail:"-"`
	S3Bucket        string
	S3Key           string
	S3ObjectVersion string
	ImageUri        string
	SourceKMSKeyArn string
}

// maxZip is the quota of a zip file sent directly ("Lambda quotas").
const maxZip = 50 << 20

// install puts a package into a configuration.
func (s *Service) install(c *core.Call, v *version, code Code) error {
	cfg := &v.Config
	if cfg.PackageType == "Image" {
		if code.ImageUri == "" {
			return invalid("Please provide ImageUri when updating a function with packageType Image.")
		}
		sum := sha256.Sum256([]byte(code.ImageUri))
		v.image, cfg.CodeSha256, cfg.CodeSize = code.ImageUri, fmt.Sprintf("%x", sum), 0
		return nil
	}
	body, err := s.fetch(c, code)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(body)
	cfg.CodeSha256, cfg.CodeSize = base64.StdEncoding.EncodeToString(sum[:]), int64(len(body))
	return nil
}

// fetch gives the bytes of a zip package after looking into it.
func (s *Service) fetch(c *core.Call, code Code) ([]byte, error) {
	body := code.ZipFile
	if code.S3Bucket != "" {
		if s.deps.Objects == nil {
			// Without S3 the package is only a name: its name stands for its bytes.
			return []byte(code.S3Bucket + "/" + code.S3Key + "?" + code.S3ObjectVersion), nil
		}
		var err error
		if body, err = s.deps.Objects.ReadObject(c, code.S3Bucket, code.S3Key, code.S3ObjectVersion); err != nil {
			return nil, elsewhere("S3", "GetObject", err)
		}
	}
	if len(body) == 0 {
		return nil, invalid("Please provide a source for function code.")
	}
	if len(body) > maxZip {
		return nil, core.Errorf(413, "RequestEntityTooLargeException", "Request must be smaller than %d bytes for the CreateFunction operation", maxZip)
	}
	z, err := zip.NewReader(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		return nil, invalid("Could not unzip uploaded file. Please check your file, then try to upload again.")
	}
	if len(z.File) == 0 {
		return nil, invalid("Uploaded file must be a non-empty zip")
	}
	return body, nil
}

// CodeLocation says where a package can be downloaded, for ten minutes.
type CodeLocation struct {
	RepositoryType   string
	Location         string `json:",omitempty"`
	ImageUri         string `json:",omitempty"`
	ResolvedImageUri string `json:",omitempty"`
}

func (v *version) location(c *core.Call, r ref) CodeLocation {
	if v.Config.PackageType == "Image" {
		repository, _, _ := strings.Cut(v.image, ":")
		return CodeLocation{RepositoryType: "ECR", ImageUri: v.image, ResolvedImageUri: repository + "@sha256:" + v.Config.CodeSha256}
	}
	return CodeLocation{RepositoryType: "S3", Location: fmt.Sprintf(
		"https://awslambda-%s-tasks.s3.%s.amazonaws.com/snapshots/%s/%s-%s?versionId=%s&X-Amz-Expires=600",
		r.region, r.region, r.account, r.name, v.Config.RevisionId, c.World.Hex(32))}
}
