package policy

// signInAction makes a session of the student's own user, with which AWS opens
// its console without a password.
const signInAction = "sts:GetFederationToken"

// signIn lets the student's key make such a session under the user's own name,
// where the lab has a console. The fleet makes the link with it. A student who
// does the same wins nothing: "the resulting session's permissions are the
// intersection of the user's identity-based policy and the session policies" (IAM
// User Guide, Permissions for GetFederationToken), the user's boundary bounds it,
// and all of them are looked at on every call. The boundary's end and the freeze
// therefore end it too, however long its token lasts.
func (in *Input) signIn() []statement {
	if !in.LabType.Console {
		return nil
	}
	return []statement{{Sid: "KMLSignIn", Effect: effectAllow, Action: list{signInAction},
		Resource: list{"arn:" + in.partition() + ":sts::" + in.Account + ":federated-user/" + in.UserName}, from: "console"}}
}
