package symbol

import (
	"slices"

	"tacho"
)

// Addresses of a few batches wait to be looked up; more are asked for again.
const (
	maxWanted      = 16
	maxWantedBatch = 1 << 14
)

// loaded is lookup in memory only. missing are places of known builds that were
// not looked up yet.
func (s *Store) loaded(places []place) (found map[place]tacho.Stack, missing []place) {
	found = make(map[place]tacho.Stack, len(places))
	s.mu.Lock()
	defer s.mu.Unlock()
	byName := map[string]bool{} // module → a file of its name is known: find looks at all of them
	for _, p := range places {
		if st, ok := s.cache[p]; ok {
			found[p] = st
			continue
		}
		known := s.byID[p.id] != nil
		if p.id == "" {
			var asked bool
			if known, asked = byName[p.module]; !asked {
				known = s.find("", p.module) != ""
				byName[p.module] = known
			}
		}
		if known && len(missing) < maxWantedBatch {
			missing = append(missing, p)
		}
	}
	return found, missing
}

// warm looks up what ResolveLoaded did not find, until Close.
func (s *Store) warm() {
	defer close(s.warmed)
	for {
		select {
		case <-s.stop:
			return
		case places := <-s.wanted:
			for part := range slices.Chunk(places, 1024) { // Close waits for one of these
				select {
				case <-s.stop:
					return
				default:
					s.lookup(part)
				}
			}
		}
	}
}
