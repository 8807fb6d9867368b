// Package s3 is the simulated Amazon S3: buckets, object versions, multipart
// uploads, bucket configuration, and the account's public access block of S3
// Control. It speaks restXml to unmodified clients, path style and virtual-host
// style.
//
// Invariants:
//   - A bucket name exists once in the world, whoever owns it and wherever it
//     lies; everything in a bucket hangs on it and nowhere else.
//   - An object version that object lock protects goes by no operation.
//   - Object bodies are in memory and never larger than Options.MaxObject.
//   - All state is touched with the world's lock held, by the pipeline.
//
// Where to look: route.go turns a request into an operation, ops.go lists the
// operations with what they must be allowed, configs.go the bucket
// subresources, list.go the one listing algorithm, access.go what policies and
// ACLs grant.
package s3
