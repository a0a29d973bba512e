package embedded

// MemoryBytes returns what the indexes of all galleries that are searched have in memory,
// in bytes. One that is being built or written to is waited for.
func (s *Store) MemoryBytes() int64 {
	s.mu.Lock()
	handles := make([]*handle, 0, len(s.handles))
	for _, h := range s.handles {
		handles = append(handles, h)
	}
	s.mu.Unlock()
	var bytes int64
	for _, h := range handles {
		bytes += h.memoryBytes()
	}
	return bytes
}

func (h *handle) memoryBytes() int64 {
	h.mu.RLock()
	defer h.mu.RUnlock()
	if h.file == nil {
		return 0
	}
	h.file.mu.RLock()
	defer h.file.mu.RUnlock()
	if h.file.live == nil {
		return 0
	}
	return h.file.live.index.Bytes()
}
