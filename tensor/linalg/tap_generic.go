package linalg

import "unsafe"

func tapSumsGeneric(dst *float32, n int, x, w *float32, offsets *int32, count int, bias float32) {
	y, weights, from := unsafe.Slice(dst, n), unsafe.Slice(w, count), unsafe.Slice(offsets, count)
	for i := range y {
		y[i] = bias
	}
	for t, f := range weights {
		row := unsafe.Slice((*float32)(unsafe.Add(unsafe.Pointer(x), 4*int(from[t]))), n)
		for i, v := range row {
			y[i] += float32(f * v)
		}
	}
}

func tapDotsGeneric(sums, y *float32, n int, x *float32, offsets *int32, count int) {
	dy := unsafe.Slice(y, n)
	for t, at := range unsafe.Slice(offsets, count) {
		row := unsafe.Slice((*float32)(unsafe.Add(unsafe.Pointer(x), 4*int(at))), n)
		lanes := unsafe.Slice((*float32)(unsafe.Add(unsafe.Pointer(sums), 4*TapLanes*t)), TapLanes)
		for i := 0; i < n; i += TapLanes {
			for k := range lanes {
				lanes[k] += float32(dy[i+k] * row[i+k])
			}
		}
	}
}
