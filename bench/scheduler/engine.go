package scheduler

func engineFigures(s *Setting) []Figure { return nil }
