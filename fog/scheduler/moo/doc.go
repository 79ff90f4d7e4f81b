// Package moo is a multi-objective optimiser: NSGA-II (Deb et al. 2002) and NSGA-III (Deb and Jain 2014) over any genome.
package moo
