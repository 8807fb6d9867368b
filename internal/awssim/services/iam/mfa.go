package iam

import (
	"regexp"
	"slices"
	"time"

	"github.com/kodekloud/kml/internal/awssim/core"
)

const maxDevices = 8

// mfaDevice is a virtual MFA device, or a hardware one while it is enabled.
type mfaDevice struct {
	Serial  string // ARN of a virtual device
	Virtual bool
	Created time.Time
	Enabled time.Time
	Tags    tagSet
	user    *User // nil while unassigned
}

type createDeviceIn struct {
	Path, VirtualMFADeviceName string

	Tags []tag
}

type deviceIn struct {
	UserName, SerialNumber                   string
	AuthenticationCode1, AuthenticationCode2 string `trail:"-"`
}

type virtualOut struct {
	SerialNumber     string
	Base32StringSeed string       `xml:",omitempty" trail:"-"`
	QRCodePNG        string       `xml:",omitempty" trail:"-"`
	User             *userOut     `xml:",omitempty"`
	EnableDate       *core.Time   `xml:",omitempty"`
	Tags             members[tag] `xml:",omitempty"`
}

type oneVirtualOut struct{ VirtualMFADevice virtualOut }

type deviceOut struct {
	UserName, SerialNumber string
	EnableDate             *core.Time `xml:",omitempty"`
}

type devicesOut struct {
	MFADevices members[deviceOut]
	Truncation
}

type listVirtualIn struct {
	AssignmentStatus string
	Paging
}

type virtualsOut struct {
	VirtualMFADevices members[virtualOut]
	Truncation
}

func (d *mfaDevice) out() deviceOut {
	o := deviceOut{SerialNumber: d.Serial, EnableDate: core.Ptr(d.Enabled)}
	if d.user != nil {
		o.UserName = d.user.Name
	}
	return o
}

func (a *account) device(serial string) (*mfaDevice, error) {
	if d := a.mfa.get(serial); d != nil {
		return d, nil
	}
	return nil, notFound("VirtualMFADevice with serial number %s doesn't exist.", serial)
}

func (a *account) devicesOf(u *User) []*mfaDevice {
	return slices.DeleteFunc(a.mfa.sorted(), func(d *mfaDevice) bool { return d.user == nil || d.user != u })
}

func serialKey(d *mfaDevice) string { return d.Serial }

func bySerial(ds []*mfaDevice) []*mfaDevice {
	slices.SortFunc(ds, func(a, b *mfaDevice) int {
		if a.Serial < b.Serial {
			return -1
		}
		return 1
	})
	return ds
}

func (i *IAM) mfaOps() []core.Op {
	onUser := on(i, kindUser, func(in *deviceIn) string { return in.UserName })
	onDevice := core.On(func(_ *core.Call, in *deviceIn) string { return in.SerialNumber })
	return []core.Op{
		core.Handle("CreateVirtualMFADevice", i.createVirtual, core.Needs(func(c *core.Call, in *createDeviceIn) []core.Permission {
			return []core.Permission{{Resource: entityARN(c.Account.ID, "mfa", in.Path, in.VirtualMFADeviceName), Context: requestTags(in.Tags)}}
		})),
		core.Handle("DeleteVirtualMFADevice", func(c *core.Call, in *deviceIn) (core.None, error) {
			a := i.of(c)
			d, err := a.device(in.SerialNumber)
			if err != nil {
				return core.None{}, err
			}
			if d.user != nil {
				return core.None{}, conflict("MFA VirtualDevice in use. Must deactivate first.")
			}
			a.mfa.drop(d.Serial)
			return core.None{}, nil
		}, onDevice),
		core.Handle("EnableMFADevice", i.enableDevice, onUser),
		core.Handle("ResyncMFADevice", func(c *core.Call, in *deviceIn) (core.None, error) {
			_, err := i.deviceOf(c, in)
			return core.None{}, firstError(err, in.codes())
		}, onUser),
		core.Handle("DeactivateMFADevice", func(c *core.Call, in *deviceIn) (core.None, error) {
			d, err := i.deviceOf(c, in)
			if err != nil {
				return core.None{}, err
			}
			d.user, d.Enabled = nil, time.Time{}
			if !d.Virtual {
				i.of(c).mfa.drop(d.Serial)
			}
			return core.None{}, nil
		}, onUser),
		core.Handle("GetMFADevice", func(c *core.Call, in *deviceIn) (*deviceOut, error) {
			d, err := i.deviceOf(c, in)
			if err != nil {
				return nil, err
			}
			o := d.out()
			return &o, nil
		}, core.ReadOnly, onUser),
		core.Handle("ListMFADevices", func(c *core.Call, in *userListIn) (*devicesOut, error) {
			u, err := i.of(c).user(own(c, in.UserName))
			if err != nil {
				return nil, err
			}
			page, more, err := cut(bySerial(i.of(c).devicesOf(u)), serialKey, in.Paging)
			return &devicesOut{each(page, (*mfaDevice).out), more}, err
		}, core.ReadOnly, on(i, kindUser, (*userListIn).name)),
		core.Handle("ListVirtualMFADevices", i.listVirtual, core.ReadOnly),
	}
}

