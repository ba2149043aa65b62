// Package arch holds the packages to the table of allowed imports.
package arch
