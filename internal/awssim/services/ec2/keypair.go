package ec2

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// KeyPair is the public half of a key; EC2 never keeps the private one.
type KeyPair struct {
	KeyPairId      string     `xml:"keyPairId"`
	KeyName        string     `xml:"keyName"`
	KeyType        string     `xml:"keyType"`
	KeyFingerprint string     `xml:"keyFingerprint"`
	CreateTime     *core.Time `xml:"createTime"`
	Meta

	publicKey string
}

var keyPairKind = &kind{
	name: "key-pair", prefix: "key", noun: "key pair", notFound: "InvalidKeyPair.NotFound", malformed: "InvalidKeyPair.NotFound",
	trail:   "AWS::EC2::KeyPair",
	filters: filters{"key-pair-id": "KeyPairId", "key-name": "KeyName", "fingerprint": "KeyFingerprint"},
}

func (*KeyPair) kind() *kind { return keyPairKind }

func (x *KeyPair) keys() map[string]string {
	return map[string]string{"ec2:KeyPairName": x.KeyName, "ec2:KeyPairType": x.KeyType}
}

func (s *Service) keyPairOps() []core.Op {
	return []core.Op{
		op(s, "CreateKeyPair", createKeyPair, creates((*KeyPair)(nil))),
		op(s, "ImportKeyPair", importKeyPair, creates((*KeyPair)(nil))),
		op(s, "DescribeKeyPairs", describeKeyPairs, read),
		op(s, "DeleteKeyPair", deleteKeyPair),
	}
}

type createKeyIn struct {
	Base
	Tagged
	KeyName           string
	KeyType           string
	KeyFormat         string
	PublicKeyMaterial string
}

type createKeyOut struct {
	KeyFingerprint string `xml:"keyFingerprint"`
	KeyMaterial    string `xml:"keyMaterial,omitempty" trail:"-"`
	KeyName        string `xml:"keyName"`
	KeyPairId      string `xml:"keyPairId"`
	Tags           []Tag  `xml:"tagSet>item"`
}

// createKeyPair gives something in the form of a private key: nothing in the
// simulation can be logged in to.
func createKeyPair(c *call, in *createKeyIn) (*createKeyOut, error) {
	material := c.svc.w.Secret(48)
	out, err := c.newKeyPair(in, material)
	if err == nil {
		out.KeyMaterial = "-----BEGIN RSA PRIVATE KEY-----\n" + base64.StdEncoding.EncodeToString([]byte(material)) + "\n-----END RSA PRIVATE KEY-----"
	}
	return out, err
}

func importKeyPair(c *call, in *createKeyIn) (*createKeyOut, error) {
	b, err := base64.StdEncoding.DecodeString(in.PublicKeyMaterial)
	if err != nil || len(b) == 0 {
		return nil, core.Errorf(400, "InvalidKey.Format", "Key is not in valid OpenSSH public key format")
	}
	if strings.HasPrefix(string(b), "ssh-ed25519") {
		in.KeyType = "ed25519"
	}
	return c.newKeyPair(in, string(b))
}

func (c *call) newKeyPair(in *createKeyIn, material string) (*createKeyOut, error) {
	if err := need("KeyName", in.KeyName); err != nil {
		return nil, err
	}
	if c.keyNamed(in.KeyName) != nil {
		return nil, core.Errorf(400, "InvalidKeyPair.Duplicate", "The keypair already exists")
	}
	sum := sha256.Sum256([]byte(material))
	k := &KeyPair{KeyName: in.KeyName, KeyType: in.KeyType, CreateTime: core.Ptr(c.now), KeyFingerprint: fingerprint(sum[:20]), publicKey: material}
	if k.KeyType == "" {
		k.KeyType = "rsa"
	}
	k.KeyPairId = c.newID(k)
	c.add(k, k.KeyPairId, in.tags(keyPairKind))
	return &createKeyOut{KeyFingerprint: k.KeyFingerprint, KeyName: k.KeyName, KeyPairId: k.KeyPairId, Tags: k.Tags}, nil
}

func fingerprint(b []byte) string {
	parts := make([]string, len(b))
	for i, x := range b {
		parts[i] = fmt.Sprintf("%02x", x)
	}
	return strings.Join(parts, ":")
}

func (st *state) keyNamed(name string) *KeyPair {
	return first(st, func(k *KeyPair) bool { return k.KeyName == name })
}

type describeKeysIn struct {
	Base
	Filters    []Filter `q:"Filter"`
	KeyNames   []string `q:"KeyName"`
	KeyPairIds []string `q:"KeyPairId"`
}

type describeKeysOut struct {
	KeyPairs List[*KeyPair] `xml:"keySet"`
}

func describeKeyPairs(c *call, in *describeKeysIn) (*describeKeysOut, error) {
	ids := slices.Clone(in.KeyPairIds)
	for _, n := range in.KeyNames {
		k := c.keyNamed(n)
		if k == nil {
			return nil, core.Errorf(400, "InvalidKeyPair.NotFound", "The key pair '%s' does not exist", n)
		}
		ids = append(ids, k.KeyPairId)
	}
	list, _, err := describe[KeyPair](c, &Search{Filters: in.Filters}, ids)
	return &describeKeysOut{listOf(list)}, err
}

type keyPairIn struct {
	Base
	KeyName   string
	KeyPairId string
}

// permissions: a key pair is often named, not identified.
func (in *keyPairIn) permissions(c *call) []core.Permission {
	if k := c.keyNamed(in.KeyName); k != nil {
		return []core.Permission{c.on(k.KeyPairId)}
	}
	if in.KeyPairId != "" {
		return []core.Permission{c.on(in.KeyPairId)}
	}
	return []core.Permission{{Resource: c.arn(keyPairKind, in.KeyName), Context: c.regionKey()}}
}

type deleteKeyOut struct {
	Return    bool   `xml:"return"`
	KeyPairId string `xml:"keyPairId,omitempty"`
}

// deleteKeyPair succeeds for a name that does not exist, as on AWS.
func deleteKeyPair(c *call, in *keyPairIn) (*deleteKeyOut, error) {
	if in.KeyPairId == "" && in.KeyName == "" {
		return nil, missingParameter("KeyName")
	}
	k := c.keyNamed(in.KeyName)
	if in.KeyPairId != "" {
		var err error
		if k, err = get[KeyPair](c.state, in.KeyPairId); err != nil {
			return nil, err
		}
	}
	if k == nil {
		return &deleteKeyOut{Return: true}, nil
	}
	c.remove(k)
	return &deleteKeyOut{true, k.KeyPairId}, nil
}
