package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"
)

// asker asks a server.
type asker struct {
	*server
	g       *generator
	service string
	end     int // of the data, in minutes after start
	buf     []byte
}

// took is what the answers to a question cost, one element a round.
type took struct{ cpu, wall []time.Duration }

// ask puts a question once and checks the answer; checking does not count.
func (a *asker) ask(ctx context.Context, q question, until int) (cpu, wall time.Duration, err error) {
	x := q.of(a.g, a.service, until)
	for i, path := range x.paths {
		settle()
		before, err := processCPU()
		if err != nil {
			return 0, 0, err
		}
		began := time.Now()
		status, body, err := a.get(ctx, path, a.buf)
		if err != nil {
			return 0, 0, err
		}
		wall += time.Since(began)
		settle()
		after, err := processCPU()
		if err != nil {
			return 0, 0, err
		}
		cpu += after - before
		a.buf = body
		if status != http.StatusOK {
			return 0, 0, fmt.Errorf("%s: %d: %.300s", q.name, status, body)
		}
		if err := q.check(a.g, x, i, body); err != nil {
			return 0, 0, err
		}
	}
	return cpu, wall, nil
}

// turn is one question to one server; those of a run are put in turns, so that
// the machine's moods hit all alike.
type turn struct {
	*asker
	question
	took
}

// inTurns asks all questions for some rounds, after one that does not count.
// Every round ends at another minute within the last hour of the data, as a
// page does that is looked at now and then: its range begins and ends inside an
// hour and inside a day.
func inTurns(ctx context.Context, turns []*turn, rounds int) error {
	rng := rand.New(rand.NewPCG(seed, 2))
	for round := range rounds + 1 {
		back := rng.IntN(60)
		for _, t := range turns {
			cpu, wall, err := t.ask(ctx, t.question, t.end-min(back, t.end-1))
			if err != nil {
				return err
			}
			if round > 0 {
				t.cpu, t.wall = append(t.cpu, cpu), append(t.wall, wall)
			}
		}
	}
	return nil
}

// print writes the four figures of a question.
func (t *turn) print(p *printer, name string) error {
	for _, f := range []struct {
		name  string
		value time.Duration
	}{
		{"_ms", quantile(t.cpu, 0.5)}, {"_ms_p99", quantile(t.cpu, 0.99)},
		{"_wall_ms", quantile(t.wall, 0.5)}, {"_wall_ms_p99", quantile(t.wall, 0.99)},
	} {
		if err := p.figure(name+f.name, millis(f.value), "ms"); err != nil {
			return err
		}
	}
	return nil
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// quantile is the smallest value that a share q of the values does not exceed.
func quantile(v []time.Duration, q float64) time.Duration {
	s := slices.Sorted(slices.Values(v))
	return s[max(int(float64(len(s))*q+0.999999)-1, 0)]
}
