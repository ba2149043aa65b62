//go:build !amd64 || noasm

package linalg

func mapTiles(TileMap, *tiles) bool { return false }
