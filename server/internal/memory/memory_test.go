package memory_test

import (
	"testing"

	"siamese/server/internal/memory"
)

func newBudget(t *testing.T, size int64) *memory.Budget {
	t.Helper()
	b, err := memory.NewBudget(size)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestMessagesTakeAtMostHalf(t *testing.T) {
	b := newBudget(t, 100)
	if !b.TakeMessage(50) {
		t.Error("TakeMessage(50) of 100 = false, want true")
	}
	if b.TakeMessage(1) {
		t.Error("TakeMessage(1) beside 50 of 100 = true, want false: the rest is for decoding")
	}
	if !b.Take(50) {
		t.Error("Take(50) beside 50 of messages = false, want true")
	}
	if b.Take(1) {
		t.Error("Take(1) of a full budget = true, want false")
	}
	if got := b.Used(); got != 100 {
		t.Errorf("Used() = %d, want 100", got)
	}
	b.ReleaseMessage(50)
	b.Release(50)
	if got := b.Used(); got != 0 {
		t.Errorf("Used() after all is given back = %d, want 0", got)
	}
}

// Whatever is decoded, a call can come in.
func TestDecodingTakesAtMostThreeQuarters(t *testing.T) {
	b := newBudget(t, 100)
	if !b.Take(b.Most()) || !b.Take(25) || b.Take(1) {
		t.Error("Take(50), Take(25), Take(1) of 100 want true, true, false")
	}
	if !b.TakeMessage(25) || b.TakeMessage(1) {
		t.Error("TakeMessage(25), TakeMessage(1) beside 75 of 100 want true, false")
	}
	b.Release(75)
	if !b.TakeMessage(25) {
		t.Error("TakeMessage(25) once decoding has ended = false, want true")
	}
}

func TestWhoWaitsIsToldOfWhatIsFreed(t *testing.T) {
	b := newBudget(t, 100)
	told := 0
	b.OnFreed(func() {
		told++
		if !b.Take(75) {
			t.Error("Take of what was freed = false, want true")
		}
		b.OnFreed(func() { told++ })
	})
	b.Take(60)
	b.Release(60)
	b.Release(75)
	b.TakeMessage(10)
	b.ReleaseMessage(10)
	if told != 3 {
		t.Errorf("told %d times, want 3", told)
	}
}

func TestNewBudgetRefuses(t *testing.T) {
	if _, err := memory.NewBudget(1); err == nil {
		t.Error("NewBudget(1) = nil error, want one")
	}
}

func TestAccount(t *testing.T) {
	b := newBudget(t, 1000) // 500 for messages, 250 of one caller
	share := new(memory.Share)
	one, two, other := b.NewAccount(0, share), b.NewAccount(0, share), b.NewAccount(100, nil)
	if !one.Take(200) || !two.Fits(50) || !two.Take(50) || two.Fits(1) || !other.Take(100) {
		t.Error("what fits was refused, or Fits told wrong")
	}
	if b.Used() != 350 {
		t.Fatalf("Used() = %d, want 350", b.Used())
	}
	select {
	case <-two.Refused():
		t.Fatal("Refused is closed by Fits")
	default:
	}
	if two.Take(1) {
		t.Error("Take beyond the caller's share = true")
	}
	<-two.Refused()
	if other.Take(1) {
		t.Error("Take beyond the account's limit = true")
	}
	one.Give(50)
	one.Keep(100)
	if b.Used() != 250 {
		t.Errorf("Used() = %d after Give and Keep, want 250", b.Used())
	}
	if one.Closed() {
		t.Error("Closed() = true of an account that is open")
	}
	for range 2 {
		one.Close()
		two.Close()
		other.Close()
	}
	if !one.Closed() || two.Closed() {
		t.Errorf("Closed() = %t, and %t of the account that was refused before, want true, false", one.Closed(), two.Closed())
	}
	if b.Used() != 0 || one.Take(1) {
		t.Errorf("Used() = %d after all accounts are closed, want 0 and nothing taken", b.Used())
	}
	if !b.NewAccount(0, share).Take(250) {
		t.Error("the caller's share did not come back")
	}
}

// However many callers hold what they get, another one finds room.
func TestCallersLeaveRoomForOthers(t *testing.T) {
	b := newBudget(t, 2048) // 1024 for messages
	for i, want := range []int64{512, 256, 128, 64} {
		a := b.NewAccount(0, &memory.Share{})
		if a.Fits(want + 1) {
			t.Errorf("caller %d may take %d bytes, want %d at most", i, want+1, want)
		}
		if !a.Take(want) {
			t.Errorf("caller %d may not take %d bytes", i, want)
		}
	}
}
