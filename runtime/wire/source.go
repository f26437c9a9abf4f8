package wire

import "embed"

// Source holds the package's own Go files that a Go worker needs. They import
// nothing but the standard library.
//
//go:embed doc.go message.go conn.go
var Source embed.FS
