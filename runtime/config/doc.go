// Package config turns config.toml, brink.toml, env files, environment and
// flags into one validated value. It reads files and starts nothing. All faults
// are reported at once, each with file, line, key, value and what is allowed.
//
// Read [Config] first: what the rest of brink sees. [Load] makes one.
package config
