package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"tacho"
	"tacho/store"
)

// concurrent appends from several goroutines, two of them into one service,
// while others ask and roll-ups run. Each append is acknowledged before the next, so
// a question may never see less than was acknowledged before it began.
func concurrent(b *bench) {
	const writers, rounds = 4, 25
	var wg sync.WaitGroup
	var mu sync.Mutex
	acked := map[string]int64{}
	stop := make(chan struct{})
	name := func(w int) string { return fmt.Sprint("svc", w/2) }
	for w := range writers {
		wg.Go(func() {
			target := tacho.NewLabels(map[string]string{tacho.LabelService: name(w), tacho.LabelInstance: fmt.Sprint(w)})
			for r := range rounds {
				x := tacho.NewBuilder()
				when := Epoch.Add(-time.Duration(r) * 7 * time.Second)
				x.Sample(tacho.CPU, tacho.Sample{
					Time: when.UnixNano(), Value: 1, Thread: x.Thread(thread1),
					Stack: x.Stack(tacho.Stack{{Function: fmt.Sprint("f", w, ".", r)}, fMain}),
				})
				err := b.st.Append(context.Background(), "", []*tacho.Batch{x.Take(target, "jvm", when.UnixNano(), when.UnixNano()+1, uint64(r))})
				if err != nil {
					b.Errorf("append: %v", err)
					return
				}
				mu.Lock()
				acked[name(w)]++
				mu.Unlock()
			}
		})
	}
	total := func(svc string) int64 {
		m, err := b.st.Merge(context.Background(), store.Selection{Service: svc, Type: "cpu", From: Epoch.Add(-time.Hour), Until: Epoch.Add(time.Hour)})
		if errors.Is(err, store.ErrUnknownService) {
			return 0
		}
		if err != nil {
			b.Errorf("merge: %v", err)
			return 0
		}
		var sum int64
		for _, v := range sums(m) {
			sum += v
		}
		return sum
	}
	var readers sync.WaitGroup
	for r := range 2 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				svc := fmt.Sprint("svc", r)
				mu.Lock()
				least := acked[svc]
				mu.Unlock()
				if got := total(svc); got < least {
					b.Errorf("%s: %d after %d were acknowledged", svc, got, least)
					return
				}
			}
		})
	}
	readers.Go(func() {
		for range 10 {
			b.advance(time.Minute)
			b.settle()
		}
	})
	wg.Wait()
	close(stop)
	readers.Wait()
	for svc := range acked {
		if got := total(svc); got != writers/2*rounds {
			b.Errorf("%s: %d in the end, want %d", svc, got, writers/2*rounds)
		}
	}
}
