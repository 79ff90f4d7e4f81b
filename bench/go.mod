module github.com/fogcompute/fogcompute/bench

go 1.26.0

require github.com/fogcompute/fogcompute v0.0.0

replace github.com/fogcompute/fogcompute => ../
