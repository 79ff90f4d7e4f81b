package blob

import (
	"context"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// Keep makes sure that blobs of the caller's tenant stay for at least three quarters of the grace from now, and returns
// those that the tenant does not have. It writes only where the last use is old, so keeping the same blob a thousand times
// a second costs one lookup each.
func (s *Store) Keep(ctx context.Context, digests []Digest) (missing []Digest, err error) {
	const op = "blob.keep"
	for _, d := range digests {
		info, err := s.find(ctx, op, d)
		switch {
		case fault.KindOf(err) == fault.NotFound:
			missing = append(missing, d)
			continue
		case err != nil:
			return nil, err
		case !s.files.has(info):
			missing = append(missing, d)
			continue
		}
		s.used(ctx, info)
	}
	return missing, nil
}
