// Package wire is the worker protocol, version 1, host and worker side: JSON
// lines over a Unix socket between brink and one worker process.
//
// A worker is any executable started with [EnvProtocol], [EnvHTTPSocket] and
// [EnvControlSocket]. It serves HTTP/1.1 on the first socket and connects to
// the second, where the supervisor listens:
//
//	worker -> host   hello{protocol,pid}  waiting{}  loaded{serving}  ready{}
//	                 log{level,message,request_id,time}  tasks{pending}
//	                 memory{heap,external}  fault{phase,name,message,stack}
//	                 draining{}  closing{}
//	host -> worker   go{env,options}  beforeunload{reason}  drain{reason}  sample{}
//
// An unknown message is ignored; another protocol version is refused with the
// fix. When the control connection ends, the worker exits: no supervisor, no
// worker. The package owns messages and framing and nothing else: it starts no
// process, opens no socket and logs nothing.
//
// It imports only the standard library, and [Source] carries its own text, so
// that a worker written in Go is built with the very same code.
//
// Read [Message] first, then [Conn].
package wire
