package linalg

import "fmt"

// Mat is a strided view of a matrix: element (i, j) is Data[i*RowStride + j*ColStride]. Strides are in elements
// and not negative; a stride of 0 repeats a row or a column.
type Mat struct {
	Data                 []float32
	Rows, Cols           int
	RowStride, ColStride int
}

// RowMajor views the first rows*cols elements of data as a matrix, row after row.
func RowMajor(data []float32, rows, cols int) Mat {
	return Mat{Data: data, Rows: rows, Cols: cols, RowStride: cols, ColStride: 1}
}

// T is the transpose of m, a view of the same data.
func (m Mat) T() Mat {
	return Mat{Data: m.Data, Rows: m.Cols, Cols: m.Rows, RowStride: m.ColStride, ColStride: m.RowStride}
}

// check panics unless m, moved by offset elements, lies inside its data: assembly does not look.
func (m *Mat) check(name string, offset int) {
	checkView(name, m.Rows, m.Cols, m.RowStride, m.ColStride, offset, len(m.Data))
}

func checkView(name string, rows, cols, rowStride, colStride, offset, elements int) {
	if min(rows, cols, rowStride, colStride, offset) < 0 {
		panic(fmt.Sprintf("linalg: %s is %dx%d with strides %d, %d at offset %d: none may be negative",
			name, rows, cols, rowStride, colStride, offset))
	}
	if rows == 0 || cols == 0 {
		return
	}
	if last := offset + (rows-1)*rowStride + (cols-1)*colStride; last >= elements {
		panic(fmt.Sprintf("linalg: %s is %dx%d with strides %d, %d at offset %d and has only %d elements",
			name, rows, cols, rowStride, colStride, offset, elements))
	}
}
