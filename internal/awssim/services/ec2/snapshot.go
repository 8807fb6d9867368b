package ec2

import (
	"fmt"
	"slices"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// Snapshot is a copy of a volume.
type Snapshot struct {
	SnapshotId  string     `xml:"snapshotId"`
	VolumeId    string     `xml:"volumeId"`
	VolumeSize  int        `xml:"volumeSize"`
	State       string     `xml:"status"`
	Progress    string     `xml:"progress"`
	StartTime   *core.Time `xml:"startTime"`
	OwnerId     string     `xml:"ownerId"`
	Description string     `xml:"description"`
	Encrypted   bool       `xml:"encrypted"`
	KmsKeyId    string     `xml:"kmsKeyId,omitempty"`
	StorageTier string     `xml:"storageTier"`
	Meta

	sharedWith []string // accounts, or "all"
}

var snapshotKind = &kind{
	name: "snapshot", prefix: "snap", noun: "snapshot", notFound: "InvalidSnapshot.NotFound", malformed: "InvalidSnapshotID.Malformed",
	trail: "AWS::EC2::Snapshot",
	filters: filters{
		"snapshot-id": "SnapshotId", "volume-id": "VolumeId", "volume-size": "VolumeSize", "status": "State", "progress": "Progress",
		"start-time": "StartTime", "owner-id": "OwnerId", "description": "Description", "encrypted": "Encrypted", "storage-tier": "StorageTier",
	},
}

func (*Snapshot) kind() *kind { return snapshotKind }

func (s *Service) snapshotOps() []core.Op {
	return []core.Op{
		op(s, "CreateSnapshot", createSnapshot, creates((*Snapshot)(nil))),
		op(s, "CopySnapshot", copySnapshot, creates((*Snapshot)(nil))),
		op(s, "DescribeSnapshots", describeSnapshots, read),
		op(s, "DescribeSnapshotAttribute", describeSnapshotAttribute, read),
		op(s, "ModifySnapshotAttribute", modifySnapshotAttribute),
		op(s, "DeleteSnapshot", deleteSnapshot),
	}
}

// snapshot finds one of the account's snapshots, or the one behind a public image.
func (st *state) snapshot(id string) (*Snapshot, error) {
	for _, i := range all[Image](st) {
		for _, m := range i.BlockDeviceMappings {
			if i.OwnerId != st.account && m.Ebs != nil && m.Ebs.SnapshotId == id {
				return &Snapshot{SnapshotId: id, VolumeSize: m.Ebs.VolumeSize, OwnerId: i.OwnerId, State: "completed"}, nil
			}
		}
	}
	return get[Snapshot](st, id)
}

func (st *state) newSnapshot(v *Volume, description string, tags []Tag) *Snapshot {
	s := &Snapshot{
		VolumeId: v.VolumeId, VolumeSize: v.Size, State: "pending", Progress: "0%", StartTime: core.Ptr(st.now), OwnerId: st.account,
		Description: description, Encrypted: v.Encrypted, KmsKeyId: v.KmsKeyId, StorageTier: "standard",
	}
	s.SnapshotId = st.newID(s)
	st.add(s, s.SnapshotId, tags)
	st.after(1, func() { s.State, s.Progress = "completed", "100%" })
	return s
}

type createSnapshotIn struct {
	Base
	Tagged
	Description string
	VolumeId    string
}

func createSnapshot(c *call, in *createSnapshotIn) (*Snapshot, error) {
	v, err := get[Volume](c.state, in.VolumeId)
	if err != nil {
		return nil, err
	}
	return c.newSnapshot(v, in.Description, in.tags(snapshotKind)), nil
}

type copySnapshotIn struct {
	Base
	Tagged
	Description      string
	Encrypted        bool
	KmsKeyId         string
	SourceRegion     string
	SourceSnapshotId string
}

type copySnapshotOut struct {
	SnapshotId string `xml:"snapshotId"`
	Tags       []Tag  `xml:"tagSet>item"`
}

// copySnapshot runs in the destination Region and looks into the source's.
func copySnapshot(c *call, in *copySnapshotIn) (*copySnapshotOut, error) {
	if err := need("SourceRegion", in.SourceRegion, "SourceSnapshotId", in.SourceSnapshotId); err != nil {
		return nil, err
	}
	from, err := get[Snapshot](c.svc.shelf.At(c.account, in.SourceRegion), in.SourceSnapshotId)
	if err != nil {
		return nil, err
	}
	v := &Volume{VolumeId: "vol-ffffffff", Size: from.VolumeSize, Encrypted: from.Encrypted || in.Encrypted, KmsKeyId: in.KmsKeyId}
	s := c.newSnapshot(v, in.Description, in.tags(snapshotKind))
	return &copySnapshotOut{s.SnapshotId, s.Tags}, nil
}

type describeSnapshotsIn struct {
	Search
	Owners      []string `q:"Owner"`
	SnapshotIds []string `q:"SnapshotId"`
}

type describeSnapshotsOut struct {
	Snapshots List[*Snapshot] `xml:"snapshotSet"`
	NextToken string          `xml:"nextToken,omitempty"`
}

func describeSnapshots(c *call, in *describeSnapshotsIn) (*describeSnapshotsOut, error) {
	if len(in.Owners) > 0 && !slices.Contains(in.Owners, "self") && !slices.Contains(in.Owners, c.account) {
		return &describeSnapshotsOut{}, nil
	}
	list, next, err := describe[Snapshot](c, &in.Search, in.SnapshotIds)
	return &describeSnapshotsOut{listOf(list), next}, err
}

type snapshotIn struct {
	Base
	SnapshotId string
	Attribute  string
}

// Permission is an account or group that something is shared with.
type Permission struct {
	Group  string `xml:"group,omitempty"`
	UserId string `xml:"userId,omitempty"`
}

func permissionsOf(shared []string) []Permission {
	var out []Permission
	for _, s := range shared {
		if s == "all" {
			out = append(out, Permission{Group: s})
		} else {
			out = append(out, Permission{UserId: s})
		}
	}
	return out
}

type snapshotAttributeOut struct {
	SnapshotId  string           `xml:"snapshotId"`
	Permissions List[Permission] `xml:"createVolumePermission"`
}

func describeSnapshotAttribute(c *call, in *snapshotIn) (*snapshotAttributeOut, error) {
	s, err := get[Snapshot](c.state, in.SnapshotId)
	if err != nil {
		return nil, err
	}
	return &snapshotAttributeOut{s.SnapshotId, listOf(permissionsOf(s.sharedWith))}, nil
}

// SharingChange adds and removes accounts and groups.
type SharingChange struct {
	Add    []Permission
	Remove []Permission
}

func (ch SharingChange) apply(shared []string) []string {
	out := slices.Clone(shared)
	for _, p := range ch.Remove {
		out = slices.DeleteFunc(out, func(s string) bool { return s == p.UserId+p.Group })
	}
	for _, p := range ch.Add {
		if !slices.Contains(out, p.UserId+p.Group) {
			out = append(out, p.UserId+p.Group)
		}
	}
	return out
}

func (ch SharingChange) public() bool {
	return slices.ContainsFunc(ch.Add, func(p Permission) bool { return p.Group == "all" })
}

type modifySnapshotIn struct {
	Base
	SnapshotId             string
	CreateVolumePermission SharingChange
	OperationType          string
	UserIds                []string `q:"UserId"`
	Groups                 []string `q:"UserGroup"`
}

func (in *modifySnapshotIn) change() SharingChange {
	ch := in.CreateVolumePermission
	var list []Permission
	for _, u := range in.UserIds {
		list = append(list, Permission{UserId: u})
	}
	for _, g := range in.Groups {
		list = append(list, Permission{Group: g})
	}
	if in.OperationType == "remove" {
		ch.Remove = append(ch.Remove, list...)
	} else {
		ch.Add = append(ch.Add, list...)
	}
	return ch
}

func modifySnapshotAttribute(c *call, in *modifySnapshotIn) (*returned, error) {
	s, err := get[Snapshot](c.state, in.SnapshotId)
	if err != nil {
		return nil, err
	}
	ch := in.change()
	if ch.public() && c.settings.snapshotAccess != "unblocked" {
		return nil, core.Errorf(400, "OperationNotPermitted", "You can't publicly share snapshots in this account because block public access for snapshots is enabled.")
	}
	s.sharedWith = ch.apply(s.sharedWith)
	return done()
}

func deleteSnapshot(c *call, in *snapshotIn) (*returned, error) {
	s, err := get[Snapshot](c.state, in.SnapshotId)
	if err != nil {
		return nil, err
	}
	if i := c.imageOf(s.SnapshotId); i != nil {
		return nil, core.Errorf(400, "InvalidSnapshot.InUse", "The snapshot %s is currently in use by %s", s.SnapshotId, i.ImageId)
	}
	c.remove(s)
	return done()
}

// imageOf finds an image that is made from a snapshot.
func (st *state) imageOf(snapshot string) *Image {
	return first(st, func(i *Image) bool {
		return slices.ContainsFunc(i.BlockDeviceMappings, func(m BlockDeviceMapping) bool {
			return m.Ebs != nil && m.Ebs.SnapshotId == snapshot
		})
	})
}

func createdBy(op, instance, image string) string {
	return fmt.Sprintf("Created by %s(%s) for %s", op, instance, image)
}
