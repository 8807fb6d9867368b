// Package cloudwatch simulates Amazon CloudWatch: metrics with simple
// statistics, metric and composite alarms with their history, dashboards. It is
// spoken to in CBOR by current SDKs, in JSON by some, and in the query protocol
// by older ones.
//
// Invariants:
//   - Alarm states follow from the data: they are looked at anew once per
//     period, on the next call in the account and Region.
//   - Dashboards belong to the account and show in every Region.
//   - Metric math and other expressions are refused, never evaluated wrongly.
package cloudwatch
