// Package tacho holds the domain words every room speaks: frames and stacks,
// samples and profiles, series and events, and the batch in which an agent
// hands them over. It imports the standard library only and contains no logic
// beyond what keeps the words canonical.
//
// Data flows one way:
//
//	record → wire → ingest → store → query → report → web
//
// Times are Unix nanoseconds (int64) in data and time.Time in questions.
// Ranges are half open: [From, Until).
package tacho
