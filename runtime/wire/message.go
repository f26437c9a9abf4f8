package wire

import (
	"encoding/json"
	"time"
)

// Version is the protocol version that this package speaks.
const Version = 1

// The variables a worker is started with.
const (
	EnvProtocol      = "BRINK_PROTOCOL"       // "1"
	EnvHTTPSocket    = "BRINK_HTTP_SOCKET"    // path of the Unix socket to serve HTTP/1.1 on
	EnvControlSocket = "BRINK_CONTROL_SOCKET" // path of the Unix socket to connect to
)

// HeaderRequestID carries the request's id from the gateway to the worker. The
// worker's side removes it before the function sees the request.
const HeaderRequestID = "X-Brink-Request-Id"

// Type names a message.
type Type string

// Worker to host.
const (
	TypeHello    Type = "hello"    // first message: Protocol, PID
	TypeWaiting  Type = "waiting"  // at the gate: no user code was read yet
	TypeReady    Type = "ready"    // it accepts requests; sent once
	TypeLoaded   Type = "loaded"   // the user's module was evaluated; Serving says whether anything listens
	TypeLog      Type = "log"      // Level, Text, RequestID, Time
	TypeTasks    Type = "tasks"    // Pending: background tasks (waitUntil) not settled yet
	TypeMemory   Type = "memory"   // Heap, External in bytes
	TypeFault    Type = "fault"    // Phase, Name, Text, Stack: the user's code failed
	TypeDraining Type = "draining" // answer to drain: its handlers were told
	TypeClosing  Type = "closing"  // answer to beforeunload: the synchronous part of its listeners has returned
)

// Host to worker.
const (
	TypeGo           Type = "go"           // open the gate: Env, Options
	TypeBeforeUnload Type = "beforeunload" // Reason, as Event.detail.reason spells it
	TypeDrain        Type = "drain"        // Reason; finish what is there, nothing new will come
	TypeSample       Type = "sample"       // asks for a memory message
)

// Phase says where the user's code failed.
type Phase string

// The phases.
const (
	PhaseLoad     Phase = "load"     // parse, resolve, link, build: BOOT_ERROR when hosted
	PhaseEvaluate Phase = "evaluate" // top level: WORKER_ERROR when hosted
	PhaseRun      Phase = "run"      // uncaught later on
)

// Level is the severity of a console line.
type Level string

// The levels, as the hosted runtime's Log event has them.
const (
	LevelDebug Level = "debug"
	LevelInfo  Level = "info"
	LevelWarn  Level = "warning"
	LevelError Level = "error"
)

// Message is one line of the protocol. Only the fields that its Type names are
// set; the others are left out of the line.
type Message struct {
	Type Type `json:"type"`

	Protocol int `json:"protocol,omitempty"`
	PID      int `json:"pid,omitempty"`

	Serving bool `json:"serving,omitempty"`

	Level     Level     `json:"level,omitempty"`
	Text      string    `json:"message,omitempty"`
	RequestID string    `json:"request_id,omitempty"`
	Time      time.Time `json:"time,omitzero"`

	Pending int `json:"pending,omitempty"`

	Heap     int64 `json:"heap,omitempty"`
	External int64 `json:"external,omitempty"`

	Phase Phase  `json:"phase,omitempty"`
	Name  string `json:"name,omitempty"`
	Stack string `json:"stack,omitempty"`

	Env     map[string]string `json:"env,omitempty"`
	Options json.RawMessage   `json:"options,omitempty"` // for this kind of worker only; opaque to the host

	Reason string `json:"reason,omitempty"`
}
