// Package line puts a straight line through points.
package line

// Fit is a straight line through points by least squares.
type Fit struct {
	Slope float64
	// MeanX and MeanY are the means of the points, through which the line goes, and XX is
	// the sum of the squared distances from MeanX.
	MeanX, MeanY, XX float64
}

// Through is the line through the points. It reports false where they have no single line:
// fewer than two, or all above each other.
func Through(x, y []float64) (f Fit, ok bool) {
	if len(x) < 2 || len(x) != len(y) {
		return Fit{}, false
	}
	n := float64(len(x))
	for i := range x {
		f.MeanX, f.MeanY = f.MeanX+x[i]/n, f.MeanY+y[i]/n
	}
	xy := 0.0
	for i := range x {
		f.XX += (x[i] - f.MeanX) * (x[i] - f.MeanX)
		xy += (x[i] - f.MeanX) * (y[i] - f.MeanY)
	}
	if f.XX == 0 {
		return Fit{}, false
	}
	f.Slope = xy / f.XX
	return f, true
}

// Residual is how far the point lies above the line.
func (f Fit) Residual(x, y float64) float64 { return y - f.MeanY - f.Slope*(x-f.MeanX) }
