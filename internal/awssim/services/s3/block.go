package s3

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"strings"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// publicAccessBlock is Block Public Access of a bucket or an account.
type publicAccessBlock struct {
	BlockPublicAcls       bool
	IgnorePublicAcls      bool
	BlockPublicPolicy     bool
	RestrictPublicBuckets bool
}

type blockDoc struct {
	XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ PublicAccessBlockConfiguration"`
	publicAccessBlock
}

func applyBlock(_ *core.Call, b *bucket, body []byte) error {
	p, err := parseBlock(body)
	b.block = p
	return err
}

func parseBlock(body []byte) (*publicAccessBlock, error) {
	p := &publicAccessBlock{}
	return p, parse(body, p)
}

// setBlock sets a bucket's block and the document that tells it.
func (b *bucket) setBlock(p *publicAccessBlock) {
	b.block = p
	b.configs["publicAccessBlock"] = fmt.Appendf(nil, `%s<PublicAccessBlockConfiguration xmlns="%s"><BlockPublicAcls>%t</BlockPublicAcls><IgnorePublicAcls>%t</IgnorePublicAcls><BlockPublicPolicy>%t</BlockPublicPolicy><RestrictPublicBuckets>%t</RestrictPublicBuckets></PublicAccessBlockConfiguration>`,
		xml.Header, namespace, p.BlockPublicAcls, p.IgnorePublicAcls, p.BlockPublicPolicy, p.RestrictPublicBuckets)
}

// effective is what bucket and account block together: the stricter wins.
func (s *Service) effective(b *bucket) publicAccessBlock {
	var out publicAccessBlock
	for _, p := range []*publicAccessBlock{b.block, s.blocks[b.account]} {
		if p == nil {
			continue
		}
		out.BlockPublicAcls = out.BlockPublicAcls || p.BlockPublicAcls
		out.IgnorePublicAcls = out.IgnorePublicAcls || p.IgnorePublicAcls
		out.BlockPublicPolicy = out.BlockPublicPolicy || p.BlockPublicPolicy
		out.RestrictPublicBuckets = out.RestrictPublicBuckets || p.RestrictPublicBuckets
	}
	return out
}

// restricted reports whether RestrictPublicBuckets keeps the caller out: with a
// public policy only the owner's account and AWS services get in.
func (s *Service) restricted(c *core.Call, b *bucket) bool {
	if b.policy == nil || !b.policy.public || !s.effective(b).RestrictPublicBuckets {
		return false
	}
	return c.Principal == nil || c.Principal.Account != b.account && c.Principal.Service == ""
}

// controlIn is the input of S3 Control's operations.
type controlIn struct {
	AccountID string `header:"x-amz-account-id" trail:"accountId"`
}

// controlOps are the operations of S3 Control on the account's block.
func (s *Service) controlOps() []core.Op {
	needs := func(action string) core.Option {
		return core.Needs(func(*core.Call, *controlIn) []core.Permission {
			return []core.Permission{{Action: "s3:" + action}}
		})
	}
	own := func(h func(*core.Call) (*core.Raw, error)) func(*core.Call, *controlIn) (*core.Raw, error) {
		return func(c *core.Call, in *controlIn) (*core.Raw, error) {
			if in.AccountID != c.Account.ID {
				return nil, denied("Access Denied")
			}
			return h(c)
		}
	}
	return []core.Op{
		core.Handle("GetAccountPublicAccessBlock", own(s.getAccountBlock), core.ReadOnly, needs("GetAccountPublicAccessBlock")),
		core.Handle("PutAccountPublicAccessBlock", own(s.putAccountBlock), needs("PutAccountPublicAccessBlock")),
		core.Handle("DeleteAccountPublicAccessBlock", own(s.deleteAccountBlock), needs("PutAccountPublicAccessBlock")),
	}
}

func (s *Service) getAccountBlock(c *core.Call) (*core.Raw, error) {
	p := s.blocks[c.Account.ID]
	if p == nil {
		return nil, core.Errorf(404, "NoSuchPublicAccessBlockConfiguration", "The public access block configuration was not found")
	}
	return document(blockDoc{publicAccessBlock: *p})
}

func (s *Service) putAccountBlock(c *core.Call) (*core.Raw, error) {
	p, err := parseBlock(c.Body)
	if err != nil {
		return nil, err
	}
	s.blocks[c.Account.ID] = p
	return empty(http.StatusCreated), nil
}

func (s *Service) deleteAccountBlock(c *core.Call) (*core.Raw, error) {
	delete(s.blocks, c.Account.ID)
	return empty(http.StatusNoContent), nil
}

// controlError wraps errors as S3 Control does and S3 does not.
func controlError(c *core.Call, e *core.Error) []byte {
	if !strings.HasPrefix(c.Request.URL.Path, "/v20180820/") {
		return nil
	}
	type inner struct{ Code, Message string }
	body, err := xml.Marshal(struct {
		XMLName   xml.Name `xml:"ErrorResponse"`
		Error     inner
		RequestID string `xml:"RequestId"`
		HostID    string `xml:"HostId"`
	}{Error: inner{e.Code, e.Message}, RequestID: c.RequestID, HostID: "sim"})
	if err != nil {
		return nil
	}
	return append([]byte(xml.Header), body...)
}