func (i *IAM) createVirtual(c *core.Call, in *createDeviceIn) (*oneVirtualOut, error) {
	v := (&check{}).name("VirtualMFADeviceName", in.VirtualMFADeviceName, 226).path("Path", in.Path)
	tags, err := tagSet(nil).with(in.Tags)
	if err := firstError(v.err, err); err != nil {
		return nil, err
	}
	a := i.of(c)
	serial := entityARN(a.id, "mfa", in.Path, in.VirtualMFADeviceName)
	if a.mfa.get(serial) != nil {
		return nil, exists("MFADevice entity at the same path and name already exists.")
	}
	a.mfa.put(serial, &mfaDevice{Serial: serial, Virtual: true, Created: c.Now, Tags: tags})
	seed := i.w.Base32(64)
	// Blobs are base64 on the wire; the seed is base32 text inside.
	return &oneVirtualOut{virtualOut{SerialNumber: serial, Base32StringSeed: blob(seed), QRCodePNG: blob("PNG " + seed), Tags: members[tag](tags)}}, nil
}

var mfaCode = regexp.MustCompile(`^\d{6}$`)

// codes checks the form of two codes; that they differ stands for that they
// follow each other, since the simulator reads no clock of a device.
func (in *deviceIn) codes() error {
	if !mfaCode.MatchString(in.AuthenticationCode1) || !mfaCode.MatchString(in.AuthenticationCode2) {
		return invalid("1 validation error detected: Value at 'authenticationCode1' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\d]+")
	}
	if in.AuthenticationCode1 == in.AuthenticationCode2 {
		return core.Errorf(403, "InvalidAuthenticationCode", "Authentication codes must be two consecutive ones.")
	}
	return nil
}

func (i *IAM) enableDevice(c *core.Call, in *deviceIn) (core.None, error) {
	a := i.of(c)
	u, err := a.user(in.UserName)
	if err := firstError(err, in.codes()); err != nil {
		return core.None{}, err
	}
	d := a.mfa.get(in.SerialNumber)
	switch {
	case d == nil && len(in.SerialNumber) > 0 && in.SerialNumber[:min(4, len(in.SerialNumber))] != "arn:":
		d = &mfaDevice{Serial: in.SerialNumber, Created: c.Now} // a hardware token
		a.mfa.put(d.Serial, d)
	case d == nil:
		return core.None{}, notFound("VirtualMFADevice with serial number %s doesn't exist.", in.SerialNumber)
	case d.user != nil:
		return core.None{}, exists("MFA Device is already in use.")
	}
	if len(a.devicesOf(u)) >= maxDevices {
		return core.None{}, overLimit("MFADevicesPerUser", maxDevices)
	}
	d.user, d.Enabled = u, c.Now
	return core.None{}, nil
}

func (i *IAM) deviceOf(c *core.Call, in *deviceIn) (*mfaDevice, error) {
	a := i.of(c)
	u, err := a.user(own(c, in.UserName))
	if err != nil {
		return nil, err
	}
	d := a.mfa.get(in.SerialNumber)
	if d == nil || d.user != u {
		return nil, notFound("MFA Device invalid for user.")
	}
	return d, nil
}

func (i *IAM) listVirtual(c *core.Call, in *listVirtualIn) (*virtualsOut, error) {
	all := slices.DeleteFunc(i.of(c).mfa.sorted(), func(d *mfaDevice) bool {
		return !d.Virtual || in.AssignmentStatus == "Assigned" && d.user == nil || in.AssignmentStatus == "Unassigned" && d.user != nil
	})
	page, more, err := cut(bySerial(all), serialKey, in.Paging)
	return &virtualsOut{each(page, func(d *mfaDevice) virtualOut {
		o := virtualOut{SerialNumber: d.Serial, EnableDate: core.Ptr(d.Enabled)}
		if d.user != nil {
			u := d.user.summary()
			o.User = &u
		}
		return o
	}), more}, err
}

// HasMFA reports whether a serial number and code are those of a device of the
// user, for STS.
func (i *IAM) HasMFA(accountID, userID, serial, code string) bool {
	d := i.account(accountID).mfa.get(serial)
	return d != nil && d.user != nil && d.user.ID == userID && mfaCode.MatchString(code)
}
