package client

import (
	"slices"
	"time"

	"google.golang.org/grpc/codes"

	siamesev1 "siamese/proto/siamese/v1"
)

// take notes one message of the server and returns what it has to tell. An error
// says that the message answers nothing that was asked.
func (s *session) take(response *siamesev1.StreamCompareResponse) ([]Update, error) {
	s.live.mu.Lock()
	defer s.live.mu.Unlock()
	updates, err := s.answersLocked(response)
	if len(s.flights)+len(s.changes) == 0 {
		s.overdue.Stop()
	} else {
		s.overdue.Reset(s.live.config.AnswerTimeout)
	}
	return updates, err
}

func (s *session) answersLocked(response *siamesev1.StreamCompareResponse) ([]Update, error) {
	switch m := response.GetMessage().(type) {
	case *siamesev1.StreamCompareResponse_FrameScored:
		return s.scoredLocked(m.FrameScored)
	case *siamesev1.StreamCompareResponse_FramesDropped:
		return s.droppedLocked(m.FramesDropped.GetIds())
	case *siamesev1.StreamCompareResponse_ReferenceSet:
		return s.referenceSetLocked(m.ReferenceSet)
	case *siamesev1.StreamCompareResponse_ReferenceDropped:
		return nil, s.referenceTakenLocked(m.ReferenceDropped.GetName())
	case *siamesev1.StreamCompareResponse_ItemFailed:
		failure := newItemError(m.ItemFailed.GetError())
		switch item := m.ItemFailed.GetItem().(type) {
		case *siamesev1.ItemFailed_Id:
			return s.frameFailedLocked(item.Id, failure)
		case *siamesev1.ItemFailed_Reference:
			return s.referenceFailedLocked(item.Reference, failure)
		}
		return nil, failure // of a message that the server did not understand
	}
	return nil, nil
}

func (s *session) scoredLocked(m *siamesev1.FrameScored) ([]Update, error) {
	landed, err := s.landLocked(m.GetId())
	if err != nil {
		return nil, err
	}
	s.answered = true
	s.live.stats.Scored++
	result := s.result(landed)
	result.Scores, result.Timings = newScores(m.GetScores(), s.model), newTimings(m.GetTimings())
	result.Familiarity, result.Warning = newFamiliarity(m.GetFamiliarity()), m.GetWarning()
	s.live.log.Debug("frame scored", "frame", landed.id, "lag_ms", result.Received.Sub(result.Captured).Milliseconds())
	return []Update{{Result: result}}, nil
}

func (s *session) droppedLocked(ids []uint64) ([]Update, error) {
	var updates []Update
	for _, id := range ids {
		landed, err := s.landLocked(id)
		if err != nil {
			return updates, err
		}
		s.live.stats.DroppedByServer++
		result := s.result(landed)
		result.Dropped = true
		updates = append(updates, Update{Result: result})
	}
	return updates, nil
}

func (s *session) frameFailedLocked(id uint64, failure *Error) ([]Update, error) {
	landed, err := s.landLocked(id)
	if err != nil {
		return nil, err
	}
	s.answered = true
	return []Update{s.failLocked(landed, failure)}, nil
}

func (s *session) failLocked(landed flight, failure *Error) Update {
	s.live.stats.Failed++
	result := s.result(landed)
	result.Err = failure
	s.live.log.Debug("frame failed", "frame", landed.id, "err", failure)
	return Update{Result: result}
}

// result is what all results have.
func (s *session) result(landed flight) *Result {
	return &Result{
		FrameID: landed.id, Captured: landed.captured, Sent: landed.sent, Received: time.Now(),
		Threshold: s.threshold,
	}
}

// landLocked takes a frame out of those in flight.
func (s *session) landLocked(id uint64) (flight, error) {
	i := slices.IndexFunc(s.flights, func(f flight) bool { return uint64(f.id) == id })
	if i < 0 {
		return flight{}, unexpected("an answer to frame %d, which is not in flight", int64(id))
	}
	landed := s.flights[i]
	s.flights = slices.Delete(s.flights, i, i+1)
	return landed, nil
}

func (s *session) referenceSetLocked(m *siamesev1.ReferenceSet) ([]Update, error) {
	if err := s.referenceTakenLocked(m.GetName()); err != nil {
		return nil, err
	}
	return []Update{{ReferenceSet: &ReferenceSet{
		Name: m.GetName(), Familiarity: newFamiliarity(m.GetFamiliarity()), Warning: m.GetWarning(),
	}}}, nil
}

func (s *session) referenceTakenLocked(name string) error {
	change, err := s.changedLocked(name)
	if err != nil {
		return err
	}
	s.live.references.taken(change)
	return nil
}

func (s *session) referenceFailedLocked(name string, failure *Error) ([]Update, error) {
	change, err := s.changedLocked(name)
	if err != nil {
		return nil, err
	}
	return s.refuseLocked(change, failure, failure.lasting()), nil
}

// refuseLocked notes a reference that the server did not take. A drop that
// failed is not reported: what it was to drop had failed before.
func (s *session) refuseLocked(change referenceChange, failure *Error, lasting bool) []Update {
	s.live.references.failed(change, lasting)
	if change.held == nil {
		return nil
	}
	s.live.log.Warn("reference not taken", "reference", change.name, "err", failure)
	return []Update{{ReferenceError: &ReferenceError{Name: change.name, Err: failure}}}
}

// changedLocked takes the oldest change out of those in flight; it must be
// name's, since the server keeps the order.
func (s *session) changedLocked(name string) (referenceChange, error) {
	if len(s.changes) == 0 || s.changes[0].name != name {
		return referenceChange{}, unexpected("an answer about reference %q, which is not in flight", name)
	}
	change := s.changes[0]
	s.changes = slices.Delete(s.changes, 0, 1)
	return change, nil
}

// end fails the frames that were in flight when the stream ended. References
// in flight are sent again on the next stream.
func (s *session) end(err *Error) {
	for _, update := range s.abandon(err) {
		s.live.emit(update)
	}
}

func (s *session) abandon(err *Error) []Update {
	s.live.mu.Lock()
	defer s.live.mu.Unlock()
	var updates []Update
	if guilty, ok := s.tooLargeLocked(err); ok {
		updates = s.refuseLocked(guilty, err, true)
	}
	for _, lost := range s.flights {
		updates = append(updates, s.failLocked(lost, err))
	}
	s.flights, s.changes = nil, nil
	return updates
}

// tooLargeLocked returns the reference that ended the stream by its size. A
// message over the server's limit is refused by gRPC itself, without a word on
// which it was, and would end every stream to come. Of all that is in flight the
// largest is over the limit if anything is; a frame is not sent again anyhow.
func (s *session) tooLargeLocked(err *Error) (referenceChange, bool) {
	var largest referenceChange
	if err.Code != codes.ResourceExhausted || err.Reason != "" {
		return largest, false
	}
	for _, change := range s.changes {
		if change.imageBytes() > largest.imageBytes() {
			largest = change
		}
	}
	for _, frame := range s.flights {
		if frame.imageBytes >= largest.imageBytes() {
			return referenceChange{}, false
		}
	}
	return largest, largest.held != nil
}
