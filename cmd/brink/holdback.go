package main

import (
	"context"
	"log/slog"
	"sync"
)

// holdBack keeps records until the one of kind ready has gone through: the
// events of --log-format json begin with it, whoever logs before.
type holdBack struct {
	slog.Handler
	queue *heldRecords // shared by all that WithAttrs and WithGroup make
}

type heldRecords struct {
	mu      sync.Mutex // guards the fields below; held while records are written, which keeps their order
	isReady bool
	waiting []func() error
}

func newHoldBack(h slog.Handler) *holdBack { return &holdBack{h, &heldRecords{}} }

// WithAttrs implements slog.Handler.
func (h *holdBack) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &holdBack{h.Handler.WithAttrs(attrs), h.queue}
}

// WithGroup implements slog.Handler.
func (h *holdBack) WithGroup(name string) slog.Handler {
	return &holdBack{h.Handler.WithGroup(name), h.queue}
}

// Handle writes r, or keeps it. What is kept when brink ends without having
// been ready is dropped: the error that ended it says more.
func (h *holdBack) Handle(ctx context.Context, r slog.Record) error {
	q := h.queue
	q.mu.Lock()
	if q.isReady {
		q.mu.Unlock()
		return h.Handler.Handle(ctx, r)
	}
	defer q.mu.Unlock()
	if r.Message != eventReady {
		r = r.Clone()
		q.waiting = append(q.waiting, func() error { return h.Handler.Handle(context.WithoutCancel(ctx), r) })
		return nil
	}
	q.isReady = true
	err := h.Handler.Handle(ctx, r)
	for _, write := range q.waiting {
		_ = write() // as slog treats the errors of handlers
	}
	q.waiting = nil
	return err
}
