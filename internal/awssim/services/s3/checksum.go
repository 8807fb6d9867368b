package s3

import (
	"crypto/md5"  // #nosec: S3's ETag and Content-MD5
	"crypto/sha1" // #nosec: a checksum clients may choose
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"net/http"
	"strings"

	"github.com/kodekloud/kml/internal/awssim/core"
)

const (
	fullObject = "FULL_OBJECT"
	composite  = "COMPOSITE"
)

// checksum is what S3 keeps beside a body. value is base64, for composite ones
// followed by "-" and the number of parts.
type checksum struct {
	algorithm, value, kind string
}

// crc64nvme is the table of CRC-64/NVME, whose polynomial the standard library
// does not name.
var crc64nvme = crc64.MakeTable(0x9a6c9329ac4bc9b5)

var hashes = map[string]func() hash.Hash{
	"CRC32":     func() hash.Hash { return crc32.NewIEEE() },
	"CRC32C":    func() hash.Hash { return crc32.New(crc32.MakeTable(crc32.Castagnoli)) },
	"CRC64NVME": func() hash.Hash { return crc64.New(crc64nvme) },
	"SHA1":      sha1.New,
	"SHA256":    sha256.New,
}

func sumOf(algorithm string, body []byte) []byte {
	h := hashes[algorithm]()
	h.Write(body)
	return h.Sum(nil)
}

func checksumHeader(algorithm string) string { return "x-amz-checksum-" + strings.ToLower(algorithm) }

// md5Hex is the ETag of a body that was put in one piece.
func md5Hex(body []byte) string {
	sum := md5.Sum(body) // #nosec
	return hex.EncodeToString(sum[:])
}

// verifyBody compares the body with the digests that the request carries.
func verifyBody(c *core.Call) error {
	_, err := verified(c)
	return err
}

// verified is the checksum that a request carries, compared with its body. An
// upload without one gets CRC-64/NVME, as S3 does since December 2024.
func verified(c *core.Call) (checksum, error) {
	h := c.Request.Header
	if want := h.Get("Content-MD5"); want != "" {
		if sum, err := base64.StdEncoding.DecodeString(want); err != nil || len(sum) != md5.Size {
			return checksum{}, core.Errorf(400, "InvalidDigest", "The Content-MD5 you specified was invalid.")
		} else if hex.EncodeToString(sum) != md5Hex(c.Body) {
			return checksum{}, core.Errorf(400, "BadDigest", "The Content-MD5 you specified did not match what we received.")
		}
	}
	algorithm, want, err := claimed(c.Request)
	if err != nil {
		return checksum{}, err
	}
	if algorithm == "" {
		algorithm = "CRC64NVME"
		if named := strings.ToUpper(h.Get("x-amz-sdk-checksum-algorithm")); hashes[named] != nil {
			algorithm = named
		}
	}
	got := base64.StdEncoding.EncodeToString(sumOf(algorithm, c.Body))
	if want != "" && want != got {
		return checksum{}, core.Errorf(400, "BadDigest", "The %s you specified did not match the calculated checksum.", algorithm)
	}
	return checksum{algorithm, got, fullObject}, nil
}

// claimed is the checksum in header or trailer; at most one may be there.
func claimed(r *http.Request) (algorithm, value string, err error) {
	for a := range hashes {
		name := checksumHeader(a)
		v := r.Header.Get(name)
		if v == "" {
			v = r.Trailer.Get(name)
		}
		if v == "" {
			continue
		}
		if algorithm != "" {
			return "", "", invalidRequest("Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
		}
		if raw, err := base64.StdEncoding.DecodeString(v); err != nil || len(raw) != hashes[a]().Size() {
			return "", "", invalidRequest("Value for %s header is invalid.", name)
		}
		algorithm, value = a, v
	}
	return algorithm, value, nil
}

// header puts a checksum into an answer.
func (s checksum) header(h http.Header) {
	if s.algorithm == "" {
		return
	}
	h.Set(checksumHeader(s.algorithm), s.value)
	h.Set("x-amz-checksum-type", s.kind)
}

// sums are the checksum elements of XML answers.
type sums struct {
	CRC32     string `xml:"ChecksumCRC32,omitempty"`
	CRC32C    string `xml:"ChecksumCRC32C,omitempty"`
	CRC64NVME string `xml:"ChecksumCRC64NVME,omitempty"`
	SHA1      string `xml:"ChecksumSHA1,omitempty"`
	SHA256    string `xml:"ChecksumSHA256,omitempty"`
	Type      string `xml:"ChecksumType,omitempty"`
}

func (s checksum) element() sums {
	out := sums{Type: s.kind}
	switch s.algorithm {
	case "CRC32":
		out.CRC32 = s.value
	case "CRC32C":
		out.CRC32C = s.value
	case "CRC64NVME":
		out.CRC64NVME = s.value
	case "SHA1":
		out.SHA1 = s.value
	case "SHA256":
		out.SHA256 = s.value
	}
	return out
}

// of is the element's value of an algorithm.
func (e sums) of(algorithm string) string {
	return map[string]string{"CRC32": e.CRC32, "CRC32C": e.CRC32C, "CRC64NVME": e.CRC64NVME, "SHA1": e.SHA1, "SHA256": e.SHA256}[algorithm]
}
