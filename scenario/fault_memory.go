package scenario

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/queuedyno/queuedyno/internal/literal"
)

// MemoryLimit is a limit of the server's memory: one of the two fields.
type MemoryLimit struct {
	// Bytes is the limit itself.
	Bytes int64 `json:"bytes,omitempty"`
	// Percent is the limit as a share of the memory that the server uses when the limit is
	// set: 80 leaves a fifth too little, 110 leaves a tenth of it free.
	Percent float64 `json:"percent,omitempty"`
}

// maxPercent bounds the limit as a share.
const maxPercent = 10_000

// parseMemoryLimit reads a limit of memory: "2MiB", "500KB", or "80%" of the memory in
// use.
func parseMemoryLimit(text string) (m MemoryLimit, err error) {
	share, percent := strings.CutSuffix(strings.TrimSpace(text), "%")
	if !percent {
		m.Bytes, err = literal.Bytes(text)
		return m, err
	}
	if m.Percent, err = literal.Number(share); err != nil || !(m.Percent > 0 && m.Percent <= maxPercent) {
		return MemoryLimit{}, fmt.Errorf("%q is not a share of the memory in use; write it like 80%%", text)
	}
	return m, nil
}

// String is the limit as a fault has it: "2MiB" or "80%".
func (m MemoryLimit) String() string {
	if m.Percent != 0 {
		return strconv.FormatFloat(m.Percent, 'f', -1, 64) + "%"
	}
	return literal.BytesText(m.Bytes)
}

// Of is the limit in bytes for a server that uses so much memory. It is at least 1: to
// Redis, 0 means no limit.
func (m MemoryLimit) Of(used int64) int64 {
	if m.Percent != 0 {
		return max(1, int64(float64(used)*m.Percent/100))
	}
	return max(1, m.Bytes)
}

// memory checks the limit of a fault.
func (v *validator) memory(field string, f Fault) {
	m := f.Memory
	switch {
	case f.Kind != MemoryFault || m == MemoryLimit{}:
	case m.Bytes != 0 && m.Percent != 0:
		v.fault(field+".to", "%d bytes and %v%% are two limits; give one", m.Bytes, m.Percent)
	case m.Bytes < 0 || m.Percent < 0 || m.Percent > maxPercent:
		v.fault(field+".to", "%s is not a size such as 2MiB, nor a share of the memory in use such as 80%%", m)
	}
}
