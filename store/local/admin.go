package local

import "context"

// Compact rewrites everything stored into as few bytes as it takes.
func (s *Store) Compact(ctx context.Context) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.end()
	if err := s.flush(ctx); err != nil {
		return err
	}
	return s.compact(ctx, key{0}, key{0xff})
}

// Flush writes what is only in the log and in memory into tables.
func (s *Store) Flush(ctx context.Context) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.end()
	return s.flush(ctx)
}
