// Package webhook delivers events to those who asked for them, by Standard
// Webhooks (https://www.standardwebhooks.com).
//
// A webhook belongs to an owner, or to nobody: then it is the operators' and
// sees every event. One webhook of each owner has no URL of its own; its secrets
// sign the calls to the callback URLs of single labs. An event on its way to a
// webhook is a delivery. Each attempt at it is a task.
//
// Package events calls [Service.Deliver] with every event of a session, in its
// Config.Deliver; [fleet.Event.Callback] names the lab's callback URL.
//
// Invariants:
//   - An event is delivered at least once, with the event's id as webhook-id on
//     every attempt and redelivery: a receiver that remembers ids sees it once.
//   - A secret is shown once, is stored sealed for its webhook, and is in no
//     error, payload or log. Nothing of a receiver's answer is kept but its status.
//   - No request goes to an address that is not public, unless the configuration
//     admits it. The address is judged as it is dialled, so neither names nor
//     redirects nor a change of DNS lead into the inner network; and the errors
//     that are kept tell nothing of that network.
//   - Where a delivery stands is in its document alone. A task names delivery and
//     attempt; one that comes late or twice finds another number and does nothing.
package webhook
