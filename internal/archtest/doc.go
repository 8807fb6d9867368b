// Package archtest holds tests of the repository itself: who may import whom,
// what every package and file must have, and that the pages and the files of
// deploy/ say what is so. There is no code to import.
package archtest
