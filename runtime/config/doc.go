// Package config turns config.toml, brink.toml, env files, environment and
// flags into one validated value. It reads files, never writes, and starts
// nothing. All faults are reported at once, each with file, line, key, value
// and what is allowed; text from env files and keys is never repeated.
//
// Read [Config] first: what the rest of brink sees. [Load] makes one, over
// [Default].
//
// # Precedence
//
// A setting comes from the first of these that has it: its flag, the
// environment, brink.toml, config.toml, [Default]. The environment is that of
// the process and, behind it, the .env files beside config.toml and up to the
// project's root, which also serve env(NAME) in both files. Supabase's keys are
// named by their path (SUPABASE_API_PORT, SUPABASE_FUNCTIONS_HELLO_VERIFY_JWT),
// brink's own BRINK_<KEY> and BRINK_FUNCTIONS_<NAME>_<KEY>. Within the
// environment, and within the files together, what is said for one function
// beats what is said for all; a flag beats both.
//
// # Quantities
//
// A duration is a Go duration in a string ("400s", "1m30s", "1500ms"), or a
// number: seconds for wall_clock, idle_timeout and drain_timeout, milliseconds
// for cpu_soft and cpu_hard. 0 turns a time limit off. A size is a string
// ("256MB", "1GiB") or a number of MB; its units are binary, however written.
package config
